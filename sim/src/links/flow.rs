//! A connection's window: how many blocks may be on their way and not acknowledged.
//!
//! It starts at one, grows by one with every acknowledgement (doubling per round trip), and is
//! halved, at most once per round trip, when an acknowledgement shows queueing: when it took more
//! than the shortest round trip seen plus `allowance`. The round trip is measured from a block's
//! last byte leaving, so sharing the uplink is no queueing. `allowance` is 100 ms (LEDBAT's target,
//! RFC 6817), or the time two blocks take on the receiver's link if that is more: what a block
//! explains by its own length is no congestion.

/// The queueing delay that is none: 100 ms.
const TARGET: u64 = 100_000_000;
/// Most blocks on their way: 16 MiB.
const WINDOW_MAX: u32 = 1024;

/// A connection's window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow {
    window: u32,
    in_flight: u32,
    fixed: bool,
    /// Shortest round trip seen.
    rtt_min: u64,
    allowance: u64,
    /// No halving before this.
    hold_until: u64,
}

impl Flow {
    /// A window that grows and backs off; a block takes `block_nanos` on the receiver's link.
    pub(crate) fn growing(block_nanos: u64) -> Self {
        Self {
            window: 1,
            in_flight: 0,
            fixed: false,
            rtt_min: u64::MAX,
            allowance: TARGET.max(2 * block_nanos),
            hold_until: 0,
        }
    }

    /// A fixed window: `bytes_per_rtt` in blocks of `block` bytes, rounded up, and three more: one
    /// that is being sent, one whose acknowledgement is queued, and one for rounding.
    pub(crate) fn fixed(bytes_per_rtt: u64, block: u64) -> Self {
        Self {
            window: u32::try_from(bytes_per_rtt.div_ceil(block).saturating_add(3))
                .unwrap_or(u32::MAX),
            fixed: true,
            ..Self::growing(0)
        }
    }

    /// No window at all: what decides is elsewhere.
    pub(crate) fn open() -> Self {
        Self {
            window: u32::MAX,
            fixed: true,
            ..Self::growing(0)
        }
    }

    /// Another block may begin.
    pub(crate) const fn is_open(&self) -> bool {
        self.in_flight < self.window
    }

    /// A block begins.
    pub(crate) fn begin(&mut self) {
        self.in_flight += 1;
    }

    /// A block whose last byte left at `sent` is acknowledged.
    pub(crate) fn acknowledged(&mut self, now: u64, sent: u64) {
        let limited = self.in_flight >= self.window;
        self.in_flight -= 1;
        if self.fixed {
            return;
        }
        let rtt = now - sent;
        self.rtt_min = self.rtt_min.min(rtt);
        if rtt > self.rtt_min + self.allowance {
            if now >= self.hold_until {
                self.window = (self.window / 2).max(1);
                self.hold_until = now + rtt;
            }
        } else if limited {
            self.window = (self.window + 1).min(WINDOW_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_per_round_trip_and_halves_on_queueing() {
        let mut flow = Flow::growing(1_000_000);
        let mut now = 0;
        for expected in [1, 2, 4, 8] {
            assert_eq!(flow.window, expected);
            while flow.is_open() {
                flow.begin();
            }
            let sent = now;
            now += 50_000_000;
            for _ in 0..expected {
                flow.acknowledged(now, sent);
                while flow.is_open() {
                    flow.begin();
                }
            }
        }
        assert_eq!(flow.window, 16);
        flow.acknowledged(now, now - 160_000_000);
        assert_eq!(flow.window, 8);
        // Once per round trip.
        flow.acknowledged(now + 1, now - 160_000_000);
        assert_eq!(flow.window, 8);
    }
}
