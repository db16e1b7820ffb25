//! The tables of policies: their names in scenarios, their sources, their parameters.

use core::time::Duration;

use thiserror::Error;

/// What `swarmbed policies` prints of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyInfo {
    /// As in scenarios; also the name of its file, with `_` for `-`.
    pub name: &'static str,
    /// Paper and section, or client and file, with how sure the fact is.
    pub source: &'static str,
    /// One line.
    pub summary: &'static str,
}

/// A parameter's value in a scenario.
#[derive(Clone, Debug, PartialEq)]
pub enum ParamValue {
    /// `"10 s"`
    Duration(Duration),
    /// `4` or `0.8`
    Number(f64),
    /// `"self-report"`
    Text(alloc::string::String),
    /// `true`
    Flag(bool),
}

/// A parameter that a policy does not take.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParamError {
    /// No such parameter; these there are.
    #[error("unknown parameter; it takes: {0}")]
    Unknown(&'static str),
    /// Not of the right kind or range.
    #[error("expected {0}")]
    Value(&'static str),
}

/// Which piece next.
#[derive(Clone, Debug, PartialEq)]
pub enum SelectorConfig {
    /// `rarest-first`
    RarestFirst,
    /// `in-order`
    InOrder,
    /// `give-to-get`
    GiveToGet {
        /// Length of the high set, 10 s.
        h: Duration,
        /// The mid set is `mu` times as long, 4.
        mu: u32,
    },
}

/// Whom to upload to.
#[derive(Clone, Debug, PartialEq)]
pub enum ChokerConfig {
    /// `tit-for-tat`
    TitForTat {
        /// Regular slots, 3; one more is optimistic.
        slots: u16,
    },
    /// `give-to-get`, as in the paper: grandchildren report.
    GiveToGet {
        /// Choke round and measuring time, 10 s; the optimistic slot turns every 2δ.
        delta: Duration,
        /// Regular slots before the 90 % rule, 3.
        slots: u16,
    },
    /// `seed-fastest`
    SeedFastest {
        /// Slots, 4.
        slots: u16,
    },
    /// `seed-round-robin`
    SeedRoundRobin {
        /// Slots, 4.
        slots: u16,
    },
}

impl SelectorConfig {
    /// All of them.
    pub const TABLE: &[PolicyInfo] = &[
        PolicyInfo {
            name: "rarest-first",
            source: "BEP 3; Legout et al., IMC 2006 (as recalled)",
            summary: "the piece that fewest neighbours have; ties at random; started pieces first",
        },
        PolicyInfo {
            name: "in-order",
            source: "Tribler G2G-0, VideoOnDemand.py, PiecePickerEDF (read in code)",
            summary: "the lowest missing piece from the playhead on: earliest deadline first",
        },
        PolicyInfo {
            name: "give-to-get",
            source: "Mol et al., MMCN 2008 (as recalled); Tribler G2G-0, PiecePickerG2G (read in code)",
            summary: "high set in order (rarest first before playback), then mid, then low rarest first",
        },
    ];

    /// The policy of that name, with its default parameters.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "rarest-first" => Self::RarestFirst,
            "in-order" => Self::InOrder,
            "give-to-get" => Self::GiveToGet {
                h: Duration::from_secs(10),
                mu: 4,
            },
            _ => return None,
        })
    }

    /// Sets a parameter.
    ///
    /// # Errors
    /// If there is no such parameter, or its value is out of range.
    pub fn set(&mut self, key: &str, value: &ParamValue) -> Result<(), ParamError> {
        match (self, key) {
            (Self::GiveToGet { h, .. }, "h") => *h = duration(value)?,
            (Self::GiveToGet { mu, .. }, "mu") => *mu = count(value)?,
            (Self::GiveToGet { .. }, _) => return Err(ParamError::Unknown("h, mu")),
            (Self::RarestFirst | Self::InOrder, _) => return Err(ParamError::Unknown("none")),
        }
        Ok(())
    }
}

impl ChokerConfig {
    /// All of them.
    pub const TABLE: &[PolicyInfo] = &[
        PolicyInfo {
            name: "tit-for-tat",
            source: "BEP 3; Legout et al., IMC 2006 (as recalled)",
            summary: "the 3 neighbours that give us most, every 10 s, and an optimistic one for 30 s; anti-snubbing",
        },
        PolicyInfo {
            name: "give-to-get",
            source: "Mol et al., MMCN 2008 (as recalled)",
            summary: "the neighbours that forward most of what we gave them, as their own receivers report",
        },
        PolicyInfo {
            name: "seed-fastest",
            source: "BitTorrent mainline 4 (as recalled)",
            summary: "the neighbours that take fastest, and an optimistic one",
        },
        PolicyInfo {
            name: "seed-round-robin",
            source: "Legout et al., IMC 2006, new seed choke (as recalled)",
            summary: "every interested neighbour in turn, longest waiting first",
        },
    ];

    /// The policy of that name, with its default parameters.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "tit-for-tat" => Self::TitForTat { slots: 3 },
            "give-to-get" => Self::GiveToGet {
                delta: Duration::from_secs(10),
                slots: 3,
            },
            "seed-fastest" => Self::SeedFastest { slots: 4 },
            "seed-round-robin" => Self::SeedRoundRobin { slots: 4 },
            _ => return None,
        })
    }

    /// Sets a parameter.
    ///
    /// # Errors
    /// If there is no such parameter, or its value is out of range.
    pub fn set(&mut self, key: &str, value: &ParamValue) -> Result<(), ParamError> {
        match (self, key) {
            (
                Self::TitForTat { slots }
                | Self::GiveToGet { slots, .. }
                | Self::SeedFastest { slots }
                | Self::SeedRoundRobin { slots },
                "slots",
            ) => {
                *slots = u16::try_from(count(value)?)
                    .map_err(|_| ParamError::Value("at most 65535 slots"))?;
            }
            (Self::GiveToGet { delta, .. }, "delta") => *delta = duration(value)?,
            (Self::GiveToGet { .. }, _) => return Err(ParamError::Unknown("delta, slots")),
            _ => return Err(ParamError::Unknown("slots")),
        }
        Ok(())
    }
}

fn duration(value: &ParamValue) -> Result<Duration, ParamError> {
    match value {
        ParamValue::Duration(duration) if !duration.is_zero() => Ok(*duration),
        _ => Err(ParamError::Value("a duration above zero, such as \"10 s\"")),
    }
}

fn count(value: &ParamValue) -> Result<u32, ParamError> {
    match value {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "range is checked"
        )]
        ParamValue::Number(number)
            if *number >= 1.0 && *number <= 1e6 && libm::floor(*number) == *number =>
        {
            Ok(*number as u32)
        }
        _ => Err(ParamError::Value("a whole number from 1 to 1000000")),
    }
}
