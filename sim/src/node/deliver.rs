//! What a node does with a record that came through its downlink.

use std::net::SocketAddr;
use std::time::Duration;

use swarmbed_engine::wire::{decode_datagram, encode_datagram, round_trip};
use swarmbed_engine::{
    AddressSource, Announce, Block, CloseReason, ConnId, Datagram, FetchResult, Input, Message,
};

use super::conn::Conn;
use super::{Net, Node};
use crate::address::{address_of, alias_of};
use crate::check;
use crate::latency::Latencies;
use crate::mail::{Body, Door, Mail, TRACKER};
use crate::network::Network;
use crate::observer::Observer;
use crate::setup::{Behaviour, WireMode};

/// A web seed whose budget is spent is asked no more in a film's time.
const SPENT: Duration = Duration::from_secs(86_400);
impl<O: Observer, N: Network> Node<O, N> {
    /// A record is through. Mail for connections that are no more falls on the floor.
    pub(super) fn deliver(&mut self, now: u64, mail: Mail, bytes: u64, net: &mut Net<'_>) {
        if self.engine.is_some() {
            self.counts.down += bytes;
        } else {
            self.counts.lost += bytes;
        }
        let (from, door) = (mail.from, mail.door());
        match mail.body {
            Body::Message(Message::Piece(block)) => {
                self.block(now, mail.at, door, (block, mail.corrupt), net);
            }
            Body::Message(message) => self.message(now, door, message, net),
            Body::Ack { left } => {
                if let Some(conn) = self.conn(door) {
                    let lane = self.slots[conn.slot()].lane.as_mut();
                    let lane = lane.expect("a block was sent on it");
                    lane.flow.acknowledged(now, left);
                    self.begin_block(now, door, net);
                    if !net.out.pending.is_empty() {
                        self.settle(now, net);
                    }
                }
            }
            Body::Syn { dialler, latency } => {
                self.knocked(now, (from, dialler), latency.into(), net);
            }
            Body::SynAck => self.answered(now, door, net),
            Body::Hello {
                dialler,
                alias,
                latency,
            } => self.greeted(now, (from, alias), (dialler, latency.into()), net),
            Body::HelloBack { listener, alias } => {
                self.welcomed(now, (from, alias), door, listener, net);
            }
            Body::Refused => self.fail(now, door, CloseReason::Refused, net),
            Body::Reset => self.fail(now, door, CloseReason::Unreachable, net),
            Body::Fin => self.hung_up(now, door, net),
            Body::Datagram(datagram) => {
                let (alias, to) = door.addresses();
                self.datagram(now, (from, alias), to, datagram, net);
            }
            Body::Answer(answer) => self.told(now, &answer.peers, net),
            Body::Fetched { piece, .. } => {
                self.storage.replace(piece, &net.shared.setup.geometry);
                let result = FetchResult::Done;
                self.call(now, Input::Fetched { piece, result }, net);
            }
            Body::Spent { piece } => {
                let result = FetchResult::Failed { retry_after: SPENT };
                self.call(now, Input::Fetched { piece, result }, net);
            }
            Body::Announce { .. } | Body::Fetch { .. } | Body::Taken => {
                unreachable!("not for a peer")
            }
        }
    }

    fn message(&mut self, now: u64, door: Door, message: Message, net: &mut Net<'_>) {
        let conn = ConnId::new(door.serial, door.slot);
        // The engine knows, too; and that will be read anyway.
        if !self.engine.as_ref().is_some_and(|one| one.is_open(conn)) {
            return;
        }
        net.out.work.messages += 1;
        let message = match net.shared.setup.wire {
            WireMode::Typed => message,
            WireMode::Bytes => round_trip(&message),
        };
        // A channel's pieces may have gone while the request was on its way.
        if net.shared.setup.live.is_none()
            && let (Message::Request(block), Some(engine)) = (&message, &self.engine)
            && let Some(what) = check::asked(engine, *block)
            && net.shared.class(self.number).behaviour != Behaviour::HaveLiar
        {
            self.violation(now, what);
        }
        self.receive(now, conn, message, net);
    }

    /// A block: acknowledged before anything else, as a transport does. The last byte came at
    /// `at`, so it had left the sender one latency before.
    fn block(
        &mut self,
        now: u64,
        at: u64,
        door: Door,
        (block, corrupt): (Block, bool),
        net: &mut Net<'_>,
    ) {
        let Some(conn) = self.conn(door).filter(Conn::is_open) else {
            return;
        };
        net.out.work.messages += 1;
        let left = at - conn.latency();
        // Not behind a block on its way back: TCP acknowledges with every packet.
        self.post(now, conn.other(), conn.latency(), Body::Ack { left }, net);
        self.storage.arriving(block.piece, corrupt);
        let Some(engine) = &self.engine else { return };
        let message = Message::Piece(engine.written(block));
        let message = match net.shared.setup.wire {
            WireMode::Typed => message,
            WireMode::Bytes => round_trip(&message),
        };
        self.receive(now, conn.id(), message, net);
    }

    fn hung_up(&mut self, now: u64, door: Door, net: &mut Net<'_>) {
        let Some(conn) = self.conn(door).map(|conn| conn.id()) else {
            return;
        };
        self.close(now, conn, false, net);
        let reason = CloseReason::Remote;
        self.call(now, Input::Closed { conn, reason }, net);
    }

    fn datagram(
        &mut self,
        now: u64,
        (from, alias): (u32, u16),
        to: u16,
        datagram: Box<Datagram>,
        net: &mut Net<'_>,
    ) {
        let open = net.shared.peers[self.number as usize].connectable;
        if open || self.punched.lets_in(now, from) {
            // Who lets invented receivers answer has one address; who changes names, the newest.
            if to != self.alias {
                return self.answer_for(now, (from, alias), to, &datagram, net);
            }
            let datagram = match net.shared.setup.wire {
                WireMode::Typed => datagram,
                WireMode::Bytes => decode_datagram(&encode_datagram(&datagram))
                    .map(Box::new)
                    .expect("what one of our engines says can be said"),
            };
            let from = alias_of(from, alias);
            self.call(now, Input::Datagram { from, datagram }, net);
        }
    }

    /// Remembers where a datagram goes. Returns how far that is, which need not be drawn anew for
    /// those who are asked again and again.
    pub(super) fn punch(&mut self, now: u64, peer: u32, latencies: &Latencies) -> u64 {
        if let Some(latency) = self.punched.again(now, peer) {
            return latency;
        }
        let latency = latencies.between(self.number, peer);
        self.punched.note(now, peer, latency);
        latency
    }

    fn told(&mut self, now: u64, peers: &[u32], net: &mut Net<'_>) {
        let peers: Vec<SocketAddr> = peers.iter().map(|&number| address_of(number)).collect();
        let source = AddressSource::Tracker;
        self.call(now, Input::Addresses { source, peers }, net);
        let interval = net.shared.setup.tracker.interval;
        self.call(now, Input::Announced { interval }, net);
    }

    /// Tells the tracker.
    pub(super) fn announce(&mut self, now: u64, kind: Announce, net: &mut Net<'_>) {
        let number = self.announces;
        self.announces += 1;
        let latency = net.shared.latencies.tracker;
        let body = Body::Announce { kind, number };
        self.post(now, (TRACKER, Door::NONE), latency, body, net);
    }
}
