//! What is read of the table when a message speaks of a piece; see [`Fetch`].

use super::PieceTable;
use crate::fetch::Fetch;
use crate::geometry::{Block, PieceIndex};

impl PieceTable {
    /// What is read when a neighbour has the piece.
    #[inline]
    pub(in crate::peer) fn fetch_have<F: Fetch>(&self, slot: usize, piece: PieceIndex) {
        if let Some(offset) = self.offset(piece) {
            F::item(self.have.words(), offset / 64);
            F::item(self.selectable.words(), offset / 64);
            F::item(&self.candidates, slot);
            self.owners.fetch::<F>(offset, slot);
        }
    }

    /// What is read to learn whether it is here.
    #[inline]
    pub(in crate::peer) fn fetch_held<F: Fetch>(&self, piece: PieceIndex) {
        if let Some(offset) = self.offset(piece) {
            F::item(self.have.words(), offset / 64);
        }
    }

    /// What is read to learn who has the piece, and whether it is asked for.
    #[inline]
    pub(in crate::peer) fn fetch<F: Fetch>(&self, slot: usize, piece: PieceIndex) {
        if let Some(offset) = self.offset(piece) {
            F::item(self.have.words(), offset / 64);
            F::item(self.selectable.words(), offset / 64);
            self.started.fetch::<F>(offset);
            F::item(&self.candidates, slot);
            self.owners.fetch::<F>(offset, slot);
        }
    }

    /// One block of the piece is missing, or on its way to storage.
    #[inline]
    pub(in crate::peer) fn is_last(&self, piece: PieceIndex) -> bool {
        let offset = self.offset(piece);
        offset.is_some_and(|offset| self.started.unstored(offset) == 1)
    }

    /// Then, how far this block of it is.
    #[inline]
    pub(in crate::peer) fn fetch_block<F: Fetch>(&self, block: Block) {
        if let Some(offset) = self.offset(block.piece) {
            let index = block.begin / self.geometry.block_length();
            self.started.fetch_block::<F>(offset, index as usize);
        }
    }
}
