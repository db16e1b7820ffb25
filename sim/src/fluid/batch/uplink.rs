//! An uplink between two borders: it divides its rate among its blocks, none faster than its receiver's
//! downlink offered.
//!
//! As with `links`, control messages take the whole link for a moment, in which the time of blocks
//! stands still: `at` lies in the future until then. So they cost no more than an addition.

use super::super::{FRACTION, capacity};
use crate::links::{Downlink, nanos_for};
use crate::network::{Arriving, Network};

/// A block being sent.
#[derive(Clone, Copy, Debug)]
struct Flow {
    slot: u16,
    /// The receiver.
    to: u32,
    /// What it takes in all, and what of it was left at `since`, in units of share × nanoseconds.
    work: u64,
    rest: u64,
    /// In the time of blocks.
    since: u64,
    share: u64,
    /// The most it may have; `u64::MAX`: all.
    offer: u64,
    /// In the time of blocks.
    end: u64,
}

impl Flow {
    fn advance(&mut self, v: u64) {
        let flowed = self.share.saturating_mul(v - self.since);
        self.rest = self.rest.saturating_sub(flowed);
        self.since = v;
    }
}

/// An uplink.
#[derive(Debug)]
pub(crate) struct Uplink {
    /// Bytes per second, at least 1.
    rate: u64,
    /// The time of blocks, in nanoseconds: it stands still while control messages take the link.
    v: u64,
    /// When `v` was that; in the future while control messages take the link.
    at: u64,
    /// By age.
    flows: Vec<Flow>,
    /// When the first of them ends, and its place.
    first: (u64, usize),
    /// Receivers whose downlinks were full at the last border, with what those offer.
    offers: Vec<(u32, u64)>,
}

impl Uplink {
    fn advance(&mut self, now: u64) {
        if now > self.at {
            self.v += now - self.at;
            self.at = now;
        }
    }

    /// What a block gets whose receiver offers more.
    fn level(&self) -> u64 {
        let mut level = 0;
        loop {
            // Those who get what they are offered leave the rest to the others.
            let less = self.flows.iter().filter(|flow| flow.offer <= level);
            let (taken, count) = less.fold((0_u64, 0), |(taken, count), flow| {
                (taken + flow.offer, count + 1)
            });
            let left = capacity(self.rate).saturating_sub(taken);
            let others = self.flows.len() as u64 - count;
            match left.checked_div(others) {
                Some(next) if next > level => level = next,
                _ => return level,
            }
        }
    }

    /// Blocks, offers or the rate have changed.
    fn divide(&mut self) {
        let level = self.level();
        let v = self.v;
        self.first = (u64::MAX, 0);
        for (place, flow) in self.flows.iter_mut().enumerate() {
            let share = flow.offer.min(level);
            if share != flow.share {
                flow.advance(v);
                flow.share = share;
                flow.end = match share {
                    0 => u64::MAX,
                    share => v.saturating_add(flow.rest.div_ceil(share)),
                };
            }
            if flow.end < self.first.0 {
                self.first = (flow.end, place);
            }
        }
    }
}

impl Network for Uplink {
    fn new(rate: u64) -> Self {
        Self {
            rate: rate.max(1),
            v: 0,
            at: 0,
            flows: Vec::new(),
            first: (u64::MAX, 0),
            offers: Vec::new(),
        }
    }

    fn rate(&self) -> u64 {
        self.rate
    }

    fn busy_until(&self) -> u64 {
        self.at
    }

    fn control(&mut self, now: u64, bytes: u64) -> (u64, u64) {
        self.advance(now);
        let span = nanos_for(bytes, self.rate);
        self.at += span;
        (self.at, span)
    }

    fn begin(&mut self, now: u64, slot: u16, to: u32, bytes: u64) -> u64 {
        self.advance(now);
        let work = (bytes * 1_000_000_000) << FRACTION;
        let offered = self.offers.iter().find(|(receiver, _)| *receiver == to);
        self.flows.push(Flow {
            slot,
            to,
            work,
            rest: work,
            since: self.v,
            share: 0,
            offer: offered.map_or(u64::MAX, |offer| offer.1),
            end: u64::MAX,
        });
        self.divide();
        self.at
    }

    fn end(&self) -> u64 {
        match self.first.0 {
            u64::MAX => u64::MAX,
            end => self.at.saturating_add(end.saturating_sub(self.v)),
        }
    }

