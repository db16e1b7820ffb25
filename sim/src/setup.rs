//! One run, fully spelled out: plain data, made from a scenario file by `scenario` and played by
//! the `World`. No defaults, no units to parse, no files.

use std::time::Duration;

use swarmbed_engine::live::{Expiry, Numbering, SuperSeeding};
use swarmbed_engine::policy::{ChokerConfig, HookInConfig, PlaybackConfig, SelectorConfig};
use swarmbed_engine::{Geometry, Limits, Rate, WebSeedUse};

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// Root of all draws.
    pub seed: u64,
    /// The torrent.
    pub geometry: Geometry,
    /// Media rate; `None` for a plain file.
    pub bitrate: Option<Rate>,
    /// A channel without end, instead of a movie; with the geometry of its
    /// [`LiveConfig`](swarmbed_engine::live::LiveConfig).
    pub live: Option<LiveSetup>,
    /// How many viewers arrive in all (classes with a share divide them).
    pub viewers: u32,
    /// When they arrive.
    pub arrival: Arrival,
    /// Kinds of peers, in the order of the scenario file.
    pub classes: Vec<Class>,
    /// Links and latencies.
    pub network: NetworkSetup,
    /// The tracker.
    pub tracker: TrackerSetup,
    /// A server that viewers may ask, if there is one.
    pub web_seed: Option<WebSeedSetup>,
    /// Bounds of every engine.
    pub limits: Limits,
    /// When the run ends at the latest.
    pub horizon: Duration,
    /// What goes wrong, and when.
    pub faults: Vec<(Duration, Fault)>,
    /// Whether messages pass the codec.
    pub wire: WireMode,
    /// How often the overlay is looked at; `None`: never.
    pub overlay_every: Option<Duration>,
    /// Peers whose every block is told (by number), for the piece timeline.
    pub detailed: Vec<u32>,
}

/// A channel: one source makes its pieces from time zero on, each when its media is recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveSetup {
    /// How piece numbers are written.
    pub numbering: Numbering,
    /// How neighbours learn that a piece is gone.
    pub expiry: Expiry,
    /// Where viewers begin.
    pub hook_in: HookInConfig,
    /// Viewers further behind jump forward.
    pub lag_max: Duration,
    /// Announcing a new piece to a few first.
    pub super_seeding: Option<SuperSeeding>,
    /// Pieces in all, the last of which ends the channel.
    pub pieces: u32,
}

/// Whether messages pass the codec on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireMode {
    /// Typed messages, bytes only counted.
    Typed,
    /// Every message is encoded and decoded. The trace must be the same.
    Bytes,
}

/// A kind of peer.
#[derive(Clone, Debug, PartialEq)]
pub struct Class {
    /// Its name in tables.
    pub name: String,
    /// How many there are.
    pub population: Population,
    /// Holds everything from the start and never plays; makes the pieces of a channel.
    pub source: bool,
    /// The source of a channel always serves it.
    pub auxiliary: bool,
    /// Its viewers may ask the web seed, if there is one.
    pub asks_server: bool,
    /// Uplink.
    pub uplink: Draw,
    /// Downlink.
    pub downlink: Downlink,
    /// Share of the class that others can dial (the rest are firewalled).
    pub connectable: f64,
    /// When its peers leave.
    pub departure: Departure,
    /// What they do that they should not.
    pub behaviour: Behaviour,
    /// What its viewers do with the player.
    pub viewing: Viewing,
    /// Which piece next.
    pub selector: SelectorConfig,
    /// Whom to upload to while downloading.
    pub choker: ChokerConfig,
    /// Whom to upload to when complete.
    pub seed_choker: ChokerConfig,
    /// When to start, stall, skip.
    pub playback: PlaybackConfig,
}

/// What a viewer does with the player, beside watching. All times are exponential with these means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Viewing {
    /// Pauses: so long after the last one ended (or after pressing play), and for so long.
    pub pause: Option<(Duration, Duration)>,
    /// Jumps: so long after the last jump, to any place of the film alike.
    pub seek: Option<Duration>,
    /// Leaves if the first frame has not come after so long.
    pub patience: Option<Duration>,
}

/// How many peers a class has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Population {
    /// So many, there from the start.
    Count(u32),
    /// This share of the viewers, drawn by rank, arriving with them.
    Share(f64),
}

/// A rate that may be drawn per peer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Draw {
    /// The same for all.
    Fixed(Rate),
    /// Uniform between two rates.
    Uniform(Rate, Rate),
}

/// A downlink.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Downlink {
    /// Drawn by itself.
    Own(Draw),
    /// So many times the peer's own uplink.
    TimesUplink(f64),
    /// No limit.
    Unlimited,
}

