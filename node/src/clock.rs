//! The monotonic clock, as the engine counts time. The only place that reads a clock for a
//! [`Peer`](swarmbed_engine::Peer).

use std::time::Duration;

use swarmbed_engine::Instant;

/// Time since the node started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    epoch: tokio::time::Instant,
}

impl Clock {
    /// Starts at zero.
    #[must_use]
    pub(crate) fn start() -> Self {
        Self {
            epoch: tokio::time::Instant::now(),
        }
    }

    /// Now; never goes back.
    #[must_use]
    pub(crate) fn now(&self) -> Instant {
        let nanos = self.epoch.elapsed().as_nanos();
        Instant::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// When tokio should wake us for `at`; a year from now if it is further off.
    #[must_use]
    pub(crate) fn wake_at(&self, at: Option<Instant>) -> tokio::time::Instant {
        const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
        let due = at.map_or(YEAR, |at| at.since(Instant::ZERO));
        self.epoch + due.min(YEAR + self.epoch.elapsed())
    }
}
