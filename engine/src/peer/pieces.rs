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

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::owners::Owners;
use crate::bitfield::Bitfield;
use crate::geometry::{BlockRef, Geometry, PieceIndex, Window};
use crate::id::ConnId;
use crate::seed::Rng;

/// What is known of one block of a started piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BlockState {
    Missing,
    /// Asked of so many neighbours.
    Asked(u8),
    /// Arrived from this neighbour; being stored.
    Arrived(ConnId),
    /// On disk.
    Stored(ConnId),
}

/// A piece of which at least one block was asked for.
#[derive(Clone, Debug)]
struct Started {
    offset: u32,
    /// Blocks that nobody is asked for.
    free: u16,
    /// Blocks that are not stored yet.
    unstored: u16,
    blocks: Vec<BlockState>,
}

const NOT_STARTED: u16 = u16::MAX;

/// See the module. Its fields stand in this order in memory; see [`Peer`](super::Peer).
#[derive(Debug)]
#[repr(C)]
pub(crate) struct PieceTable {
    geometry: Geometry,
    window: Window,
    have: Bitfield,
    selectable: Bitfield,
    started: Vec<Started>,
    /// Index into `started` per piece, or `NOT_STARTED`.
    started_at: Box<[u16]>,
    /// Which neighbours have each piece; changed in `candidates` alone.
    owners: Owners,
    /// By slot; see `candidates`.
    candidates: Box<[u32]>,
    missing_bytes: u64,
    /// Missing pieces below this offset are not wanted: a live stream's playhead has passed them.
    floor: usize,
    /// Makes our random order of equally rare pieces our own.
    salt: u32,
    spare: Vec<Vec<BlockState>>,
}

impl PieceTable {
    /// Bytes of memory beside its own.
    pub(crate) fn bytes(&self) -> usize {
        let block = size_of::<BlockState>();
        let started = self.started.iter().map(|one| one.blocks.capacity() * block);
        let spare = self.spare.iter().map(|one| one.capacity() * block);
        size_of_val(self.have.words())
            + size_of_val(self.selectable.words())
            + self.started.capacity() * size_of::<Started>()
            + size_of_val(&*self.started_at)
            + self.spare.capacity() * size_of::<Vec<BlockState>>()
            + started.chain(spare).sum::<usize>()
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
            started: Vec::new(),
            started_at: vec![NOT_STARTED; pieces as usize].into(),
            spare: Vec::new(),
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

    /// The table becomes another's, who has `have` and asks nobody; owners stay as they are.
    pub(crate) fn stand_for(&mut self, have: &Bitfield, salt: u32) {
        debug_assert!(self.started.is_empty(), "something is asked for");
        self.have.clone_from(have);
        self.selectable = have.complement();
        self.recount();
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
        let here = self.entry(offset).map_or(0, |started| {
            let here = |state: &&BlockState| {
                matches!(state, BlockState::Arrived(_) | BlockState::Stored(_))
            };
            started.blocks.iter().filter(here).count()
        });
        whole.saturating_sub(here as u64 * u64::from(self.geometry.block_length()))
    }

    /// Nothing of the piece is asked for or here.
    pub(crate) fn is_idle(&self, offset: usize) -> bool {
        self.started_at[offset] == NOT_STARTED && !self.have.contains(offset)
    }

    /// Started pieces, in no order that means anything.
    pub(crate) fn started(&self) -> impl Iterator<Item = usize> + '_ {
        self.started.iter().map(|started| started.offset as usize)
    }

    /// Asks for the first free block of the piece: marks and names it.
    pub(crate) fn ask(&mut self, offset: usize) -> BlockRef {
        let piece = self.window.piece(offset);
        let started = self.start(offset);
        let index = started
            .blocks
            .iter()
            .position(|&block| block == BlockState::Missing)
            .expect("selectable");
        started.blocks[index] = BlockState::Asked(1);
        started.free -= 1;
        if started.free == 0 {
            self.deselect(offset);
        }
        BlockRef {
            piece,
            index: u16::try_from(index).expect("bounded by the geometry"),
        }
    }

    /// Asks once more for a block that is on its way (end-game, or late).
    pub(crate) fn ask_again(&mut self, block: BlockRef) {
        if let Some(BlockState::Asked(times)) = self.state_mut(block) {
            *times = times.saturating_add(1);
        }
    }

