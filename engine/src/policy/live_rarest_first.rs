//! `live-rarest-first`: the rarest piece of the download window, whatever its deadline.
//!
//! Source: the trial client of July 2008 (papers.md 2.2, read in code): rarest first over every
//! wanted piece in [position, position + δ] that this neighbour has; δ was 900 pieces, 450 s. Ties
//! are random here: the client meant them to be, and took the first (swarmplayer.md 5.2).

use core::time::Duration;

use super::select::{PieceSelector, SelectView};
use crate::seed::Rng;

/// See the module.
#[derive(Debug)]
pub(super) struct LiveRarestFirst {
    pub(super) ahead: Duration,
}

impl PieceSelector for LiveRarestFirst {
    fn select(&mut self, view: &SelectView<'_>, _rng: &mut Rng) -> Option<usize> {
        let from = view.playhead();
        let end = from
            .saturating_add(view.pieces_in(self.ahead))
            .saturating_add(1);
        view.started_in(from..end)
            .or_else(|| view.rarest_in(from..end))
    }

    fn needs_candidates(&self) -> bool {
        true
    }
}
