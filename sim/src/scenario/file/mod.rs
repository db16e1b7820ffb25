//! A scenario file as it is written: the tables, their keys and defaults, a table or two a file. What it
//! means is made of it by `resolve`.

mod class;
mod figure;
mod live;
mod network;
mod playback;
mod policy;
mod run;
mod swarm;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::units::{Size, Speed, Time};

pub(super) use class::{Behaviour, Class, Departure, DownlinkText, OneOrTwo, Share};
pub(super) use figure::Figure;
pub(super) use live::{Expiry, Live, Numbering};
pub(super) use network::{Granularity, Model, ModelName, Network, WebSeed, When, Wire};
pub(super) use playback::{Late, Playback, Start};
pub(super) use policy::{Named, Policy};
pub(super) use run::{Fault, FaultKind, Run, Seeds, Sweep};
pub(super) use swarm::{Arrival, Swarm};

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

const fn secs(secs: u64) -> Time {
    Time(std::time::Duration::from_secs(secs))
}

const fn millis(millis: u64) -> Time {
    Time(std::time::Duration::from_millis(millis))
}
