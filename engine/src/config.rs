//! What one peer is told at birth.

use core::net::SocketAddr;
use core::time::Duration;

use crate::behaviour::Behaviour;
use crate::exchange::Exchange;
use crate::geometry::Geometry;
use crate::id::PeerId;
use crate::live::LiveConfig;
use crate::policy::{ChokerConfig, PlaybackConfig, SelectorConfig};
use crate::rate::Rate;

/// How much is told in events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Detail {
    /// What metrics need.
    #[default]
    Summary,
    /// Every block too, for the piece timeline of a chosen peer.
    Blocks,
}

/// Bounds of everything a neighbour could make grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Neighbours we stop dialling at.
    pub dial_below: u16,
    /// Neighbours at most, dialled or accepted.
    pub neighbours_max: u16,
    /// Addresses remembered.
    pub addresses_max: u16,
    /// Requests outstanding at one neighbour.
    pub requests_max: u16,
    /// Requests a neighbour may have waiting with us.
    pub uploads_queued_max: u16,
    /// Blocks received and not yet stored; at the bound we ask no more.
    pub unstored_max: u16,
    /// How soon an address that could not be reached, or a neighbour that went away, is dialled
    /// again; doubled with each failure, up to 32 times.
    pub redial_after: Duration,
    /// The pipeline of requests follows what a neighbour gives from one block to the next, not over
    /// 20 s alone: one that answers in batches, as Transmission does twice a second, is not asked
    /// two blocks at a time. The node does so.
    pub quick_pipeline: bool,
}

impl Limits {
    /// What most messages read of a neighbour lies side by side for so many, and close to the peer itself.
    const SLOTS_AT_ONCE: u16 = 128;

    /// Neighbours at most, dialled or accepted: as many slots there are.
    #[must_use]
    pub fn slots(&self) -> u16 {
        self.neighbours_max.max(self.dial_below)
    }

    /// For how many of them room is made when the first comes: all, unless they are more than 128.
    #[must_use]
    pub fn slots_at_once(&self) -> usize {
        self.slots().min(Self::SLOTS_AT_ONCE).into()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            dial_below: 20,
            neighbours_max: 40,
            addresses_max: 200,
            requests_max: 64,
            uploads_queued_max: 256,
            unstored_max: 1024,
            redial_after: Duration::from_secs(60),
            quick_pipeline: false,
        }
    }
}

/// When a web seed is asked for a piece. It is asked for one whole piece at a time, as the client of
/// 2010 did (swarmplayer.md 6.4, read in code); when to ask is our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WebSeedUse {
    /// Whenever there is a piece that nobody is asked for, from the playhead on.
    Always,
    /// When less than this much media is here from the playhead on, before playback too: for the
    /// first piece of it that nobody is asked for; while the picture stands, for the one that is
    /// missing, whoever else is asked for it.
    BufferLow(Duration),
    /// For pieces of the first so much media that nobody is asked for.
    Prefix(Duration),
}

/// What one peer is told at birth.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Our id.
    pub peer_id: PeerId,
    /// Where we can be reached, if we know: told to children's parents in Give-to-Get.
    pub listen: Option<SocketAddr>,
    /// The torrent.
    pub geometry: Geometry,
    /// Media bytes per second; `None` if the torrent cannot be played.
    pub bitrate: Option<Rate>,
    /// Which piece next.
    pub selector: SelectorConfig,
    /// Whom to upload to while downloading.
    pub choker: ChokerConfig,
    /// Whom to upload to when complete.
    pub seed_choker: ChokerConfig,
    /// When to start, stall or skip.
    pub playback: PlaybackConfig,
    /// Bounds.
    pub limits: Limits,
    /// How often the tracker is asked when it says nothing else.
    pub announce_interval: Duration,
    /// We never upload a block: a free-rider, or a node with `--up 0`.
    pub upload: bool,
    /// What it says that is not so.
    pub behaviour: Behaviour,
    /// A server that has all of the movie (BEP 19), or what is made of a live stream; and when it is
    /// asked.
    pub web_seed: Option<WebSeedUse>,
    /// What is exchanged besides the content; nothing by default.
    pub exchange: Exchange,
    /// How much is told in events.
    pub detail: Detail,
    /// A stream without end; `None` for a movie. Its geometry is [`LiveConfig::geometry`]'s.
    pub live: Option<LiveConfig>,
}
