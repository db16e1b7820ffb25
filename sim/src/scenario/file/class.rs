//! `[[class]]`: kinds of peers.

use serde::{Deserialize, Serialize};

use super::super::units::{Speed, Time};
use super::policy::Policy;

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

const fn one() -> f64 {
    1.0
}
