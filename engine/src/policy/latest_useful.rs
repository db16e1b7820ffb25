//! `latest-useful`: the newest piece this neighbour has and we lack.
//!
//! Source: Bonald, Massoulié, Mathieu, Perino, Twigg, "Epidemic live streaming: optimal performance
//! trade-offs", SIGMETRICS 2008 (as recalled), where the *sender* picks the latest useful chunk;
//! here the receiver does. New pieces spread fast; old gaps are filled only when nothing is newer.

use super::select::{PieceSelector, SelectView};
use crate::seed::Rng;

/// See the module.
#[derive(Debug)]
pub(super) struct LatestUseful;

impl PieceSelector for LatestUseful {
    fn select(&mut self, view: &SelectView<'_>, _rng: &mut Rng) -> Option<usize> {
        view.candidates(view.playhead()..view.pieces()).last()
    }

    fn needs_candidates(&self) -> bool {
        true
    }
}
