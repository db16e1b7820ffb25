//! Becoming neighbours and ceasing to be: dial, accept, close.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;

use super::Peer;
use super::link::{Flag, Link};
use super::neighbour::Neighbour;
use crate::bitfield::Bitfield;
use crate::error::{CloseReason, Refused};
use crate::event::Event;
use crate::id::{ConnId, PeerId};
use crate::input::{AddressSource, Remote};
use crate::live::Expiry;
use crate::message::{Extended, ExtendedHandshake, Message, Name};
use crate::output::{Announce, Output};
use crate::policy::Reporting;
use crate::wire::{
    EXTENSIONS, LT_DONTHAVE, SW_G2G_QUERY, SW_G2G_REPORT, SW_G2G_TO, SW_LIVE_WINDOW, SW_RECEIPTS,
    TR_G2G_V2, UT_METADATA, UT_PEX,
};

/// Dials under way at once.
const DIALS_MAX: usize = 10;

/// The extensions of Give-to-Get that we speak.
pub(super) fn offered(reporting: Reporting) -> impl Iterator<Item = &'static (&'static str, u8)> {
    EXTENSIONS.iter().filter(move |(name, _)| match reporting {
        Reporting::None => false,
        Reporting::Grandchildren => [SW_G2G_TO, SW_G2G_QUERY, SW_G2G_REPORT].contains(name),
        Reporting::Itself => *name == TR_G2G_V2,
        Reporting::Receipts => *name == SW_RECEIPTS,
    })
}

/// Slots that room is made for at once.
const SLOTS_MORE: usize = 4;

impl Peer {
    /// Addresses came in: remember them, and dial if we need more neighbours.
    pub(super) fn addresses(&mut self, source: AddressSource, peers: &[SocketAddr]) {
        let ours = self.config.listen;
        let room = match source {
            // Neighbours may not crowd out those whom trackers and the user know.
            AddressSource::Pex => self.limits.addresses_max / 2,
            AddressSource::Tracker | AddressSource::User => self.limits.addresses_max,
        };
        for &addr in peers.iter().filter(|&&addr| Some(addr) != ours) {
            self.book.add(addr, room, self.now);
        }
        self.dial();
    }

    /// Dials until there are enough neighbours, or no addresses.
    pub(super) fn dial(&mut self) {
        let limits = self.limits;
        if self.order.len() >= usize::from(limits.dial_below) {
            return;
        }
        let waiting = |slot: &&u16| !self.links[usize::from(**slot)].is(Flag::Open);
        let mut dialling = self.order.iter().filter(waiting).count();
        while self.order.len() < usize::from(limits.dial_below) && dialling < DIALS_MAX {
            let Some(addr) = self.book.next_to_dial(self.now, self.pieces.is_complete()) else {
                let wanting = self.order.len() * 2 < usize::from(limits.dial_below);
                if wanting
                    && dialling == 0
                    && self.book.may_hurry(self.now)
                    && !self.pieces.is_complete()
                {
                    self.announce(Announce::NeedPeers);
                }
                return;
            };
            if self
                .order
                .iter()
                .any(|&slot| self.at(slot).listen() == Some(addr))
            {
                continue;
            }
            let conn = self.admit(addr, true);
            dialling += 1;
            self.outbox.push_back(Output::Dial { conn, addr });
        }
    }

    /// Somebody connected to us, and handshakes are exchanged.
    ///
    /// # Errors
    /// If it is not let in; the driver closes the socket.
    pub fn accept(
        &mut self,
        now: crate::Instant,
        addr: SocketAddr,
        remote: Remote,
    ) -> Result<ConnId, Refused> {
        self.clock(now);
        if self.left {
            return Err(Refused::Left);
        }
        if remote.peer_id == self.config.peer_id {
            return Err(Refused::Ourselves);
        }
        if self.book.is_ip_banned(addr) {
            return Err(Refused::Banned);
        }
        if self.live.is_some() && !(remote.fast && remote.extended) {
            return Err(Refused::NotLive);
        }
        if let Some(other) = self.slot_of(remote.peer_id) {
            if self.keep_dialled_by_us(remote) || !self.at(other).outbound {
                return Err(Refused::Duplicate);
            }
            let conn = self.at(other).conn;
            self.close(conn, CloseReason::Duplicate);
        }
        if self.order.len() >= usize::from(self.limits.neighbours_max) {
            return Err(Refused::Full);
        }
        let conn = self.admit(addr, false);
        self.establish(conn, remote);
        self.timers();
        Ok(conn)
    }

