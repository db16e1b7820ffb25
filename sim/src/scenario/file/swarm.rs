//! `[swarm]`: who comes, and when.

use serde::{Deserialize, Serialize};

use super::super::units::{Frequency, Time};
use super::secs;

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

impl Swarm {
    const fn announce() -> Time {
        secs(300)
    }
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
