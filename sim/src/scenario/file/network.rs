//! `[network]` and `[web_seed]`: links, and a server.

use serde::{Deserialize, Serialize};

use super::super::units::{Size, Speed, Time};
use super::{millis, secs};

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
