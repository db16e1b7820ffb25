//! Mail by the window of its arrival: a ring of windows, and an overflow for what is farther off.

use crate::mail::Mail;

/// Windows in the ring. Mail comes one latency after it was sent, and latencies rarely differ by
/// more than this factor.
const RING: u64 = u64::BITS as u64;

/// Mail to one chunk, by window.
#[derive(Debug)]
pub(crate) struct Calendar {
    /// Nanoseconds of a window.
    window: u64,
    /// 2^64 over it, rounded down: a product with it falls short of a quotient by less than 1.
    inverse: u64,
    /// The window that is next to be taken; everything filed is there or later.
    base: u64,
    ring: [Vec<Mail>; RING as usize],
    /// Room that windows had which are over: the next one that gets mail takes the last of it, which
    /// is still in a cache. Few windows have mail at a time, and each would else keep room of its own.
    spare: Vec<Vec<Mail>>,
    /// Places of the ring with mail, a bit each.
    filed: u64,
    overflow: Vec<Mail>,
    /// First window with mail in the overflow.
    overflow_first: u64,
}

impl Calendar {
    /// An empty calendar with windows of `window` nanoseconds.
    pub(crate) fn new(window: u64) -> Self {
        Self {
            window,
            inverse: u64::MAX / window,
            base: 0,
            ring: std::array::from_fn(|_| Vec::new()),
            spare: Vec::new(),
            filed: 0,
            overflow: Vec::new(),
            overflow_first: u64::MAX,
        }
    }

    /// The window of a time: a division, by a product and a look.
    #[inline]
    fn window_of(&self, at: u64) -> u64 {
        let high = (u128::from(at) * u128::from(self.inverse)) >> 64;
        let window = u64::try_from(high).expect("below at");
        // At most `at`, so nothing overflows.
        let rest = at.wrapping_sub(window.wrapping_mul(self.window));
        window.wrapping_add(u64::from(rest >= self.window))
    }

    fn slot(window: u64) -> usize {
        usize::try_from(window % RING).expect("below RING")
    }

    /// Files a record.
    #[inline(always)]
    pub(crate) fn file(&mut self, mail: Mail) {
        let window = self.window_of(mail.at);
        assert!(window >= self.base, "mail came too late for its window");
        if window - self.base < RING {
            self.put(window, mail);
        } else {
            self.far(window, mail);
        }
    }

    #[inline(always)]
    fn put(&mut self, window: u64, mail: Mail) {
        let slot = Self::slot(window);
        if self.filed >> slot & 1 == 0 {
            self.open(slot);
        }
        self.ring[slot].push(mail);
    }

    /// Whether records can be put off until `at`: that is in a window to come, and in none that is far.
    #[inline]
    pub(crate) fn reaches(&self, at: u64) -> bool {
        let ahead = self.window_of(at).checked_sub(self.base);
        ahead.is_some_and(|ahead| ahead < RING)
    }

    /// Files a record in the window of `at`, which is later than its own and is reached.
    pub(crate) fn put_off(&mut self, at: u64, mail: Mail) {
        debug_assert!(mail.at < at && self.reaches(at), "put off to no purpose");
        self.put(self.window_of(at), mail);
    }

    /// A window has its first record.
    fn open(&mut self, slot: usize) {
        self.filed |= 1 << slot;
        self.ring[slot] = self.spare.pop().unwrap_or_default();
    }

    #[cold]
    fn far(&mut self, window: u64, mail: Mail) {
        self.overflow_first = self.overflow_first.min(window);
        self.overflow.push(mail);
    }

    /// Moves on to `window` and exchanges its mail with the empty `into`.
    pub(crate) fn take(&mut self, window: u64, into: &mut Vec<Mail>) {
        debug_assert!(into.is_empty() && self.first() >= window, "mail was missed");
        self.base = window;
        if self.overflow_first < window + RING {
            self.overflow_first = u64::MAX;
            let mut far = std::mem::take(&mut self.overflow);
            for mail in far.drain(..) {
                self.file(mail);
            }
            if self.overflow.is_empty() {
                self.overflow = far;
            }
        }
        let slot = Self::slot(window);
        self.filed &= !(1 << slot);
        let mail = std::mem::take(&mut self.ring[slot]);
        self.spare.push(std::mem::replace(into, mail));
        self.base = window + 1;
    }

    /// The first window with mail; `u64::MAX` if there is none.
    pub(crate) fn first(&self) -> u64 {
        let base = Self::slot(self.base) as u32;
        match self.filed.rotate_right(base).trailing_zeros() {
            u64::BITS => self.overflow_first,
            ahead => (self.base + u64::from(ahead)).min(self.overflow_first),
        }
    }

    /// Everything filed.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Mail> {
        self.ring.iter().flatten().chain(&self.overflow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::{Body, Door};

    fn mail(at: u64) -> Mail {
        Mail::new(at, (0, 0), 0, Door::NONE, Body::SynAck)
    }

    #[test]
    fn mail_comes_in_its_window_from_ring_and_overflow() {
        let mut calendar = Calendar::new(10);
        let times = [5, 95, 639, 640, 9999, 10_000, 70];
        for at in times {
            calendar.file(mail(at));
        }
        let mut seen = Vec::new();
        let mut into = Vec::new();
        while calendar.first() != u64::MAX {
            let window = calendar.first();
            calendar.take(window, &mut into);
            for mail in into.drain(..) {
                assert_eq!(mail.at / 10, window);
                seen.push(mail.at);
            }
        }
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        assert_eq!(seen, sorted);
    }

    #[test]
    fn what_is_put_off_comes_in_the_window_of_what_it_waits_for() {
        let mut calendar = Calendar::new(10);
        let mut into = Vec::new();
        calendar.file(mail(5));
        calendar.take(0, &mut into);
        // Its own window is the one that was taken: only later ones can be reached, and none that is far.
        let far = 10 * (RING + 1);
        assert_eq!(
            [9, 10, far - 1, far].map(|at| calendar.reaches(at)),
            [false, true, true, false]
        );
        calendar.put_off(47, into.pop().expect("it came"));
        calendar.file(mail(41));
        assert_eq!(calendar.first(), 4);
        calendar.take(4, &mut into);
        assert_eq!(into.iter().map(|mail| mail.at).collect::<Vec<_>>(), [5, 41]);
    }
}
