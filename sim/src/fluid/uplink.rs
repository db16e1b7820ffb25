//! An uplink whose blocks flow at shares that are given to it.

use super::{FRACTION, capacity};
use crate::links::{Downlink, nanos_for};
use crate::network::{Arriving, Network};

/// A block being sent.
#[derive(Clone, Copy, Debug)]
struct Flow {
    slot: u16,
    /// The receiver.
    to: u32,
    /// What it takes in all, and what of it is left, in units of share × nanoseconds.
    work: u64,
    rest: u64,
    /// When `rest` was that.
    since: u64,
    share: u64,
    /// Control messages take the receiver's downlink until then.
    barred: u64,
}

impl Flow {
    /// When it goes on, if an uplink is taken until `at`.
    fn goes_on(&self, at: u64) -> u64 {
        self.since.max(self.barred).max(at)
    }

    fn advance(&mut self, now: u64, at: u64) {
        let from = self.goes_on(at);
        if now > from {
            let flowed = self.share.saturating_mul(now - from);
            self.rest = self.rest.saturating_sub(flowed);
        }
        self.since = self.since.max(now);
    }

    fn end(&self, at: u64) -> u64 {
        if self.share == 0 {
            return u64::MAX;
        }
        self.goes_on(at)
            .saturating_add(self.rest.div_ceil(self.share))
    }
}

/// An uplink.
#[derive(Debug)]
pub(crate) struct Uplink {
    /// Bytes per second, at least 1.
    rate: u64,
    /// Control messages take it until then.
    at: u64,
    /// By age.
    flows: Vec<Flow>,
    /// When the first of them ends, and its place.
    first: (u64, usize),
    /// One that has just ended: if another to the same receiver follows at once, it goes on where
    /// this one was, and no share changes.
    ended: Option<Flow>,
    /// Shares are to be solved anew.
    changed: bool,
}

impl Uplink {
    fn advance(&mut self, now: u64) {
        for flow in &mut self.flows {
            flow.advance(now, self.at);
        }
    }

    fn look(&mut self) {
        let ends = self.flows.iter().map(|flow| flow.end(self.at));
        let first = ends.zip(0..).min();
        self.first = first.unwrap_or((u64::MAX, 0));
    }

    /// An event is over: whether shares are to be solved anew. Asked once.
    pub(super) fn settle(&mut self) -> bool {
        self.changed |= self.ended.take().is_some();
        std::mem::take(&mut self.changed)
    }

    /// Its capacity.
    pub(super) fn capacity(&self) -> u64 {
        capacity(self.rate)
    }

    /// The receivers of what is being sent.
    pub(super) fn receivers(&self) -> impl Iterator<Item = u32> + '_ {
        self.flows.iter().map(|flow| flow.to)
    }

    /// From `now` on its flows have these shares, in the order of `receivers`, whose downlinks are
    /// taken until `barred`; true if anything changed.
    pub(super) fn assign(&mut self, now: u64, shares: &[u64], barred: &[u64]) -> bool {
        let mut any = false;
        for (flow, &share) in self.flows.iter_mut().zip(shares) {
            if flow.share != share {
                flow.advance(now, self.at);
                flow.share = share;
                flow.barred = barred[flow.to as usize];
                any = true;
            }
        }
        if any {
            self.look();
        }
        any
    }

    /// Control messages take the downlink of `to` until then; true if that concerns anything.
    pub(super) fn bar(&mut self, now: u64, to: u32, until: u64) -> bool {
        let mut any = false;
        for flow in self.flows.iter_mut().filter(|flow| flow.to == to) {
            flow.advance(now, self.at);
            flow.barred = until;
            any = true;
        }
        if any {
            self.look();
        }
        any
    }
}

impl Network for Uplink {
    fn new(rate: u64) -> Self {
        Self {
            rate: rate.max(1),
            at: 0,
            flows: Vec::new(),
            first: (u64::MAX, 0),
            ended: None,
            changed: false,
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
        self.at = self.at.max(now) + span;
        self.look();
        (self.at, span)
    }

    fn begin(&mut self, now: u64, slot: u16, to: u32, bytes: u64) -> u64 {
        let work = (bytes * 1_000_000_000) << FRACTION;
        let next = |flow: &mut Flow| flow.slot == slot && flow.to == to && flow.since == now;
        let (share, barred) = match self.ended.take_if(next) {
            Some(before) => (before.share, before.barred),
            None => {
                self.changed = true;
                (0, 0)
            }
        };
        let flow = Flow {
            slot,
            to,
            work,
            rest: work,
            since: now,
            share,
            barred,
        };
        self.flows.push(flow);
        self.look();
        flow.goes_on(self.at)
    }

    fn end(&self) -> u64 {
        self.first.0
    }

    fn finish(&mut self, now: u64) -> u16 {
        self.advance(now);
        let flow = self.flows.remove(self.first.1);
        debug_assert!(flow.rest == 0, "a block ended before its time");
        self.ended = Some(flow);
        self.look();
        flow.slot
    }

    fn cancel(&mut self, now: u64, slot: u16, bytes: u64) -> u64 {
        self.advance(now);
        let Some(place) = self.flows.iter().position(|flow| flow.slot == slot) else {
            return 0;
        };
        let flow = self.flows.remove(place);
        self.changed = true;
        self.look();
        let sent = u128::from(bytes) * u128::from(flow.work - flow.rest) / u128::from(flow.work);
        u64::try_from(sent).expect("at most all of it")
    }

    fn set_rate(&mut self, now: u64, rate: u64) {
        self.advance(now);
        self.rate = rate.max(1);
        self.changed = true;
    }

    /// A block has passed with its last byte, and only keeps its place in the order. A control
    /// message takes the link from when it is there.
    fn arrive<T>(downlink: &mut Downlink<T>, record: Arriving, item: T) -> Option<T> {
        if record.block {
            downlink.pass(record.at, record.bytes, item)
        } else {
            downlink.take(record.at, record.bytes, item)
        }
    }
}
