//! One peer of one run: what it was, and what it did. Plain data, whichever world it comes from.

use swarmbed_engine::{Instant, Rate};

use crate::ledger::Ledger;
use crate::metric::Content;

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
    /// What it does that it should not, by its name in scenarios; empty if nothing.
    pub misbehaves: String,
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
    /// It does as it should.
    #[must_use]
    pub const fn is_honest(&self) -> bool {
        self.misbehaves.is_empty()
    }

    /// Whether its viewing counts: it watched, and neither warm-up nor horizon cut it. One that
    /// stays after the end was not cut by the horizon.
    #[must_use]
    pub const fn counts(&self) -> bool {
        self.plays
            && match self.ending {
                Ending::Left | Ending::Crashed => true,
                Ending::CutByHorizon => self.ledger.ended_at.is_some(),
                Ending::NeverCame | Ending::WarmUp => false,
            }
    }

    /// Pieces whose deadline the playhead met: all of them at the end of the media, else those up
    /// to where it was; of a viewer that jumped, those of what it was shown.
    #[must_use]
    pub fn due(&self, content: Content) -> u32 {
        let Some(bitrate) = content.bitrate else {
            return 0;
        };
        if self.ledger.ended_at.is_some() && self.ledger.sought == 0 {
            return content.pieces;
        }
        if self.ledger.started_at.is_none() {
            return 0;
        }
        let nanos = u64::try_from(self.ledger.played.as_nanos()).unwrap_or(u64::MAX);
        let shown = bitrate.bytes_in(nanos) / u64::from(content.piece_length);
        let met = shown + u64::from(self.ledger.skipped) + 1;
        u32::try_from(met).map_or(content.pieces, |met| met.min(content.pieces))
    }
}
