//! Rates, and how they are measured.

use core::time::Duration;

use crate::time::{Instant, nanos};

/// Bytes per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u64);

impl Rate {
    /// Nothing moves.
    pub const ZERO: Self = Self(0);

    /// From bytes per second.
    #[must_use]
    pub const fn from_bytes_per_s(bytes_per_s: u64) -> Self {
        Self(bytes_per_s)
    }

    /// From bits per second, rounded down to whole bytes.
    #[must_use]
    pub const fn from_bits_per_s(bits_per_s: u64) -> Self {
        Self(bits_per_s / 8)
    }

    /// In bytes per second.
    #[must_use]
    pub const fn bytes_per_s(self) -> u64 {
        self.0
    }

    /// How long `bytes` take at this rate, in nanoseconds, rounded up; `u64::MAX` at rate zero.
    #[must_use]
    pub fn nanos_for(self, bytes: u64) -> u64 {
        if self.0 == 0 {
            return u64::MAX;
        }
        match bytes.checked_mul(1_000_000_000) {
            Some(product) => product.div_ceil(self.0),
            None => {
                let nanos = (u128::from(bytes) * 1_000_000_000).div_ceil(u128::from(self.0));
                u64::try_from(nanos).unwrap_or(u64::MAX)
            }
        }
    }

    /// Bytes that pass in `nanos` nanoseconds, rounded down.
    #[must_use]
    pub fn bytes_in(self, nanos: u64) -> u64 {
        part(self.0, nanos, 1_000_000_000)
    }
}

/// `whole * times / of`, rounded down; `u64::MAX` if it is more. Nearly always 64 bits are enough,
/// and a division of 128 bits costs ten times as much.
fn part(whole: u64, times: u64, of: u64) -> u64 {
    match whole.checked_mul(times) {
        Some(product) => product / of,
        None => u64::try_from(u128::from(whole) * u128::from(times) / u128::from(of))
            .unwrap_or(u64::MAX),
    }
}

/// Measures a rate over at most the last `SECONDS` (20, as BEP 3's reference client: `max_rate_period`).
///
/// Older bytes are forgotten in proportion, so the answer needs no history: two words a meter.
#[derive(Clone, Copy, Debug)]
pub struct RateMeter<const SECONDS: u64 = 20> {
    since: Instant,
    bytes: u64,
}

impl<const SECONDS: u64> RateMeter<SECONDS> {
    /// In nanoseconds.
    const WINDOW: u64 = SECONDS * 1_000_000_000;

    /// Starts measuring at `now`.
    #[must_use]
    pub const fn new(now: Instant) -> Self {
        Self {
            since: now,
            bytes: 0,
        }
    }

    /// Counts `bytes` that moved at `now`.
    pub fn add(&mut self, now: Instant, bytes: u64) {
        self.forget(now);
        self.bytes += bytes;
    }

    /// The rate at `now`. In the first second after the start, bytes count as if spread over it.
    #[must_use]
    pub fn rate(&self, now: Instant) -> Rate {
        if self.bytes == 0 {
            return Rate::ZERO;
        }
        let mut copy = *self;
        copy.forget(now);
        let span = nanos(now.since(copy.since)).max(1_000_000_000);
        Rate(part(copy.bytes, 1_000_000_000, span))
    }

    fn forget(&mut self, now: Instant) {
        let span = nanos(now.since(self.since));
        if span > Self::WINDOW {
            self.bytes = part(self.bytes, Self::WINDOW, span);
            self.since = now - Duration::from_nanos(Self::WINDOW);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_flow_is_measured_exactly() {
        let mut meter: RateMeter = RateMeter::new(Instant::ZERO);
        for second in 1..=100 {
            meter.add(Instant::from_secs(second), 1000);
        }
        let rate = meter.rate(Instant::from_secs(100)).bytes_per_s();
        assert!((990..=1050).contains(&rate), "{rate}");
        assert!(meter.rate(Instant::from_secs(200)).bytes_per_s() < 210);
    }

    #[test]
    fn a_link_rounds_time_up_and_bytes_down() {
        let rate = Rate::from_bytes_per_s(3);
        assert_eq!(rate.nanos_for(1), 333_333_334);
        assert_eq!(rate.bytes_in(333_333_333), 0);
        assert_eq!(Rate::ZERO.nanos_for(1), u64::MAX);
    }
}
