//! How a node sends: control at once or behind the connection's block, blocks one at a time.

use std::collections::VecDeque;

use swarmbed_engine::{Block, ConnId, Input, Instant, Message, Peer, PieceIndex};

use super::conn::{Conn, Lane, Sending};
use super::{Net, Node};
use crate::mail::{Body, Door, HAVE_BYTES, Mail, block_bytes};
use crate::mutant::Mutant;
use crate::network::Network;
use crate::observer::Observer;
use crate::setup::WireMode;
use crate::shared::Shared;

impl<O: Observer, N: Network> Node<O, N> {
    /// The connection `door` names, if it is still there.
    pub(super) fn conn(&self, door: Door) -> Option<Conn> {
        let here = self.slots.get(usize::from(door.slot))?;
        here.conn.filter(|conn| conn.is(door))
    }

    /// The connection in a place, whatever its name.
    pub(super) fn conn_at(&self, slot: usize) -> Option<Conn> {
        self.slots.get(slot)?.conn
    }

    /// All of them, by slot.
    pub(super) fn conns(&self) -> impl Iterator<Item = &Conn> {
        self.slots.iter().filter_map(|slot| slot.conn.as_ref())
    }

    /// The connection that `door` names, to change it.
    pub(super) fn conn_mut(&mut self, door: Door) -> Option<&mut Conn> {
        let here = self.slots.get_mut(usize::from(door.slot))?;
        here.conn.as_mut().filter(|conn| conn.is(door))
    }

    /// Sends one record before all blocks; it arrives `latency` after its last byte has left.
    pub(super) fn post(
        &mut self,
        now: u64,
        to: (u32, Door),
        latency: u64,
        body: Body,
        net: &mut Net<'_>,
    ) {
        let bytes = body.bytes();
        let (left, span) = self.uplink.control(now, bytes);
        self.counts.up += bytes;
        let mail = self.record(left + latency, to, body);
        net.out.post(mail.spanning(span, false));
    }

    fn record(&mut self, at: u64, (to, door): (u32, Door), body: Body) -> Mail {
        let seq = self.seq;
        self.seq = seq.checked_add(1).expect("fewer than 2^32 records a peer");
        Mail::new(at, (self.number, seq), to, door, body)
    }

    /// Sends on a connection, in order: at once, or right after the block being sent on it.
    pub(super) fn say(&mut self, now: u64, conn: ConnId, body: Body, net: &mut Net<'_>) {
        let Some(conn) = self.conn(conn.into()) else {
            return;
        };
        if matches!(body, Body::Message(Message::Choke)) && !conn.busy {
            self.shed(conn);
        }
        if conn.busy {
            let lane = self.slots[conn.slot()].lane.as_mut();
            lane.expect("a block is sent on it").waiting.push_back(body);
        } else if conn.is_open() {
            self.post(now, conn.other(), conn.latency(), body, net);
        }
    }

    /// The neighbour is choked: what room its lane has is given back, if nothing waits there.
    fn shed(&mut self, conn: Conn) {
        if let Some(lane) = &mut self.slots[conn.slot()].lane
            && lane.waiting.is_empty()
        {
            lane.waiting = VecDeque::new();
        }
    }

    /// Says a HAVE, to one neighbour after the other.
    pub(super) fn say_have(
        &mut self,
        now: u64,
        piece: PieceIndex,
        conns: &[ConnId],
        net: &mut Net<'_>,
    ) {
        let body = || Body::Message(Message::Have(piece));
        for &id in conns {
            let Some(conn) = self.conn_at(id.slot()) else {
                continue;
            };
            if conn.busy || !conn.is_open() || conn.id() != id {
                self.say(now, id, body(), net);
                continue;
            }
            let (left, span) = self.uplink.control(now, HAVE_BYTES);
            self.counts.up += HAVE_BYTES;
            let mail = self.record(left + conn.latency(), conn.other(), body());
            net.out.post(mail.spanning(span, false));
        }
    }

    /// Queues a block.
    pub(super) fn queue_block(&mut self, now: u64, id: ConnId, block: Block, net: &mut Net<'_>) {
        // A channel's oldest piece may leave the window in the very call that sends of it, after that.
        let gone = |engine: &Peer| block.piece < engine.window().base;
        let holds = |engine: &Peer| engine.has(block.piece) || gone(engine);
        if !self.engine.as_deref().is_some_and(holds) {
            self.violation(now, "a block was sent of a piece that is not verified");
        }
        if self.late > 0 {
            self.hold_back(now, id, block, net);
        } else if let Some(conn) = self.conn(id.into()) {
            let lane = self.lane(&conn, net.shared);
            if !conn.busy && lane.queue.is_empty() && lane.flow.is_open() {
                self.begin(now, conn, block, net);
            } else {
                lane.queue.push_back(block);
                self.begin_block(now, id.into(), net);
            }
        }
    }

