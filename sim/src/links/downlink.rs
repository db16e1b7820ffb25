//! A downlink: first come first served, and cut through.
//!
//! Bytes are served as they arrive, so a block that comes slowly is there when its last byte is,
//! and one that comes faster than the link when the link has done its work.
//!
//! Known flaw: a record that arrives while a block is on its way moves the time when all work is done to now, so that
//! what was served of the block until then is served again. README.md says how much that is.

use std::collections::VecDeque;

use super::nanos_for;

/// A downlink, with what waits on it.
#[derive(Debug)]
pub(crate) struct Downlink<T> {
    /// Bytes per second; `None`: no limit.
    rate: Option<u64>,
    /// When the link has done all work that has come.
    work_done: u64,
    /// Time of delivery, bytes, and what; by time, which is the order of arrival.
    queue: VecDeque<(u64, u64, T)>,
    /// When the head is through: asked for at every event, so kept at hand.
    head: u64,
}

impl<T> Downlink<T> {
    /// An idle link.
    pub(crate) const fn new(rate: Option<u64>) -> Self {
        Self {
            rate,
            work_done: 0,
            queue: VecDeque::new(),
            head: u64::MAX,
        }
    }

    /// Bytes whose last arrives `now` and whose first arrived at `first`: gives `item` back if
    /// they are through at once, and queues it otherwise.
    pub(crate) fn arrive(&mut self, now: u64, first: u64, bytes: u64, item: T) -> Option<T> {
        let Some(rate) = self.rate else {
            return Some(item);
        };
        self.work_done = self.work_done.max(first) + nanos_for(bytes, rate);
        if self.work_done <= now && self.queue.is_empty() {
            return Some(item);
        }
        let at = self.work_done.max(now);
        self.head = self.head.min(at);
        self.queue.push_back((at, bytes, item));
        None
    }

    /// When the link has done all work, if bytes as of [`arrive`](Self::arrive) are through at once.
    pub(crate) fn at_once(&self, now: u64, first: u64, bytes: u64) -> Option<u64> {
        let Some(rate) = self.rate else {
            return Some(self.work_done);
        };
        let done = self.work_done.max(first) + nanos_for(bytes, rate);
        (done <= now && self.queue.is_empty()).then_some(done)
    }

    /// They are through, and the link has done all work by then.
    pub(crate) fn served(&mut self, done: u64) {
        self.work_done = done;
    }

    /// Bytes that were served on their way: gives `item` back unless something is before it.
    pub(crate) fn pass(&mut self, now: u64, bytes: u64, item: T) -> Option<T> {
        let Some((last, ..)) = self.queue.back() else {
            return Some(item);
        };
        self.queue.push_back(((*last).max(now), bytes, item));
        None
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

    /// Takes the head and its bytes.
    pub(crate) fn pop(&mut self) -> (T, u64) {
        let (_, bytes, item) = self.queue.pop_front().expect("something waits");
        self.head = self.queue.front().map_or(u64::MAX, |head| head.0);
        (item, bytes)
    }

    /// Bytes that wait.
    pub(crate) fn waiting(&self) -> u64 {
        self.queue.iter().map(|(_, bytes, _)| bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_cuts_through_and_never_beats_its_rate() {
        let mut link = Downlink::new(Some(1000));
        // 10 bytes that took 20 ms to come: through with the last byte.
        assert_eq!(link.arrive(20_000_000, 0, 10, 'a'), Some('a'));
        // 10 bytes that came in 1 ms: 10 ms of work from 20 ms on.
        assert_eq!(link.arrive(21_000_000, 20_000_000, 10, 'b'), None);
        assert_eq!(link.head(), 30_000_000);
        // What comes later waits, however small.
        assert_eq!(link.arrive(25_000_000, 25_000_000, 1, 'c'), None);
        assert_eq!(link.pop(), ('b', 10));
        assert_eq!(link.head(), 31_000_000);
        assert_eq!(link.pop(), ('c', 1));
        assert_eq!(link.head(), u64::MAX);
    }
}
