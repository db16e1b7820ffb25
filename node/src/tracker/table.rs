//! Who is in which swarm. Owns the table and its bounds; must not know HTTP.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::time::Instant;

/// A peer that has not announced for two intervals is gone.
pub(super) const INTERVAL: Duration = Duration::from_secs(60);
const SWARMS_MAX: usize = 4096;
const PEERS_MAX: usize = 4096;

/// One peer of one swarm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) id: [u8; 20],
    pub(super) left: u64,
    seen: Instant,
}

/// One swarm.
#[derive(Debug, Default)]
pub(super) struct Swarm {
    peers: BTreeMap<SocketAddr, Entry>,
    pub(super) downloaded: u64,
    /// Where the next answer begins, so that all peers are told of in turn.
    next: usize,
}

/// What one peer says of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Announced {
    pub(super) addr: SocketAddr,
    pub(super) id: [u8; 20],
    pub(super) left: u64,
    pub(super) stopped: bool,
    pub(super) completed: bool,
    pub(super) wanted: usize,
}

/// Peers to tell of.
pub(super) type Others = Vec<(SocketAddr, Entry)>;

/// All swarms.
#[derive(Debug, Default)]
pub(super) struct Table {
    swarms: BTreeMap<[u8; 20], Swarm>,
    /// Only these, or any.
    only: Option<Vec<[u8; 20]>>,
}

impl Swarm {
    pub(super) fn complete(&self) -> usize {
        self.peers.values().filter(|entry| entry.left == 0).count()
    }

    pub(super) fn incomplete(&self) -> usize {
        self.peers.len() - self.complete()
    }

    fn forget(&mut self, now: Instant) {
        self.peers
            .retain(|_, entry| now.duration_since(entry.seen) < 2 * INTERVAL);
    }

    /// Others, for the peer that announced. Whoever has nothing left is told of seeds last, but told: of a
    /// magnet link, aria2 and rqbit say that nothing is left, as they do not know yet how much there is.
    fn others(&mut self, announced: &Announced) -> Others {
        let length = self.peers.len();
        let start = self.next % length.max(1);
        self.next = self.next.wrapping_add(announced.wanted);
        let turn = self.peers.iter().cycle().skip(start).take(length);
        let others = turn.filter(|(addr, _)| **addr != announced.addr);
        let last = |entry: &Entry| announced.left == 0 && entry.left == 0;
        let first = others.clone().filter(|(_, entry)| !last(entry));
        first
            .chain(others.filter(|(_, entry)| last(entry)))
            .take(announced.wanted)
            .map(|(addr, entry)| (*addr, *entry))
            .collect()
    }
}

impl Table {
    /// A table of these swarms, or of any.
    pub(super) fn new(only: Option<Vec<[u8; 20]>>) -> Self {
        Self {
            only,
            ..Self::default()
        }
    }

    /// Notes what the peer says; answers with others, and the swarm.
    pub(super) fn announce(
        &mut self,
        info_hash: [u8; 20],
        announced: &Announced,
        now: Instant,
    ) -> Result<(Others, &Swarm), &'static str> {
        let only = self.only.as_ref();
        if only.is_some_and(|only| !only.contains(&info_hash)) {
            return Err("this tracker does not serve that torrent");
        }
        self.make_room(&info_hash, now)?;
        let swarm = self.swarms.entry(info_hash).or_default();
        swarm.forget(now);
        // A peer that came back on another port is still one peer.
        swarm
            .peers
            .retain(|addr, entry| entry.id != announced.id || addr.ip() != announced.addr.ip());
        swarm.downloaded += u64::from(announced.completed);
        if announced.stopped {
            return Ok((Vec::new(), swarm));
        }
        if swarm.peers.len() >= PEERS_MAX {
            return Err("this swarm is full");
        }
        let entry = Entry {
            id: announced.id,
            left: announced.left,
            seen: now,
        };
        swarm.peers.insert(announced.addr, entry);
        Ok((swarm.others(announced), swarm))
    }

    fn make_room(&mut self, info_hash: &[u8; 20], now: Instant) -> Result<(), &'static str> {
        if self.swarms.len() < SWARMS_MAX || self.swarms.contains_key(info_hash) {
            return Ok(());
        }
        self.swarms.retain(|_, swarm| {
            swarm.forget(now);
            !swarm.peers.is_empty()
        });
        if self.swarms.len() < SWARMS_MAX {
            Ok(())
        } else {
            Err("this tracker is full")
        }
    }

    /// A swarm, if anybody was ever in it.
    pub(super) fn swarm(&self, info_hash: &[u8; 20]) -> Option<&Swarm> {
        self.swarms.get(info_hash)
    }
}

/// A peer on the tracker's own machine is reached where the asker reached the tracker.
pub(super) fn seen_from(peer: SocketAddr, asker: IpAddr, tracker: IpAddr) -> SocketAddr {
    if peer.ip().is_loopback() && !asker.is_loopback() && !tracker.is_loopback() {
        SocketAddr::new(tracker, peer.port())
    } else {
        peer
    }
}
