//! Who has what: for each 64 pieces, a word per slot and how many have each piece, side by side.
//!
//! A HAVE touches one line or two; a verified piece, which asks of every neighbour whether it has
//! it, as few; and a selector goes through one neighbour's pieces 64 at a step.

use alloc::boxed::Box;
use alloc::vec;

use super::tally;
use crate::bitfield::{Bitfield, bits};
use crate::fetch::Fetch;

/// See the module. Its fields stand in this order in memory: the last is read where a peer has more than 64 slots.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Owners {
    /// Blocks of 64 pieces.
    blocks: Box<[u64]>,
    /// Slots whose pieces count for rarity: not those who had everything from the start. The first 64 are at hand.
    counted: u64,
    /// Planes of the counts of 64 pieces (see `tally`).
    depth: u32,
    /// Words of a block: the planes, and then one for each slot.
    stride: u32,
    /// Nobody has a piece from there on: of a stream without end, most of what is to come.
    end: usize,
    counted_beyond: Box<[u64]>,
}

/// Who has what of 64 pieces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owned<'a> {
    depth: usize,
    /// The planes, and then the maps by slot.
    block: &'a [u64],
}

/// See [`Owners::from`].
#[derive(Clone, Debug)]
pub(crate) struct Blocks<'a> {
    depth: usize,
    blocks: core::slice::ChunksExact<'a, u64>,
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Owned<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Owned<'a>> {
        let block = self.blocks.next()?;
        Some(Owned {
            depth: self.depth,
            block,
        })
    }
}

impl Owned<'_> {
    /// Those that the neighbour in `slot` has.
    #[inline(always)]
    pub(crate) fn map(&self, slot: usize) -> u64 {
        self.block[self.depth + slot]
    }

    /// Of these pieces, at least one, those that fewest have, and how many have them: neighbours
    /// with everything from the start do not count.
    #[inline]
    pub(crate) fn rarest(&self, pieces: u64) -> (u32, u64) {
        tally::rarest(&self.block[..self.depth], pieces)
    }
}

impl Owners {
    /// Nobody has any of `pieces`; slots are below `slots_max`.
    pub(crate) fn new(pieces: u32, slots_max: u16) -> Self {
        let depth = tally::depth(slots_max);
        let stride = depth + u32::from(slots_max);
        Self {
            depth,
            stride,
            end: 0,
            blocks: vec![0; (pieces as usize).div_ceil(64) * stride as usize].into(),
            counted: u64::MAX,
            counted_beyond: vec![u64::MAX; usize::from(slots_max).saturating_sub(1) / 64].into(),
        }
    }

