//! A scenario file as it is written: the tables, their keys and defaults. What it means is made
//! of it by `resolve`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::units::{Frequency, Size, Speed, Time};

/// The file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// What the scenario asks, in a sentence.
    #[serde(default)]
    pub question: String,
    /// What is distributed.
    pub content: Content,
    /// A channel instead of a movie: `[content]` is what is broadcast.
    pub live: Option<Spanned<Live>>,
    /// Who comes, and when.
    pub swarm: Swarm,
    /// Kinds of peers.
    pub class: Spanned<Vec<Spanned<Class>>>,
    /// Links.
    #[serde(default)]
    pub network: Network,
    /// The player.
    #[serde(default)]
    pub playback: Playback,
    /// A server that viewers may ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_seed: Option<Spanned<WebSeed>>,
    /// Sets of policies to compare.
    #[serde(default = "Policy::defaults")]
    pub policy: Vec<Spanned<Policy>>,
    /// What goes wrong.
    #[serde(default)]
    pub fault: Vec<Spanned<Fault>>,
    /// How long.
    pub run: Run,
    /// What is varied.
    #[serde(default)]
    pub sweep: Sweep,
    /// What is drawn.
    #[serde(default)]
    pub figure: Figure,
    /// What is expected of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claim: Vec<Spanned<super::claim::Written>>,
}

/// `[content]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// Media length; with `bitrate`.
    pub duration: Option<Time>,
    /// Media rate; with `duration`.
    pub bitrate: Option<Speed>,
    /// Bytes of a plain file, instead of the two.
    pub size: Option<Size>,
    /// Bytes of a piece.
    pub piece_length: Size,
}

/// `[live]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Live {
    /// How piece numbers are written.
    pub numbering: Numbering,
    /// Media that is kept around the playhead, with absolute numbers.
    pub window: Time,
    /// Media after which numbers come round, with `ring`.
    pub ring: Time,
    /// How neighbours learn that a piece is gone.
    pub expiry: Expiry,
    /// Where viewers begin.
    pub hook_in: Named,
    /// Viewers further behind the newest piece jump forward.
    pub lag_max: Time,
    /// A new piece is announced to a few neighbours first.
    pub super_seeding: Option<SuperSeeding>,
}

/// How piece numbers are written.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Numbering {
    /// They never come round.
    Absolute,
    /// They do.
    Ring,
}

/// How neighbours learn that a piece is gone.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expiry {
    /// They know the window.
    Implied,
    /// They are told.
    Announced,
}

/// Bounded super-seeding.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SuperSeeding {
    /// To how many.
    pub k: u16,
    /// How long.
    pub tau: Time,
}

/// `[swarm]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Swarm {
    /// How many viewers arrive in all.
    pub viewers: u32,
    /// When.
    pub arrival: Arrival,
    /// A peer dials until it has so many neighbours.
    #[serde(default = "ten")]
    pub neighbours: u16,
    /// And lets others dial it until it has so many.
    #[serde(default = "twenty")]
    pub neighbours_max: u16,
    /// Addresses in one answer of the tracker.
    #[serde(default = "fifty")]
    pub peers_per_answer: u16,
    /// Time between announces.
    #[serde(default = "Swarm::announce")]
    pub announce_interval: Time,
}

/// When viewers arrive.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Arrival {
    /// All at this moment.
    AllAtOnce(Time),
    /// Poisson.
    Poisson(Frequency),
    /// Exponentially fading, with this time constant.
    FlashCrowd(Time),
    /// At these moments.
    Trace(Vec<Time>),
    /// Poisson, at a rate that rises and falls over 24 hours.
    Day(Day),
}

/// A day's rise and fall.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Day {
    /// On average.
    pub mean: Frequency,
    /// When fewest come.
    pub low_at: Time,
    /// How far the rate falls below the mean, and rises above it: from 0 to 1.
    pub depth: f64,
}

