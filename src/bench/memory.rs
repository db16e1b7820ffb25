//! How long a read of memory takes that lies in no cache, as most of what a swarm of thousands reads. Machines differ in
//! it; and on shared hardware, where memory is others' too, hours do, though nobody takes a core away.

use std::hint::black_box;
use std::time::Instant as Clock;

/// Bytes of a line of the cache.
const LINE: usize = 64;
const WORDS: usize = LINE / size_of::<usize>();

/// More than any cache has: 256 MiB.
const LINES: usize = 1 << 22;
/// Reads that are timed.
const READS: u32 = 1 << 18;

/// A multiplier and a summand with which all numbers below a power of two come in turn, none twice (Hull and Dobell, 1962);
/// far from each other, so that no processor foresees them.
const TIMES: usize = 1_664_525;
const PLUS: usize = 1_013_904_223;

/// Lines each of which tells which is read next.
struct Chain(Vec<usize>);

impl Chain {
    /// Of so many lines, a power of two.
    fn new(lines: usize) -> Self {
        let mut words = vec![0; lines * WORDS];
        for (line, place) in words.iter_mut().step_by(WORDS).enumerate() {
            *place = (line.wrapping_mul(TIMES).wrapping_add(PLUS) & (lines - 1)) * WORDS;
        }
        Self(words)
    }

    /// The word that is read after that at `place`.
    fn next(&self, place: usize) -> usize {
        self.0[place]
    }
}

/// Nanoseconds of a read that waits for the one before it.
pub(super) fn read_ns() -> f64 {
    let chain = Chain::new(LINES);
    let mut place = 0;
    let clock = Clock::now();
    for _ in 0..READS {
        place = chain.next(place);
    }
    let took = clock.elapsed();
    black_box(place);
    (took.as_secs_f64() * 1e10 / f64::from(READS)).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_once_before_any_is_read_again() {
        let chain = Chain::new(256);
        let mut seen = [false; 256];
        let mut place = 0;
        for _ in 0..256 {
            place = chain.next(place);
            let line = place / WORDS;
            assert!(place.is_multiple_of(WORDS) && !seen[line], "line {line}");
            seen[line] = true;
        }
        assert_eq!(place, 0, "it ends where it began");
    }
}
