//! `[run]`, `[[fault]]` and `[sweep]`: how long, what goes wrong, and what is varied.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::units::Time;
use super::secs;

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

impl Run {
    const fn zero() -> Time {
        secs(0)
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
