//! An uplink: its rate is shared equally among the connections that have a block being sent
//! (processor sharing), and control messages go before them.
//!
//! Virtual time makes it one event a block: `v` is how much service each active connection has
//! had, in time the link alone would need, and a block ends when `v` reaches its mark. A control
//! message takes the whole link for a moment, in which `v` stands still: `at` lies in the future
//! until then. So a control message costs no event at all.

use std::collections::VecDeque;

use swarmbed_engine::Fetch;

use super::{Downlink, nanos_for};
use crate::network::{Arriving, Network};

/// Fraction bits of virtual time: a share of an odd number of connections is off by less than a
/// nanosecond. 54 bits of nanoseconds are left: 208 days.
const FRACTION: u32 = 10;

/// Blocks for which there is room at first.
const ACTIVE: usize = 4;

/// A block being sent.
#[derive(Clone, Copy, Debug)]
struct Active {
    /// `v` at which it ends.
    finish: u64,
    /// `v` it takes in all.
    work: u64,
    /// Whose it is.
    slot: u16,
}

/// An uplink.
#[derive(Debug)]
pub(crate) struct Uplink {
    /// Bytes per second, at least 1.
    rate: u64,
    /// Service had by each active connection.
    v: u64,
    /// When `v` was that; in the future while control messages take the link.
    at: u64,
    /// By `finish`, ties by age.
    active: VecDeque<Active>,
    /// The first's `finish`: asked for at every event, so kept at hand.
    first: u64,
}

impl Uplink {
    fn advance(&mut self, now: u64) {
        if now > self.at {
            if !self.active.is_empty() {
                self.v += ((now - self.at) << FRACTION) / self.active.len() as u64;
            }
            self.at = now;
        }
    }

    fn look(&mut self) {
        self.first = self.active.front().map_or(0, |block| block.finish);
    }
}

impl Network for Uplink {
    fn new(rate: u64) -> Self {
        Self {
            rate: rate.max(1),
            v: 0,
            at: 0,
            active: VecDeque::new(),
            first: 0,
        }
    }

    fn rate(&self) -> u64 {
        self.rate
    }

    fn busy_until(&self) -> u64 {
        self.at
    }

    #[inline]
    fn control(&mut self, now: u64, bytes: u64) -> (u64, u64) {
        self.advance(now);
        let span = nanos_for(bytes, self.rate);
        self.at += span;
        (self.at, span)
    }

    #[inline]
    fn begin(&mut self, now: u64, slot: u16, _to: u32, bytes: u64) -> u64 {
        self.advance(now);
        let work = nanos_for(bytes, self.rate) << FRACTION;
        let block = Active {
            finish: self.v + work,
            work,
            slot,
        };
        // Blocks are of one size nearly always, so its place is nearly always the end.
        let place = self
            .active
            .iter()
            .rposition(|other| other.finish <= block.finish)
            .map_or(0, |before| before + 1);
        self.active.insert(place, block);
        self.look();
        self.at
    }

    fn end(&self) -> u64 {
        if self.active.is_empty() {
            return u64::MAX;
        }
        let rest = self
            .first
            .saturating_sub(self.v)
            .saturating_mul(self.active.len() as u64);
        self.at.saturating_add(rest.div_ceil(1 << FRACTION))
    }

    fn first(&self) -> Option<u16> {
        self.active.front().map(|block| block.slot)
    }

    fn reserve(&mut self) {
        self.active.reserve_exact(ACTIVE);
    }

    fn fetch<F: Fetch>(&self) {
        F::ends(&self.active);
    }

    fn finish(&mut self, now: u64) -> u16 {
        self.advance(now);
        let block = self.active.pop_front().expect("a block ends");
        self.look();
        debug_assert!(block.finish <= self.v, "a block ended before its time");
        block.slot
    }

    fn cancel(&mut self, now: u64, slot: u16, bytes: u64) -> u64 {
        self.advance(now);
        let Some(place) = self.active.iter().position(|block| block.slot == slot) else {
            return 0;
        };
        let block = self.active.remove(place).expect("just found");
        self.look();
        let rest = block.finish.saturating_sub(self.v).min(block.work);
        let sent = u128::from(bytes) * u128::from(block.work - rest) / u128::from(block.work);
        u64::try_from(sent).expect("at most all of it")
    }

    fn set_rate(&mut self, now: u64, rate: u64) {
        self.advance(now);
        let rate = rate.max(1);
        let scale = |v: u64| {
            let scaled = (u128::from(v) * u128::from(self.rate)).div_ceil(u128::from(rate));
            u64::try_from(scaled).unwrap_or(u64::MAX >> 8)
        };
        for block in &mut self.active {
            block.finish = self.v + scale(block.finish.saturating_sub(self.v));
            block.work = scale(block.work).max(1);
        }
        self.rate = rate;
        self.look();
    }

    /// Blocks wait for their turn as all do.
    fn arrive<T>(downlink: &mut Downlink<T>, record: Arriving, item: T) -> Option<T> {
        downlink.arrive(record, item)
    }

    fn at_once<T>(downlink: &Downlink<T>, record: Arriving) -> Option<u64> {
        downlink.at_once(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_blocks_share_and_control_pushes_them_back() {
        // 1 byte a millisecond.
        let mut link = Uplink::new(1000);
        assert_eq!(link.end(), u64::MAX);
        assert_eq!(link.begin(0, 1, 0, 10), 0);
        assert_eq!(link.end(), 10_000_000);
        // At 4 ms, 6 bytes are left; shared by two they take 12 ms.
        assert_eq!(link.begin(4_000_000, 2, 0, 10), 4_000_000);
        assert_eq!(link.end(), 16_000_000);
        // At 6 ms a control message of 3 bytes: both stand still for 3 ms.
        assert_eq!(link.control(6_000_000, 3), (9_000_000, 3_000_000));
        assert_eq!(link.end(), 19_000_000);
        // Another at 7 ms waits for the first.
        assert_eq!(link.control(7_000_000, 1), (10_000_000, 1_000_000));
        assert_eq!(link.end(), 20_000_000);
        assert_eq!(link.finish(20_000_000), 1);
        // The second had 6 of its 10 bytes; alone it needs 4 ms more.
        assert_eq!(link.end(), 24_000_000);
        // Half the rate at 22 ms: 2 bytes left take 4 ms.
        link.set_rate(22_000_000, 500);
        assert_eq!(link.end(), 26_000_000);
        assert_eq!(link.cancel(24_000_000, 2, 10), 9);
        assert_eq!(link.end(), u64::MAX);
    }

    #[test]
    fn short_blocks_pass_long_ones() {
        let mut link = Uplink::new(1000);
        link.begin(0, 1, 0, 10);
        link.begin(0, 2, 0, 2);
        link.begin(0, 3, 0, 10);
        assert_eq!(link.end(), 6_000_000);
        assert_eq!(link.finish(6_000_000), 2);
        assert_eq!(link.finish(22_000_000), 1);
        assert_eq!(link.finish(22_000_000), 3);
    }
}
