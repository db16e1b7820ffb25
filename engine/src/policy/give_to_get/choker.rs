//! `give-to-get` (choker): upload to those who forward best, as their own receivers report.
//!
//! Source: Mol et al., MMCN 2008, as recalled (papers.md 1.2); δ = 10 s and 2δ = 20 s are read on
//! the project's page. Every δ the interested neighbours are ranked by the blocks they forwarded in
//! the last δ of pieces they got from us, then by all they forwarded. The 3 best are unchoked, then
//! the next until what is unchoked needs 90 % of our uplink; one more, in turn, every 2δ.
//!
//! Ablations: `rank = "ours"` leaves the tie-break out, `rank = "all"` the first key (papers.md 1.2
//! says why there are both).
//!
//! What an unchoked neighbour needs is what it took; one just unchoked is taken to need a fourth
//! of the uplink (derived: 3 + 1 slots share it). The bound on slots is not recalled: 7, as in the
//! client (`max_uploads`, read in code). A neighbour that does not speak Give-to-Get never sends
//! reports: it is ranked by what it gives us, in slots of its own, as the client did.

use alloc::vec::Vec;
use core::cmp::Reverse;
use core::time::Duration;

use crate::id::ConnId;
use crate::policy::choke::{Candidate, ChokeView, Choker, Reporting};
use crate::rate::Rate;
use crate::seed::Rng;
use crate::time::Instant;

/// Most neighbours that rank alone unchokes.
const SLOTS_MAX: usize = 7;

/// By what neighbours are ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// What they forwarded of ours, then all they forwarded.
    OursThenAll,
    /// The first alone.
    Ours,
    /// The second alone.
    All,
}

/// See the module.
#[derive(Debug)]
pub(in crate::policy) struct GiveToGet {
    delta: Duration,
    slots: usize,
    rank: Rank,
    /// The round-robin order of optimistic unchokes, next one first. Newcomers enter at random.
    turn: Vec<ConnId>,
    optimistic: Option<(ConnId, Instant)>,
}

impl GiveToGet {
    pub(in crate::policy) fn new(delta: Duration, slots: u16, rank: Rank) -> Self {
        Self {
            rank,
            delta,
            slots: usize::from(slots),
            turn: Vec::new(),
            optimistic: None,
        }
    }

    fn need(&self, one: &Candidate, view: &ChokeView<'_>) -> u64 {
        let known = one.unchoked && view.now.since(one.since) >= self.delta;
        if known {
            one.up.bytes_per_s()
        } else {
            view.uplink.unwrap_or(Rate::ZERO).bytes_per_s() / 4
        }
    }

    fn by_rank(&self, view: &ChokeView<'_>, unchoked: &mut Vec<ConnId>) {
        let mut ranked: Vec<&Candidate> = view
            .neighbours
            .iter()
            .filter(|one| one.interested && one.g2g)
            .collect();
        ranked.sort_by_key(|one| {
            let (ours, all) = match self.rank {
                Rank::OursThenAll => (one.forwarded_ours, one.forwarded),
                Rank::Ours => (one.forwarded_ours, 0),
                Rank::All => (0, one.forwarded),
            };
            (Reverse(ours), Reverse(all), one.conn)
        });
        let enough = view.uplink.unwrap_or(Rate::ZERO).bytes_per_s() * 9 / 10;
        let mut needed = 0;
        for (rank, one) in ranked.iter().enumerate() {
            if rank >= self.slots && (rank >= SLOTS_MAX || needed >= enough) {
                break;
            }
            needed += self.need(one, view);
            unchoked.push(one.conn);
        }
    }

    fn strangers(&self, view: &ChokeView<'_>, unchoked: &mut Vec<ConnId>) {
        let mut ranked: Vec<&Candidate> = view
            .neighbours
            .iter()
            .filter(|one| one.interested && !one.g2g && !one.snubbed && one.down.bytes_per_s() > 0)
            .collect();
        ranked.sort_by_key(|one| (Reverse(one.down), one.conn));
        unchoked.extend(ranked.iter().take(self.slots).map(|one| one.conn));
    }

    fn optimistic(&mut self, view: &ChokeView<'_>, unchoked: &mut Vec<ConnId>) {
        let waiting = |conn: ConnId, unchoked: &[ConnId]| {
            !unchoked.contains(&conn)
                && view
                    .neighbours
                    .iter()
                    .any(|one| one.conn == conn && one.interested)
        };
        let current = self.optimistic.filter(|(conn, since)| {
            view.now.since(*since) < 2 * self.delta && waiting(*conn, unchoked)
        });
        self.optimistic = current.or_else(|| {
            let index = self.turn.iter().position(|&conn| waiting(conn, unchoked))?;
            let conn = self.turn.remove(index);
            self.turn.push(conn);
            Some((conn, view.now))
        });
        unchoked.extend(self.optimistic.map(|(conn, _)| conn));
    }
}

impl Choker for GiveToGet {
    fn period(&self) -> Duration {
        self.delta
    }

    fn reporting(&self) -> Reporting {
        Reporting::Grandchildren
    }

    fn joined(&mut self, conn: ConnId, rng: &mut Rng) {
        self.turn.insert(rng.index(self.turn.len() + 1), conn);
    }

    fn left(&mut self, conn: ConnId) {
        self.turn.retain(|&one| one != conn);
    }

    fn rechoke(&mut self, view: &ChokeView<'_>, _rng: &mut Rng, unchoked: &mut Vec<ConnId>) {
        self.by_rank(view, unchoked);
        self.strangers(view, unchoked);
        self.optimistic(view, unchoked);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    /// Neighbours that forwarded so many blocks of ours, and so many in all.
    fn first_of(rank: Rank, forwarded: &[(u32, u32)]) -> usize {
        let conn = |index: usize| ConnId::new(u32::try_from(index).unwrap(), 0);
        let neighbours: Vec<Candidate> = (0..)
            .zip(forwarded)
            .map(|(index, &(ours, all))| Candidate {
                conn: conn(index),
                interested: true,
                inbound: false,
                unchoked: false,
                since: Instant::ZERO,
                connected_at: Instant::ZERO,
                down: Rate::ZERO,
                up: Rate::ZERO,
                snubbed: false,
                g2g: true,
                forwarded_ours: ours,
                forwarded: all,
                claimed_ours: Rate::ZERO,
                claimed: Rate::ZERO,
            })
            .collect();
        let view = ChokeView {
            now: Instant::from_secs(10),
            uplink: Some(Rate::ZERO),
            complete: false,
            piece_length: 16_384,
            neighbours: &neighbours,
        };
        let mut choker = GiveToGet::new(Duration::from_secs(10), 1, rank);
        let mut unchoked = Vec::new();
        let mut rng = Seed::from_number(1).stream("choke", 0);
        choker.rechoke(&view, &mut rng, &mut unchoked);
        assert_eq!(unchoked.len(), 1);
        (0..forwarded.len())
            .find(|&index| conn(index) == unchoked[0])
            .unwrap()
    }

    #[test]
    fn the_rank_is_ours_then_all_unless_one_is_left_out() {
        let forwarded = [(0, 30), (5, 5), (5, 20)];
        assert_eq!(first_of(Rank::OursThenAll, &forwarded), 2);
        assert_eq!(first_of(Rank::Ours, &forwarded), 1, "the older of equals");
        assert_eq!(first_of(Rank::All, &forwarded), 0);
    }
}
