//! How many neighbours have each piece, as vertical counters: plane `k` of a word holds bit `k` of
//! the counts of 64 pieces.
//!
//! So the rarest of 64 candidates are found in a step per plane, whatever their number, and a whole
//! map is taken away in as many. The planes of a word lie side by side: a HAVE touches one line.
//! It knows counts only, not whose pieces they are.

use alloc::vec;
use alloc::vec::Vec;

/// See the module.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Planes of a word: enough for the highest count.
    depth: usize,
    planes: Vec<u64>,
}

impl Tally {
    /// Nobody has anything of `words` times 64 pieces; counts are at most `most`.
    pub(crate) fn new(words: usize, most: u16) -> Self {
        let depth = (u16::BITS - most.leading_zeros()).max(1) as usize;
        Self {
            depth,
            planes: vec![0; words * depth],
        }
    }

    fn word_mut(&mut self, word: usize) -> &mut [u64] {
        &mut self.planes[word * self.depth..][..self.depth]
    }

    fn word(&self, word: usize) -> &[u64] {
        &self.planes[word * self.depth..][..self.depth]
    }

    /// One more has each of these pieces of a word.
    pub(crate) fn add(&mut self, word: usize, mut pieces: u64) {
        for plane in self.word_mut(word) {
            let carry = *plane & pieces;
            *plane ^= pieces;
            pieces = carry;
            if pieces == 0 {
                return;
            }
        }
        debug_assert!(pieces == 0, "more neighbours than there can be");
    }

    /// One less has each of these pieces of a word.
    pub(crate) fn take(&mut self, word: usize, mut pieces: u64) {
        for plane in self.word_mut(word) {
            let borrow = !*plane & pieces;
            *plane ^= pieces;
            pieces = borrow;
            if pieces == 0 {
                return;
            }
        }
        debug_assert!(pieces == 0, "fewer neighbours than none");
    }

    /// How many have the piece.
    pub(crate) fn of(&self, offset: usize) -> u32 {
        let planes = self.word(offset / 64).iter().zip(0..);
        planes
            .map(|(plane, power)| u32::from(plane >> (offset % 64) & 1 == 1) << power)
            .sum()
    }

    /// Of these pieces of a word, at least one, those that fewest have, and how many have them.
    pub(crate) fn rarest(&self, word: usize, mut pieces: u64) -> (u32, u64) {
        let mut count = 0;
        for plane in self.word(word).iter().rev() {
            let without = pieces & !plane;
            count <<= 1;
            if without == 0 {
                count |= 1;
            } else {
                pieces = without;
            }
        }
        (count, pieces)
    }

    /// Every offset becomes lower by `by`; nobody has the pieces that come in.
    pub(crate) fn shift_down(&mut self, by: usize) {
        let (words, bits) = (by / 64, by % 64);
        let count = self.planes.len() / self.depth;
        for word in 0..count {
            for plane in 0..self.depth {
                let at = |word: usize| {
                    let index = word * self.depth + plane;
                    self.planes.get(index).copied().unwrap_or(0)
                };
                let (low, high) = (at(word + words), at(word + words + 1));
                self.planes[word * self.depth + plane] = if bits == 0 {
                    low
                } else {
                    low >> bits | high << (64 - bits)
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    /// Against plain counts, through a long random history.
    #[test]
    fn counts_are_plain_counts() {
        let mut rng = Seed::from_number(3).stream("tally", 0);
        for most in [1_u16, 2, 20, 63, 64, 200] {
            let mut tally = Tally::new(3, most);
            let mut plain = vec![0_u32; 192];
            for step in 0..2000 {
                let offset = usize::try_from(rng.below(192)).unwrap();
                match rng.below(20) {
                    0 => {
                        let by = usize::try_from(rng.below(200)).unwrap();
                        tally.shift_down(by);
                        plain.drain(..by.min(192));
                        plain.resize(192, 0);
                    }
                    1..=13 if plain[offset] < u32::from(most) => {
                        tally.add(offset / 64, 1 << (offset % 64));
                        plain[offset] += 1;
                    }
                    _ if plain[offset] > 0 => {
                        tally.take(offset / 64, 1 << (offset % 64));
                        plain[offset] -= 1;
                    }
                    _ => {}
                }
                let word = step % 3;
                let among = rng.below(u64::MAX) | 1;
                let (count, rarest) = tally.rarest(word, among);
                let of = |bit: usize| plain[word * 64 + bit];
                let bits = || (0..64).filter(|bit| among >> bit & 1 == 1);
                let least = bits().map(of).min().unwrap();
                assert_eq!(count, least);
                let expected = bits().filter(|&bit| of(bit) == least);
                assert_eq!(rarest, expected.map(|bit| 1 << bit).sum());
                assert_eq!(tally.of(offset), plain[offset]);
            }
        }
    }

    #[test]
    fn whole_words_come_and_go() {
        let mut tally = Tally::new(1, 3);
        tally.add(0, 0b1110);
        tally.add(0, 0b0110);
        tally.add(0, 0b0010);
        assert_eq!([0, 1, 2, 3].map(|piece| tally.of(piece)), [0, 3, 2, 1]);
        assert_eq!(tally.rarest(0, 0b1110), (1, 0b1000));
        tally.take(0, 0b0110);
        assert_eq!([0, 1, 2, 3].map(|piece| tally.of(piece)), [0, 2, 1, 1]);
    }
}
