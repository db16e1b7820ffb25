//! `bitos`: a set of pieces near the playhead is preferred, but only with probability p.
//!
//! Source: Vlavianos et al., BiToS, 2006 (as recalled; the abstract was read); Tribler G2G-0,
//! Tribler/Video/VideoOnDemand.py, `PiecePickerBiToS` (read in code): p = 0.8; the high set is the
//! next 5 % of the movie's pieces, at least 2; rarest first in both sets; before playback the first
//! 10 s go before either set; once the high set reaches the end there is one set.
//!
//! The client draws once a piece; here each block draws, and started pieces of a set are finished
//! first, so the shares are the same. The client asks nothing when the low set is drawn and this
//! neighbour has none of it; here the high set is tried then, as the paper's swarm would.

use core::time::Duration;

use super::select::{PieceSelector, SelectView};
use crate::seed::Rng;

/// The high set holds at least so many pieces.
const HIGH_LEAST: usize = 2;
/// What goes before both sets until playback starts.
const PREBUFFER: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug)]
pub(super) struct Bitos {
    /// Probability of the high set.
    pub(super) p: f64,
    /// Its share of the pieces.
    pub(super) high: f64,
}

impl PieceSelector for Bitos {
    fn select(&mut self, view: &SelectView<'_>, rng: &mut Rng) -> Option<usize> {
        let m = view.playhead();
        let end = view.pieces();
        let first = if view.playing() {
            None
        } else {
            view.started_or_rarest_in(m..m.saturating_add(view.pieces_in(PREBUFFER)))
        };
        let cut = m.saturating_add(view.share_of_pieces(self.high).max(HIGH_LEAST));
        first
            .or_else(|| {
                if cut + 1 >= end {
                    return view.started_or_rarest_in(m..end);
                }
                let sets = if rng.chance(self.p) {
                    [m..cut, cut..end]
                } else {
                    [cut..end, m..cut]
                };
                sets.into_iter()
                    .find_map(|set| view.started_or_rarest_in(set))
            })
            .or_else(|| view.started_or_rarest_in(0..m))
    }
}
