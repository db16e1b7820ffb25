//! `newest-at-half`: the newest piece that half of the neighbours have.
//!
//! Source: the trial client of July 2008 (papers.md 2.2, read in code; "half" as recalled for the
//! paper): at least max(1, n/2) of the n neighbours that have anything; asked again every second
//! until playback begins.

use core::time::Duration;

use super::hook_in::{HookIn, HookInView};
use crate::geometry::PieceIndex;

/// See the module.
#[derive(Debug)]
pub(super) struct NewestAtHalf;

impl HookIn for NewestAtHalf {
    fn newest(&self, view: &HookInView<'_>) -> Option<PieceIndex> {
        view.newest_at(view.neighbours() / 2)
    }

    fn moves_by(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }
}
