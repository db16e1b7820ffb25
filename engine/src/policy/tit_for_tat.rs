//! `tit-for-tat`: upload to those who give most, and try one more.
//!
//! Source: BEP 3 and its reference client; Legout et al., IMC 2006 (as recalled): every 10 s the 3
//! interested neighbours with the best download rate (over 20 s), snubbers excluded; an optimistic
//! unchoke is kept for 30 s, and newcomers are three times as likely to be chosen for it. Faster
//! neighbours that are not interested are not held open: they would be unchoked at the next round.

use alloc::vec::Vec;
use core::cmp::Reverse;

use super::choke::{Candidate, ChokeView, Choker};
use super::optimistic::Optimistic;
use crate::id::ConnId;
use crate::seed::Rng;

/// See the module.
#[derive(Debug)]
pub(super) struct TitForTat {
    slots: usize,
    optimistic: Optimistic,
}

impl TitForTat {
    pub(super) fn new(slots: u16) -> Self {
        Self {
            slots: usize::from(slots),
            optimistic: Optimistic::new(core::time::Duration::from_secs(30)),
        }
    }
}

impl Choker for TitForTat {
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
            .filter(|one| one.interested && !one.snubbed && one.down.bytes_per_s() > 0)
            .collect();
        ranked.sort_by_key(|one| (Reverse(one.down), one.conn));
        unchoked.extend(ranked.iter().take(self.slots).map(|one| one.conn));
        // Slots that nobody has earned are tried out, so that a young swarm starts.
        let spare = self.slots - unchoked.len();
        self.optimistic.choose(view, rng, unchoked, 1 + spare);
    }
}
