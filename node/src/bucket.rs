//! A token bucket that lends: what is taken is paid for by waiting afterwards.

use std::sync::Mutex;
use std::time::Duration;

use swarmbed_engine::Rate;
use tokio::time::Instant;

/// How much may pass at once after a pause, in time at the full rate; one block at least.
const BURST: Duration = Duration::from_millis(100);
const BLOCK: u64 = 16 * 1024;

/// Limits a rate shared by several connections.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: Option<Rate>,
    /// When all that was taken so far is paid for.
    paid_at: Mutex<Instant>,
}

impl Bucket {
    /// A limit, or none.
    #[must_use]
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        Self {
            rate,
            paid_at: Mutex::new(Instant::now()),
        }
    }

    /// Takes `bytes` and says how long to wait before moving them (or before taking more).
    #[must_use]
    pub(crate) fn take(&self, bytes: usize) -> Duration {
        let Some(rate) = self.rate else {
            return Duration::ZERO;
        };
        let now = Instant::now();
        let burst = BURST.max(Duration::from_nanos(rate.nanos_for(BLOCK)));
        let mut paid_at = self.paid_at.lock().expect("nobody panics with it");
        let from = (*paid_at).max(now.checked_sub(burst).unwrap_or(now));
        *paid_at = from + Duration::from_nanos(rate.nanos_for(bytes as u64));
        paid_at.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_rate_holds_over_time() {
        let bucket = Bucket::new(Some(Rate::from_bytes_per_s(100_000)));
        let start = Instant::now();
        for _ in 0..100 {
            tokio::time::sleep(bucket.take(16 * 1024)).await;
        }
        let seconds = start.elapsed().as_secs_f64();
        assert!((16.0..16.5).contains(&seconds), "{seconds}");
        assert_eq!(Bucket::new(None).take(1_000_000), Duration::ZERO);
    }
}
