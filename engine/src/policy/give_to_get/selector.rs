//! `give-to-get` (selector): high, mid and low priority sets ahead of the playhead.
//!
//! Source: Mol et al., MMCN 2008 (as recalled, papers.md 1.2); Tribler G2G-0,
//! Tribler/Video/VideoOnDemand.py, `PiecePickerG2G` (read in code): h = 10 s, μ = 4. With m the
//! lowest piece still needed: high is m..m+h, in order once playback has started and rarest first
//! before; mid is m+h..m+(μ+1)h and low the rest, rarest first. Within mid and low, started pieces
//! are finished first. What lies behind the playhead comes last.
//!
//! Ablations: `mid = "mu"` ends the mid set at m+μh, as the client did from August 2010; `ties =
//! "first"` takes the lowest of equally rare pieces, as its live picker did by mistake
//! (swarmplayer.md 5.1 and 5.2, read in code).

use core::ops::Range;
use core::time::Duration;

use crate::policy::select::{PieceSelector, SelectView};
use crate::seed::Rng;

/// See the module.
#[derive(Debug)]
pub(in crate::policy) struct GiveToGetSets {
    pub(in crate::policy) h: Duration,
    /// The mid set ends so many h after m.
    pub(in crate::policy) mid_end: u32,
    /// Equally rare pieces are taken lowest first, not at random.
    pub(in crate::policy) ties_first: bool,
}

impl GiveToGetSets {
    fn rarest(&self, view: &SelectView<'_>, range: Range<usize>) -> Option<usize> {
        view.started_in(range.clone()).or_else(|| {
            if self.ties_first {
                view.rarest_lowest_in(range)
            } else {
                view.rarest_in(range)
            }
        })
    }
}

impl PieceSelector for GiveToGetSets {
    fn select(&mut self, view: &SelectView<'_>, _rng: &mut Rng) -> Option<usize> {
        let m = view.playhead();
        let h = view.pieces_in(self.h);
        let high_end = m.saturating_add(h);
        let mid_end = m.saturating_add(h.saturating_mul(self.mid_end as usize));
        let high = if view.playing() {
            view.lowest_in(m..high_end)
        } else {
            self.rarest(view, m..high_end)
        };
        high.or_else(|| self.rarest(view, high_end..mid_end))
            .or_else(|| self.rarest(view, mid_end.max(high_end)..view.pieces()))
            .or_else(|| self.rarest(view, 0..m))
    }

    fn needs_candidates(&self) -> bool {
        true
    }
}
