//! What ties uplinks and downlinks together: after each event, shares are solved anew if the set of
//! blocks being sent, or a rate, has changed.

use super::filling::Filling;
use super::{Uplink, capacity};

/// A peer's access: both its links.
pub(crate) trait Access {
    fn uplink(&self) -> &Uplink;
    fn uplink_mut(&mut self) -> &mut Uplink;
    /// Bytes per second; `None`: no limit.
    fn downlink_rate(&self) -> Option<u64>;
    /// When control messages leave the downlink to blocks again.
    fn downlink_busy_until(&self) -> u64;
}

/// All flows of a run.
#[derive(Debug)]
pub(crate) struct Coupling {
    filling: Filling,
    /// Capacities: of all uplinks, then of all downlinks.
    capacities: Vec<u64>,
    /// By peer: control messages take its downlink until then.
    barred: Vec<u64>,
    /// Sender and receiver of each flow, by sender.
    flows: Vec<(u32, u32)>,
}

impl Coupling {
    /// Of peers that send nothing yet.
    pub(crate) fn new(peers: &[impl Access]) -> Self {
        let up = peers.iter().map(|peer| peer.uplink().capacity());
        let down = peers.iter().map(Access::downlink_rate);
        Self {
            filling: Filling::default(),
            capacities: up
                .chain(down.map(|rate| rate.map_or(u64::MAX, capacity)))
                .collect(),
            barred: vec![0; peers.len()],
            flows: Vec::new(),
        }
    }

    /// After an event of the peer `number`: tells uplinks what it changed for them, and notes in
    /// `woken` whose next event may be another.
    pub(crate) fn after(
        &mut self,
        now: u64,
        number: u32,
        peers: &mut [impl Access],
        woken: &mut Vec<u32>,
    ) {
        let place = number as usize;
        let until = peers[place].downlink_busy_until();
        let taken = until > self.barred[place];
        self.barred[place] = until;
        if peers[place].uplink_mut().settle() {
            self.capacities[place] = peers[place].uplink().capacity();
            self.solve(now, peers, woken);
        }
        if taken {
            for (sender, peer) in (0..).zip(peers) {
                if peer.uplink_mut().bar(now, number, until) {
                    woken.push(sender);
                }
            }
        }
    }

