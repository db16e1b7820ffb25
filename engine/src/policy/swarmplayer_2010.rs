//! `swarmplayer-2010`: Give-to-Get's sets as the client grew them.
//!
//! Source: Tribler 2010–2012, Core/Video/PiecePickerStreaming.py and VideoStatus.py (read in code,
//! swarmplayer.md 5.1 and 5.2). The high set is 10 s, or 5 pieces if that is more, and one piece;
//! each stall adds 10 s and 5 pieces, up to 180 s and 1,800 pieces, for good. The mid set ends at
//! m + μ·(length of the high set), μ = 4 (August 2010). Before playback the first 10 s are rarest
//! first; then high in order, mid and low rarest first, then what lies behind the playhead.
//! Started pieces go first while we have fewer than 2, or with more of them than half of the
//! connections.
//!
//! Left out: the gate that keeps a neighbour whose urgent request was cancelled at rate zero from
//! the high set. The engine asks such a neighbour's blocks of others instead.

use core::time::Duration;

use super::select::{PieceSelector, SelectView};
use crate::seed::Rng;

/// Below so many pieces, started ones are finished first (`rarest_first_cutoff`).
const FIRST_PIECES: u32 = 2;
/// Bounds of the high set.
const HIGH_MAX: Duration = Duration::from_secs(180);
const PIECES_STEP: usize = 5;
const PIECES_MAX: usize = 1800;

/// See the module.
#[derive(Debug)]
pub(super) struct Swarmplayer2010 {
    /// The high set at the start, and what a stall adds to it.
    pub(super) h: Duration,
    pub(super) mu: u32,
}

impl Swarmplayer2010 {
    /// Pieces of the high set.
    fn high(&self, view: &SelectView<'_>) -> usize {
        let steps = view.stalls().saturating_add(1);
        let media = self.h.saturating_mul(steps).min(HIGH_MAX.max(self.h));
        let pieces = PIECES_STEP
            .saturating_mul(usize::try_from(steps).unwrap_or(usize::MAX))
            .min(PIECES_MAX);
        view.pieces_in(media).max(pieces).saturating_add(1)
    }
}

impl PieceSelector for Swarmplayer2010 {
    fn select(&mut self, view: &SelectView<'_>, _rng: &mut Rng) -> Option<usize> {
        let m = view.playhead();
        let end = view.pieces();
        let high = self.high(view);
        let high_end = m.saturating_add(high).min(end);
        let mid_end = m
            .saturating_add(high.saturating_mul(self.mu as usize))
            .clamp(high_end, end);
        let partial_first = view.had() < FIRST_PIECES || view.started() * 2 > view.crowd().len();
        let started = partial_first.then(|| view.started_in(0..end)).flatten();
        started
            .or_else(|| {
                let first = m..m.saturating_add(view.pieces_in(self.h));
                (!view.playing()).then(|| view.rarest_in(first)).flatten()
            })
            .or_else(|| view.lowest_in(m..high_end))
            .or_else(|| view.rarest_in(high_end..mid_end))
            .or_else(|| view.rarest_in(mid_end..end))
            .or_else(|| view.rarest_in(0..m))
    }

    fn needs_candidates(&self) -> bool {
        true
    }
}
