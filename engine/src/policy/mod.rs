//! The seams. A policy reads a view and answers; the engine checks the answer and acts.
//!
//! Each policy is one file that opens with its source and its constants, and is named in
//! scenarios by that file's name. Adding one touches that file and one line of a table here.

use alloc::boxed::Box;

mod choke;
mod give_to_get;
mod give_to_get_sets;
mod in_order;
mod optimistic;
mod playback;
mod rarest_first;
mod seed_fastest;
mod seed_round_robin;
mod select;
mod table;
mod tit_for_tat;

pub use choke::{Candidate, ChokeView, Choker};
pub use playback::{LatePolicy, PlaybackConfig, StartRule};
pub use select::{PieceSelector, SelectView};
pub use table::{ChokerConfig, ParamError, ParamValue, PolicyInfo, SelectorConfig};

impl SelectorConfig {
    /// The policy itself.
    #[must_use]
    pub fn build(&self) -> Box<dyn PieceSelector> {
        match *self {
            Self::RarestFirst => Box::new(rarest_first::RarestFirst),
            Self::InOrder => Box::new(in_order::InOrder),
            Self::GiveToGet { h, mu } => Box::new(give_to_get_sets::GiveToGetSets { h, mu }),
        }
    }
}

impl ChokerConfig {
    /// The policy itself.
    #[must_use]
    pub fn build(&self) -> Box<dyn Choker> {
        match *self {
            Self::TitForTat { slots } => Box::new(tit_for_tat::TitForTat::new(slots)),
            Self::GiveToGet { delta, slots } => Box::new(give_to_get::GiveToGet::new(delta, slots)),
            Self::SeedFastest { slots } => Box::new(seed_fastest::SeedFastest::new(slots)),
            Self::SeedRoundRobin { slots } => Box::new(seed_round_robin::SeedRoundRobin {
                slots: usize::from(slots),
            }),
        }
    }
}