    fn finish(&mut self, now: u64) -> u16 {
        self.advance(now);
        let flow = self.flows.remove(self.first.1);
        debug_assert!(flow.end <= self.v, "a block ended before its time");
        self.divide();
        flow.slot
    }

    fn cancel(&mut self, now: u64, slot: u16, bytes: u64) -> u64 {
        self.advance(now);
        let Some(place) = self.flows.iter().position(|flow| flow.slot == slot) else {
            return 0;
        };
        let mut flow = self.flows.remove(place);
        flow.advance(self.v);
        self.divide();
        let sent = u128::from(bytes) * u128::from(flow.work - flow.rest) / u128::from(flow.work);
        u64::try_from(sent).expect("at most all of it")
    }

    fn set_rate(&mut self, now: u64, rate: u64) {
        self.advance(now);
        self.rate = rate.max(1);
        self.divide();
    }

    fn arrive<T>(downlink: &mut Downlink<T>, record: Arriving, item: T) -> Option<T> {
        downlink.arrive(record, item)
    }

    fn at_once<T>(downlink: &Downlink<T>, record: Arriving) -> Option<u64> {
        downlink.at_once(record)
    }

    fn receivers(&self) -> impl Iterator<Item = u32> + Clone {
        self.flows.iter().map(|flow| flow.to)
    }

    fn offered(&mut self, now: u64, offers: &[u64]) -> bool {
        self.offers.clear();
        let mut any = false;
        for flow in &mut self.flows {
            let offer = offers[flow.to as usize];
            if offer < u64::MAX {
                self.offers.push((flow.to, offer));
            }
            any |= std::mem::replace(&mut flow.offer, offer) != offer;
        }
        if any {
            self.advance(now);
            self.divide();
        }
        any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const NONE: u64 = u64::MAX;

    #[test]
    fn two_blocks_share_and_control_pushes_them_back() {
        // As with `links`: 1 byte a millisecond.
        let mut link = Uplink::new(1000);
        assert_eq!(link.end(), u64::MAX);
        assert_eq!(link.begin(0, 1, 0, 10), 0);
        assert_eq!(link.end(), 10 * MS);
        assert_eq!(link.begin(4 * MS, 2, 0, 10), 4 * MS);
        assert_eq!(link.end(), 16 * MS);
        assert_eq!(link.control(6 * MS, 3), (9 * MS, 3 * MS));
        assert_eq!(link.control(7 * MS, 1), (10 * MS, MS));
        assert_eq!(link.end(), 20 * MS);
        assert_eq!(link.finish(20 * MS), 1);
        assert_eq!(link.end(), 24 * MS);
        link.set_rate(22 * MS, 500);
        assert_eq!(link.end(), 26 * MS);
        assert_eq!(link.cancel(24 * MS, 2, 10), 9);
        assert_eq!(link.end(), u64::MAX);
    }

    #[test]
    fn nobody_gets_more_than_is_offered() {
        let mut link = Uplink::new(1000);
        link.begin(0, 1, 1, 10);
        link.begin(0, 2, 2, 10);
        link.begin(0, 3, 3, 10);
        // 1 can take 100, 2 can take 400: 500 are left to 3.
        assert!(link.offered(0, &[NONE, capacity(100), capacity(400), NONE]));
        assert_eq!(link.end(), 20 * MS);
        assert_eq!(link.finish(20 * MS), 3);
        // What follows to a receiver is under the same offer; 500 go to nobody.
        assert_eq!(link.end(), 25 * MS);
        assert_eq!(link.finish(25 * MS), 2);
        link.begin(25 * MS, 2, 2, 10);
        assert_eq!(link.end(), 50 * MS);
        // The same offers change nothing; none at all: halves, of 7.5 bytes and of 10.
        assert!(!link.offered(25 * MS, &[NONE, capacity(100), capacity(400), NONE]));
        assert!(link.offered(25 * MS, &[NONE; 4]));
        assert_eq!(link.end(), 40 * MS);
        assert_eq!(link.finish(40 * MS), 1);
    }

    #[test]
    fn shares_are_rounded_down_and_ends_up() {
        let mut link = Uplink::new(1000);
        for slot in 1..=3 {
            link.begin(0, slot, 0, 10);
        }
        for slot in 1..=3 {
            let end = link.end();
            assert!((30 * MS..=30 * MS + 1).contains(&end), "{end}");
            assert_eq!(link.finish(end), slot);
        }
    }
}
