//! The monotonic clock, as the engine counts time. The only place that reads a clock for a
//! [`Peer`](swarmbed_engine::Peer).

use std::time::{Duration, SystemTime};

use swarmbed_engine::Instant;

/// Time since the node started, and a while before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    epoch: tokio::time::Instant,
    /// What the clock showed then.
    past: Duration,
}

impl Clock {
    /// Starts at zero.
    #[must_use]
    pub(crate) fn start() -> Self {
        Self {
            epoch: tokio::time::Instant::now(),
            past: Duration::ZERO,
        }
    }

    /// Starts so late that things of this long ago have a time.
    #[must_use]
    pub(crate) fn start_after(past: Duration) -> Self {
        Self {
            past,
            ..Self::start()
        }
    }

    /// Now; never goes back.
    #[must_use]
    pub(crate) fn now(&self) -> Instant {
        let nanos = (self.past + self.epoch.elapsed()).as_nanos();
        Instant::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// As time since the node started.
    #[must_use]
    pub(crate) fn since_start(&self, at: Instant) -> Instant {
        Instant::ZERO + at.since(Instant::ZERO).saturating_sub(self.past)
    }

    /// What this clock showed when another's showed this, in microseconds since 1970: as far as the
    /// two agree, not in the future, and not before our time began.
    #[must_use]
    pub(crate) fn at_unix_micros(&self, micros: u64) -> Instant {
        let at = SystemTime::UNIX_EPOCH + Duration::from_micros(micros);
        let age = SystemTime::now().duration_since(at).unwrap_or_default();
        let now = self.now().since(Instant::ZERO);
        Instant::ZERO + now.saturating_sub(age)
    }

    /// When tokio should wake us for `at`; a year from now if it is further off.
    #[must_use]
    pub(crate) fn wake_at(&self, at: Option<Instant>) -> tokio::time::Instant {
        const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
        let due = at.map_or(YEAR, |at| self.since_start(at).since(Instant::ZERO));
        self.epoch + due.min(YEAR + self.epoch.elapsed())
    }
}
