//! One bit a piece, over a window, in 64-bit words.
//!
//! Bit `i` is offset `i` of the window, least significant first; the wire's order (most
//! significant first, BEP 3) is made by `wire`.

use alloc::boxed::Box;
use alloc::vec;

/// A set of offsets below a fixed length.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bitfield {
    words: Box<[u64]>,
    length: u32,
    count: u32,
}

impl Bitfield {
    /// The empty set below `length`.
    #[must_use]
    pub fn new(length: u32) -> Self {
        Self {
            words: vec![0; (length as usize).div_ceil(64)].into_boxed_slice(),
            length,
            count: 0,
        }
    }

    /// The full set below `length`.
    #[must_use]
    pub fn full(length: u32) -> Self {
        Self::new(length).complement()
    }

    /// One more than the highest offset it can hold.
    #[must_use]
    pub const fn length(&self) -> u32 {
        self.length
    }

    /// How many are in.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Whether every offset is in.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.count == self.length
    }

    /// Whether none is in.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether `offset` is in; false beyond the length.
    #[must_use]
    pub fn contains(&self, offset: usize) -> bool {
        self.words
            .get(offset / 64)
            .is_some_and(|word| word >> (offset % 64) & 1 == 1)
    }

    /// Puts `offset` in; true if it was not. Panics beyond the length.
    pub fn insert(&mut self, offset: usize) -> bool {
        assert!(
            offset < self.length as usize,
            "offset {offset} of {}",
            self.length
        );
        let bit = 1 << (offset % 64);
        let word = &mut self.words[offset / 64];
        let new = *word & bit == 0;
        *word |= bit;
        self.count += u32::from(new);
        new
    }

    /// Takes `offset` out; true if it was in.
    pub fn remove(&mut self, offset: usize) -> bool {
        if !self.contains(offset) {
            return false;
        }
        self.words[offset / 64] &= !(1 << (offset % 64));
        self.count -= 1;
        true
    }

    /// Every offset becomes lower by `by`; those below `by` fall out.
    pub fn shift_down(&mut self, by: u32) {
        shift_down(&mut self.words, by as usize);
        self.count = self.words.iter().map(|word| word.count_ones()).sum();
    }

    /// What is not in.
    #[must_use]
    pub fn complement(&self) -> Self {
        let mut words = self.words.clone();
        for word in &mut words {
            *word = !*word;
        }
        if let (Some(last), used @ 1..) = (words.last_mut(), self.length % 64) {
            *last &= (1 << used) - 1;
        }
        Self {
            words,
            length: self.length,
            count: self.length - self.count,
        }
    }

    /// How many are in that are not in `other`, which is as long.
    #[must_use]
    pub fn besides(&self, other: &Self) -> u32 {
        let words = self.words.iter().zip(&other.words);
        words
            .map(|(ours, theirs)| (ours & !theirs).count_ones())
            .sum()
    }

    /// Takes everything out.
    pub fn clear(&mut self) {
        self.words.fill(0);
        self.count = 0;
    }

    /// The words, for set arithmetic at 64 pieces a step.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The offsets that are in, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words
            .iter()
            .enumerate()
            .flat_map(|(index, &word)| bits(word).map(move |bit| index * 64 + bit))
    }

    /// The highest offset that is in.
    pub(crate) fn highest(&self) -> Option<usize> {
        let last = self.words.iter().rposition(|&word| word != 0)?;
        Some(last * 64 + 63 - self.words[last].leading_zeros() as usize)
    }

    /// The lowest offset at or after `from` that is not in; the length if there is none.
    #[must_use]
    pub fn first_missing(&self, from: usize) -> usize {
        let length = self.length as usize;
        let mut index = from / 64;
        let mut mask = u64::MAX << (from % 64);
        while let Some(word) = self.words.get(index) {
            let missing = !word & mask;
            if missing != 0 {
                return (index * 64 + missing.trailing_zeros() as usize).min(length);
            }
            mask = u64::MAX;
            index += 1;
        }
        length
    }
}

/// Every bit becomes lower by `by`; the lowest fall out.
fn shift_down(map: &mut [u64], by: usize) {
    let (words, bits) = (by / 64, by % 64);
    for index in 0..map.len() {
        let low = map.get(index + words).copied().unwrap_or(0);
        let high = map.get(index + words + 1).copied().unwrap_or(0);
        map[index] = if bits == 0 {
            low
        } else {
            low >> bits | high << (64 - bits)
        };
    }
}

/// The positions of the set bits, ascending.
pub(crate) fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        if word == 0 {
            return None;
        }
        let bit = word.trailing_zeros() as usize;
        word &= word - 1;
        Some(bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn shifting_moves_every_offset() {
        for by in [0, 1, 63, 64, 65, 129, 130, 500] {
            let mut set = Bitfield::new(130);
            let before = [0, 1, 62, 63, 64, 65, 128, 129];
            for offset in before {
                set.insert(offset);
            }
            assert_eq!(set.highest(), Some(129));
            set.shift_down(by);
            assert_eq!(set.highest(), 129_usize.checked_sub(by as usize));
            let after: Vec<usize> = before
                .iter()
                .filter_map(|offset| offset.checked_sub(by as usize))
                .collect();
            assert_eq!(set.iter().collect::<Vec<_>>(), after, "by {by}");
            assert_eq!(set.count() as usize, after.len());
        }
    }

    #[test]
    fn it_is_a_set() {
        let mut set = Bitfield::new(130);
        assert!(set.insert(0) && set.insert(64) && set.insert(129));
        assert!(!set.insert(64));
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 64, 129]);
        assert_eq!(set.count(), 3);
        assert!(set.remove(64) && !set.remove(64) && !set.contains(1000));
        assert_eq!(set.first_missing(0), 1);
        assert_eq!(Bitfield::full(130).first_missing(3), 130);
        assert!(Bitfield::full(64).is_full());
        let rest = set.complement();
        assert_eq!((rest.count(), rest.iter().count()), (128, 128));
        assert!(rest.contains(64) && !rest.contains(0) && !rest.contains(129));
        assert!(Bitfield::full(64).complement().is_empty());
    }
}
