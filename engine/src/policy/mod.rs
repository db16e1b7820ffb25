//! The seams. A policy reads a view and answers; the engine checks the answer and acts.
//!
//! Each policy is one file that opens with its source and its constants, and is named in
//! scenarios by that file's name. Adding one touches that file and one table here: selectors
//! stand in `selectors.rs`, chokers in `chokers.rs`.

mod always_unchoke;
mod bitos;
mod choke;
mod chokers;
mod crowd;
mod give_to_get;
mod give_to_get_sets;
mod give_to_get_shipped;
mod in_order;
mod libtorrent_deadline;
mod mixed;
mod optimistic;
mod param;
mod playback;
mod rarest_first;
mod rqbit_look_ahead;
mod seed_fastest;
mod seed_round_robin;
mod select;
mod selectors;
mod swarmplayer_2010;
#[cfg(test)]
mod tests;
mod tit_for_tat;
mod webtorrent_critical;
mod zipf;

pub use choke::{Candidate, ChokeView, Choker, Reporting};
pub use chokers::ChokerConfig;
pub use crowd::{Crowd, Member};
pub use param::{ParamError, ParamValue, PolicyInfo};
pub use playback::{LatePolicy, PlaybackConfig, StartRule};
pub use select::{PieceSelector, SelectView, TakeOver};
pub use selectors::SelectorConfig;
