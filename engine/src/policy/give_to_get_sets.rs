//! `give-to-get` (selector): high, mid and low priority sets ahead of the playhead.
//!
//! Source: Mol et al., MMCN 2008 (as recalled, papers.md 1.2); Tribler G2G-0,
//! Tribler/Video/VideoOnDemand.py, `PiecePickerG2G` (read in code): h = 10 s, μ = 4. With m the
//! lowest piece still needed: high is m..m+h, in order once playback has started and rarest first
//! before; mid is m+h..m+(μ+1)h and low the rest, rarest first. Within mid and low, started pieces
//! are finished first. What lies behind the playhead comes last.

use core::time::Duration;

use super::select::{PieceSelector, SelectView};
use crate::seed::Rng;

/// See the module.
#[derive(Debug)]
pub(super) struct GiveToGetSets {
    pub(super) h: Duration,
    pub(super) mu: u32,
}

impl PieceSelector for GiveToGetSets {
    fn select(&mut self, view: &SelectView<'_>, _rng: &mut Rng) -> Option<usize> {
        let m = view.playhead();
        let h = view.pieces_in(self.h);
        let high_end = m.saturating_add(h);
        let mid_end = m.saturating_add(h.saturating_mul(self.mu as usize + 1));
        let high = if view.playing() {
            view.lowest_in(m..high_end)
        } else {
            view.started_in(m..high_end)
                .or_else(|| view.rarest_in(m..high_end))
        };
        high.or_else(|| view.started_in(high_end..mid_end))
            .or_else(|| view.rarest_in(high_end..mid_end))
            .or_else(|| view.started_in(mid_end..view.pieces()))
            .or_else(|| view.rarest_in(mid_end..view.pieces()))
            .or_else(|| view.rarest_in(0..m))
    }
}
