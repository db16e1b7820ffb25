//! What a peer is told: by input, or that it is to go. Each call ends with what is due by then.
//!
//! Owns the order in which a call is dealt with; what follows from an input is in the file of its subject.

use alloc::boxed::Box;
use core::net::SocketAddr;
use core::time::Duration;

use super::{Book, Peer};
use crate::error::CloseReason;
use crate::event::{Event, LeaveReason};
use crate::geometry::Block;
use crate::id::{ConnId, PeerId};
use crate::input::{Input, StoreResult};
use crate::message::Message;
use crate::output::Announce;
use crate::time::Instant;

impl Peer {
    /// The world tells the peer something. Drain the outputs afterwards.
    ///
    /// # Panics
    /// If `now` goes back.
    pub fn handle(&mut self, now: Instant, input: Input) {
        self.clock(now);
        if self.left {
            return;
        }
        match input {
            Input::Timeout => {}
            Input::Connected { conn, remote } => self.connected(conn, remote),
            Input::Message(conn, message) => return self.receive(now, conn, message),
            Input::Progress { conn, bytes } => self.progress(conn, bytes),
            Input::Credit { conn, blocks } => self.credit(conn, blocks),
            Input::Unread { conn } => self.unread(conn),
            Input::Closed { conn, reason } => self.closed(conn, reason),
            Input::Stored { block, result } => return self.store(now, block, result),
            Input::Verified { piece, verdict } => self.verified(piece, verdict),
            Input::Fetched { piece, result } => self.fetched(piece, result),
            Input::Addresses { source, peers } => self.addresses(source, &peers),
            Input::Announced { interval } => {
                self.book.announced(now, interval);
                self.reschedule();
            }
            Input::AnnounceFailed => {
                self.book.announce_failed(now);
                self.reschedule();
            }
            Input::Datagram { from, datagram } => self.datagram(from, *datagram),
            Input::Uplink(rate) => self.uplink = Some(rate),
        }
        self.attend();
    }

    /// [`handle`](Self::handle), of a message. What the commonest inputs say need not be put together as an [`Input`] first,
    /// which is slow to read as a whole while it is new.
    ///
    /// # Panics
    /// As `handle`.
    pub fn receive(&mut self, now: Instant, conn: ConnId, message: Message) {
        self.clock(now);
        if !self.left {
            self.message(conn, message);
            self.attend();
        }
    }

    /// [`handle`](Self::handle), of a block that was [stored](Input::Stored).
    ///
    /// # Panics
    /// As `handle`.
    pub fn store(&mut self, now: Instant, block: Block, result: StoreResult) {
        self.clock(now);
        if !self.left {
            self.stored(block, result);
            self.attend();
        }
    }

    /// After an input: what is due by now.
    fn attend(&mut self) {
        self.timers();
        self.attend_player();
        if self.web_seed.is_some() {
            self.ask_web_seed();
        }
    }

    /// Leaves the swarm: closes all connections, tells the tracker. Later calls do nothing.
    pub fn leave(&mut self, now: Instant) {
        self.clock(now);
        if self.left {
            return;
        }
        self.attend_player();
        let mut played = Duration::ZERO;
        if let Some(player) = &mut self.player {
            player.leave(now);
            played = player.played(now);
        }
        self.tell_player_events();
        while let Some(&slot) = self.order.first() {
            let conn = self.at(slot).conn;
            self.close(conn, CloseReason::Leaving);
        }
        self.announce(Announce::Stopped);
        self.event(Event::Traffic(Box::new(self.traffic)));
        self.event(Event::Left {
            reason: LeaveReason::Asked,
            played,
        });
        self.left = true;
    }

    /// The host has a new name and address: it leaves the swarm under the old ones and joins it
    /// under the new, with what it has. All connections close; nothing is remembered of anybody.
    pub fn rename(&mut self, now: Instant, peer_id: PeerId, listen: Option<SocketAddr>) {
        self.clock(now);
        if self.left {
            return;
        }
        while let Some(&slot) = self.order.first() {
            let conn = self.at(slot).conn;
            self.close(conn, CloseReason::Leaving);
        }
        self.announce(Announce::Stopped);
        self.config.peer_id = peer_id;
        self.config.listen = listen;
        let redial = self.limits.redial_after;
        self.book = Book::new(self.config.announce_interval, redial, now);
        self.announce(Announce::Started);
    }
}
