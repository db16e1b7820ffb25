//! `seed-fastest`: who takes fastest gets more.
//!
//! Source: the reference client up to mainline 4 (as recalled): a complete peer ranks interested
//! neighbours by what it uploads to them; one of the slots is optimistic, for 30 s.

use alloc::vec::Vec;
use core::cmp::Reverse;
use core::time::Duration;

use super::choke::{Candidate, ChokeView, Choker};
use super::optimistic::Optimistic;
use crate::id::ConnId;
use crate::seed::Rng;

/// See the module.
#[derive(Debug)]
pub(super) struct SeedFastest {
    slots: usize,
    optimistic: Optimistic,
}

impl SeedFastest {
    pub(super) fn new(slots: u16) -> Self {
        Self {
            slots: usize::from(slots),
            optimistic: Optimistic::new(Duration::from_secs(30)),
        }
    }
}

impl Choker for SeedFastest {
    fn minds_idle(&self) -> bool {
        false
    }

    fn left(&mut self, conn: ConnId) {
        self.optimistic.left(conn);
    }

    fn rechoke(&mut self, view: &ChokeView<'_>, rng: &mut Rng, unchoked: &mut Vec<ConnId>) {
        let mut ranked: Vec<&Candidate> = view
            .neighbours
            .iter()
            .filter(|one| one.interested && one.up.bytes_per_s() > 0)
            .collect();
        ranked.sort_by_key(|one| (Reverse(one.up), one.conn));
        unchoked.extend(
            ranked
                .iter()
                .take(self.slots.saturating_sub(1))
                .map(|one| one.conn),
        );
        let spare = self.slots - unchoked.len();
        self.optimistic.choose(view, rng, unchoked, spare);
    }
}