    /// The dial succeeded.
    pub(super) fn connected(&mut self, conn: ConnId, remote: Remote) {
        match self.neighbour(conn) {
            Some(neighbour) if !neighbour.is_open() => {}
            _ => return,
        }
        if remote.peer_id == self.config.peer_id {
            let addr = self.neighbour(conn).expect("checked above").addr();
            self.book.ban(addr, self.now);
            return self.close(conn, CloseReason::Ourselves);
        }
        if self.live.is_some() && !(remote.fast && remote.extended) {
            return self.close(conn, CloseReason::NotLive);
        }
        if let Some(other) = self.slot_of(remote.peer_id) {
            let other = self.at(other);
            // Two connections, dialled by either side: both sides keep the same one.
            if other.outbound || !self.keep_dialled_by_us(remote) {
                return self.close(conn, CloseReason::Duplicate);
            }
            let inbound = other.conn;
            self.close(inbound, CloseReason::Duplicate);
        }
        self.establish(conn, remote);
    }

    /// The slot of the open neighbour of this name.
    pub(super) fn slot_of(&self, peer_id: PeerId) -> Option<u16> {
        let tag = peer_id.tag();
        let alike = |slot: &u16| self.tags[usize::from(*slot)] == tag;
        let mut alike = self.order.iter().copied().filter(alike);
        alike.find(|&slot| self.at(slot).peer_id() == Some(peer_id))
    }

    /// Of two crossing connections, the one dialled by the lower peer id is kept.
    fn keep_dialled_by_us(&self, remote: Remote) -> bool {
        self.config.peer_id < remote.peer_id
    }

    /// Makes room for a neighbour, and names the connection.
    fn admit(&mut self, addr: SocketAddr, outbound: bool) -> ConnId {
        let free = (self.order.len() < self.neighbours.len())
            .then(|| self.neighbours.iter().position(Option::is_none));
        let slot = free.flatten().unwrap_or_else(|| {
            if self.neighbours.len() == self.neighbours.capacity() {
                // Not by doubling: most peers have about as many as they may.
                self.neighbours.reserve_exact(SLOTS_MORE);
                if self.links.is_empty() {
                    let most = self.limits.slots_at_once();
                    self.links.reserve_exact(most);
                    self.tags.reserve_exact(most);
                    self.order.reserve_exact(most);
                }
            }
            self.neighbours.push(None);
            self.neighbours.len() - 1
        });
        let slot = u16::try_from(slot).expect("bounded by neighbours_max");
        let conn = ConnId::new(self.next_serial, slot);
        self.next_serial += 1;
        self.neighbours[slot as usize] = Some(Neighbour::new(conn, addr, outbound, self.now));
        let link = Link::new(conn, self.now);
        match self.links.get_mut(conn.slot()) {
            Some(place) => *place = link,
            None => {
                self.links.push(link);
                self.tags.push(0);
            }
        }
        self.order.push(slot);
        conn
    }

