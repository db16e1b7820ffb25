//! `in-order`: the lowest missing piece from the playhead on, earliest deadline first.
//!
//! Source: Tribler G2G-0, Tribler/Video/VideoOnDemand.py, `PiecePickerEDF` (read in code). What lies
//! behind the playhead (skipped, or jumped over by a seek) comes last.

use super::select::{PieceSelector, SelectView};
use crate::seed::Rng;

/// See the module.
#[derive(Debug)]
pub(super) struct InOrder;

impl PieceSelector for InOrder {
    fn select(&mut self, view: &SelectView<'_>, _rng: &mut Rng) -> Option<usize> {
        view.lowest_in(view.playhead()..view.pieces())
            .or_else(|| view.lowest_in(0..view.playhead()))
    }

    fn needs_candidates(&self) -> bool {
        true
    }
}
