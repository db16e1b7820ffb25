//! Pieces of which something is asked or here, and how far each of their blocks is.
//!
//! Owns the blocks: all of a peer lie side by side, for what is asked next is looked for among all
//! that are started. Knows nothing of what that means for the piece: see [`PieceTable`](super::PieceTable).

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use crate::fetch::Fetch;
use crate::geometry::Geometry;
use crate::id::ConnId;

/// What is known of one block of a started piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockState {
    Missing,
    /// Asked of so many neighbours.
    Asked(u8),
    /// Being stored.
    Arrived,
    /// On disk.
    Stored,
}

impl BlockState {
    /// It came, from whom `senders` tells.
    const fn is_here(self) -> bool {
        matches!(self, Self::Arrived | Self::Stored)
    }
}

/// A piece of which at least one block was asked for.
#[derive(Clone, Copy, Debug)]
struct Started {
    offset: u32,
    /// Its blocks,
    count: u16,
    /// those that nobody is asked for,
    free: u16,
    /// and those that are not stored yet.
    unstored: u16,
}

/// What is left of a piece when one block more is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freed {
    /// Nothing has changed.
    No,
    /// Something of it can be asked for.
    Yes,
    /// And nothing else of it is asked or here.
    All,
}

const NOT_STARTED: u16 = u16::MAX;

/// Bytes of started pieces that are fetched: nearly all there are.
const NEARLY_ALL: usize = 128;

/// See the module. Its fields stand in this order in memory; see [`Peer`](crate::Peer).
#[derive(Debug)]
#[repr(C)]
pub(super) struct StartedPieces {
    pieces: Vec<Started>,
    /// Index into `pieces` per piece, or `NOT_STARTED`.
    at: Box<[u16]>,
    /// Of each of `pieces`, so many as a whole one has.
    blocks: Vec<BlockState>,
    /// Who sent each of `blocks` that is here.
    senders: Vec<ConnId>,
    /// Blocks of a whole piece.
    stride: usize,
}

impl StartedPieces {
    /// None of so many pieces is started.
    pub(super) fn new(geometry: &Geometry, pieces: u32) -> Self {
        let stride = geometry.piece_length().div_ceil(geometry.block_length());
        Self {
            pieces: Vec::new(),
            at: vec![NOT_STARTED; pieces as usize].into(),
            blocks: Vec::new(),
            senders: Vec::new(),
            stride: stride as usize,
        }
    }

    /// Bytes of memory beside its own.
    pub(super) fn bytes(&self) -> usize {
        self.pieces.capacity() * size_of::<Started>()
            + size_of_val(&*self.at)
            + self.blocks.capacity() * size_of::<BlockState>()
            + self.senders.capacity() * size_of::<ConnId>()
    }

    pub(super) const fn len(&self) -> usize {
        self.pieces.len()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Started pieces, in no order that means anything.
    pub(super) fn offsets(&self) -> impl Iterator<Item = usize> + '_ {
        self.pieces.iter().map(|piece| piece.offset as usize)
    }

    pub(super) fn has(&self, offset: usize) -> bool {
        self.at[offset] != NOT_STARTED
    }

    /// The piece's blocks; none of a piece that is not started.
    pub(super) fn blocks(&self, offset: usize) -> &[BlockState] {
        let index = usize::from(self.at[offset]);
        self.pieces.get(index).map_or(&[], |piece| {
            let first = index * self.stride;
            &self.blocks[first..first + usize::from(piece.count)]
        })
    }

    /// A block of a piece, if that is started, and what is counted of the piece.
    fn block_mut(&mut self, offset: usize, block: u16) -> Option<(&mut Started, &mut BlockState)> {
        let index = usize::from(self.at[offset]);
        let piece = self.pieces.get_mut(index)?;
        let state = (block < piece.count)
            .then(|| &mut self.blocks[index * self.stride + usize::from(block)]);
        state.map(|state| (piece, state))
    }

    /// How many of its blocks came.
    pub(super) fn here(&self, offset: usize) -> usize {
        let blocks = self.blocks(offset).iter();
        blocks.filter(|block| block.is_here()).count()
    }

    /// How many of its blocks are not stored; of a piece that is not started, more than any has.
    pub(super) fn unstored(&self, offset: usize) -> u16 {
        let piece = self.pieces.get(usize::from(self.at[offset]));
        piece.map_or(u16::MAX, |piece| piece.unstored)
    }

    /// Asks for the first free block of a piece of `count` blocks: there is one. Tells whether it was the last.
    pub(super) fn ask(&mut self, offset: usize, count: u16) -> (u16, bool) {
        let index = self.start(offset, count);
        let blocks = &mut self.blocks[index * self.stride..];
        let free = blocks
            .iter()
            .position(|&block| block == BlockState::Missing);
        let free = free.expect("selectable");
        blocks[free] = BlockState::Asked(1);
        let piece = &mut self.pieces[index];
        piece.free -= 1;
        let free = u16::try_from(free).expect("bounded by the geometry");
        (free, piece.free == 0)
    }

    /// One neighbour more is asked for the block.
    pub(super) fn ask_again(&mut self, offset: usize, block: u16) {
        if let Some((_, BlockState::Asked(times))) = self.block_mut(offset, block) {
            *times = times.saturating_add(1);
        }
    }

    /// One neighbour less is.
    pub(super) fn release(&mut self, offset: usize, block: u16) -> Freed {
        match self.block_mut(offset, block) {
            Some((piece, state @ BlockState::Asked(1))) => Self::free(piece, state),
            Some((_, BlockState::Asked(times))) => {
                *times -= 1;
                Freed::No
            }
            _ => Freed::No,
        }
    }

