//! How many neighbours have each piece, as vertical counters: plane `k` holds bit `k` of the counts
//! of 64 pieces.
//!
//! So the rarest of 64 candidates are found in a step per plane, whatever their number, and a whole
//! map is taken away in as many. It knows counts only, not whose pieces they are.

/// Planes that counts up to `most` need.
pub(super) fn depth(most: u16) -> u32 {
    (u16::BITS - most.leading_zeros()).max(1)
}

/// One more has each of these pieces.
pub(super) fn add(planes: &mut [u64], mut pieces: u64) {
    for plane in planes {
        let carry = *plane & pieces;
        *plane ^= pieces;
        pieces = carry;
        if pieces == 0 {
            return;
        }
    }
    debug_assert!(pieces == 0, "more neighbours than there can be");
}

/// One less has each of these pieces.
pub(super) fn take(planes: &mut [u64], mut pieces: u64) {
    for plane in planes {
        let borrow = !*plane & pieces;
        *plane ^= pieces;
        pieces = borrow;
        if pieces == 0 {
            return;
        }
    }
    debug_assert!(pieces == 0, "fewer neighbours than none");
}

/// How many have the piece of this bit.
#[cfg(test)]
pub(super) fn count(planes: &[u64], bit: usize) -> u32 {
    let powers = planes.iter().zip(0..);
    powers
        .map(|(plane, power)| u32::from(plane >> bit & 1 == 1) << power)
        .sum()
}

/// The pieces that at least `wanted` have, at least 1.
pub(super) fn at_least(planes: &[u64], wanted: u32) -> u64 {
    if wanted >> planes.len() != 0 {
        return 0;
    }
    // From the highest plane down: those that are above already, and those that are level still.
    let (mut above, mut level) = (0, u64::MAX);
    for (power, plane) in planes.iter().enumerate().rev() {
        if wanted >> power & 1 == 1 {
            level &= plane;
        } else {
            above |= level & plane;
            level &= !plane;
        }
    }
    above | level
}

/// Of these pieces, at least one, those that fewest have, and how many have them.
pub(super) fn rarest(planes: &[u64], mut pieces: u64) -> (u32, u64) {
    let mut count = 0;
    for plane in planes.iter().rev() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use alloc::vec;

    /// Against plain counts, through a long random history.
    #[test]
    fn counts_are_plain_counts() {
        let mut rng = Seed::from_number(3).stream("tally", 0);
        for most in [1_u16, 2, 20, 63, 64, 200] {
            let mut planes = vec![0; depth(most) as usize];
            let mut plain = [0_u32; 64];
            for _ in 0..5000 {
                let bit = rng.index(64);
                if rng.below(20) < 13 && plain[bit] < u32::from(most) {
                    add(&mut planes, 1 << bit);
                    plain[bit] += 1;
                } else if plain[bit] > 0 {
                    take(&mut planes, 1 << bit);
                    plain[bit] -= 1;
                }
                let among = rng.below(u64::MAX) | 1;
                let bits = || (0..64).filter(|bit| among >> bit & 1 == 1);
                let least = bits().map(|bit| plain[bit]).min().unwrap();
                let expected = bits().filter(|&bit| plain[bit] == least);
                let expected = expected.map(|bit| 1 << bit).sum();
                assert_eq!(rarest(&planes, among), (least, expected));
                assert_eq!(count(&planes, bit), plain[bit]);
                let wanted = 1 + u32::try_from(rng.below(1 + u64::from(most))).unwrap();
                let enough = (0..64).filter(|&bit| plain[bit] >= wanted);
                let enough: u64 = enough.map(|bit| 1 << bit).sum();
                assert_eq!(at_least(&planes, wanted), enough, "{wanted} of {most}");
            }
        }
    }

    #[test]
    fn whole_words_come_and_go() {
        let mut planes = [0; 2];
        add(&mut planes, 0b1110);
        add(&mut planes, 0b0110);
        add(&mut planes, 0b0010);
        let counts = |planes: &[u64]| [0, 1, 2, 3].map(|piece| count(planes, piece));
        assert_eq!(counts(&planes), [0, 3, 2, 1]);
        assert_eq!(rarest(&planes, 0b1110), (1, 0b1000));
        take(&mut planes, 0b0110);
        assert_eq!(counts(&planes), [0, 2, 1, 1]);
    }
}
