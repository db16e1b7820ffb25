//! Optimistic unchokes: who is tried out, and for how long.
//!
//! Owns the current tries; which slots they fill is the choker's business.

use alloc::vec::Vec;
use core::time::Duration;

use super::choke::{Candidate, ChokeView};
use crate::id::ConnId;
use crate::seed::Rng;
use crate::time::Instant;

/// A neighbour is new, and three times as likely to be tried, for its first minute (as in the
/// reference client, where newcomers enter the order at its head).
const NEW: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Debug)]
pub(super) struct Optimistic {
    hold: Duration,
    tries: Vec<(ConnId, Instant)>,
}

impl Optimistic {
    pub(super) const fn new(hold: Duration) -> Self {
        Self {
            hold,
            tries: Vec::new(),
        }
    }

    pub(super) fn left(&mut self, conn: ConnId) {
        self.tries.retain(|(one, _)| *one != conn);
    }

    /// Adds up to `slots` interested neighbours to `unchoked`: tries that are not over, then new
    /// ones at random. One that has risen into the regular slots is a try no longer.
    pub(super) fn choose(
        &mut self,
        view: &ChokeView<'_>,
        rng: &mut Rng,
        unchoked: &mut Vec<ConnId>,
        slots: usize,
    ) {
        let interested = |conn: ConnId| {
            view.neighbours
                .iter()
                .any(|one| one.conn == conn && one.interested)
        };
        self.tries.retain(|(conn, since)| {
            view.now.since(*since) < self.hold && interested(*conn) && !unchoked.contains(conn)
        });
        self.tries.truncate(slots);
        unchoked.extend(self.tries.iter().map(|(conn, _)| *conn));
        while self.tries.len() < slots {
            let waiting = |one: &&Candidate| one.interested && !unchoked.contains(&one.conn);
            let weight = |one: &Candidate| {
                if view.now.since(one.connected_at) < NEW {
                    3
                } else {
                    1
                }
            };
            let total: u64 = view.neighbours.iter().filter(waiting).map(weight).sum();
            if total == 0 {
                return;
            }
            let mut ticket = rng.below(total);
            let chosen = view.neighbours.iter().filter(waiting).find(|one| {
                match ticket.checked_sub(weight(one)) {
                    Some(rest) => {
                        ticket = rest;
                        false
                    }
                    None => true,
                }
            });
            let conn = chosen.expect("the ticket is below the total").conn;
            self.tries.push((conn, view.now));
            unchoked.push(conn);
        }
    }
}