    /// Bytes of memory beside its own.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.blocks) + size_of_val(&*self.counted_beyond)
    }

    /// Counts of a block.
    fn planes_mut(&mut self, block: usize) -> &mut [u64] {
        &mut self.blocks[block * self.stride as usize..][..self.depth as usize]
    }

    /// Maps of a block, by slot.
    fn maps(&self, offset: usize) -> &[u64] {
        &self.blocks[offset / 64 * self.stride as usize..]
            [self.depth as usize..self.stride as usize]
    }

    fn map_mut(&mut self, block: usize, slot: usize) -> &mut u64 {
        &mut self.blocks[block * self.stride as usize..][self.depth as usize..self.stride as usize]
            [slot]
    }

    /// Who has what, 64 pieces at a step, from such a step on.
    #[inline]
    pub(crate) fn from(&self, step: usize) -> Blocks<'_> {
        Blocks {
            depth: self.depth as usize,
            blocks: self.blocks[step * self.stride as usize..].chunks_exact(self.stride as usize),
        }
    }

    /// Nobody has a piece from there on.
    pub(crate) const fn end(&self) -> usize {
        self.end
    }

    /// Whether the neighbour in `slot` has the piece.
    pub(crate) fn owns(&self, offset: usize, slot: usize) -> bool {
        self.maps(offset)[slot] >> (offset % 64) & 1 == 1
    }

    /// Whether the neighbour in a slot has the piece, for one piece and many slots.
    #[inline]
    pub(crate) fn of(&self, offset: usize) -> impl Fn(usize) -> bool + '_ {
        let (maps, bit) = (self.maps(offset), offset % 64);
        move |slot| maps[slot] >> bit & 1 == 1
    }

    /// What is read to learn whether the neighbour in `slot` has the piece, and how many do.
    #[inline]
    pub(super) fn fetch<F: Fetch>(&self, offset: usize, slot: usize) {
        let block = offset / 64 * self.stride as usize;
        F::item(&self.blocks, block);
        F::item(&self.blocks, block + self.depth as usize + slot);
    }

    /// For each slot, 1 if the neighbour there has the piece, or else 0.
    pub(super) fn of_all(&self, offset: usize) -> impl Iterator<Item = u32> + '_ {
        let bit = offset % 64;
        let has = move |map: &u64| u32::from(map >> bit & 1 == 1);
        self.maps(offset).iter().map(has)
    }

    /// Whether anybody has the piece.
    pub(crate) fn anybody(&self, offset: usize) -> bool {
        let block = &self.blocks[offset / 64 * self.stride as usize..][..self.stride as usize];
        let (planes, maps) = block.split_at(self.depth as usize);
        let mut all = planes.iter().fold(0, |all, plane| all | plane);
        // Few do not count, and many neighbours do.
        let counted = core::iter::once(&self.counted).chain(&self.counted_beyond);
        for (&counted, base) in counted.zip((0..).step_by(64)) {
            for slot in bits(!counted) {
                all |= maps[base + slot];
            }
        }
        all >> (offset % 64) & 1 == 1
    }

    /// The neighbour in `slot` has the piece; true if that is new.
    pub(crate) fn insert(&mut self, offset: usize, slot: usize) -> bool {
        let bit = 1 << (offset % 64);
        let counts = self.counts(slot);
        let block = &mut self.blocks[offset / 64 * self.stride as usize..][..self.stride as usize];
        let (planes, maps) = block.split_at_mut(self.depth as usize);
        let map = &mut maps[slot];
        if *map & bit != 0 {
            return false;
        }
        *map |= bit;
        if counts {
            tally::add(planes, bit);
        }
        self.end = self.end.max(offset + 1);
        true
    }

    /// The neighbour in `slot` has the piece no longer; true if it had.
    pub(crate) fn remove(&mut self, offset: usize, slot: usize) -> bool {
        let bit = 1 << (offset % 64);
        let map = self.map_mut(offset / 64, slot);
        let had = *map & bit != 0;
        if had {
            *map &= !bit;
            if self.counts(slot) {
                tally::take(self.planes_mut(offset / 64), bit);
            }
        }
        had
    }

    /// Every offset becomes lower by `by`; nobody has the pieces that come in.
    pub(crate) fn shift_down(&mut self, by: usize) {
        self.end = self.end.saturating_sub(by);
        let (words, bits) = (by / 64 * self.stride as usize, by % 64);
        for index in 0..self.blocks.len() {
            let at = |index: usize| self.blocks.get(index).copied().unwrap_or(0);
            let (low, high) = (at(index + words), at(index + words + self.stride as usize));
            self.blocks[index] = if bits == 0 {
                low
            } else {
                low >> bits | high << (64 - bits)
            };
        }
    }

    /// The slots of those who have the piece, ascending.
    pub(crate) fn slots(&self, offset: usize) -> impl Iterator<Item = usize> + '_ {
        let maps = self.maps(offset).iter().enumerate();
        maps.filter(move |(_, map)| *map >> (offset % 64) & 1 == 1)
            .map(|(slot, _)| slot)
    }

    /// The neighbour in `slot` has these pieces; if that is all of them, they do not count.
    pub(crate) fn set(&mut self, theirs: &Bitfield, slot: usize) {
        if theirs.is_full() && self.counts(slot) {
            self.discount(slot);
            *self.counted_mut(slot) &= !(1 << (slot % 64));
        }
        self.change(theirs, slot, |old, theirs| old | theirs);
    }

    /// Whether the pieces of the neighbour in `slot` count for rarity.
    fn counts(&self, slot: usize) -> bool {
        let word = match (slot / 64).checked_sub(1) {
            None => self.counted,
            Some(word) => self.counted_beyond[word],
        };
        word >> (slot % 64) & 1 == 1
    }

    /// The word in which it is noted.
    fn counted_mut(&mut self, slot: usize) -> &mut u64 {
        match (slot / 64).checked_sub(1) {
            None => &mut self.counted,
            Some(word) => &mut self.counted_beyond[word],
        }
    }

    /// Takes a neighbour's pieces out of the counts.
    fn discount(&mut self, slot: usize) {
        for block in self.blocks.chunks_exact_mut(self.stride as usize) {
            let pieces = block[self.depth as usize + slot];
            tally::take(&mut block[..self.depth as usize], pieces);
        }
    }

    /// The neighbour in `slot` is gone.
    pub(crate) fn clear(&mut self, slot: usize) {
        if self.counts(slot) {
            self.discount(slot);
        }
        *self.counted_mut(slot) |= 1 << (slot % 64);
        for block in self.blocks.chunks_exact_mut(self.stride as usize) {
            block[self.depth as usize + slot] = 0;
        }
    }

    /// How many neighbours have the piece, those with everything from the start apart.
    #[cfg(test)]
    pub(crate) fn availability(&self, offset: usize) -> u32 {
        let planes = &self.blocks[offset / 64 * self.stride as usize..][..self.depth as usize];
        tally::count(planes, offset % 64)
    }

    /// The highest piece that at least so many neighbours have, at least 1; those apart as in
    /// [`availability`](Self::availability).
    pub(crate) fn highest_at(&self, neighbours: u32) -> Option<usize> {
        let blocks = self
            .blocks
            .chunks_exact(self.stride as usize)
            .enumerate()
            .rev();
        blocks
            .map(|(block, words)| {
                (
                    block,
                    tally::at_least(&words[..self.depth as usize], neighbours),
                )
            })
            .find(|(_, pieces)| *pieces != 0)
            .map(|(block, pieces)| block * 64 + 63 - pieces.leading_zeros() as usize)
    }

    /// The neighbour in `slot` has these pieces and no others.
    pub(crate) fn replace(&mut self, theirs: &Bitfield, slot: usize) {
        self.change(theirs, slot, |_, theirs| theirs);
    }

    /// Changes what the neighbour in `slot` has, 64 pieces at a step, by what it had and these.
    #[inline]
    fn change(&mut self, theirs: &Bitfield, slot: usize, change: impl Fn(u64, u64) -> u64) {
        let highest = theirs.highest().map_or(0, |highest| highest + 1);
        self.end = self.end.max(highest);
        let counts = self.counts(slot);
        let blocks = self.blocks.chunks_exact_mut(self.stride as usize);
        for (block, &theirs) in blocks.zip(theirs.words()) {
            let (planes, maps) = block.split_at_mut(self.depth as usize);
            let old = maps[slot];
            let new = change(old, theirs);
            maps[slot] = new;
            if counts {
                tally::take(planes, old & !new);
                tally::add(planes, new & !old);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn rows_are_sets_of_slots() {
        let mut owners = Owners::new(3, 70);
        assert!(owners.insert(1, 69) && owners.insert(1, 0) && !owners.insert(1, 69));
        assert!(
            owners.owns(1, 69) && !owners.owns(2, 69) && owners.anybody(1) && !owners.anybody(0)
        );
        owners.set(&Bitfield::full(3), 5);
        assert!(owners.owns(2, 5));
        let map = |slot| owners.from(0).next().unwrap().map(slot);
        assert_eq!([5, 69, 1].map(map), [7, 2, 0]);
        assert_eq!(owners.slots(1).collect::<Vec<_>>(), [0, 5, 69]);
        assert_eq!(owners.availability(1), 2, "a seed does not count");
        assert!(owners.anybody(0), "but it has all");
        owners.clear(69);
        owners.clear(5);
        assert!(owners.anybody(1) && !owners.anybody(0) && !owners.anybody(2));
        assert_eq!((owners.availability(1), owners.availability(2)), (1, 0));
        assert_eq!(owners.end(), 3, "somebody had all");
        owners.shift_down(2);
        assert_eq!(owners.end(), 1);
        assert!(owners.insert(2, 5) && owners.end() == 3);
        assert_eq!(
            owners.availability(2),
            1,
            "the slot's next neighbour counts again"
        );
    }

    #[test]
    fn a_seed_counts_nowhere_whatever_its_slot_and_its_slots_next_neighbour_does() {
        for seed in [0, 63, 64, 127, 128, 199] {
            let mut owners = Owners::new(2, 200);
            let other = 100;
            owners.insert(1, other);
            owners.set(&Bitfield::full(2), seed);
            let seen = |owners: &Owners| {
                let anybody = [0, 1].map(|offset| owners.anybody(offset));
                let counts = [0, 1].map(|offset| owners.availability(offset));
                (anybody, counts)
            };
            assert_eq!(seen(&owners), ([true, true], [0, 1]), "slot {seed}");
            owners.clear(seed);
            assert_eq!(seen(&owners), ([false, true], [0, 1]), "slot {seed}");
            owners.insert(0, seed);
            assert_eq!(seen(&owners), ([true, true], [1, 1]), "slot {seed}");
        }
    }
}
