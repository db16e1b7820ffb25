//! The piece table: what is here, what is on its way, what is rare.
//!
//! Owns the state of every piece and block of the window. Knows nothing of neighbours but which
//! slots have a piece.
//!
//! Invariant: a piece is *had* (verified), or *idle* (nothing asked), or *started* (it has a
//! [`Started`] entry). `selectable` holds the missing pieces that have a block nobody is asked for.

mod candidates;
mod fetch;
mod slide;
mod started;

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::owners::Owners;
use crate::bitfield::Bitfield;
use crate::geometry::{BlockRef, Geometry, PieceIndex, Window};
use crate::id::ConnId;
use crate::seed::Rng;
use started::{BlockState, Freed, StartedPieces};

/// See the module. Its fields stand in this order in memory (see [`Peer`](super::Peer)): first those that a HAVE or a
/// request reads.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct PieceTable {
    window: Window,
    have: Bitfield,
    /// By slot; see `candidates`.
    candidates: Box<[u32]>,
    /// Which neighbours have each piece; changed in `candidates` alone.
    owners: Owners,
    /// Missing pieces below this offset are not wanted: a live stream's playhead has passed them.
    floor: usize,
    geometry: Geometry,
    selectable: Bitfield,
    started: StartedPieces,
    missing_bytes: u64,
    /// Makes our random order of equally rare pieces our own.
    salt: u32,
}

