//! How connections come about: SYN, SYN-ACK, handshake, handshake: two round trips until the
//! dialler may speak, as over TCP. To a firewalled peer nothing comes back.

use std::net::SocketAddr;

use swarmbed_engine::{CloseReason, ConnId, Input, Instant, Remote};

use super::conn::{CREDIT, Conn, Slot};
use super::{Net, Node};
use crate::address::{alias_of, host_at, identity_of};
use crate::links::{Flow, HEADER, nanos_for};
use crate::mail::{Body, Door};
use crate::network::Network;
use crate::observer::Observer;
use crate::setup::NetworkModel;
use crate::shared::Shared;

/// How long a dialler waits for an answer.
const PATIENCE: u64 = 10_000_000_000;
/// Room is made for so many connections at a time.
const SLOTS_MORE: usize = 4;

fn handshake_of(number: u32, alias: u16) -> Remote {
    Remote {
        peer_id: identity_of(number, alias),
        fast: true,
        extended: true,
    }
}

impl<O: Observer, N: Network> Node<O, N> {
    /// The engine dials.
    pub(super) fn dial(&mut self, now: u64, id: ConnId, addr: SocketAddr, net: &mut Net<'_>) {
        let host = host_at(addr).map(|(number, _)| number);
        let reachable = host.filter(|&number| {
            net.shared
                .peers
                .get(number as usize)
                .is_some_and(|p| p.connectable)
        });
        let Some(peer) = reachable else {
            self.open(Conn::new(id, u32::MAX, Door::NONE, 0));
            self.uplink.control(now, HEADER);
            self.counts.up += HEADER;
            self.counts.lost += HEADER;
            self.dials.push_back((now + PATIENCE, id));
            self.dial_at = self.dial_at.min(now + PATIENCE);
            self.look();
            return;
        };
        let latency = net.shared.latencies.between(self.number, peer);
        let conn = Conn::new(id, peer, Door::NONE, latency);
        self.open(conn);
        let body = Body::Syn {
            dialler: id.into(),
            latency: conn.latency,
        };
        self.post(now, (peer, Door::NONE), latency, body, net);
    }

    /// Puts a connection in its slot.
    fn open(&mut self, conn: Conn) {
        let slot = conn.slot();
        if self.slots.len() <= slot {
            if self.slots.capacity() <= slot {
                // Not by doubling: most peers have about as many as they may.
                self.slots.reserve_exact(SLOTS_MORE);
            }
            self.slots.resize_with(slot + 1, Slot::default);
        }
        assert!(self.conn_at(slot).is_none(), "slot {slot} is taken");
        let conn = Some(conn);
        self.slots[slot] = Slot { conn, lane: None };
    }

    /// The window of a connection that has sent no block.
    pub(super) fn flow(&self, peer: u32, latency: u64, shared: &Shared) -> Flow {
        let block = shared.block_bytes;
        if shared.setup.network.model != NetworkModel::Links {
            Flow::open()
        } else if shared.setup.network.congestion {
            Flow::growing(
                shared
                    .downlink(peer)
                    .map_or(0, |rate| nanos_for(block, rate)),
            )
        } else {
            let per_rtt = u128::from(self.uplink.rate()) * u128::from(2 * latency) / 1_000_000_000;
            Flow::fixed(u64::try_from(per_rtt).unwrap_or(u64::MAX), block)
        }
    }

    /// A dial was not answered in time.
    pub(super) fn unanswered(&mut self, now: u64, net: &mut Net<'_>) {
        let (_, conn) = self.dials.pop_front().expect("one is due");
        self.dial_at = self.dials.front().map_or(u64::MAX, |dial| dial.0);
        self.look();
        self.fail(now, conn.into(), CloseReason::Unreachable, net);
    }

    /// A dial failed.
    pub(super) fn fail(&mut self, now: u64, door: Door, reason: CloseReason, net: &mut Net<'_>) {
        let Some(conn) = self.conn(door).filter(|conn| !conn.is_open()) else {
            return;
        };
        let conn = conn.id();
        self.close(now, conn, false, net);
        self.call(now, Input::Closed { conn, reason }, net);
    }

    /// Somebody knocks.
    pub(super) fn knocked(
        &mut self,
        now: u64,
        dialler: (u32, Door),
        latency: u64,
        net: &mut Net<'_>,
    ) {
        let body = if self.engine.is_some() {
            Body::SynAck
        } else {
            Body::Reset
        };
        self.post(now, dialler, latency, body, net);
    }

    /// The other side listens: our handshake.
    pub(super) fn answered(&mut self, now: u64, door: Door, net: &mut Net<'_>) {
        if let Some(conn) = self.conn(door) {
            let alias = self.alias;
            let body = Body::Hello {
                dialler: door,
                alias,
                latency: conn.latency,
            };
            self.post(now, conn.other(), conn.latency(), body, net);
        }
    }

    /// The dialler's handshake is here: it is let in, or not.
    pub(super) fn greeted(
        &mut self,
        now: u64,
        (from, alias): (u32, u16),
        (dialler, latency): (Door, u64),
        net: &mut Net<'_>,
    ) {
        let (addr, remote) = (alias_of(from, alias), handshake_of(from, alias));
        let answer = match &mut self.engine {
            Some(engine) => {
                self.trace.accept(now, addr, &remote);
                net.out.work.calls += 1;
                engine.accept(Instant::from_nanos(now), addr, remote).ok()
            }
            None => None,
        };
        match answer {
            Some(id) => {
                // It may take the place of one that was closed for its sake.
                while self.conn_at(id.slot()).is_some() {
                    let engine = self.engine.as_mut().expect("it let somebody in");
                    let output = engine.poll_output().expect("the place was given up");
                    self.output(now, output, net);
                }
                self.open(Conn::new(id, from, dialler, latency));
                let body = Body::HelloBack {
                    listener: id.into(),
                    alias: self.alias,
                };
                self.post(now, (from, dialler), latency, body, net);
                net.out.pending.push_back(Input::Credit {
                    conn: id,
                    blocks: CREDIT,
                });
            }
            None => self.post(now, (from, dialler), latency, Body::Refused, net),
        }
        self.settle(now, net);
    }

    /// The listener's handshake is here: the connection is open.
    pub(super) fn welcomed(
        &mut self,
        now: u64,
        (from, alias): (u32, u16),
        door: Door,
        listener: Door,
        net: &mut Net<'_>,
    ) {
        let Some(conn) = self.conn_mut(door) else {
            // We have closed meanwhile; the listener learns now whom to forget.
            let latency = net.shared.latencies.between(self.number, from);
            self.post(now, (from, listener), latency, Body::Fin, net);
            return;
        };
        conn.named(listener);
        let id = conn.id();
        net.out.pending.push_back(Input::Credit {
            conn: id,
            blocks: CREDIT,
        });
        let remote = handshake_of(from, alias);
        self.call(now, Input::Connected { conn: id, remote }, net);
    }
}