/// `[[class]]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Its name in tables.
    pub name: String,
    /// So many, there from the start.
    pub count: Option<u32>,
    /// This share of the viewers, or what the other classes leave of them.
    pub share: Option<Share>,
    /// Holds everything from the start; makes the pieces of a channel.
    #[serde(default)]
    pub source: bool,
    /// A channel's source always serves it.
    #[serde(default)]
    pub auxiliary: bool,
    /// One rate, or two to draw between.
    pub uplink: OneOrTwo,
    /// A rate, two to draw between, `"4 x uplink"`, or `"unlimited"`.
    pub downlink: DownlinkText,
    /// Share that others can dial.
    #[serde(default = "one")]
    pub connectable: f64,
    /// When they leave.
    #[serde(default)]
    pub departure: Departure,
    /// What they do that they should not.
    #[serde(default)]
    pub behaviour: Behaviour,
    /// What its viewers do with the player.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub viewing: Option<Viewing>,
    /// How many receivers a `sybil` invents, 8.
    pub identities: Option<u16>,
    /// How late a `late-server` is with each block, 10 s.
    pub lateness: Option<Time>,
    /// A policy set of their own, instead of the compared ones.
    pub policy: Option<Policy>,
}

/// A share of the viewers.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(
    untagged,
    expecting = "expected a share from 0 to 1, or \"rest\" for what the other classes leave"
)]
pub enum Share {
    /// This much.
    Number(f64),
    /// What the others leave.
    Rest(Rest),
}

/// `"rest"`
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rest {
    /// See [`Share::Rest`].
    Rest,
}

/// A rate, or a range to draw from.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(
    untagged,
    expecting = "expected a rate such as \"500 kbit/s\", not negative, or two such as [\"500 kbit/s\", \"1 Mbit/s\"]"
)]
pub enum OneOrTwo {
    /// The same for all.
    One(Speed),
    /// Uniform between two.
    Two(Speed, Speed),
}

/// A downlink as written.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(
    untagged,
    expecting = "expected a rate such as \"2 Mbit/s\", two rates, \"4 x uplink\" or \"unlimited\""
)]
pub enum DownlinkText {
    /// A rate, `"4 x uplink"`, or `"unlimited"`.
    Text(String),
    /// Uniform between two.
    Two(Speed, Speed),
}

/// When a peer leaves.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Departure {
    /// Never.
    Never,
    /// When its playback has ended, and its download.
    #[default]
    EndOfPlayback,
    /// When its download is complete.
    EndOfDownload,
    /// A time after its download is complete, exponential with this mean.
    SeedsFor(Time),
    /// After a session of Weibull length.
    Weibull {
        /// Scale.
        scale: Time,
        /// Shape.
        shape: f64,
    },
}

/// What viewers do with the player, beside watching: exponential times with these means.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Viewing {
    /// From one pause to the next.
    pub pause_every: Option<Time>,
    /// Of a pause, 30 s.
    pub pause_length: Option<Time>,
    /// From one jump to the next; to any place of the film.
    pub seek_every: Option<Time>,
    /// A viewer that has seen nothing by then leaves.
    pub patience: Option<Time>,
}

/// What a peer does that it should not.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Behaviour {
    /// Nothing.
    #[default]
    Honest,
    /// Uploads nothing.
    FreeRider,
    /// Is there, and does nothing.
    Idle,
    /// Uploads nothing, and says it forwards everything.
    Liar,
    /// Uploads nothing; all of the class praise each other.
    Colluder,
    /// Uploads nothing; receivers that it invented praise it.
    Sybil,
    /// Announces everything and sends nothing.
    HaveLiar,
    /// Sends corrupt blocks.
    Polluter,
    /// Sends every block too late.
    LateServer,
    /// Uploads nothing, and comes back under another name when nobody serves it.
    Whitewasher,
}

/// `[network]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// How blocks share links; absent: `links`.
    pub model: Option<Model>,
    /// What is asked for and sent at one go; absent: `block`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granularity: Option<Granularity>,
    /// Round trips between peers, uniform between two.
    pub rtt: (Time, Time),
    /// Round trip to the tracker.
    pub tracker_rtt: Time,
    /// Windows that grow and back off.
    pub congestion: bool,
    /// Whether messages pass the codec.
    pub wire: Wire,
    /// How often the overlay is looked at; `"0 s"`: never.
    pub overlay_every: Time,
    /// How fast pieces are hashed; absent: at once.
    pub hash_rate: Option<Speed>,
}

