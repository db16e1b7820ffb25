//! One stall: since when, for want of which piece, and the time each cause is counted for.

use crate::event::{Cause, CauseMillis};
use crate::geometry::PieceIndex;
use crate::time::{Instant, nanos};

/// A stall under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stall {
    pub(super) since: Instant,
    /// The missing piece.
    pub(super) piece: PieceIndex,
    /// The cause that holds now, and since when.
    pub(super) cause: Cause,
    pub(super) counted_to: Instant,
    pub(super) nanos: [u64; 6],
}

impl Stall {
    pub(super) fn count(&mut self, now: Instant) {
        self.nanos[self.cause as usize] += nanos(now.since(self.counted_to));
        self.counted_to = self.counted_to.max(now);
    }

    pub(super) fn millis(&self, now: Instant) -> u32 {
        u32::try_from(nanos(now.since(self.since)) / 1_000_000).unwrap_or(u32::MAX)
    }

    /// Whole milliseconds whose sum is the whole stall's: rounding is carried on.
    pub(super) fn causes(&self) -> CauseMillis {
        let mut causes = CauseMillis::default();
        let mut sum = 0;
        let mut told = 0;
        for (millis, nanos) in causes.0.iter_mut().zip(self.nanos) {
            sum += nanos;
            let upto = u32::try_from(sum / 1_000_000).unwrap_or(u32::MAX);
            *millis = upto - told;
            told = upto;
        }
        causes
    }
}
