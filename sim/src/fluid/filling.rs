//! Max-min fair shares by progressive filling (Bertsekas & Gallager, Data Networks, 1992, section
//! 6.5.2): all flows grow alike until a link is full; those on it keep what they have, the others
//! grow on.
//!
//! It is done link by link: the one that offers its flows least is full first. Rounding is down, so
//! the sum over a link never exceeds its capacity, and falls short by less than one unit a flow.
//!
//! What a link offers never falls while others become full, so a heap need not be told of changes: an
//! offer that has risen since it was entered is entered anew when its turn comes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// No further flow.
const END: u32 = u32::MAX;

/// The solver, with the memory it works in.
#[derive(Debug, Default)]
pub(super) struct Filling {
    links: Vec<Link>,
    /// Links with flows that grow, by what they offered when they were entered.
    order: BinaryHeap<Reverse<(u64, u32)>>,
    /// By flow: the next flow on its uplink, and on its downlink.
    next: Vec<[u32; 2]>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    /// Capacity less what is given away.
    left: u64,
    /// Flows that still grow.
    open: u64,
    /// What it offers each of them.
    offer: u64,
    /// What it offered when it was full; `u64::MAX` if it never was.
    level: u64,
    /// Its first flow.
    head: u32,
}

impl Link {
    fn look(&mut self) {
        self.offer = self.left.checked_div(self.open).unwrap_or(u64::MAX);
    }
}

impl Filling {
    /// The shares of `flows`, each from an uplink to a downlink, by their numbers; `capacities` are
    /// those of all uplinks, then of all downlinks.
    pub(super) fn shares(&mut self, capacities: &[u64], flows: &[(u32, u32)]) -> Vec<u64> {
        self.enter(capacities, flows);
        let mut shares = vec![None; flows.len()];
        let mut rest = flows.len();
        while rest > 0 {
            let (full, offer) = self.tightest();
            let side = usize::from(full >= capacities.len() / 2);
            let mut flow = self.links[full].head;
            while flow != END {
                let at = flow as usize;
                if shares[at].is_none() {
                    shares[at] = Some(offer);
                    rest -= 1;
                    for link in ends(flows[at], capacities.len()) {
                        self.take(link, offer);
                    }
                }
                flow = self.next[at][side];
            }
        }
        shares.into_iter().flatten().collect()
    }

    fn enter(&mut self, capacities: &[u64], flows: &[(u32, u32)]) {
        self.links.clear();
        self.links.extend(capacities.iter().map(|&left| Link {
            left,
            open: 0,
            offer: 0,
            level: u64::MAX,
            head: END,
        }));
        self.next.clear();
        for (number, &flow) in (0..).zip(flows) {
            let next = ends(flow, capacities.len()).map(|link| {
                let link = &mut self.links[link];
                link.open += 1;
                std::mem::replace(&mut link.head, number)
            });
            self.next.push(next);
        }
        self.links.iter_mut().for_each(Link::look);
        let open = (0..).zip(&self.links).filter(|(_, link)| link.open > 0);
        self.order.clear();
        self.order
            .extend(open.map(|(number, link)| Reverse((link.offer, number))));
    }

    /// The link that is full first, and what it offers.
    fn tightest(&mut self) -> (usize, u64) {
        loop {
            let Reverse((entered, number)) =
                self.order.pop().expect("a flow that grows is on two links");
            let link = &mut self.links[number as usize];
            if link.open > 0 && link.offer == entered {
                link.level = entered;
                return (number as usize, entered);
            }
            if link.open > 0 {
                self.order.push(Reverse((link.offer, number)));
            }
        }
    }

    /// What each link of the last solution offered its flows when it was full; `u64::MAX` where it was
    /// not.
    pub(super) fn levels(&self) -> impl Iterator<Item = u64> + '_ {
        self.links.iter().map(|link| link.level)
    }

    fn take(&mut self, link: usize, share: u64) {
        let link = &mut self.links[link];
        link.left -= share;
        link.open -= 1;
        link.look();
    }
}

