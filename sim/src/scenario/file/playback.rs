//! `[playback]`: the player.

use serde::{Deserialize, Serialize};

use super::super::units::Time;
use super::secs;

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

impl Default for Playback {
    fn default() -> Self {
        Self {
            start: Start::GiveToGet,
            late: Late::Stall,
            resume: secs(5),
        }
    }
}
