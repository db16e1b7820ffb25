//! The table of hook-in rules: names, sources, parameters.

use alloc::boxed::Box;
use core::time::Duration;

use super::hook_in::HookIn;
use super::param::{ParamError, ParamValue, PolicyInfo, duration};
use super::{follow_source, newest, newest_at_half, target_lag};

/// Where a viewer of a live stream begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookInConfig {
    /// `newest`
    Newest,
    /// `newest-at-half`
    NewestAtHalf,
    /// `follow-source`
    FollowSource,
    /// `target-lag`
    TargetLag {
        /// Behind the newest piece, 15 s.
        lag: Duration,
    },
}

impl HookInConfig {
    /// All of them.
    pub const TABLE: &[PolicyInfo] = &[
        PolicyInfo {
            name: "newest",
            source: "SwarmPlayer, 7 July 2008, calc_live_startpos (read in code)",
            summary: "the newest piece at any neighbour, minus the prebuffer; decided once",
        },
        PolicyInfo {
            name: "newest-at-half",
            source: "SwarmPlayer 1.0, July 2008, calc_live_startpos (read in code)",
            summary: "the newest piece at half of the neighbours, minus the prebuffer; every second",
        },
        PolicyInfo {
            name: "follow-source",
            source: "Tribler, February 2010, calc_live_startpos (read in code)",
            summary: "the source's newest piece if it is a neighbour, else one with two votes",
        },
        PolicyInfo {
            name: "target-lag",
            source: "own; after DASH-IF low latency (as recalled)",
            summary: "the same time behind the newest piece for everybody",
        },
    ];

    /// The policy of that name, with its default parameters.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "newest" => Self::Newest,
            "newest-at-half" => Self::NewestAtHalf,
            "follow-source" => Self::FollowSource,
            "target-lag" => Self::TargetLag {
                lag: Duration::from_secs(15),
            },
            _ => return None,
        })
    }

    /// Sets a parameter.
    ///
    /// # Errors
    /// If there is no such parameter, or its value is out of range.
    pub fn set(&mut self, key: &str, value: &ParamValue) -> Result<(), ParamError> {
        match (&mut *self, key) {
            (Self::TargetLag { lag }, "lag") => *lag = duration(value)?,
            _ => return Err(ParamError::Unknown(self.parameters())),
        }
        Ok(())
    }

    /// What it takes, by name; `none` if nothing.
    #[must_use]
    pub const fn parameters(&self) -> &'static str {
        match self {
            Self::TargetLag { .. } => "lag",
            Self::Newest | Self::NewestAtHalf | Self::FollowSource => "none",
        }
    }

    /// The policy itself.
    #[must_use]
    pub fn build(&self) -> Box<dyn HookIn> {
        match *self {
            Self::Newest => Box::new(newest::Newest),
            Self::NewestAtHalf => Box::new(newest_at_half::NewestAtHalf),
            Self::FollowSource => Box::new(follow_source::FollowSource),
            Self::TargetLag { lag } => Box::new(target_lag::TargetLag { lag }),
        }
    }
}