/// When viewers arrive.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrival {
    /// All at one moment.
    AllAtOnce(Duration),
    /// Poisson, so many a second, from time zero.
    Poisson(f64),
    /// Poisson, at a rate that rises and falls over 24 hours as a cosine.
    Day {
        /// So many a second, on average.
        mean: f64,
        /// When fewest come.
        low_at: Duration,
        /// How far the rate falls below the mean and rises above it: from 0 to 1.
        depth: f64,
    },
    /// Exponentially fading: with this time constant, all but surely within a few of them.
    FlashCrowd(Duration),
    /// At these moments; as many as there are viewers.
    Trace(Vec<Duration>),
}

/// When a peer leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Departure {
    /// Never.
    Never,
    /// When its playback has ended and its download too.
    EndOfPlayback,
    /// When its download is complete, even while it plays on.
    EndOfDownload,
    /// An exponential time of this mean after its download is complete, whatever it plays.
    SeedsFor(Duration),
    /// After a session of Weibull length, whatever it is doing.
    Weibull {
        /// Scale.
        scale: Duration,
        /// Shape; below 1: many leave early.
        shape: f64,
    },
}

/// What a peer does that it should not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Nothing.
    Honest,
    /// Uploads no block.
    FreeRider,
    /// Dials nobody: waits to be dialled. For models only: scenarios have no word for it.
    Passive,
    /// Is there, and never announces, dials or plays.
    Idle,
    /// Uploads no block, and says that it forwards all it has.
    Liar,
    /// Uploads no block; those of the class praise each other.
    Colluder,
    /// Uploads no block; so many receivers that it invented praise it.
    Sybil {
        /// How many.
        identities: u16,
    },
    /// Announces everything, and never answers a request.
    HaveLiar,
    /// Every block it sends is corrupt.
    Polluter,
    /// Sends each block so long after it was asked for.
    LateServer {
        /// How long.
        lateness: Duration,
    },
    /// Uploads no block; when nobody serves it, it comes back under another name.
    Whitewasher,
}

impl Behaviour {
    /// What is not as it should be, by its name in scenarios; empty if nothing.
    #[must_use]
    pub const fn misbehaves(self) -> &'static str {
        match self {
            Self::Honest | Self::Passive | Self::Idle => "",
            Self::FreeRider => "free-rider",
            Self::Liar => "liar",
            Self::Colluder => "colluder",
            Self::Sybil { .. } => "sybil",
            Self::HaveLiar => "have-liar",
            Self::Polluter => "polluter",
            Self::LateServer { .. } => "late-server",
            Self::Whitewasher => "whitewasher",
        }
    }

    /// It uploads blocks when it is asked to.
    #[must_use]
    pub const fn uploads(self) -> bool {
        match self {
            Self::Honest
            | Self::Passive
            | Self::Idle
            | Self::Polluter
            | Self::LateServer { .. } => true,
            Self::FreeRider
            | Self::Liar
            | Self::Colluder
            | Self::Sybil { .. }
            | Self::HaveLiar
            | Self::Whitewasher => false,
        }
    }
}

/// How blocks share access links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NetworkModel {
    /// An uplink shares its rate equally, a downlink is first come first served, and each connection
    /// has a window.
    #[default]
    Links,
    /// Max-min fair rates over uplinks and downlinks, solved anew whenever a block begins or ends;
    /// for up to 100 peers, without a web seed, in one thread. It has no windows: `congestion` is not
    /// looked at.
    Fluid,
    /// The same, solved anew so often: for any number of peers, and not exact. Rounded up to whole
    /// windows; from 10 ms to 10 s.
    FluidInBatches(Duration),
}

/// Links and latencies.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkSetup {
    /// How blocks share links.
    pub model: NetworkModel,
    /// Round trip of a pair of peers: uniform in this range, by the pair's names. One way is half.
    pub rtt: (Duration, Duration),
    /// Round trip to the tracker.
    pub tracker_rtt: Duration,
    /// A window of blocks per connection that grows and backs off; without it, a fixed window of
    /// rate × round trip.
    pub congestion: bool,
    /// Time to hash a piece, per byte, in picoseconds; 0: at once.
    pub hash_picos_per_byte: u32,
}

/// A web seed: as far away as the tracker, serving whole pieces one after the other, first come first
/// served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebSeedSetup {
    /// When viewers ask it.
    pub when: WebSeedUse,
    /// What it can send.
    pub rate: Rate,
    /// Bytes of content that it sends in all; `None`: no bound.
    pub budget: Option<u64>,
}

/// The tracker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackerSetup {
    /// Addresses in one answer.
    pub peers_per_answer: u16,
    /// How long to wait between announces.
    pub interval: Duration,
}

/// Something that goes wrong at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A peer is gone without a word.
    Crash {
        /// Its number.
        peer: u32,
    },
    /// All sources are gone without a word.
    SourceGone,
    /// The next block this peer sends is corrupt.
    CorruptBlock {
        /// Its number.
        peer: u32,
    },
    /// All uplinks of a class change to so many percent of what they were at birth.
    UplinkStep {
        /// The class, by place in the scenario.
        class: u16,
        /// Percent.
        percent: u32,
    },
}
