//! `mixed`: rarest first in the far part of the buffer, then greedy in the near part.
//!
//! Source: Zhou, Chiu and Lui, ICNP 2007 and ToN 19(1), 2011 (abstracts read, model as recalled,
//! papers.md 4.4): of the buffer positions 1 (newest) to n (playback), 1..m are served rarest first;
//! when they offer nothing, the piece nearest to playback is taken. n = 40 and m = 10 of their
//! examples make the far part a quarter.
//!
//! Their buffer is a live stream's; a movie's is what lies within `buffer` of the playhead (40 s: a
//! slot of theirs is taken as a second, derived). What lies beyond it comes last, rarest first.

use core::time::Duration;

use super::select::{PieceSelector, SelectView};
use crate::seed::Rng;

/// See the module.
#[derive(Debug)]
pub(super) struct Mixed {
    /// The whole buffer.
    pub(super) buffer: Duration,
    /// The share of it, at its far end, that is rarest first.
    pub(super) rarest: f64,
}

impl PieceSelector for Mixed {
    fn select(&mut self, view: &SelectView<'_>, _rng: &mut Rng) -> Option<usize> {
        let m = view.playhead();
        let buffer = view.pieces_in(self.buffer);
        let end = m.saturating_add(buffer).min(view.pieces());
        let near = m.saturating_add(super::select::share(buffer, 1.0 - self.rarest));
        view.started_or_rarest_in(near..end)
            .or_else(|| view.lowest_in(m..near))
            .or_else(|| view.started_or_rarest_in(end..view.pieces()))
            .or_else(|| view.started_or_rarest_in(0..m))
    }

    fn needs_candidates(&self) -> bool {
        true
    }
}
