//! How a node sends: control at once or behind the connection's block, blocks one at a time.

use swarmbed_engine::{Block, ConnId, Input, Message};

use super::conn::{Conn, Sending};
use super::{Net, Node};
use crate::mail::{Body, Door, Mail, block_bytes};
use crate::observer::Observer;

impl<O: Observer> Node<O> {
    /// The connection `door` names, if it is still there.
    pub(super) fn conn_mut(&mut self, door: Door) -> Option<&mut Conn> {
        self.conns
            .get_mut(door.slot as usize)?
            .as_mut()
            .filter(|conn| conn.id.serial() == door.serial)
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
        let left = self.uplink.control(now, bytes);
        self.counts.up += bytes;
        let mail = self.record(left + latency, to, body);
        net.out.post(mail);
    }

    fn record(&mut self, at: u64, (to, door): (u32, Door), body: Body) -> Mail {
        let seq = self.seq;
        self.seq = seq.checked_add(1).expect("fewer than 2^32 records a peer");
        Mail::new(at, (self.number, seq), to, door, body)
    }

    /// Sends on a connection, in order: at once, or right after the block being sent on it.
    pub(super) fn say(&mut self, now: u64, conn: ConnId, body: Body, net: &mut Net<'_>) {
        let Some(conn) = self.conn_mut(conn.into()) else {
            return;
        };
        if conn.sending.is_some() {
            conn.waiting.push_back(body);
        } else if let Some(door) = conn.door {
            let (to, latency) = (conn.peer, conn.latency);
            self.post(now, (to, door), latency, body, net);
        }
    }

    /// Queues a block.
    pub(super) fn queue_block(&mut self, now: u64, id: ConnId, block: Block) {
        if !self
            .engine
            .as_ref()
            .is_some_and(|engine| engine.has(block.piece))
        {
            self.violation(now, "a block was sent of a piece that is not verified");
        }
        let Some(conn) = self.conn_mut(id.into()) else {
            return;
        };
        conn.queue.push_back(block);
        self.begin_block(now, id.into());
    }

    /// Begins the connection's next block, if it may; that leaves room for one more in the queue.
    pub(super) fn begin_block(&mut self, now: u64, door: Door) {
        let spoil = self.spoil > 0;
        let Some(conn) = self.conn_mut(door) else {
            return;
        };
        if conn.sending.is_some() || !conn.flow.is_open() {
            return;
        }
        let Some(block) = conn.queue.pop_front() else {
            return;
        };
        conn.flow.begin();
        conn.sending = Some(Sending {
            block,
            corrupt: spoil,
            first: now,
        });
        let id = conn.id;
        self.spoil -= u32::from(spoil);
        let first = self.uplink.begin(now, door.slot, block_bytes(block.length));
        let conn = self.conn_mut(door).expect("just seen");
        conn.sending.as_mut().expect("just begun").first = first;
        self.pending.push_back(Input::Credit {
            conn: id,
            blocks: 1,
        });
    }

    /// A block has left: it goes on its way, then what waited for it, then the next.
    pub(super) fn block_left(&mut self, now: u64, net: &mut Net<'_>) {
        let slot = self.uplink.finish(now);
        let conn = self.conns[slot as usize]
            .as_mut()
            .expect("cancelled when closed");
        let sent = conn.sending.take().expect("it was being sent");
        let to = (conn.peer, conn.door.expect("blocks go to open connections"));
        let (latency, door) = (conn.latency, Door::from(conn.id));
        self.counts.up += block_bytes(sent.block.length);
        let body = Body::Message(Message::Piece(sent.block));
        let mail = self.record(now + latency, to, body);
        net.out.post(mail.spanning(now - sent.first, sent.corrupt));
        self.flush(now, door, net);
        self.begin_block(now, door);
        self.settle(now, net);
    }

    /// Sends what waited behind a block.
    fn flush(&mut self, now: u64, door: Door, net: &mut Net<'_>) {
        loop {
            let Some(conn) = self.conn_mut(door) else {
                return;
            };
            let Some(body) = conn.waiting.pop_front() else {
                return;
            };
            let to = (conn.peer, conn.door.expect("it is open"));
            let latency = conn.latency;
            self.post(now, to, latency, body, net);
        }
    }

    /// Ends a connection at this end. What is being sent is cut, what is queued is dropped; what
    /// was said before is still sent, and then the end, if the other is to be told.
    pub(super) fn close(&mut self, now: u64, id: ConnId, tell: bool, net: &mut Net<'_>) {
        let door = Door::from(id);
        let Some(conn) = self.conn_mut(door) else {
            return;
        };
        if let Some(sending) = conn.sending.take() {
            let bytes = block_bytes(sending.block.length);
            let gone = self.uplink.cancel(now, door.slot, bytes);
            self.counts.up += gone;
            self.counts.lost += gone;
        }
        if tell {
            self.flush(now, door, net);
        }
        let conn = self.conns[door.slot as usize].take().expect("just seen");
        if let (true, Some(other)) = (tell, conn.door) {
            self.post(now, (conn.peer, other), conn.latency, Body::Fin, net);
        }
    }
}