/// How blocks share links.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(
    untagged,
    expecting = "expected \"links\", \"fluid\", or { fluid = { batch = \"100 ms\" } }"
)]
pub enum Model {
    /// `"links"`, `"fluid"`
    Named(ModelName),
    /// `{ fluid = { batch = "100 ms" } }`
    Batched(Batched),
}

/// `"links"`, `"fluid"`
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelName {
    /// Uplinks shared equally, downlinks first come first served, windows.
    Links,
    /// Max-min fair rates, exact; up to 100 peers.
    Fluid,
}

/// `{ fluid = { batch = "100 ms" } }`
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Batched {
    /// Max-min fair rates, not exact.
    pub fluid: Batch,
}

/// `{ batch = "100 ms" }`
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Time between two solutions.
    pub batch: Time,
}

/// What is asked for and sent at one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Granularity {
    /// 16 KiB.
    Block,
    /// A whole piece.
    Piece,
}

/// Whether messages pass the codec.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wire {
    /// No: bytes are only counted.
    Typed,
    /// Yes: every one.
    Bytes,
}

/// `[web_seed]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WebSeed {
    /// What it can send.
    pub rate: Speed,
    /// What it sends in all; absent: no bound.
    pub budget: Option<Size>,
    /// `"always"`, `{ buffer-low = "10 s" }` or `{ prefix = "10 s" }`.
    pub when: When,
    /// Viewers of these classes alone may ask it; all if absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<String>,
}

/// When a web seed is asked.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum When {
    /// Whenever there is a piece to ask for.
    Always,
    /// When less than this is here from the playhead on.
    BufferLow(Time),
    /// For the first so much of the film.
    Prefix(Time),
}

/// `[playback]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Playback {
    /// `"give-to-get"`, `{ prebuffer = "10 s" }` or `{ swarmplayer-2008 = "10 s" }`.
    pub start: Start,
    /// Stall or skip.
    pub late: Late,
    /// What must be there to go on after a stall.
    pub resume: Time,
}

/// When the picture starts.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Start {
    /// The first 10 s are here, and the rest will be in time.
    GiveToGet,
    /// As soon as this much is here.
    Prebuffer(Time),
    /// As the client of the 2008 trial did: with a good part of this much here.
    #[serde(rename = "swarmplayer-2008")]
    SwarmPlayer2008(Time),
}

/// What happens to a late piece.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Late {
    /// The picture stands still.
    Stall,
    /// It is jumped over.
    Skip,
}

/// `[[policy]]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its name in tables.
    pub name: String,
    /// Which piece next.
    pub selector: Named,
    /// Whom to upload to while downloading.
    pub choker: Named,
    /// Whom to upload to when complete.
    #[serde(default = "Policy::seed_fastest")]
    pub seed_choker: Named,
}

/// A policy by name, with parameters if it has any.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(
    untagged,
    expecting = "expected a policy's name, or a table such as { name = \"give-to-get\", h = \"10 s\" }"
)]
pub enum Named {
    /// Its name.
    Name(String),
    /// Its name and parameters.
    Table(BTreeMap<String, toml::Value>),
}

/// `[[fault]]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// When.
    pub at: Time,
    /// What.
    pub kind: FaultKind,
    /// Whose, by number: for `crash` and `corrupt-block`.
    pub peer: Option<u32>,
    /// Which class: for `uplink-step`.
    pub class: Option<String>,
    /// Of what the uplinks were at birth: for `uplink-step`.
    pub percent: Option<u32>,
}

/// What goes wrong. (Flattening an enum into [`Fault`] would undo `deny_unknown_fields`.)
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// A peer is gone.
    Crash,
    /// All sources are gone.
    SourceGone,
    /// The next block a peer sends is corrupt.
    CorruptBlock,
    /// A class's uplinks change.
    UplinkStep,
}