    /// Blocks of the piece that are asked for and have not come, with how many were asked.
    pub(crate) fn asked(&self, offset: usize) -> impl Iterator<Item = (BlockRef, u8)> + '_ {
        let piece = self.window.piece(offset);
        let blocks = self
            .entry(offset)
            .map_or(&[][..], |started| &started.blocks);
        (0_u16..)
            .zip(blocks)
            .filter_map(move |(index, state)| match state {
                BlockState::Asked(times) => Some((BlockRef { piece, index }, *times)),
                _ => None,
            })
    }

    /// Of how many neighbours the block is asked now.
    pub(crate) fn times_asked(&self, block: BlockRef) -> u8 {
        let entry = self
            .offset(block.piece)
            .and_then(|offset| self.entry(offset));
        match entry.and_then(|started| started.blocks.get(block.index as usize)) {
            Some(BlockState::Asked(times)) => *times,
            _ => 0,
        }
    }

    /// One neighbour less is asked for the block: choked, rejected, closed, or given up.
    pub(crate) fn release(&mut self, block: BlockRef) {
        let Some(offset) = self.offset(block.piece) else {
            return;
        };
        match self.state_mut(block) {
            Some(state @ BlockState::Asked(1)) => {
                *state = BlockState::Missing;
                self.free_block(offset);
            }
            Some(BlockState::Asked(times)) => *times -= 1,
            _ => {}
        }
    }

    /// Whether the block is wanted, i.e. neither here nor stored.
    pub(crate) fn wants(&self, block: BlockRef) -> bool {
        let Some(offset) = self.offset(block.piece) else {
            return false;
        };
        if !self.lacks(offset) {
            return false;
        }
        match self.entry(offset) {
            None => true,
            Some(started) => {
                matches!(
                    started.blocks[block.index as usize],
                    BlockState::Missing | BlockState::Asked(_)
                )
            }
        }
    }

    /// The block arrived and goes to storage. Only for blocks that are wanted.
    pub(crate) fn arrived(&mut self, block: BlockRef, from: ConnId) {
        let offset = self.offset(block.piece).expect("wanted");
        let started = self.start(offset);
        let state = &mut started.blocks[block.index as usize];
        let was_free = *state == BlockState::Missing;
        *state = BlockState::Arrived(from);
        if was_free {
            started.free -= 1;
            if started.free == 0 {
                self.deselect(offset);
            }
        }
    }

    /// The block is on disk; true if the piece is complete and must be verified.
    pub(crate) fn stored(&mut self, block: BlockRef) -> bool {
        let Some(offset) = self.offset(block.piece) else {
            return false;
        };
        let Some(state) = self.state_mut(block) else {
            return false;
        };
        let BlockState::Arrived(from) = *state else {
            return false;
        };
        *state = BlockState::Stored(from);
        let index = self.started_at[offset] as usize;
        self.started[index].unstored -= 1;
        self.started[index].unstored == 0
    }

    /// The block could not be stored: it is missing again.
    pub(crate) fn lost(&mut self, block: BlockRef) {
        let Some(offset) = self.offset(block.piece) else {
            return;
        };
        if let Some(state @ BlockState::Arrived(_)) = self.state_mut(block) {
            *state = BlockState::Missing;
            self.free_block(offset);
        }
    }

    /// All blocks of the piece are stored and wait for a verdict.
    pub(crate) fn is_unverified(&self, offset: usize) -> bool {
        self.entry(offset)
            .is_some_and(|started| started.unstored == 0)
    }

    /// The piece is verified: it is had from now on.
    pub(crate) fn verified(&mut self, offset: usize) {
        self.finish(offset);
        self.have.insert(offset);
        self.missing_bytes -= u64::from(self.geometry.length_of(self.window.piece(offset)));
    }

    /// The piece is corrupt: all of it is missing again. Returns who sent each block.
    pub(crate) fn failed(&mut self, offset: usize) -> Vec<ConnId> {
        let senders = self.entry(offset).map_or_else(Vec::new, |started| {
            started
                .blocks
                .iter()
                .map(|block| match block {
                    BlockState::Stored(from) | BlockState::Arrived(from) => *from,
                    BlockState::Missing | BlockState::Asked(_) => {
                        unreachable!("verified before it was whole")
                    }
                })
                .collect()
        });
        self.finish(offset);
        self.select(offset);
        senders
    }

    fn free_block(&mut self, offset: usize) {
        let index = self.started_at[offset] as usize;
        self.started[index].free += 1;
        self.select(offset);
        if usize::from(self.started[index].free) == self.started[index].blocks.len() {
            self.finish(offset);
        }
    }

    fn entry(&self, offset: usize) -> Option<&Started> {
        self.started.get(self.started_at[offset] as usize)
    }

    fn state_mut(&mut self, block: BlockRef) -> Option<&mut BlockState> {
        let offset = self.offset(block.piece)?;
        self.started
            .get_mut(self.started_at[offset] as usize)?
            .blocks
            .get_mut(block.index as usize)
    }

    fn start(&mut self, offset: usize) -> &mut Started {
        let index = self.started_at[offset];
        if index != NOT_STARTED {
            return &mut self.started[index as usize];
        }
        let count = self.geometry.blocks_in(self.window.piece(offset));
        let mut blocks = self.spare.pop().unwrap_or_default();
        blocks.resize(count as usize, BlockState::Missing);
        // Fewer pieces are started than requests can be outstanding, so the index fits.
        self.started_at[offset] =
            u16::try_from(self.started.len()).expect("bounded by outstanding requests");
        assert!(
            self.started_at[offset] != NOT_STARTED,
            "too many started pieces"
        );
        let offset = u32::try_from(offset).expect("within the window");
        self.started.push(Started {
            offset,
            free: count,
            unstored: count,
            blocks,
        });
        self.started.last_mut().expect("just pushed")
    }

    /// Forgets the blocks of a started piece.
    fn finish(&mut self, offset: usize) {
        let index = self.started_at[offset] as usize;
        if index >= self.started.len() {
            return;
        }
        let mut gone = self.started.swap_remove(index);
        self.started_at[offset] = NOT_STARTED;
        if let Some(moved) = self.started.get(index) {
            self.started_at[moved.offset as usize] =
                u16::try_from(index).expect("it was one before");
        }
        gone.blocks.clear();
        if self.spare.len() < 2 {
            self.spare.push(gone.blocks);
        }
    }

    /// Panics if the table contradicts itself.
    #[cfg(test)]
    pub(crate) fn check(&self) {
        for (index, started) in self.started.iter().enumerate() {
            assert_eq!(self.started_at[started.offset as usize] as usize, index);
            let free = started
                .blocks
                .iter()
                .filter(|block| **block == BlockState::Missing)
                .count();
            assert_eq!(free, started.free as usize);
            assert_eq!(free > 0, self.selectable.contains(started.offset as usize));
        }
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
}
