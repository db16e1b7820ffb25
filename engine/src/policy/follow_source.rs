//! `follow-source`: where the source is, if we are its neighbour; else what two neighbours have.
//!
//! Source: the client of February 2010 (swarmplayer.md 3.5, read in code): connected to the source
//! it looks at the source's map alone; otherwise at least max(2, n/2) of the n neighbours that have
//! anything must have the piece. A position that was found is kept unless it moves by 5 s. With a
//! single neighbour two votes cannot be had, and that client waited; here one is enough then.

use core::time::Duration;

use super::hook_in::{HookIn, HookInView};
use crate::geometry::PieceIndex;

/// Smaller moves are not worth what is lost (`PREBUF_REHOOKIN_SECS`).
const MOVE: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug)]
pub(super) struct FollowSource;

impl HookIn for FollowSource {
    fn newest(&self, view: &HookInView<'_>) -> Option<PieceIndex> {
        let votes = (view.neighbours() / 2).max(2).min(view.neighbours());
        view.source_newest().or_else(|| view.newest_at(votes))
    }

    fn moves_by(&self) -> Option<Duration> {
        Some(MOVE)
    }
}