    /// Handshakes are exchanged: say what we have and what we speak.
    fn establish(&mut self, conn: ConnId, remote: Remote) {
        let now = self.now;
        let neighbour = self.neighbour(conn).expect("just admitted");
        neighbour.remote = Some(remote);
        neighbour.connected_at = now;
        self.tags[conn.slot()] = remote.peer_id.tag();
        let link = &mut self.links[conn.slot()];
        link.set(Flag::Open, true);
        link.last_received = now;
        let neighbour = self.neighbour(conn).expect("just admitted");
        let (addr, outbound) = (neighbour.addr(), neighbour.outbound);
        self.book.connected(addr);
        self.choker.joined(conn, &mut self.choke_rng);
        self.seed_choker.joined(conn, &mut self.choke_rng);
        self.event(Event::Connected {
            conn,
            addr,
            outbound,
        });

        let have = self.pieces.have();
        let first = if self.live.is_some() {
            // What we have is told when its extension handshake is here.
            Some(Message::HaveNone)
        } else if self.lies && self.lures() {
            Some(Message::Bitfield(Box::new(Bitfield::full(have.length()))))
        } else if remote.fast && have.is_full() {
            Some(Message::HaveAll)
        } else if remote.fast && have.is_empty() {
            Some(Message::HaveNone)
        } else if have.is_empty() {
            None
        } else {
            Some(Message::Bitfield(Box::new(have.clone())))
        };
        if let Some(first) = first {
            self.send(conn, first);
        }
        if remote.extended {
            let handshake = self.extended_handshake();
            self.send(
                conn,
                Message::Extended(Box::new(Extended::Handshake(handshake))),
            );
        }
    }

    fn extended_handshake(&self) -> ExtendedHandshake {
        // Keys of a dictionary are in order (BEP 3).
        let live = match self.live.as_ref().map(|live| live.config.expiry) {
            None => &[][..],
            Some(Expiry::Implied) => &[SW_LIVE_WINDOW],
            Some(Expiry::Announced) => &[SW_LIVE_WINDOW, LT_DONTHAVE],
        };
        let live = EXTENSIONS.iter().filter(|(name, _)| live.contains(name));
        let exchange = self.config.exchange;
        let torrent = EXTENSIONS.iter().filter(|(name, _)| {
            // Who gives the torrent away speaks with clients that may lose pieces (BEP 54).
            matches!(*name, UT_METADATA | LT_DONTHAVE) && exchange.metadata.is_some()
                || *name == UT_PEX && exchange.pex
        });
        let mut extensions: Vec<(Name, u8)> = offered(self.reporting)
            .chain(live)
            .chain(torrent)
            .map(|&(name, id)| (name.into(), id))
            .collect();
        extensions.sort();
        ExtendedHandshake {
            extensions,
            port: self.config.listen.map(|listen| listen.port()),
            requests_max: Some(u32::from(self.limits.uploads_queued_max)),
            client: Some(concat!("swarmbed ", env!("CARGO_PKG_VERSION")).into()),
            metadata_size: exchange.metadata,
            // As those do who give the torrent away.
            upload_only: exchange.metadata.is_some() && self.pieces.is_complete(),
        }
    }

    /// The driver says the connection is gone.
    pub(super) fn closed(&mut self, conn: ConnId, reason: CloseReason) {
        self.forget(conn, reason);
        self.dial();
    }

    /// We close the connection.
    pub(super) fn close(&mut self, conn: ConnId, reason: CloseReason) {
        if self.neighbour(conn).is_some() {
            self.outbox.push_back(Output::Close(conn, reason));
            self.forget(conn, reason);
        }
    }

    /// Takes a neighbour out of every table it stands in.
    fn forget(&mut self, conn: ConnId, reason: CloseReason) {
        if self.neighbour(conn).is_none() {
            return;
        }
        let neighbour = self.neighbours[conn.slot()].take().expect("checked above");
        self.order.retain(|&slot| usize::from(slot) != conn.slot());
        self.askable.remove(conn.slot());
        self.asked.remove(conn.slot());
        for request in &neighbour.requests {
            if !request.given_up {
                self.pieces.release(request.block());
            }
        }
        self.pieces.clear_owner(conn.slot());
        self.change_link(conn.slot(), |link| {
            link.set(Flag::Open, false);
            link.set(Flag::TheyInterested, false);
        });
        self.forget_suspicions_of(conn);
        if let Some(live) = &mut self.live {
            live.forget(conn.slot());
        }
        if let Some(talks) = &mut self.talks {
            talks.forget(conn);
        }
        self.book.gone(
            neighbour.listen().unwrap_or(neighbour.addr()),
            !neighbour.is_open(),
            self.now,
        );
        if neighbour.is_open() {
            self.choker.left(conn);
            self.seed_choker.left(conn);
            self.event(Event::Disconnected { conn, reason });
        }
        if !neighbour.requests.is_empty() {
            self.ask_everybody();
        }
    }
}
