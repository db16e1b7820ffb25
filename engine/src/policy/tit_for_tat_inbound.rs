//! `tit-for-tat-inbound`: `tit-for-tat`, first among those who dialled us.
//!
//! Source: ours. Firewalled peers can be fed by open ones alone (papers.md 2.3: with a share f of
//! them, u/r >= f/(1-f)), so what open peers give each other is missing there, while the uplinks of
//! firewalled peers lie idle. Nobody tells who is firewalled; but whom we dialled is not, and a
//! firewalled neighbour of an open peer has dialled it. So all slots, the optimistic one too, go to
//! neighbours that dialled us, as `tit-for-tat` ranks them; what they leave, to the best of the
//! others. Firewalled peers have dialled all their neighbours, and to them nothing changes.

use alloc::vec::Vec;
use core::cmp::Reverse;

use super::choke::{Candidate, ChokeView, Choker};
use super::tit_for_tat::TitForTat;
use crate::id::ConnId;
use crate::seed::Rng;

/// See the module.
#[derive(Debug)]
pub(super) struct TitForTatInbound {
    /// Of those who dialled us, if there are any.
    inbound: TitForTat,
    /// Of all.
    all: TitForTat,
    slots: usize,
}

impl TitForTatInbound {
    pub(super) fn new(slots: u16) -> Self {
        Self {
            inbound: TitForTat::new(slots),
            all: TitForTat::new(slots),
            slots: usize::from(slots),
        }
    }
}

impl Choker for TitForTatInbound {
    fn minds_idle(&self) -> bool {
        false
    }

    fn left(&mut self, conn: ConnId) {
        self.inbound.left(conn);
        self.all.left(conn);
    }

    fn rechoke(&mut self, view: &ChokeView<'_>, rng: &mut Rng, unchoked: &mut Vec<ConnId>) {
        let inbound: Vec<Candidate> = view
            .neighbours
            .iter()
            .filter(|one| one.inbound)
            .copied()
            .collect();
        if inbound.iter().all(|one| !one.interested) {
            return self.all.rechoke(view, rng, unchoked);
        }
        let first = ChokeView {
            neighbours: &inbound,
            ..*view
        };
        self.inbound.rechoke(&first, rng, unchoked);
        let mut others: Vec<&Candidate> = view
            .neighbours
            .iter()
            .filter(|one| !one.inbound && one.interested && !one.snubbed)
            .collect();
        others.sort_by_key(|one| (Reverse(one.down), one.conn));
        let left = (self.slots + 1).saturating_sub(unchoked.len());
        unchoked.extend(others.iter().take(left).map(|one| one.conn));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate::Rate;
    use crate::seed::Seed;
    use crate::time::Instant;

    /// Who is unchoked of neighbours that dialled us or not, are interested or not, and give so much.
    fn chosen(neighbours: &[(bool, bool, u64)]) -> Vec<usize> {
        let conn = |index: usize| ConnId::new(u32::try_from(index).unwrap(), 0);
        let candidates: Vec<Candidate> = (0..)
            .zip(neighbours)
            .map(|(index, &(inbound, interested, down))| Candidate {
                conn: conn(index),
                interested,
                inbound,
                unchoked: false,
                since: Instant::ZERO,
                connected_at: Instant::ZERO,
                down: Rate::from_bytes_per_s(down),
                up: Rate::ZERO,
                snubbed: false,
                g2g: false,
                forwarded_ours: 0,
                forwarded: 0,
                claimed_ours: Rate::ZERO,
                claimed: Rate::ZERO,
            })
            .collect();
        let view = ChokeView {
            now: Instant::from_secs(100),
            uplink: None,
            complete: false,
            piece_length: 16_384,
            neighbours: &candidates,
        };
        let mut unchoked = Vec::new();
        let mut rng = Seed::from_number(1).stream("choke", 0);
        TitForTatInbound::new(2).rechoke(&view, &mut rng, &mut unchoked);
        let mut places: Vec<usize> = (0..neighbours.len())
            .filter(|&index| unchoked.contains(&conn(index)))
            .collect();
        places.sort_unstable();
        places
    }

    #[test]
    fn who_dialled_us_comes_first_and_the_rest_get_what_is_left() {
        // Two slots and a try, all for those who dialled us, though others give more.
        let many = [
            (false, true, 900),
            (true, true, 10),
            (true, true, 0),
            (true, true, 20),
        ];
        assert_eq!(chosen(&many), [1, 2, 3]);
        let one = [
            (false, true, 100),
            (true, true, 10),
            (false, true, 900),
            (false, true, 500),
        ];
        assert_eq!(chosen(&one), [1, 2, 3]);
        // Who dialled us and wants nothing takes nobody's place: plain tit-for-tat.
        let none = [(false, true, 100), (true, false, 10), (false, true, 900)];
        assert_eq!(chosen(&none), [0, 2]);
    }
}
