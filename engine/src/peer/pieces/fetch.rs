//! What is read of the table when a message speaks of a piece; see [`Fetch`].

use super::PieceTable;
use crate::fetch::Fetch;
use crate::geometry::PieceIndex;

impl PieceTable {
    /// What is read when a neighbour has the piece.
    #[inline]
    pub(in crate::peer) fn fetch_have<F: Fetch>(&self, slot: usize, piece: PieceIndex) {
        if let Some(offset) = self.offset(piece) {
            F::item(self.have.words(), offset / 64);
            F::item(&self.candidates, slot);
            self.owners.fetch::<F>(offset, slot);
        }
    }

    /// What is read to learn who has the piece, and whether it is asked for.
    #[inline]
    pub(in crate::peer) fn fetch<F: Fetch>(&self, slot: usize, piece: PieceIndex) {
        if let Some(offset) = self.offset(piece) {
            F::item(self.have.words(), offset / 64);
            F::item(self.selectable.words(), offset / 64);
            F::item(&self.started_at, offset);
            self.owners.fetch::<F>(offset, slot);
        }
    }

    /// Then, what is asked of the piece, if it is started.
    #[inline]
    pub(in crate::peer) fn fetch_started<F: Fetch>(&self, piece: PieceIndex) {
        if let Some(offset) = self.offset(piece) {
            F::item(&self.started, usize::from(self.started_at[offset]));
        }
    }

    /// And its blocks.
    #[inline]
    pub(in crate::peer) fn fetch_blocks<F: Fetch>(&self, piece: PieceIndex) {
        if let Some(offset) = self.offset(piece)
            && let Some(started) = self.entry(offset)
        {
            F::item(&started.blocks, 0);
        }
    }
}
