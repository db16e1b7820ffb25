//! One peer of one run: what it was, and what it did. Plain data, whichever world it comes from.

use swarmbed_engine::{Instant, Rate};

use crate::ledger::Ledger;

/// How a peer's time in the swarm ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It never came.
    NeverCame,
    /// It left by its own rule.
    Left,
    /// A fault took it.
    Crashed,
    /// The run ended first.
    CutByHorizon,
    /// It came during warm-up.
    WarmUp,
}

impl Ending {
    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NeverCame => "never-came",
            Self::Left => "left",
            Self::Crashed => "crashed",
            Self::CutByHorizon => "cut-by-horizon",
            Self::WarmUp => "warm-up",
        }
    }
}

/// One peer.
#[derive(Clone, Debug)]
pub struct PeerRecord {
    /// Its number.
    pub number: u32,
    /// Its class.
    pub class: String,
    /// It held everything from the start.
    pub source: bool,
    /// It uploads nothing on purpose.
    pub free_rider: bool,
    /// It watches.
    pub plays: bool,
    /// Uplink.
    pub uplink: Rate,
    /// Downlink, if limited.
    pub downlink: Option<Rate>,
    /// Others can dial it.
    pub connectable: bool,
    /// When it came.
    pub arrival: Instant,
    /// When it was gone.
    pub left_at: Option<Instant>,
    /// How.
    pub ending: Ending,
    /// Its trace hash.
    pub trace: u128,
    /// Bytes on its uplink, all of them.
    pub bytes_up: u64,
    /// Bytes on its downlink.
    pub bytes_down: u64,
    /// What it did.
    pub ledger: Ledger,
}

impl PeerRecord {
    /// Whether its viewing counts: it watched, and neither warm-up nor horizon cut it.
    #[must_use]
    pub const fn counts(&self) -> bool {
        self.plays && matches!(self.ending, Ending::Left | Ending::Crashed)
    }
}
