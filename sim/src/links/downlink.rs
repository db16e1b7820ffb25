//! A downlink: first come first served, and cut through.
//!
//! Bytes are served as they arrive, so a block that comes slowly is there when its last byte is,
//! and one that comes faster than the link when the link has done its work. A record is known only
//! when its last byte is here; so a block takes, from its first byte on, the time in which the link
//! was idle, and what is left to do of it comes after all else. The link remembers its last idle
//! times, [`IDLE_MAX`] of them.
//!
//! A control message takes the link for a moment, in which blocks stand still, as on an uplink. The
//! moment is taken where the idle time since the last block begins, which keeps that in one piece: a block
//! that comes meanwhile may end too early, but by no more than the moments within it.

use std::collections::VecDeque;

use swarmbed_engine::Fetch;

use super::nanos_for;
use crate::network::Arriving;

/// Most idle times that are remembered: blocks that overtake each other are few.
const IDLE_MAX: usize = 4;

/// Places of a queue at first.
const WAITING: usize = 4;

/// Most places of an empty queue that are kept.
const KEPT_MAX: usize = 8;

/// What waits on a downlink.
#[derive(Debug)]
struct Waiting<T> {
    /// Time of delivery.
    at: u64,
    bytes: u64,
    what: T,
}

/// A downlink, with what waits on it.
#[derive(Debug)]
pub(crate) struct Downlink<T> {
    /// Bytes per second; `None`: no limit.
    rate: Option<u64>,
    /// When the link has done all work that has come.
    work_done: u64,
    /// When it was idle before it did the last of that: from, until; by time. Empty ones are unused.
    idle: [(u64, u64); IDLE_MAX],
    /// By time, which is the order of arrival.
    queue: VecDeque<Waiting<T>>,
    /// When the head is through: asked for at every event, so kept at hand.
    head: u64,
    /// When the last that was put there is.
    last: u64,
}

impl<T> Downlink<T> {
    /// An idle link.
    pub(crate) const fn new(rate: Option<u64>) -> Self {
        Self {
            rate,
            work_done: 0,
            idle: [(0, 0); IDLE_MAX],
            queue: VecDeque::new(),
            head: u64::MAX,
            last: 0,
        }
    }

    /// Its peer is here from `now` on: before, it was not idle but did not exist.
    pub(crate) const fn begin(&mut self, now: u64) {
        self.work_done = now;
    }

    /// A record comes: gives `item` back if it is through at once, and queues it otherwise.
    pub(crate) fn arrive(&mut self, record: Arriving, item: T) -> Option<T> {
        let Some(rate) = self.rate else {
            return Some(item);
        };
        let work = nanos_for(record.bytes, rate);
        let through = if record.block {
            self.serve(record.first, work)
        } else {
            self.work_done += work;
            self.work_done.max(record.first + work)
        };
        self.queue(record.at.max(through), record.at, record.bytes, item)
    }

    /// When the link has done all work, if a control message is through at once; `None` if it is not.
    pub(crate) fn at_once(&self, record: Arriving) -> Option<u64> {
        let Some(rate) = self.rate else {
            return Some(self.work_done);
        };
        let work = nanos_for(record.bytes, rate);
        let done = self.work_done + work;
        (done.max(record.first + work) <= record.at && self.queue.is_empty()).then_some(done)
    }

    /// It is through, and the link has done all work by then.
    pub(crate) const fn served(&mut self, done: u64) {
        self.work_done = done;
    }

    /// A control message takes the link from `now` on, whole: gives `item` back if it takes no time.
    pub(crate) fn take(&mut self, now: u64, bytes: u64, item: T) -> Option<T> {
        let Some(rate) = self.rate else {
            return Some(item);
        };
        self.work_done = self.work_done.max(now) + nanos_for(bytes, rate);
        self.queue(self.work_done, now, bytes, item)
    }

    /// Bytes that were served on their way: gives `item` back unless something is before it.
    pub(crate) fn pass(&mut self, now: u64, bytes: u64, item: T) -> Option<T> {
        self.queue(now, now, bytes, item)
    }

