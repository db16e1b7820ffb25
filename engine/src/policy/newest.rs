//! `newest`: the newest piece any neighbour claims to have.
//!
//! Source: the client of 7 July 2008 (papers.md 2.2, read in code): decided once, never moved. One
//! neighbour that lies about its newest piece leads everybody astray.

use core::time::Duration;

use super::hook_in::{HookIn, HookInView};
use crate::geometry::PieceIndex;

/// See the module.
#[derive(Debug)]
pub(super) struct Newest;

impl HookIn for Newest {
    fn newest(&self, view: &HookInView<'_>) -> Option<PieceIndex> {
        view.newest_at(1)
    }

    fn moves_by(&self) -> Option<Duration> {
        None
    }
}
