//! `rarest-first`: the piece that fewest neighbours have.
//!
//! Source: BEP 3; Legout et al., IMC 2006 (as recalled). Started pieces are finished first; ties
//! are random. The reference client's four random first pieces are left out: with 16 KiB to
//! 256 KiB pieces a first piece takes seconds, and random ties spread newcomers already.

use super::select::{PieceSelector, SelectView};
use crate::seed::Rng;

/// See the module.
#[derive(Debug)]
pub(super) struct RarestFirst;

impl PieceSelector for RarestFirst {
    fn select(&mut self, view: &SelectView<'_>, _rng: &mut Rng) -> Option<usize> {
        let all = 0..view.pieces();
        view.started_in(all.clone()).or_else(|| view.rarest_in(all))
    }

    fn needs_candidates(&self) -> bool {
        true
    }
}