    /// The connection's lane, made when it is first needed.
    pub(super) fn lane(&mut self, conn: &Conn, shared: &Shared) -> &mut Lane {
        if self.slots[conn.slot()].lane.is_none() {
            let flow = self.flow(conn.peer, conn.latency(), shared);
            self.slots[conn.slot()].lane = Some(Box::new(Lane::new(flow)));
        }
        self.slots[conn.slot()].lane.as_mut().expect("just made")
    }

    /// Begins the connection's next block, if it may; that leaves room for one more in the queue.
    pub(super) fn begin_block(&mut self, now: u64, door: Door, net: &mut Net<'_>) {
        let Some(conn) = self.conn(door).filter(|conn| !conn.busy) else {
            return;
        };
        let lane = self.slots[conn.slot()].lane.as_mut();
        let lane = lane.filter(|lane| lane.flow.is_open());
        if let Some(block) = lane.and_then(|lane| lane.queue.pop_front()) {
            self.begin(now, conn, block, net);
        }
    }

    /// Begins this block.
    fn begin(&mut self, now: u64, conn: Conn, block: Block, net: &mut Net<'_>) {
        let here = &mut self.slots[conn.slot()];
        let lane = here.lane.as_mut().expect("it has one");
        lane.flow.begin();
        let corrupt = self.spoil > 0;
        self.spoil -= u32::from(corrupt);
        let bytes = block_bytes(block.length);
        let Door { slot, .. } = conn.id().into();
        lane.sending = Some(Sending {
            block,
            corrupt,
            first: self.uplink.begin(now, slot, conn.peer, bytes),
        });
        here.conn.as_mut().expect("just seen").busy = true;
        self.grant(now, conn.id(), net);
    }

    /// The engine may send one block more on this connection. Nearly always nothing follows from that, and it is dealt
    /// with; the oracle among the wires, which writes every message, does without this.
    fn grant(&mut self, now: u64, conn: ConnId, net: &mut Net<'_>) {
        let input = Input::Credit { conn, blocks: 1 };
        // Not before what the engine was to be told earlier.
        if net.out.pending.is_empty()
            && net.shared.setup.wire == WireMode::Typed
            && let Some(engine) = &mut self.engine
            && engine.overhear_credit(Instant::from_nanos(now), conn, 1)
        {
            self.trace.input(now, &input);
            net.out.work.calls += 1;
        } else {
            net.out.pending.push_back(input);
        }
    }

    /// A block has left: it goes on its way, then what waited for it, then the next.
    pub(super) fn block_left(&mut self, now: u64, net: &mut Net<'_>) {
        let slot = usize::from(self.uplink.finish(now));
        let here = &mut self.slots[slot];
        let conn = here.conn.as_mut().expect("cancelled when closed");
        conn.busy = false;
        let conn = *conn;
        let lane = here.lane.as_mut();
        let sent = lane.and_then(|lane| lane.sending.take());
        let sent = sent.expect("it was being sent");
        self.counts.up += block_bytes(sent.block.length);
        let body = Body::Message(Message::Piece(sent.block));
        let mail = self.record(now + conn.latency(), conn.other(), body);
        net.out.post(mail.spanning(now - sent.first, sent.corrupt));
        self.flush(now, conn, net);
        self.begin_block(now, conn.id().into(), net);
        if !net.out.pending.is_empty() {
            self.settle(now, net);
        }
    }

    /// Sends what waited behind a block.
    fn flush(&mut self, now: u64, conn: Conn, net: &mut Net<'_>) {
        let next = |lane: &mut Box<Lane>| lane.waiting.pop_front();
        while let Some(body) = self.slots[conn.slot()].lane.as_mut().and_then(next) {
            self.post(now, conn.other(), conn.latency(), body, net);
        }
    }

    /// Ends a connection at this end. What is being sent is cut, what is queued is dropped; what
    /// was said before is still sent, and then the end, if the other is to be told.
    pub(super) fn close(&mut self, now: u64, id: ConnId, tell: bool, net: &mut Net<'_>) {
        let door = Door::from(id);
        let Some(conn) = self.conn(door) else {
            return;
        };
        let here = &mut self.slots[id.slot()];
        here.conn = None;
        let lane = here.lane.as_mut();
        if let Some(sending) = lane.and_then(|lane| lane.sending.take()) {
            let bytes = block_bytes(sending.block.length);
            let gone = self.uplink.cancel(now, door.slot, bytes);
            self.counts.up += gone;
            if net.shared.mutant == Some(Mutant::LostArrives) {
                let body = Body::Message(Message::Piece(sending.block));
                let mail = self.record(now + conn.latency(), conn.other(), body);
                net.out.post(mail.spanning(0, sending.corrupt));
            } else {
                self.counts.lost += gone;
            }
        }
        if tell && conn.is_open() {
            self.flush(now, conn, net);
            self.post(now, conn.other(), conn.latency(), Body::Fin, net);
        }
    }
}