/// The two links of a flow.
const fn ends((from, to): (u32, u32), links: usize) -> [usize; 2] {
    [from as usize, links / 2 + to as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmbed_engine::Seed;

    const NONE: u64 = u64::MAX;

    fn shares(up: &[u64], down: &[u64], flows: &[(u32, u32)]) -> Vec<u64> {
        Filling::default().shares(&[up, down].concat(), flows)
    }

    #[test]
    fn two_flows_by_hand() {
        // One uplink, two receivers: halves; a slow receiver leaves the rest to the other.
        let fork = [(0, 1), (0, 2)];
        assert_eq!(shares(&[1000, 1, 1], &[NONE; 3], &fork), [500, 500]);
        assert_eq!(shares(&[1000, 1, 1], &[NONE, 300, NONE], &fork), [300, 700]);
        // Two uplinks, one receiver: a slow sender leaves the rest to the other.
        let join = [(0, 2), (1, 2)];
        assert_eq!(shares(&[1000, 1000, 1], &[9, 9, 600], &join), [300, 300]);
        assert_eq!(shares(&[1000, 100, 1], &[9, 9, 600], &join), [500, 100]);
        // Two that have nothing in common.
        let apart = [(0, 1), (1, 0)];
        assert_eq!(shares(&[1000, 70], &[80, 500], &apart), [500, 70]);
    }

    #[test]
    fn three_flows_by_hand() {
        // 0 serves 2 and 3, 1 serves 3, whose downlink is full first: 300 to each there, and what 0
        // has left, 700, to 2. Had 0 been shared equally, 2 would have had 500.
        let flows = [(0, 2), (0, 3), (1, 3)];
        let up = [1000, 400, 1, 1];
        assert_eq!(
            shares(&up, &[NONE, NONE, NONE, 600], &flows),
            [700, 300, 300]
        );
        // Now 1 is full first (50), then 0 (500 each): 3's downlink has 50 to spare.
        let up = [1000, 50, 1, 1];
        assert_eq!(
            shares(&up, &[NONE, NONE, NONE, 600], &flows),
            [500, 500, 50]
        );
        // Thirds are rounded down.
        let three = [(0, 1), (0, 2), (0, 3)];
        assert_eq!(shares(&[1000, 1, 1, 1], &[NONE; 4], &three), [333; 3]);
    }

    /// The definition: no link beyond its capacity, and each flow has a link that is full and on
    /// which nobody has more.
    #[test]
    fn what_it_finds_is_max_min_fair() {
        for case in 0..200 {
            let mut rng = Seed::from_number(5).stream("swarm", case);
            let peers = 2 + rng.below(12);
            let mut draw = |count: u64, most: u64| -> Vec<u64> {
                (0..count).map(|_| 1000 + rng.below(most)).collect()
            };
            let capacities = [draw(peers, 50_000), draw(peers, 90_000)].concat();
            let ends = draw(80, 1 << 30);
            let flows: Vec<(u32, u32)> = ends
                .chunks(2)
                .map(|two| ((two[0] % peers) as u32, (two[1] % peers) as u32))
                .collect();
            let shares = Filling::default().shares(&capacities, &flows);
            let on = |link: usize| -> Vec<u64> {
                let pairs = flows.iter().zip(&shares);
                let pairs = pairs
                    .filter(|(flow, _)| super::ends(**flow, 2 * peers as usize).contains(&link));
                pairs.map(|pair| *pair.1).collect()
            };
            let used = |link| on(link).iter().sum::<u64>();
            for (link, capacity) in capacities.iter().enumerate() {
                assert!(used(link) <= *capacity, "case {case}, link {link}");
            }
            for (flow, share) in flows.iter().zip(&shares) {
                let held = super::ends(*flow, capacities.len())
                    .into_iter()
                    .any(|link| {
                        let slack = capacities[link] - used(link);
                        // Rounding leaves less than one unit a flow, and makes equals differ by it.
                        let count = on(link).len() as u64;
                        slack < count && on(link).iter().all(|other| *other <= share + count)
                    });
                assert!(held, "case {case}: {flow:?} could have more than {share}");
            }
        }
    }
}
