//! How far apart two peers are: drawn by their names, so no draw moves another.

use std::time::Duration;

use swarmbed_engine::Seed;

use crate::error::SetupError;
use crate::setup::NetworkSetup;

/// The latency floor of DESIGN 5: windows shorter than this hold too few events.
const FLOOR: u64 = 5_000_000;

/// One-way latencies, in nanoseconds.
#[derive(Debug)]
pub(crate) struct Latencies {
    seed: Seed,
    low: u64,
    high: u64,
    /// To the tracker.
    pub(crate) tracker: u64,
    /// The smallest of all: nothing crosses between two nodes in less.
    pub(crate) smallest: u64,
}

impl Latencies {
    /// As the setup says.
    pub(crate) fn new(network: &NetworkSetup, seed: &Seed) -> Result<Self, SetupError> {
        let one_way = |rtt: Duration| nanos(rtt / 2);
        let (low, high) = (one_way(network.rtt.0), one_way(network.rtt.1));
        if low > high {
            return Err(SetupError::Range("network.rtt"));
        }
        if u32::try_from(high).is_err() {
            return Err(SetupError::Number("network.rtt"));
        }
        let tracker = one_way(network.tracker_rtt);
        let smallest = low.min(tracker);
        if smallest < FLOOR {
            return Err(SetupError::Latency(Duration::from_nanos(smallest)));
        }
        Ok(Self {
            seed: seed.child("latency", 0),
            low,
            high,
            tracker,
            smallest,
        })
    }

    /// Between two peers.
    pub(crate) fn between(&self, one: u32, other: u32) -> u64 {
        if self.low == self.high {
            return self.low;
        }
        let pair = u64::from(one.min(other)) << 32 | u64::from(one.max(other));
        self.seed.stream("pair", pair).range(self.low, self.high)
    }
}

/// A duration in nanoseconds, at most 584 years.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