/// `[run]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// When the run ends at the latest.
    pub horizon: Time,
    /// Peers that arrive before this do not count.
    #[serde(default = "Run::zero")]
    pub warm_up: Time,
}

/// `[sweep]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sweep {
    /// `"1..=5"`, or a number: so many from 1 on.
    pub seeds: Seeds,
    /// `"5 %"`: more seeds are added until the paired difference is known so well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Of which metric, by its column in `runs.csv`: `"startup_mean_s"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_metric: Option<String>,
    /// With `until`: so many seeds at most, 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seeds_max: Option<u32>,
    /// Dotted keys and the values they take.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub axes: BTreeMap<String, Vec<toml::Value>>,
}

/// Which seeds.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(
    untagged,
    expecting = "expected a number of seeds, or a range such as \"1..=5\""
)]
pub enum Seeds {
    /// From 1 on.
    Count(u64),
    /// `"1..=5"`
    Range(String),
}

/// `[figure]`
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Figure {
    /// What the figures are called.
    pub title: String,
    /// Of a sweep, the key that stands across, or `"policy"`.
    pub x: Option<String>,
    /// What that axis is called; else its key.
    pub x_name: Option<String>,
    /// What stands upwards: metrics by their columns in `runs.csv`, a row of panels each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub y: Vec<String>,
    /// Of whom, a line each: classes, `"all"`, `"honest"`, `"adversary"`; all viewers if absent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<String>,
    /// The key of the sweep whose values are panels beside each other, or `"policy"`.
    pub panels: Option<String>,
    /// A line where supply meets demand: where the resource index crosses 1.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub supply_line: bool,
    /// Across stands the share of viewers whom nobody can dial: what follows from it alone is drawn
    /// too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub firewall_bounds: bool,
    /// What peers hold over time is told too, as often as the overlay is looked at.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub memory: bool,
    /// A start-up delay to compare the distribution of start-up delays with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub startup_mark: Option<StartupMark>,
}

/// A start-up delay that somebody measured.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StartupMark {
    /// How long.
    pub at: Time,
    /// Whose, in the legend.
    pub says: String,
}

const fn ten() -> u16 {
    10
}

const fn twenty() -> u16 {
    20
}

const fn fifty() -> u16 {
    50
}

const fn one() -> f64 {
    1.0
}

const fn secs(secs: u64) -> Time {
    Time(std::time::Duration::from_secs(secs))
}

const fn millis(millis: u64) -> Time {
    Time(std::time::Duration::from_millis(millis))
}

impl Swarm {
    const fn announce() -> Time {
        secs(300)
    }
}

impl Run {
    const fn zero() -> Time {
        secs(0)
    }
}

impl Default for Network {
    fn default() -> Self {
        Self {
            model: None,
            granularity: None,
            rtt: (millis(100), millis(300)),
            tracker_rtt: millis(100),
            congestion: true,
            wire: Wire::Typed,
            overlay_every: secs(30),
            hash_rate: None,
        }
    }
}

impl Default for Live {
    fn default() -> Self {
        Self {
            numbering: Numbering::Absolute,
            window: secs(900),
            ring: secs(3600),
            expiry: Expiry::Implied,
            hook_in: Named::Name("newest-at-half".into()),
            lag_max: secs(30),
            super_seeding: None,
        }
    }
}

impl Default for Playback {
    fn default() -> Self {
        Self {
            start: Start::GiveToGet,
            late: Late::Stall,
            resume: secs(5),
        }
    }
}

impl Default for Sweep {
    fn default() -> Self {
        Self {
            seeds: Seeds::Count(1),
            until: None,
            until_metric: None,
            seeds_max: None,
            axes: BTreeMap::new(),
        }
    }
}

impl Policy {
    fn seed_fastest() -> Named {
        Named::Name("seed-fastest".into())
    }

    fn defaults() -> Vec<Spanned<Self>> {
        let policy = Self {
            name: "default".into(),
            selector: Named::Name("rarest-first".into()),
            choker: Named::Name("tit-for-tat".into()),
            seed_choker: Self::seed_fastest(),
        };
        vec![Spanned::new(0..0, policy)]
    }
}
