//! The table of chokers: names, sources, parameters.

use alloc::boxed::Box;
use core::time::Duration;

use super::choke::Choker;
use super::give_to_get::Rank;
use super::param::{ParamError, ParamValue, PolicyInfo, duration, slots};
use super::{
    always_unchoke, give_to_get, give_to_get_shipped, receipts, seed_fastest, seed_round_robin,
    tit_for_tat, tit_for_tat_inbound,
};

/// Whom to upload to.
#[derive(Clone, Debug, PartialEq)]
pub enum ChokerConfig {
    /// `tit-for-tat`
    TitForTat {
        /// Regular slots, 3; one more is optimistic.
        slots: u16,
    },
    /// `tit-for-tat-inbound`
    TitForTatInbound {
        /// As there.
        slots: u16,
    },
    /// `give-to-get`, as in the paper: grandchildren report.
    GiveToGet {
        /// Choke round and measuring time, 10 s; the optimistic slot turns every 2δ.
        delta: Duration,
        /// Regular slots before the 90 % rule, 3.
        slots: u16,
        /// By what neighbours are ranked.
        rank: Rank,
    },
    /// `receipts`: as `give-to-get`, and receivers acknowledge what they got.
    Receipts {
        /// As there.
        delta: Duration,
        /// As there.
        slots: u16,
        /// As there.
        rank: Rank,
    },
    /// `give-to-get-shipped`: each says itself what it forwards.
    GiveToGetShipped {
        /// Slots, 7, of which one turns.
        slots: u16,
    },
    /// `always-unchoke`
    AlwaysUnchoke,
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

impl ChokerConfig {
    /// All of them.
    pub const TABLE: &[PolicyInfo] = &[
        PolicyInfo {
            name: "tit-for-tat",
            source: "BEP 3; Legout et al., IMC 2006 (as recalled)",
            summary: "the 3 neighbours that give us most, every 10 s, and an optimistic one for 30 s; anti-snubbing",
        },
        PolicyInfo {
            name: "tit-for-tat-inbound",
            source: "ours",
            summary: "tit-for-tat, first among those who dialled us: only open peers can feed firewalled ones",
        },
        PolicyInfo {
            name: "give-to-get",
            source: "Mol et al., MMCN 2008 (as recalled)",
            summary: "the neighbours that forward most of what we gave them, as their own receivers report",
        },
        PolicyInfo {
            name: "give-to-get-shipped",
            source: "Tribler 2008-2010, Choker.py, Connecter.py, Tr_G2G_v2 (read in code)",
            summary: "the 6 neighbours that say they forward most, and the 6 others that give most",
        },
        PolicyInfo {
            name: "receipts",
            source: "ours; ranking and slots of Mol et al., MMCN 2008 (as recalled)",
            summary: "give-to-get by acknowledgements that receivers make and forwarders carry back",
        },
        PolicyInfo {
            name: "always-unchoke",
            source: "rqbit, peer_connection.rs (read in code, August 2026)",
            summary: "nobody is ever choked",
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
            "tit-for-tat-inbound" => Self::TitForTatInbound { slots: 3 },
            "give-to-get" => Self::GiveToGet {
                delta: Duration::from_secs(10),
                slots: 3,
                rank: Rank::OursThenAll,
            },
            "receipts" => Self::Receipts {
                delta: Duration::from_secs(10),
                slots: 3,
                rank: Rank::OursThenAll,
            },
            "give-to-get-shipped" => Self::GiveToGetShipped { slots: 7 },
            "always-unchoke" => Self::AlwaysUnchoke,
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
        match (&mut *self, key) {
            (
                Self::TitForTat { slots: count }
                | Self::TitForTatInbound { slots: count }
                | Self::GiveToGet { slots: count, .. }
                | Self::Receipts { slots: count, .. }
                | Self::GiveToGetShipped { slots: count }
                | Self::SeedFastest { slots: count }
                | Self::SeedRoundRobin { slots: count },
                "slots",
            ) => *count = slots(value)?,
            (Self::GiveToGet { delta, .. } | Self::Receipts { delta, .. }, "delta") => {
                *delta = duration(value)?;
            }
            (Self::GiveToGet { rank, .. } | Self::Receipts { rank, .. }, "rank") => {
                *rank = self::rank(value)?;
            }
            _ => return Err(ParamError::Unknown(self.parameters())),
        }
        Ok(())
    }

    /// What it takes, by name; `none` if nothing.
    #[must_use]
    pub const fn parameters(&self) -> &'static str {
        match self {
            Self::GiveToGet { .. } | Self::Receipts { .. } => "delta, slots, rank",
            Self::TitForTat { .. }
            | Self::TitForTatInbound { .. }
            | Self::GiveToGetShipped { .. }
            | Self::SeedFastest { .. }
            | Self::SeedRoundRobin { .. } => "slots",
            Self::AlwaysUnchoke => "none",
        }
    }

    /// The policy itself.
    #[must_use]
    pub fn build(&self) -> Box<dyn Choker> {
        match *self {
            Self::TitForTat { slots } => Box::new(tit_for_tat::TitForTat::new(slots)),
            Self::TitForTatInbound { slots } => {
                Box::new(tit_for_tat_inbound::TitForTatInbound::new(slots))
            }
            Self::GiveToGet { delta, slots, rank } => {
                Box::new(give_to_get::GiveToGet::new(delta, slots, rank))
            }
            Self::Receipts { delta, slots, rank } => Box::new(receipts::Receipts(
                give_to_get::GiveToGet::new(delta, slots, rank),
            )),
            Self::GiveToGetShipped { slots } => {
                Box::new(give_to_get_shipped::GiveToGetShipped::new(slots))
            }
            Self::AlwaysUnchoke => Box::new(always_unchoke::AlwaysUnchoke),
            Self::SeedFastest { slots } => Box::new(seed_fastest::SeedFastest::new(slots)),
            Self::SeedRoundRobin { slots } => Box::new(seed_round_robin::SeedRoundRobin {
                slots: usize::from(slots),
            }),
        }
    }
}

fn rank(value: &ParamValue) -> Result<Rank, ParamError> {
    match value {
        ParamValue::Text(text) if text == "ours, all" => Ok(Rank::OursThenAll),
        ParamValue::Text(text) if text == "ours" => Ok(Rank::Ours),
        ParamValue::Text(text) if text == "all" => Ok(Rank::All),
        _ => Err(ParamError::Value("\"ours, all\", \"ours\" or \"all\"")),
    }
}
