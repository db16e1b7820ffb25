//! What the driver holds of a peer's bytes: which blocks are corrupt, and which pieces are being
//! hashed. (The bytes themselves are nobody's.)

use std::collections::VecDeque;

use swarmbed_engine::{Block, BlockRef, Geometry, PieceIndex, Verdict};

/// The storage of one peer.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Storage {
    /// When the first piece is hashed, `u64::MAX` for never; asked for at every event, so kept at hand.
    next: u64,
    /// The piece whose bytes the block being delivered carries, whatever number it is written with.
    arriving_of: PieceIndex,
    /// That block is corrupt.
    arriving_corrupt: bool,
    /// When the last of the pieces being hashed is.
    hashed_all: u64,
    /// Pieces being hashed, by the time they are.
    hashing: VecDeque<(u64, PieceIndex)>,
    /// Corrupt blocks now stored. Nearly always empty.
    corrupt: Vec<BlockRef>,
    /// Pieces that failed, with the blocks that were corrupt in the last bad copy.
    bad: Vec<(PieceIndex, Vec<u16>)>,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            next: u64::MAX,
            arriving_of: PieceIndex(0),
            arriving_corrupt: false,
            hashed_all: 0,
            hashing: VecDeque::new(),
            corrupt: Vec::new(),
            bad: Vec::new(),
        }
    }
}

impl Storage {
    /// A block is about to be delivered.
    pub(crate) const fn arriving(&mut self, piece: PieceIndex, corrupt: bool) {
        self.arriving_of = piece;
        self.arriving_corrupt = corrupt;
    }

    /// Writes the block that arrived, over what was there; true if it is corrupt.
    pub(crate) fn store(&mut self, block: Block, geometry: &Geometry) -> bool {
        // Another piece's bytes are no better than garbage.
        self.arriving_corrupt |= block.piece != self.arriving_of;
        let Some(block) = geometry.block_ref(block) else {
            return self.arriving_corrupt;
        };
        self.corrupt.retain(|other| *other != block);
        if self.arriving_corrupt {
            self.corrupt.push(block);
        }
        self.arriving_corrupt
    }

    /// Whether a block of the piece is corrupt, as it is stored now.
    pub(crate) fn is_corrupt(&self, piece: PieceIndex) -> bool {
        self.corrupt.iter().any(|block| block.piece == piece)
    }

    /// Writes all of a piece, as it should be, over what was there.
    pub(crate) fn replace(&mut self, piece: PieceIndex, geometry: &Geometry) {
        for index in 0..geometry.blocks_in(piece) {
            self.arriving(piece, false);
            self.store(geometry.block(BlockRef { piece, index }), geometry);
        }
    }

    /// Begins to hash a piece, after those that came before.
    pub(crate) fn hash(&mut self, now: u64, piece: PieceIndex, nanos: u64) {
        self.hashed_all = self.hashed_all.max(now) + nanos;
        self.hashing.push_back((self.hashed_all, piece));
        self.next = self.next.min(self.hashed_all);
    }

    /// When the next piece is hashed; `u64::MAX` if none is being hashed.
    pub(crate) fn hashed(&self) -> u64 {
        self.next
    }

    /// Takes the piece that is hashed.
    pub(crate) fn pop_hashed(&mut self) -> PieceIndex {
        let (_, piece) = self.hashing.pop_front().expect("one is due");
        self.next = self.hashing.front().map_or(u64::MAX, |next| next.0);
        piece
    }

    /// What hashing says of a piece.
    pub(crate) fn verdict(&mut self, piece: PieceIndex) -> Verdict {
        let mut now: Vec<u16> = self
            .corrupt
            .iter()
            .filter(|block| block.piece == piece)
            .map(|block| block.index)
            .collect();
        now.sort_unstable();
        let before = self.bad.iter().position(|(bad, _)| *bad == piece);
        match (now.is_empty(), before) {
            (true, None) => Verdict::Good,
            (true, Some(place)) => Verdict::GoodAfterBad {
                differing: self.bad.swap_remove(place).1,
            },
            // Of several bad copies the last is kept: its senders are those the engine knows.
            (false, Some(place)) => {
                self.bad[place].1 = now;
                Verdict::Bad
            }
            (false, None) => {
                self.bad.push((piece, now));
                Verdict::Bad
            }
        }
    }

    /// The peer is gone, and what it was hashing with it.
    pub(crate) fn stop(&mut self) {
        self.hashing.clear();
        self.next = u64::MAX;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_copy_is_remembered_until_a_good_one() {
        let geometry = Geometry::new(65_536, 65_536).unwrap();
        let piece = PieceIndex(0);
        let block = |index| geometry.block(BlockRef { piece, index });
        let mut storage = Storage::default();
        for index in 0..4 {
            storage.arriving(piece, index == 2);
            assert_eq!(storage.store(block(index), &geometry), index == 2);
        }
        assert_eq!(storage.verdict(piece), Verdict::Bad);
        storage.arriving(piece, false);
        storage.store(block(2), &geometry);
        let differing = vec![2];
        assert_eq!(storage.verdict(piece), Verdict::GoodAfterBad { differing });
        assert_eq!(storage.verdict(piece), Verdict::Good);
    }

    #[test]
    fn of_two_bad_copies_the_second_is_compared_with() {
        let geometry = Geometry::new(65_536, 65_536).unwrap();
        let piece = PieceIndex(0);
        let mut storage = Storage::default();
        let mut copy = |spoiled: Option<u16>| {
            for index in 0..4 {
                storage.arriving(piece, spoiled == Some(index));
                storage.store(geometry.block(BlockRef { piece, index }), &geometry);
            }
            storage.verdict(piece)
        };
        assert_eq!(copy(Some(1)), Verdict::Bad);
        assert_eq!(copy(Some(3)), Verdict::Bad);
        let differing = vec![3];
        assert_eq!(copy(None), Verdict::GoodAfterBad { differing });
    }

    #[test]
    fn pieces_are_hashed_one_after_the_other() {
        let mut storage = Storage::default();
        storage.hash(10, PieceIndex(1), 5);
        storage.hash(11, PieceIndex(2), 5);
        assert_eq!(storage.hashed(), 15);
        assert_eq!(storage.pop_hashed(), PieceIndex(1));
        assert_eq!(storage.hashed(), 20);
    }
}
