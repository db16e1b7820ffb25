//! The parts that run for every record or block, one by one, for `sim/benches/hot.rs` alone: they are nobody
//! else's business.

use crate::calendar::Calendar;
use crate::links::{Downlink, Uplink};
use crate::mail::{Body, Door, Mail};
use crate::network::{Arriving, Network as _};

/// Mail to a chunk: files and takes.
pub struct Queue {
    calendar: Calendar,
    window: u64,
    taken: Vec<Mail>,
    at: u64,
}

impl Queue {
    /// With windows of so many nanoseconds, and so many records filed.
    #[must_use]
    pub fn new(window: u64, records: u32) -> Self {
        let mut queue = Self {
            calendar: Calendar::new(window),
            window,
            taken: Vec::new(),
            at: 0,
        };
        for number in 0..records {
            queue.file(number, 0);
        }
        queue
    }

    /// A record that comes between one window and nine from now, as latencies do.
    fn file(&mut self, number: u32, now: u64) {
        let later = self.window + u64::from(number).wrapping_mul(0x9E37_79B9) % (8 * self.window);
        let body = Body::Ack { left: now };
        let mail = Mail::new(
            now + later,
            (number % 256, number),
            number % 64,
            Door::NONE,
            body,
        );
        self.calendar.file(mail);
    }

    /// Goes on by a window: its records are put in order, and each sends another. Returns how many.
    pub fn turn(&mut self) -> usize {
        let mut taken = std::mem::take(&mut self.taken);
        let window = self.calendar.first();
        self.calendar.take(window, &mut taken);
        taken.sort_unstable_by_key(|mail| (mail.to, mail.key()));
        self.at = (window + 1) * self.window;
        let count = taken.len();
        for mail in taken.drain(..) {
            self.file(mail.seq.wrapping_add(1), self.at);
        }
        self.taken = taken;
        count
    }
}

/// An uplink, and a downlink behind it.
pub struct Link {
    up: Uplink,
    down: Downlink<u32>,
    slot: u16,
}

impl Link {
    /// Of so many bytes a second up, and four times as many down; so many blocks are being sent.
    #[must_use]
    pub fn new(rate: u64, blocks: u16) -> Self {
        let mut link = Self {
            up: Uplink::new(rate),
            down: Downlink::new(Some(4 * rate)),
            slot: blocks,
        };
        for slot in 0..blocks {
            link.up.begin(0, slot, 0, BLOCK);
        }
        link
    }

    /// A block leaves and comes, another begins, and a control message passes them. Returns when.
    pub fn turn(&mut self) -> u64 {
        let now = self.up.end();
        let slot = self.up.finish(now);
        let arriving = Arriving {
            at: now,
            first: now.saturating_sub(1_000_000),
            bytes: BLOCK,
            block: true,
        };
        if Uplink::arrive(&mut self.down, arriving, u32::from(slot)).is_none() {
            self.down.pop();
        }
        self.slot = self.slot.wrapping_add(1);
        self.up.begin(now, self.slot, 0, BLOCK);
        self.up.control(now, 57).0
    }
}

/// Bytes of a block, with its headers.
const BLOCK: u64 = 16_384 + 12 * 40;