    /// Does so much work that could begin at `first`; returns when it is done.
    fn serve(&mut self, first: u64, mut work: u64) -> u64 {
        for (from, until) in &mut self.idle {
            let begin = first.max(*from);
            if begin >= *until {
                continue;
            }
            let done = (*until).min(begin + work);
            work -= done - begin;
            if done == *until {
                *until = begin;
            } else {
                // What is before `first` is forgotten: what comes later has seldom begun earlier.
                *from = done;
            }
            if work == 0 {
                return done;
            }
        }
        if first > self.work_done {
            self.idle.rotate_left(1);
            self.idle[IDLE_MAX - 1] = (self.work_done, first);
        }
        self.work_done = self.work_done.max(first) + work;
        self.work_done
    }

    /// In order of arrival: through at `at`, or with what is before it if that is later.
    fn queue(&mut self, at: u64, now: u64, bytes: u64, item: T) -> Option<T> {
        if self.queue.is_empty() {
            if at <= now {
                return Some(item);
            }
            self.head = at;
        }
        // With an empty queue, the last was through before.
        let at = self.last.max(at);
        self.last = at;
        self.queue.push_back(Waiting {
            at,
            bytes,
            what: item,
        });
        None
    }

    /// Makes room for as much as waits most times; see [`Network::reserve`](crate::network::Network::reserve).
    pub(crate) fn reserve(&mut self) {
        self.queue.reserve_exact(WAITING);
    }

    /// Bytes per second; `None`: no limit.
    pub(crate) const fn rate(&self) -> Option<u64> {
        self.rate
    }

    /// When the link has done all work that has come.
    pub(crate) const fn busy_until(&self) -> u64 {
        self.work_done
    }

    /// When the head of the queue is through; `u64::MAX` if nothing waits.
    pub(crate) const fn head(&self) -> u64 {
        self.head
    }

    /// The head.
    pub(crate) fn front(&self) -> Option<&T> {
        self.queue.front().map(|head| &head.what)
    }

    /// What is through before `end`, of what waits now.
    pub(crate) fn through(&self, end: u64) -> impl Iterator<Item = &T> {
        let before = self.queue.iter().take_while(move |head| head.at < end);
        before.map(|head| &head.what)
    }

    /// What is read when the head is taken.
    #[inline]
    pub(crate) fn fetch<F: Fetch>(&self) {
        // Nearly always, what is taken in a turn is among the first two.
        F::front(self.queue.as_slices().0, 2 * size_of::<Waiting<T>>());
    }

    /// What is written when something is put last.
    #[inline]
    pub(crate) fn fetch_end<F: Fetch>(&self) {
        F::end(&self.queue);
    }

    /// Takes the head and its bytes.
    pub(crate) fn pop(&mut self) -> (T, u64) {
        let Waiting { bytes, what, .. } = self.queue.pop_front().expect("something waits");
        self.head = self.queue.front().map_or(u64::MAX, |head| head.at);
        if self.queue.is_empty() {
            if self.queue.capacity() > KEPT_MAX {
                // It was long when all came at once, and will not be again.
                self.queue = VecDeque::new();
            } else {
                // Begins again at its first place, which is where what is fetched is.
                self.queue.clear();
            }
        }
        (what, bytes)
    }

