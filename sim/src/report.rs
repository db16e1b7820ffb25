//! What a run leaves behind: plain data, in the order of the peers' numbers.

use std::time::Duration;

use swarmbed_engine::{Footprint, Instant};

use crate::check::Checks;
use crate::observer::PeerFacts;

/// A run's result.
#[derive(Clone, Debug)]
pub struct Report<O> {
    /// The trace hash: of the peers' hashes, in order.
    pub trace: u128,
    /// Every peer, by number.
    pub peers: Vec<PeerOutcome<O>>,
    /// Counts over all peers.
    pub totals: Totals,
    /// When the run ended.
    pub end: Instant,
    /// The overlay, as often as the setup wants it.
    pub overlay: Vec<OverlaySnapshot>,
    /// What was checked.
    pub checks: Checks,
}

/// How a peer's time in the swarm ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It had not arrived when the run ended, or never arrives at all.
    NeverCame,
    /// It left, by its class's rule.
    Left,
    /// A fault took it.
    Crashed,
    /// The run ended and it was still there.
    Cut,
}

/// What became of one peer.
#[derive(Clone, Debug)]
pub struct PeerOutcome<O> {
    /// What was settled before the run.
    pub facts: PeerFacts,
    /// Who watched it.
    pub observer: O,
    /// The hash of all calls its engine was given; the last is its leaving.
    pub trace: u128,
    /// When it was gone; `None` if it never came.
    pub left_at: Option<Instant>,
    /// How.
    pub ending: Ending,
    /// It was there when the run ended.
    pub cut_by_horizon: bool,
    /// Bytes on its uplink: blocks, control, headers, handshakes, acknowledgements.
    pub bytes_up: u64,
    /// Bytes on its downlink, likewise.
    pub bytes_down: u64,
}

/// Counts over all peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Blocks of 16 KiB stored that were not corrupt. A whole piece that came at one go counts as the
    /// blocks it has.
    pub useful_blocks: u64,
    /// Their bytes.
    pub useful_bytes: u64,
    /// Messages that engines were given, blocks among them.
    pub messages: u64,
    /// Calls of engines.
    pub calls: u64,
    /// Windows in which something happened.
    pub windows: u64,
    /// Length of a window: the smallest one-way latency.
    pub window: Duration,
}

/// Who is whose neighbour at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlaySnapshot {
    /// When.
    pub at: Instant,
    /// Peers that are there.
    pub present: Vec<u32>,
    /// What each of them holds, in the same order.
    pub held: Vec<Footprint>,
    /// Pairs of numbers, lower first, sorted, none twice.
    pub edges: Vec<(u32, u32)>,
}
