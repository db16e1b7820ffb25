//! What is kept of a finished run: a digest in memory, and everything in a file that is read back when the
//! results are written. Knows no paths.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use swarmbed_analysis::compare::RunMetrics;
use swarmbed_analysis::exact;
use swarmbed_analysis::overlay::Overlay;
use swarmbed_analysis::timeline::Moment;

use super::memory::Held;

/// A finished run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Replicate {
    pub(crate) digest: Digest,
    pub(crate) bulk: Bulk,
}

/// What stays in memory: a few kilobytes, however many viewers there were.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Digest {
    pub(crate) metrics: RunMetrics,
    /// Viewers that count.
    pub(crate) counted: usize,
    /// Some of them saw a first frame.
    pub(crate) played: bool,
    /// Milliseconds of all stalls, per cause.
    pub(crate) causes: [u64; 6],
    pub(crate) useful_blocks: u64,
    /// Calls of engines.
    pub(crate) calls: u64,
    /// Length of a window.
    pub(crate) window: Duration,
    /// Windows that peers lived through, summed over peers.
    pub(crate) peer_windows: u64,
    /// Checks that failed.
    pub(crate) violations: Vec<String>,
}

/// What does not.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Bulk {
    /// Rows of `peers.csv`, with variant and seed.
    pub(crate) peers: String,
    /// Rows of `stalls.csv`, likewise.
    pub(crate) stalls: String,
    pub(crate) timeline: Vec<Moment>,
    /// Start-up delays of counted viewers, in seconds.
    #[serde(with = "exact::numbers")]
    pub(crate) startups: Vec<f64>,
    /// Rebuffering ratios of counted viewers.
    #[serde(with = "exact::numbers")]
    pub(crate) rebuffering: Vec<f64>,
    /// Shares of due pieces that counted viewers skipped.
    #[serde(with = "exact::numbers")]
    pub(crate) skipped: Vec<f64>,
    /// Some viewers, piece by piece, for the report; of the first seed only.
    pub(crate) viewers: Vec<serde_json::Value>,
    /// Who was whose neighbour.
    pub(crate) overlay: Vec<Overlay>,
    /// What peers held at the same moments.
    pub(crate) held: Vec<Held>,
}