    /// The block came, of a piece of `count`; true if nothing of it is left to ask for by that.
    pub(super) fn arrive(&mut self, offset: usize, count: u16, block: u16, from: ConnId) -> bool {
        debug_assert!(block < count, "of another piece");
        let index = self.start(offset, count);
        let place = index * self.stride + usize::from(block);
        let was = core::mem::replace(&mut self.blocks[place], BlockState::Arrived);
        self.senders[place] = from;
        let piece = &mut self.pieces[index];
        let was_free = was == BlockState::Missing;
        piece.free -= u16::from(was_free);
        was_free && piece.free == 0
    }

    /// It is stored; true if it was the last.
    pub(super) fn store(&mut self, offset: usize, block: u16) -> bool {
        let Some((piece, state @ BlockState::Arrived)) = self.block_mut(offset, block) else {
            return false;
        };
        *state = BlockState::Stored;
        piece.unstored -= 1;
        piece.unstored == 0
    }

    /// It could not be stored.
    pub(super) fn lose(&mut self, offset: usize, block: u16) -> Freed {
        match self.block_mut(offset, block) {
            Some((piece, state @ BlockState::Arrived)) => Self::free(piece, state),
            _ => Freed::No,
        }
    }

    fn free(piece: &mut Started, state: &mut BlockState) -> Freed {
        *state = BlockState::Missing;
        piece.free += 1;
        if piece.free == piece.count {
            Freed::All
        } else {
            Freed::Yes
        }
    }

    /// Who sent each block of a piece that is whole.
    pub(super) fn senders(&self, offset: usize) -> &[ConnId] {
        let blocks = self.blocks(offset);
        let all_here = blocks.iter().all(|block| block.is_here());
        assert!(all_here, "verified before it was whole");
        let first = usize::from(self.at[offset]) * self.stride;
        self.senders.get(first..first + blocks.len()).unwrap_or(&[])
    }

    fn start(&mut self, offset: usize, count: u16) -> usize {
        let index = self.at[offset];
        if index != NOT_STARTED {
            return usize::from(index);
        }
        let index = self.pieces.len();
        // Fewer pieces are started than requests can be outstanding, so the index fits.
        let at = u16::try_from(index).expect("bounded by outstanding requests");
        assert!(at != NOT_STARTED, "too many started pieces");
        self.at[offset] = at;
        self.pieces.push(Started {
            offset: u32::try_from(offset).expect("within the window"),
            count,
            free: count,
            unstored: count,
        });
        let end = self.pieces.len() * self.stride;
        self.blocks.resize(end, BlockState::Missing);
        self.senders.resize(end, ConnId::new(0, 0));
        index
    }

    /// Forgets the blocks of a piece, if it is started.
    pub(super) fn finish(&mut self, offset: usize) {
        let index = usize::from(self.at[offset]);
        if index >= self.pieces.len() {
            return;
        }
        self.pieces.swap_remove(index);
        self.at[offset] = NOT_STARTED;
        let last = self.pieces.len() * self.stride;
        if let Some(moved) = self.pieces.get(index) {
            self.at[moved.offset as usize] = u16::try_from(index).expect("it was one before");
            let to = index * self.stride;
            self.blocks.copy_within(last.., to);
            self.senders.copy_within(last.., to);
        }
        self.blocks.truncate(last);
        self.senders.truncate(last);
    }

    /// Every offset becomes lower by `by`; nothing is started of what falls out.
    pub(super) fn shift_down(&mut self, by: u32) {
        for piece in &mut self.pieces {
            piece.offset -= by;
        }
        let shift = self.at.len().min(by as usize);
        self.at.copy_within(shift.., 0);
        let kept = self.at.len() - shift;
        self.at[kept..].fill(NOT_STARTED);
    }

    /// What is read first of a piece.
    #[inline]
    pub(super) fn fetch<F: Fetch>(&self, offset: usize) {
        F::item(&self.at, offset);
        F::front(&self.pieces, NEARLY_ALL);
    }

    /// Then this block.
    #[inline]
    pub(super) fn fetch_block<F: Fetch>(&self, offset: usize, block: usize) {
        if self.has(offset) {
            let place = usize::from(self.at[offset]) * self.stride + block;
            F::item(&self.blocks, place);
            F::item(&self.senders, place);
        }
    }

    /// Panics if it contradicts itself; `selectable` tells of which pieces something can be asked for.
    #[cfg(test)]
    pub(super) fn check(&self, selectable: impl Fn(usize) -> bool) {
        assert_eq!(self.blocks.len(), self.pieces.len() * self.stride);
        assert_eq!(self.senders.len(), self.blocks.len());
        let started = self.at.iter().filter(|&&at| at != NOT_STARTED).count();
        assert_eq!(started, self.pieces.len());
        for (index, piece) in self.pieces.iter().enumerate() {
            let offset = piece.offset as usize;
            assert_eq!(usize::from(self.at[offset]), index);
            let count = |what: fn(&BlockState) -> bool| {
                self.blocks(offset).iter().filter(|one| what(one)).count()
            };
            let free = count(|block| *block == BlockState::Missing);
            assert_eq!(free, usize::from(piece.free));
            let unstored = count(|block| *block != BlockState::Stored);
            assert_eq!(unstored, usize::from(piece.unstored));
            assert_eq!(free > 0, selectable(offset));
        }
    }
}
