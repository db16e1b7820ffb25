//! Who has what, twice: a row of slots per piece, and a map of pieces per slot.
//!
//! By piece, because a verified piece asks of every neighbour whether it has it. By slot, because a
//! selector goes through one neighbour's pieces, 64 at a step. Both in one block of memory each: a
//! HAVE touches one line of either, and one of the counts that make rarity.

use alloc::vec;
use alloc::vec::Vec;

use super::tally::Tally;
use crate::bitfield::{Bitfield, bits, shift_down};

/// See the module.
#[derive(Debug)]
pub(crate) struct Owners {
    /// Words of a row.
    stride: usize,
    rows: Vec<u64>,
    /// Words of a map.
    width: usize,
    maps: Vec<u64>,
    /// Slots whose pieces count for rarity: not those who had everything from the start.
    counted: Vec<u64>,
    /// How many of the counted have each piece.
    tally: Tally,
}

impl Owners {
    /// Nobody has any of `pieces`; slots are below `slots_max`.
    pub(crate) fn new(pieces: u32, slots_max: u16) -> Self {
        let stride = usize::from(slots_max).div_ceil(64).max(1);
        let width = (pieces as usize).div_ceil(64);
        Self {
            stride,
            rows: vec![0; pieces as usize * stride],
            width,
            maps: Vec::new(),
            counted: vec![u64::MAX; stride],
            tally: Tally::new(width, slots_max.max(1)),
        }
    }

    /// Bytes of memory beside its own.
    pub(crate) fn bytes(&self) -> usize {
        (self.rows.capacity() + self.maps.capacity() + self.counted.capacity()) * size_of::<u64>()
    }

    fn row(&self, offset: usize) -> &[u64] {
        &self.rows[offset * self.stride..(offset + 1) * self.stride]
    }

    /// The pieces of the neighbour in `slot`, as words of a bitfield; empty if it has none yet.
    pub(crate) fn map(&self, slot: usize) -> &[u64] {
        self.maps
            .get(slot * self.width..(slot + 1) * self.width)
            .unwrap_or(&[])
    }

    /// Makes room for the map of `slot`.
    fn room(&mut self, slot: usize) {
        let end = (slot + 1) * self.width;
        if self.maps.len() < end {
            self.maps.resize(end, 0);
        }
    }

    /// Whether the neighbour in `slot` has the piece.
    pub(crate) fn owns(&self, offset: usize, slot: usize) -> bool {
        self.rows[offset * self.stride + slot / 64] >> (slot % 64) & 1 == 1
    }

    /// Whether anybody has the piece.
    pub(crate) fn anybody(&self, offset: usize) -> bool {
        self.row(offset).iter().any(|word| *word != 0)
    }

    /// The neighbour in `slot` has the piece; true if that is new.
    pub(crate) fn insert(&mut self, offset: usize, slot: usize) -> bool {
        let word = &mut self.rows[offset * self.stride + slot / 64];
        let bit = 1 << (slot % 64);
        let new = *word & bit == 0;
        if new {
            *word |= bit;
            self.room(slot);
            self.maps[slot * self.width + offset / 64] |= 1 << (offset % 64);
            if self.counts(slot) {
                self.tally.add(offset / 64, 1 << (offset % 64));
            }
        }
        new
    }

    /// The neighbour in `slot` has the piece no longer; true if it had.
    pub(crate) fn remove(&mut self, offset: usize, slot: usize) -> bool {
        let had = self.owns(offset, slot);
        if had {
            self.rows[offset * self.stride + slot / 64] &= !(1 << (slot % 64));
            self.maps[slot * self.width + offset / 64] &= !(1 << (offset % 64));
            if self.counts(slot) {
                self.tally.take(offset / 64, 1 << (offset % 64));
            }
        }
        had
    }

    /// Every offset becomes lower by `by`; nobody has the pieces that come in.
    pub(crate) fn shift_down(&mut self, by: usize) {
        let words = (by * self.stride).min(self.rows.len());
        self.rows.copy_within(words.., 0);
        let kept = self.rows.len() - words;
        self.rows[kept..].fill(0);
        for map in self.maps.chunks_exact_mut(self.width) {
            shift_down(map, by);
        }
        self.tally.shift_down(by);
    }

    /// The slots of those who have the piece, ascending.
    pub(crate) fn slots(&self, offset: usize) -> impl Iterator<Item = usize> + '_ {
        let row = self.row(offset).iter().enumerate();
        row.flat_map(|(index, &word)| bits(word).map(move |bit| index * 64 + bit))
    }

    /// The neighbour in `slot` has these pieces; if that is all of them, they do not count.
    pub(crate) fn set(&mut self, theirs: &Bitfield, slot: usize) {
        if theirs.is_full() && self.counts(slot) {
            self.discount(slot);
            self.counted[slot / 64] &= !(1 << (slot % 64));
        }
        for offset in theirs.iter() {
            self.insert(offset, slot);
        }
    }

    /// Whether the pieces of the neighbour in `slot` count for rarity.
    fn counts(&self, slot: usize) -> bool {
        self.counted[slot / 64] >> (slot % 64) & 1 == 1
    }

    /// Takes a neighbour's pieces out of the counts.
    fn discount(&mut self, slot: usize) {
        let map = self.maps.get(slot * self.width..(slot + 1) * self.width);
        for (word, &pieces) in map.unwrap_or(&[]).iter().enumerate() {
            self.tally.take(word, pieces);
        }
    }

    /// The neighbour in `slot` is gone.
    pub(crate) fn clear(&mut self, slot: usize) {
        if self.counts(slot) {
            self.discount(slot);
        }
        let mask = !(1_u64 << (slot % 64));
        for word in self.rows.iter_mut().skip(slot / 64).step_by(self.stride) {
            *word &= mask;
        }
        self.counted[slot / 64] |= !mask;
        if let Some(map) = self
            .maps
            .get_mut(slot * self.width..(slot + 1) * self.width)
        {
            map.fill(0);
        }
    }

    /// How many neighbours (those with everything from the start apart) have the piece.
    pub(crate) fn availability(&self, offset: usize) -> u32 {
        self.tally.of(offset)
    }

    /// Of these pieces of a word, at least one, those that fewest have, and how many have them.
    pub(crate) fn rarest(&self, word: usize, pieces: u64) -> (u32, u64) {
        self.tally.rarest(word, pieces)
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(
            (owners.map(5), owners.map(69), owners.map(1)),
            (&[7][..], &[2][..], &[0][..])
        );
        assert_eq!(owners.availability(1), 2, "a seed does not count");
        owners.clear(69);
        owners.clear(5);
        assert_eq!((owners.availability(1), owners.availability(2)), (1, 0));
        assert!(owners.insert(2, 5));
        assert_eq!(
            owners.availability(2),
            1,
            "the slot's next neighbour counts again"
        );
    }
}
