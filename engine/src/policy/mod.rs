//! The seams. A policy reads a view and answers; the engine checks the answer and acts.
//!
//! Each policy is one file that opens with its source and its constants, and is named in
//! scenarios by that file's name. Adding one touches that file and one table here: selectors
//! stand in `selectors.rs`, chokers in `chokers.rs`, hook-in rules of live streams in `hook_ins.rs`.

mod always_unchoke;
mod bitos;
mod choke;
#[cfg(test)]
mod choker_tests;
mod chokers;
mod chooser;
mod crowd;
mod follow_source;
mod give_to_get;
mod give_to_get_shipped;
mod hook_in;
mod hook_ins;
mod in_order;
mod latest_useful;
mod libtorrent_deadline;
mod live_rarest_first;
mod mixed;
mod newest;
mod newest_at_half;
mod optimistic;
mod param;
mod playback;
mod rarest_first;
mod receipts;
mod rqbit_look_ahead;
mod seed_fastest;
mod seed_round_robin;
mod select;
mod selectors;
mod swarmplayer_2010;
mod target_lag;
#[cfg(test)]
mod tests;
mod tit_for_tat;
mod tit_for_tat_inbound;
mod webtorrent_critical;
mod zipf;

pub use choke::{Candidate, ChokeView, Choker, Reporting};
pub use chokers::ChokerConfig;
pub use chooser::Chooser;
pub use crowd::{Crowd, Member};
pub use give_to_get::Rank;
pub use hook_in::{HookIn, HookInView};
pub use hook_ins::HookInConfig;
pub use param::{ParamError, ParamValue, PolicyInfo};
pub use playback::{LatePolicy, PlaybackConfig, StartRule};
pub use select::{PieceSelector, SelectView, TakeOver};
pub use selectors::SelectorConfig;
