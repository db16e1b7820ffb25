//! `seed-round-robin`: every interested neighbour in turn.
//!
//! Source: Legout et al., IMC 2006, the new seed choke (as recalled), simplified: those unchoked
//! for less than 20 s stay, then those that have waited longest. Every neighbour gets the same
//! time of service, which spreads rare pieces better than favouring the fastest.

use alloc::vec::Vec;
use core::time::Duration;

use super::choke::{Candidate, ChokeView, Choker};
use crate::id::ConnId;
use crate::seed::Rng;

/// A turn.
const TURN: Duration = Duration::from_secs(20);

/// See the module.
#[derive(Debug)]
pub(super) struct SeedRoundRobin {
    pub(super) slots: usize,
}

impl Choker for SeedRoundRobin {
    fn minds_idle(&self) -> bool {
        false
    }

    fn rechoke(&mut self, view: &ChokeView<'_>, _rng: &mut Rng, unchoked: &mut Vec<ConnId>) {
        let mut waiting: Vec<&Candidate> = view
            .neighbours
            .iter()
            .filter(|one| one.interested)
            .collect();
        // In service and turn not over; then choked ones, longest wait first; then the rest.
        waiting.sort_by_key(|one| {
            let over = view.now.since(one.since) >= TURN;
            let class = match (one.unchoked, over) {
                (true, false) => 0,
                (false, _) => 1,
                (true, true) => 2,
            };
            (class, one.since, one.conn)
        });
        unchoked.extend(waiting.iter().take(self.slots).map(|one| one.conn));
    }
}