impl PieceTable {
    /// Bytes of memory beside its own.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.have.words())
            + size_of_val(self.selectable.words())
            + self.started.bytes()
            + size_of_val(&*self.candidates)
            + self.owners.bytes()
    }

    pub(crate) fn new(geometry: Geometry, have: Bitfield, slots_max: u16, rng: &mut Rng) -> Self {
        let pieces = geometry.pieces();
        let mut selectable = Bitfield::new(pieces);
        let mut missing_bytes = 0;
        for piece in (0..pieces).filter(|&piece| !have.contains(piece as usize)) {
            selectable.insert(piece as usize);
            missing_bytes += u64::from(geometry.length_of(PieceIndex(piece)));
        }
        Self {
            geometry,
            window: Window {
                base: PieceIndex(0),
                length: pieces,
            },
            have,
            selectable,
            started: StartedPieces::new(&geometry, pieces),
            owners: Owners::new(pieces, slots_max),
            candidates: vec![0; usize::from(slots_max)].into(),
            salt: u32::try_from(rng.below(1 << 32)).expect("below 2^32"),
            missing_bytes,
            floor: 0,
        }
    }

    pub(crate) const fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    pub(crate) const fn have(&self) -> &Bitfield {
        &self.have
    }

    /// Which neighbours have each piece.
    pub(crate) const fn owners(&self) -> &Owners {
        &self.owners
    }

    pub(crate) const fn selectable(&self) -> &Bitfield {
        &self.selectable
    }

    pub(crate) const fn window(&self) -> Window {
        self.window
    }

    pub(crate) const fn missing_bytes(&self) -> u64 {
        self.missing_bytes
    }

    pub(crate) const fn is_complete(&self) -> bool {
        self.have.is_full() && !self.geometry.is_endless()
    }

    /// Where the piece stands in the window, if it is valid.
    pub(crate) const fn offset(&self, piece: PieceIndex) -> Option<usize> {
        self.window.offset(piece)
    }

    pub(crate) fn has(&self, piece: PieceIndex) -> bool {
        self.offset(piece)
            .is_some_and(|offset| self.have.contains(offset))
    }

    /// Our own random order of equally rare pieces, lower first; no two are equal.
    pub(crate) fn tie(&self, offset: usize) -> u32 {
        let mixed = (self.window.piece(offset).0 ^ self.salt).wrapping_mul(0x9e37_79b1);
        (mixed ^ mixed >> 15).wrapping_mul(0x85eb_ca6b)
    }

    /// The table becomes another's, who has `have` and will ask the neighbour in `slot`; owners stay as they are. Only this
    /// neighbour's candidates are counted anew: all of thousands would take longer than to choose among one's pieces.
    pub(crate) fn stand_for(&mut self, have: &Bitfield, salt: u32, slot: usize) {
        debug_assert!(self.started.is_empty(), "something is asked for");
        self.have.clone_from(have);
        self.selectable = have.complement();
        self.candidates[slot] = self.count(slot);
        self.salt = salt.wrapping_mul(0x27d4_eb2f);
    }

    /// How many pieces are started.
    pub(crate) fn started_count(&self) -> usize {
        self.started.len()
    }

    /// Bytes of the piece that have not come.
    pub(crate) fn missing_of(&self, offset: usize) -> u64 {
        let whole = u64::from(self.geometry.length_of(self.window.piece(offset)));
        if self.have.contains(offset) {
            return 0;
        }
        let here = self.started.here(offset);
        whole.saturating_sub(here as u64 * u64::from(self.geometry.block_length()))
    }

    /// Nothing of the piece is asked for or here.
    pub(crate) fn is_idle(&self, offset: usize) -> bool {
        !self.started.has(offset) && !self.have.contains(offset)
    }

    /// Started pieces, in no order that means anything.
    pub(crate) fn started(&self) -> impl Iterator<Item = usize> + '_ {
        self.started.offsets()
    }

    /// Asks for the first free block of the piece: marks and names it.
    pub(crate) fn ask(&mut self, offset: usize) -> BlockRef {
        let piece = self.window.piece(offset);
        let (index, last) = self.started.ask(offset, self.geometry.blocks_in(piece));
        if last {
            self.deselect(offset);
        }
        BlockRef { piece, index }
    }

    /// Asks once more for a block that is on its way (end-game, or late).
    pub(crate) fn ask_again(&mut self, block: BlockRef) {
        if let Some(offset) = self.offset(block.piece) {
            self.started.ask_again(offset, block.index);
        }
    }

    /// Blocks of the piece that are asked for and have not come, with how many were asked.
    pub(crate) fn asked(&self, offset: usize) -> impl Iterator<Item = (BlockRef, u8)> + '_ {
        let piece = self.window.piece(offset);
        let blocks = (0_u16..).zip(self.started.blocks(offset));
        blocks.filter_map(move |(index, state)| match state {
            BlockState::Asked(times) => Some((BlockRef { piece, index }, *times)),
            _ => None,
        })
    }

    fn state(&self, block: BlockRef) -> Option<BlockState> {
        let blocks = self.started.blocks(self.offset(block.piece)?);
        blocks.get(usize::from(block.index)).copied()
    }

    /// Of how many neighbours the block is asked now.
    pub(crate) fn times_asked(&self, block: BlockRef) -> u8 {
        match self.state(block) {
            Some(BlockState::Asked(times)) => times,
            _ => 0,
        }
    }

    /// One neighbour less is asked for the block: choked, rejected, closed, or given up.
    pub(crate) fn release(&mut self, block: BlockRef) {
        if let Some(offset) = self.offset(block.piece) {
            let freed = self.started.release(offset, block.index);
            self.freed(offset, freed);
        }
    }

    /// Whether the block is wanted, i.e. neither here nor stored.
    pub(crate) fn wants(&self, block: BlockRef) -> bool {
        let lacks = |offset| self.lacks(offset);
        self.offset(block.piece).is_some_and(lacks)
            && matches!(
                self.state(block),
                None | Some(BlockState::Missing | BlockState::Asked(_))
            )
    }

    /// The block arrived and goes to storage. Only for blocks that are wanted.
    pub(crate) fn arrived(&mut self, block: BlockRef, from: ConnId) {
        let offset = self.offset(block.piece).expect("wanted");
        let count = self.geometry.blocks_in(block.piece);
        if self.started.arrive(offset, count, block.index, from) {
            self.deselect(offset);
        }
    }

    /// The block is on disk; true if the piece is complete and must be verified.
    pub(crate) fn stored(&mut self, block: BlockRef) -> bool {
        self.offset(block.piece)
            .is_some_and(|offset| self.started.store(offset, block.index))
    }

    /// The block could not be stored: it is missing again.
    pub(crate) fn lost(&mut self, block: BlockRef) {
        if let Some(offset) = self.offset(block.piece) {
            let freed = self.started.lose(offset, block.index);
            self.freed(offset, freed);
        }
    }

    /// All blocks of the piece are stored and wait for a verdict.
    pub(crate) fn is_unverified(&self, offset: usize) -> bool {
        self.started.unstored(offset) == 0
    }

    /// The piece is verified: it is had from now on.
    pub(crate) fn verified(&mut self, offset: usize) {
        self.started.finish(offset);
        self.have.insert(offset);
        self.missing_bytes -= u64::from(self.geometry.length_of(self.window.piece(offset)));
    }

    /// The piece is corrupt: all of it is missing again. Returns who sent each block.
    pub(crate) fn failed(&mut self, offset: usize) -> Vec<ConnId> {
        let senders = self.started.senders(offset).to_vec();
        self.started.finish(offset);
        self.select(offset);
        senders
    }

    fn freed(&mut self, offset: usize, freed: Freed) {
        if freed != Freed::No {
            self.select(offset);
        }
        if freed == Freed::All {
            self.started.finish(offset);
        }
    }

    /// Panics if the table contradicts itself.
    #[cfg(test)]
    pub(crate) fn check(&self) {
        self.started
            .check(|offset| self.selectable.contains(offset));
        for (slot, &candidates) in self.candidates.iter().enumerate() {
            assert_eq!(candidates, self.count(slot), "slot {slot}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn table(pieces: u32) -> (PieceTable, Rng) {
        let mut rng = Seed::from_number(1).stream("select", 0);
        let geometry = Geometry::new(u64::from(pieces) * 65_536, 65_536).unwrap();
        (
            PieceTable::new(geometry, Bitfield::new(pieces), 64, &mut rng),
            rng,
        )
    }

    #[test]
    fn a_piece_goes_from_asked_to_had_and_back() {
        let (mut table, _) = table(2);
        let conn = ConnId::new(1, 0);
        let blocks: Vec<_> = (0..4).map(|_| table.ask(0)).collect();
        assert!(!table.selectable().contains(0));
        table.release(blocks[2]);
        assert_eq!(table.ask(0), blocks[2]);
        table.ask_again(blocks[2]);
        table.release(blocks[2]);
        assert!(!table.selectable().contains(0), "still asked of one");
        for (index, &block) in blocks.iter().enumerate() {
            assert!(table.wants(block));
            table.arrived(block, conn);
            assert!(!table.wants(block));
            assert_eq!(table.stored(block), index == 3);
        }
        assert_eq!(table.failed(0), [conn; 4]);
        assert!(table.selectable().contains(0) && table.wants(blocks[0]));
        table.check();
    }

    #[test]
    fn who_stands_for_another_counts_nobody_but_whom_it_asks() {
        let (mut table, _) = table(3);
        for slot in [0, 1] {
            assert!(table.insert_owner(0, slot) && table.insert_owner(1, slot));
        }
        let mut have = Bitfield::new(3);
        have.insert(0);
        table.stand_for(&have, 1, 0);
        let candidates = [0, 1].map(|slot| table.candidates_of(slot));
        assert_eq!(
            candidates,
            [1, 2],
            "a contact of thousands looks at one place"
        );
    }
}