    /// Bytes that wait.
    pub(crate) fn waiting(&self) -> u64 {
        self.queue.iter().map(|waiting| waiting.bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// A record that came from `first` to `at` milliseconds.
    fn record(block: bool, first: u64, at: u64, bytes: u64) -> Arriving {
        Arriving {
            at: at * MS,
            first: first * MS,
            bytes,
            block,
        }
    }

    /// A link of one byte a millisecond.
    fn link() -> Downlink<char> {
        Downlink::new(Some(1000))
    }

    #[test]
    fn it_cuts_through_and_never_beats_its_rate() {
        let mut link = link();
        // 10 bytes that took 20 ms to come: through with the last byte.
        assert_eq!(link.arrive(record(true, 0, 20, 10), 'a'), Some('a'));
        // 10 bytes that came in 1 ms: 10 ms of work from 20 ms on.
        assert_eq!(link.arrive(record(true, 20, 21, 10), 'b'), None);
        assert_eq!(link.head(), 30 * MS);
        // What comes later waits, however small.
        assert_eq!(link.at_once(record(false, 25, 25, 1)), None);
        assert_eq!(link.arrive(record(false, 25, 25, 1), 'c'), None);
        assert_eq!(link.pop(), ('b', 10));
        assert_eq!(link.head(), 31 * MS);
        assert_eq!(link.pop(), ('c', 1));
        assert_eq!(link.head(), u64::MAX);
    }

    #[test]
    fn a_message_takes_no_more_of_a_block_than_a_moment() {
        let mut link = link();
        assert_eq!(link.at_once(record(false, 88, 90, 1)), Some(MS));
        assert_eq!(link.arrive(record(false, 88, 90, 1), 'a'), Some('a'));
        // 99 of its 100 ms were left to the block.
        assert_eq!(link.arrive(record(true, 0, 100, 99), 'b'), Some('b'));
        // Of the next it takes one.
        assert_eq!(link.arrive(record(false, 120, 121, 1), 'c'), Some('c'));
        assert_eq!(link.arrive(record(true, 100, 130, 30), 'd'), None);
        assert_eq!(link.head(), 131 * MS);
        // One that comes faster than the link has its own time too.
        let mut idle = self::link();
        assert_eq!(idle.arrive(record(false, 200, 201, 5), 'e'), None);
        assert_eq!(idle.head(), 205 * MS);
    }

    #[test]
    fn a_block_that_was_overtaken_is_served_on_its_way() {
        let mut link = link();
        // While one of 50 bytes comes slowly, one of 50 comes at the link's own rate.
        assert_eq!(link.arrive(record(true, 930, 980, 50), 'b'), Some('b'));
        assert_eq!(link.arrive(record(true, 0, 1000, 50), 'a'), Some('a'));
        // Of what came since 880 ms, 100 bytes, all but what was before 930 ms is ahead of these.
        assert_eq!(link.arrive(record(true, 880, 1000, 60), 'c'), Some('c'));
        assert_eq!(link.arrive(record(true, 880, 1000, 60), 'd'), None);
        assert_eq!(link.head(), 1050 * MS);
    }

    #[test]
    fn it_is_never_ahead_of_a_link_that_serves_what_has_begun_to_come() {
        // Blocks that overtake each other at will: each is done when all that began to come no
        // earlier than some moment, and was here by now, can have been served since that moment.
        let mut state = 1_u64;
        let mut below = |bound: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % bound
        };
        // At two thirds of its rate, and at nine tenths.
        for (bytes_max, exact_least, waits_least) in [(60, 390, 20), (80, 0, 100)] {
            let (mut link, mut known, mut at) = (link(), Vec::new(), 5000);
            let (mut exact, mut waits) = (0, 0);
            for _ in 0..400 {
                at += below(90);
                let (first, bytes) = (at - below(500), 1 + below(bytes_max));
                known.push((first, bytes));
                // Since when is there most to do?
                let least = known
                    .iter()
                    .map(|&(since, _)| {
                        let later = known.iter().filter(|block| block.0 >= since);
                        since + later.map(|block| block.1).sum::<u64>()
                    })
                    .max()
                    .expect("one is known")
                    .max(at);
                let through = match link.arrive(record(true, first, at, bytes), 'x') {
                    Some(_) => at * MS,
                    None => link.queue.back().expect("it waits").at,
                };
                assert!(link.work_done.max(at * MS) >= least * MS, "ahead at {at}");
                exact += usize::from(link.work_done.max(at * MS) == least * MS);
                waits += usize::from(through > at * MS);
                while link.head() <= at * MS {
                    link.pop();
                }
            }
            assert!(
                exact >= exact_least && waits >= waits_least,
                "{exact} exact, {waits} wait"
            );
        }
    }
}
