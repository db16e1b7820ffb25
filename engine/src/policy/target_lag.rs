//! `target-lag`: everybody the same time behind the newest piece that half of the neighbours have.
//!
//! Source: own design, as latency targets of segment players (DASH-IF low-latency documents, field.md
//! D2, as recalled). Viewers who watch at the same lag have use for each other's pieces; a longer
//! lag leaves more time to fetch rare ones.

use core::time::Duration;

use super::hook_in::{HookIn, HookInView};
use crate::geometry::PieceIndex;

/// Smaller moves are not worth what is lost; as `follow-source`.
const MOVE: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug)]
pub(super) struct TargetLag {
    pub(super) lag: Duration,
}

impl HookIn for TargetLag {
    fn newest(&self, view: &HookInView<'_>) -> Option<PieceIndex> {
        view.newest_at(view.neighbours().div_ceil(2))
    }

    fn distance(&self, view: &HookInView<'_>) -> u32 {
        view.pieces_in(self.lag).max(view.prebuffer())
    }

    fn moves_by(&self) -> Option<Duration> {
        Some(MOVE)
    }
}