    fn solve(&mut self, now: u64, peers: &mut [impl Access], woken: &mut Vec<u32>) {
        self.flows.clear();
        for (sender, peer) in (0..).zip(&*peers) {
            let receivers = peer.uplink().receivers();
            self.flows.extend(receivers.map(|to| (sender, to)));
        }
        let shares = self.filling.shares(&self.capacities, &self.flows);
        let mut rest = &shares[..];
        for (sender, peer) in (0..).zip(peers) {
            let uplink = peer.uplink_mut();
            let (own, others) = rest.split_at(uplink.receivers().count());
            rest = others;
            if uplink.assign(now, own, &self.barred) {
                woken.push(sender);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::links::Downlink;
    use crate::network::{Arriving, Network};

    const MS: u64 = 1_000_000;

    struct Peer {
        uplink: Uplink,
        downlink: Downlink<()>,
    }

    impl Access for Peer {
        fn uplink(&self) -> &Uplink {
            &self.uplink
        }
        fn uplink_mut(&mut self) -> &mut Uplink {
            &mut self.uplink
        }
        fn downlink_rate(&self) -> Option<u64> {
            self.downlink.rate()
        }
        fn downlink_busy_until(&self) -> u64 {
            self.downlink.busy_until()
        }
    }

    struct Swarm(Vec<Peer>, Coupling);

    impl Swarm {
        /// Uplinks and downlinks in bytes per second.
        fn new(links: &[(u64, Option<u64>)]) -> Self {
            let peer = |&(up, down): &(u64, Option<u64>)| Peer {
                uplink: Uplink::new(up),
                downlink: Downlink::new(down),
            };
            let peers: Vec<Peer> = links.iter().map(peer).collect();
            let coupling = Coupling::new(&peers);
            Self(peers, coupling)
        }

        /// Something happens at a peer's uplink.
        fn at<R>(&mut self, now: u64, peer: u32, what: impl FnOnce(&mut Uplink) -> R) -> R {
            let result = what(&mut self.0[peer as usize].uplink);
            self.1.after(now, peer, &mut self.0, &mut Vec::new());
            result
        }

        /// A block's slot is its receiver's number.
        fn begin(&mut self, now: u64, from: u32, to: u16, bytes: u64) {
            self.at(now, from, |link| link.begin(now, to, to.into(), bytes));
        }

        /// Ends the next block; when that was, and whose.
        fn end(&mut self) -> (u64, u32, u16) {
            let ends = self.0.iter().map(|peer| peer.uplink.end()).zip(0..);
            let (now, from) = ends.min().expect("somebody");
            (now, from, self.at(now, from, |link| link.finish(now)))
        }

        fn control(&mut self, now: u64, to: u32, bytes: u64) {
            let record = Arriving {
                at: now,
                first: now,
                bytes,
                block: false,
            };
            Uplink::arrive(&mut self.0[to as usize].downlink, record, ());
            self.1.after(now, to, &mut self.0, &mut Vec::new());
        }
    }

    #[test]
    fn two_blocks_share_an_uplink() {
        let mut swarm = Swarm::new(&[(1000, None), (1, None), (1, None)]);
        swarm.begin(0, 0, 1, 10);
        // At 4 ms, 6 bytes are left; shared by two they take 12 ms. Then 4 of the second's, alone.
        swarm.begin(4 * MS, 0, 2, 10);
        assert_eq!(swarm.end(), (16 * MS, 0, 1));
        assert_eq!(swarm.end(), (20 * MS, 0, 2));
        assert_eq!(swarm.0[0].uplink.end(), u64::MAX);
    }

    #[test]
    fn two_blocks_share_a_downlink() {
        // 0 offers 800, 1 offers 200, of which 2 takes 600: 400 and 200.
        let mut swarm = Swarm::new(&[(800, None), (200, None), (1, Some(600))]);
        swarm.begin(0, 0, 2, 8);
        swarm.begin(0, 1, 2, 8);
        assert_eq!(swarm.end(), (20 * MS, 0, 2));
        // 1 gets no more than it has: 4 bytes of 8 are left.
        assert_eq!(swarm.end(), (40 * MS, 1, 2));
    }

    #[test]
    fn three_blocks_share_both() {
        // 2's downlink is full first: 300 to 0 and to 1; 0 has 700 for the other.
        let mut swarm = Swarm::new(&[(1000, None), (400, None), (1, Some(600)), (1, None)]);
        swarm.begin(0, 0, 3, 21);
        swarm.begin(0, 0, 2, 6);
        swarm.begin(0, 1, 2, 12);
        assert_eq!(swarm.end(), (20 * MS, 0, 2));
        // 7 bytes are left to 3, at 1000 now; 6 from 1, at 400.
        assert_eq!(swarm.end(), (27 * MS, 0, 3));
        assert_eq!(swarm.end(), (35 * MS, 1, 2));
    }

    #[test]
    fn shares_are_rounded_down_and_ends_up() {
        let mut swarm = Swarm::new(&[(1000, None), (1, None), (1, None), (1, None)]);
        for to in 1..=3 {
            swarm.begin(0, 0, to, 10);
        }
        // On paper at 30 ms.
        for to in 1..=3 {
            let (end, _, slot) = swarm.end();
            assert_eq!(slot, to);
            assert!((30 * MS..=30 * MS + 1).contains(&end), "{end}");
        }
    }

    #[test]
    fn while_control_has_a_link_its_blocks_stand_still() {
        let mut swarm = Swarm::new(&[(1000, None), (1, Some(600)), (1, None)]);
        swarm.begin(0, 0, 1, 10);
        swarm.begin(0, 0, 2, 10);
        // 3 bytes take 1's downlink for 5 ms: the other goes on at its own share.
        swarm.control(4 * MS, 1, 3);
        // And 2 bytes take the uplink for 2 ms.
        swarm.at(6 * MS, 0, |link| {
            assert_eq!(link.control(6 * MS, 2), (8 * MS, 2 * MS));
        });
        // Of 2's, 10 bytes at 500 but for those 2 ms.
        assert_eq!(swarm.end(), (22 * MS, 0, 2));
        // Of 1's, 2 bytes until 4 ms, none until 9 ms, 6.5 until 22 ms; 1.5 are left, at 600 now.
        assert_eq!(swarm.end(), (24_500_000, 0, 1));
    }

    #[test]
    fn a_block_that_follows_at_once_moves_no_share() {
        let mut swarm = Swarm::new(&[(1000, None), (1, None), (1, None)]);
        swarm.begin(0, 0, 1, 10);
        swarm.begin(0, 0, 2, 30);
        let follow = |link: &mut Uplink| {
            assert_eq!(link.finish(20 * MS), 1);
            link.begin(20 * MS, 1, 1, 10);
            assert!(!link.settle());
        };
        swarm.at(20 * MS, 0, follow);
        assert_eq!(swarm.end(), (40 * MS, 0, 1));
        // Nothing follows: 2 has what is left, all of the link.
        assert_eq!(swarm.end(), (50 * MS, 0, 2));
    }

    #[test]
    fn what_is_cut_and_what_changes_its_rate() {
        let mut swarm = Swarm::new(&[(1000, None), (1, None), (1, None)]);
        swarm.begin(0, 0, 1, 10);
        swarm.begin(0, 0, 2, 10);
        let cut = swarm.at(8 * MS, 0, |link| link.cancel(8 * MS, 1, 10));
        assert_eq!(cut, 4);
        swarm.at(10 * MS, 0, |link| link.set_rate(10 * MS, 500));
        // 4 + 2 bytes by 10 ms, 4 at 500.
        assert_eq!(swarm.end(), (18 * MS, 0, 2));
    }
}
