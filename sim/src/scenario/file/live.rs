//! `[live]`: a channel.

use serde::{Deserialize, Serialize};

use super::super::units::Time;
use super::policy::Named;
use super::secs;

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
