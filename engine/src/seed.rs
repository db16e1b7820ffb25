//! Randomness as a value: a seed, its children by name, and streams by purpose.
//!
//! Every draw is named by (whose, what for), so that one policy's extra draw moves neither the
//! network nor another peer: common random numbers for free. Sampling is our own over ChaCha8
//! words, and transcendental functions come from `libm`, so no dependency can move a draw.

use alloc::boxed::Box;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// Root of random streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seed([u8; 32]);

impl Seed {
    /// From 32 bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The seed a scenario file calls `number`.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        Self(bytes)
    }

    /// The seed's bytes, for a recording.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The seed of one part, by kind and number: `seed.child("peer", 17)`.
    #[must_use]
    pub fn child(&self, kind: &str, number: u64) -> Self {
        let mut rng = self.stream(kind, number);
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_exact_mut(8) {
            chunk.copy_from_slice(&rng.word().to_le_bytes());
        }
        Self(bytes)
    }

    /// The stream for one purpose: `seed.stream("choke", 0)`.
    #[must_use]
    pub fn stream(&self, purpose: &str, number: u64) -> Rng {
        Rng(Stream::Named(self.0, fnv(purpose, number)))
    }
}

/// FNV-1a over the label and the number: the stream's id.
fn fnv(label: &str, number: u64) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in label.bytes().chain([0]).chain(number.to_le_bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

/// ChaCha8 behind methods of our own. It takes its room, some 300 bytes, with the first draw: most streams of most
/// peers are never drawn from.
#[derive(Clone, Debug)]
pub struct Rng(Stream);

#[derive(Clone, Debug)]
enum Stream {
    /// Seed, and the stream's id.
    Named([u8; 32], u64),
    Drawn(Box<ChaCha8Rng>),
}

impl Stream {
    fn drawn(&mut self) -> &mut ChaCha8Rng {
        if let Self::Named(seed, id) = *self {
            let mut rng = ChaCha8Rng::from_seed(seed);
            rng.set_stream(id);
            *self = Self::Drawn(Box::new(rng));
        }
        match self {
            Self::Drawn(rng) => rng,
            Self::Named(..) => unreachable!("just made"),
        }
    }
}

impl Rng {
    /// The next 64 random bits.
    pub fn word(&mut self) -> u64 {
        self.0.drawn().next_u64()
    }

    /// Uniform in `0..bound`, without bias; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound <= 1 {
            return 0;
        }
        // Lemire's multiply-shift, with rejection of the short leading interval.
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.word()) * u128::from(bound);
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the low half is what is meant"
            )]
            let low = product as u64;
            if low >= threshold {
                return u64::try_from(product >> 64).expect("high half of a 128-bit product");
            }
        }
    }

    /// An index into something of `length` items; 0 if it is empty.
    pub fn index(&mut self, length: usize) -> usize {
        let bound = u64::try_from(length).expect("usize fits u64");
        usize::try_from(self.below(bound)).expect("below a usize")
    }

    /// Uniform in `low..=high`.
    pub fn range(&mut self, low: u64, high: u64) -> u64 {
        assert!(low <= high, "range {low}..={high}");
        match (high - low).checked_add(1) {
            Some(span) => low + self.below(span),
            None => self.word(),
        }
    }

    /// Uniform in `[0, 1)`, 53 bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Exponential with mean `mean`.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.unit())
    }

    /// Weibull with scale and shape.
    pub fn weibull(&mut self, scale: f64, shape: f64) -> f64 {
        scale * libm::pow(-libm::log(1.0 - self.unit()), 1.0 / shape)
    }

    /// Pareto with minimum and shape.
    pub fn pareto(&mut self, minimum: f64, shape: f64) -> f64 {
        minimum / libm::pow(1.0 - self.unit(), 1.0 / shape)
    }

    /// Normal, by Box and Muller (one of the pair is thrown away: draws stay countable).
    pub fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        mean + deviation * radius * libm::cos(core::f64::consts::TAU * self.unit())
    }

    /// Fisher and Yates.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.index(last + 1);
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn streams_differ_by_name_and_number_and_repeat() {
        let seed = Seed::from_number(1);
        let first = seed.stream("choke", 0).word();
        assert_eq!(first, seed.stream("choke", 0).word());
        assert_ne!(first, seed.stream("choke", 1).word());
        assert_ne!(first, seed.stream("select", 0).word());
        assert_ne!(first, seed.child("peer", 0).stream("choke", 0).word());
    }

    #[test]
    fn means_are_right() {
        let mut rng = Seed::from_number(7).stream("test", 0);
        let n = 20_000;
        let mean = |draws: Vec<f64>| draws.iter().sum::<f64>() / f64::from(n);
        let exponential = mean((0..n).map(|_| rng.exponential(2.0)).collect());
        assert!((exponential - 2.0).abs() < 0.06, "{exponential}");
        let normal = mean((0..n).map(|_| rng.normal(5.0, 1.0)).collect());
        assert!((normal - 5.0).abs() < 0.03, "{normal}");
        let below = mean(
            (0..n)
                .map(|_| f64::from(u32::try_from(rng.below(10)).unwrap()))
                .collect(),
        );
        assert!((below - 4.5).abs() < 0.1, "{below}");
    }
}
