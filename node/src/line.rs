//! What the swarms of one process share of its line: one limit over all, and a share for each that has
//! somebody to upload to.

use std::sync::atomic::{AtomicU64, Ordering};

use swarmbed_engine::Rate;

use crate::bucket::Bucket;

/// The limits of all swarms of a process together.
#[derive(Debug)]
pub struct Line {
    up: Option<Rate>,
    /// Swarms that have neighbours.
    busy: AtomicU64,
    pub(crate) upload: Bucket,
    pub(crate) download: Bucket,
}

impl Line {
    /// With these limits; `Some(Rate::ZERO)` uploads nothing.
    #[must_use]
    pub fn new(up: Option<Rate>, down: Option<Rate>) -> Self {
        Self {
            up,
            busy: AtomicU64::new(0),
            upload: Bucket::new(up.filter(|rate| *rate > Rate::ZERO)),
            download: Bucket::new(down),
        }
    }

    /// Whether uploads have a limit.
    pub(crate) const fn is_limited(&self) -> bool {
        self.up.is_some()
    }

    /// A swarm has neighbours now, or has none any more.
    pub(crate) fn busy(&self, is: bool) {
        if is {
            self.busy.fetch_add(1, Ordering::Relaxed);
        } else {
            self.busy.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// What one of the busy swarms may count on, if there is a limit.
    pub(crate) fn share(&self) -> Option<Rate> {
        let busy = self.busy.load(Ordering::Relaxed).max(1);
        let up = self.up?;
        Some(Rate::from_bytes_per_s(up.bytes_per_s() / busy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busy_share_and_the_idle_do_not_count() {
        let line = Line::new(Some(Rate::from_bytes_per_s(900)), None);
        let share = || line.share().map(Rate::bytes_per_s);
        assert_eq!(share(), Some(900));
        for _ in 0..3 {
            line.busy(true);
        }
        assert_eq!(share(), Some(300));
        line.busy(false);
        assert_eq!(share(), Some(450));
        assert_eq!(Line::new(None, None).share(), None);
    }
}
