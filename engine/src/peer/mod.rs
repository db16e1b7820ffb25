//! One local peer's part in one swarm: routes inputs, owns the outbox and the timers.
//!
//! The parts are `pieces` (what is here), `neighbour` (who is there), `player` (what is watched);
//! what the peer does with them is told in `connect`, `receive`, `download` (asking), `arrive` (what
//! comes of it), `late` (what is taken back), `verify`, `upload` and `rechoke`; by the clock in `timers`, for the viewer in `viewing`; `blame` says why a piece is
//! missing; `live`, `heard`, `numbers` and `source` are for streams without end. Nothing here reads a clock or holds a payload.

mod address;
mod arrive;
mod begin;
mod blame;
mod book;
mod claims;
mod connect;
mod download;
mod exchange;
mod fetch;
mod footprint;
mod forwards;
mod heard;
mod hook_in;
mod late;
mod link;
mod live;
mod made;
mod misbehave;
mod neighbour;
mod numbers;
mod outputs;
mod overhear;
mod owners;
mod pieces;
mod player;
mod receipts;
mod receive;
mod rechoke;
mod replay;
mod reports;
mod slide;
mod slots;
mod source;
mod tally;
mod thin;
mod timers;
mod told;
mod upload;
mod verify;
mod viewing;
mod web_seed;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;

use crate::bitfield::Bitfield;
use crate::config::{Config, Limits};
use crate::event::{Event, Traffic};
use crate::geometry::{PieceIndex, Window};
use crate::id::{ConnId, PeerId};
use crate::message::Message;
use crate::output::{Announce, Output};
use crate::policy::{Choker, PieceSelector, Reporting};
use crate::rate::Rate;
use crate::seed::Rng;
use crate::time::Instant;

use book::Book;
use claims::Forwarding;
use exchange::Talks;
pub use footprint::Footprint;
pub(crate) use link::{Flag, Link};
use live::Live;
pub(crate) use neighbour::Neighbour;
pub use outputs::Outputs;
pub use overhear::Overheard;
pub(crate) use owners::{Blocks, Owned};
pub(crate) use pieces::PieceTable;
pub(crate) use player::Player;
pub use player::{PlayState, PlaybackView};
use receipts::Receipts;
use reports::Reports;
use slots::Slots;
use timers::TICK;
use verify::Suspect;
use web_seed::WebSeed;

/// A neighbour, as the page and the overlay see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeighbourView {
    /// The connection.
    pub conn: ConnId,
    /// Where it is.
    pub addr: SocketAddr,
    /// Who it is; `None` while dialling.
    pub peer_id: Option<PeerId>,
    /// What it gives us, over the last 20 s.
    pub down: Rate,
    /// What we give it.
    pub up: Rate,
    /// We choke it.
    pub we_choke: bool,
    /// It chokes us.
    pub they_choke: bool,
    /// Pieces it has.
    pub pieces: u32,
    /// Requests we have waiting there.
    pub outstanding: u16,
    /// It wants pieces of ours.
    pub they_interested: bool,
    /// Blocks that it asked for and that were not given to the transport.
    pub owed: u16,
}

/// One local peer's part in one swarm. Its fields stand in this order in memory: what every call
/// looks at comes first, side by side, for among thousands of peers every line of it is a miss.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Peer {
    now: Instant,
    /// The first of what `timers` looks after by a time of its own; see `reschedule`.
    due: Instant,
    tick_at: Instant,
    live: Option<Box<Live>>,
    web_seed: Option<Box<WebSeed>>,
    talks: Option<Box<Talks>>,
    player: Option<Box<Player>>,
    /// [`PieceSelector::needs_candidates`]
    needs_candidates: bool,
    left: bool,
    /// It is an adversary.
    lies: bool,
    /// [`Detail::Blocks`].
    tells_blocks: bool,
    reporting: Reporting,
    unstored: u16,
    /// By slot.
    links: Vec<Link>,
    /// By slot.
    neighbours: Vec<Option<Neighbour>>,
    outbox: Outputs,
    /// Slots of neighbours that are unchoked and want to be; see `change_link`.
    busy_slots: u16,
    /// [`Choker::early_below`] of the choker, and of a seed's.
    early_below: [u16; 2],
    /// The configuration's, at hand.
    limits: Limits,
    traffic: Traffic,
    pieces: PieceTable,
    selector: Box<dyn PieceSelector>,
    /// Slots in use, oldest neighbour first: the order of everything that walks neighbours.
    order: Vec<u16>,
    /// Neighbours that do not choke us.
    askable: Slots,
    /// Neighbours that may owe us blocks: from a request on, until they are found to owe none.
    asked: Slots,
    suspects: Vec<Suspect>,
    /// Pieces that readers wait for, newest range first.
    wants: Vec<core::ops::Range<usize>>,
    choker_asked_at: Instant,
    config: Config,
    next_serial: u32,
    /// By slot: a few bits of who is there, as open neighbours are looked for by name.
    tags: Vec<u32>,
    book: Book,
    forwarding: Forwarding,
    choke_at: Instant,
    reports: Reports,
    receipts: Receipts,
    choker: Box<dyn Choker>,
    seed_choker: Box<dyn Choker>,
    uplink: Option<Rate>,
    select_rng: Rng,
    choke_rng: Rng,
}

impl Peer {
    /// The next thing to do; drain to `None` after every call.
    #[inline]
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outbox.pop_front()
    }

    /// Lends a queue of outputs its room, if both are empty, and tells whether it did. A driver of many peers so lends its
    /// own to each in turn, and takes it back: one queue in the cache, not one a peer that is not.
    #[inline]
    pub fn lend_queue(&mut self, queue: &mut Outputs) -> bool {
        let empty = self.outbox.is_empty() && queue.is_empty();
        if empty {
            self.outbox.take_room(queue);
        }
        empty
    }

    /// Gives back the room of the queue it was lent, once that is drained, and tells whether it did.
    #[inline]
    pub fn give_back_queue(&mut self, queue: &mut Outputs) -> bool {
        let empty = self.outbox.is_empty() && queue.is_empty();
        if empty {
            queue.take_room(&mut self.outbox);
        }
        empty
    }

    /// Whether handshakes are exchanged on the connection, and it is not closed.
    #[inline]
    #[must_use]
    pub fn is_open(&self, conn: ConnId) -> bool {
        let link = self.links.get(conn.slot());
        link.is_some_and(|link| link.conn() == conn && link.is(Flag::Open))
    }

    /// Whether `piece` is here and verified.
    #[must_use]
    pub fn has(&self, piece: PieceIndex) -> bool {
        self.pieces.has(piece)
    }

    /// The pieces that are here and verified, as offsets in [`Peer::window`].
    #[must_use]
    pub const fn pieces(&self) -> &Bitfield {
        self.pieces.have()
    }

    /// What it was told at birth.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Bytes moved so far.
    #[must_use]
    pub const fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// The neighbours, oldest first.
    pub fn neighbours(&self) -> impl Iterator<Item = NeighbourView> + '_ {
        self.order.iter().map(|&slot| {
            let neighbour = self.at(slot);
            NeighbourView {
                conn: neighbour.conn,
                addr: neighbour.addr(),
                peer_id: neighbour.peer_id(),
                down: neighbour.down.rate(self.now),
                up: neighbour.up.rate(self.now),
                we_choke: self.links[usize::from(slot)].is(Flag::WeChoke),
                they_choke: self.links[usize::from(slot)].is(Flag::TheyChoke),
                pieces: self.links[usize::from(slot)].pieces,
                outstanding: u16::try_from(neighbour.requests.len()).unwrap_or(u16::MAX),
                they_interested: self.links[usize::from(slot)].is(Flag::TheyInterested),
                owed: neighbour.waiting(),
            }
        })
    }

    /// The pieces that are kept now; all of a movie's.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.pieces.window()
    }

    fn clock(&mut self, now: Instant) {
        assert!(now >= self.now, "time went back from {} to {now}", self.now);
        self.now = now;
    }

    fn at(&self, slot: u16) -> &Neighbour {
        self.neighbours[slot as usize]
            .as_ref()
            .expect("slots in order are in use")
    }

    fn at_mut(&mut self, slot: u16) -> &mut Neighbour {
        self.neighbours[slot as usize]
            .as_mut()
            .expect("slots in order are in use")
    }

    /// The neighbour behind a connection, unless it is gone.
    fn neighbour(&mut self, conn: ConnId) -> Option<&mut Neighbour> {
        self.neighbours
            .get_mut(conn.slot())?
            .as_mut()
            .filter(|neighbour| neighbour.conn == conn)
    }

    /// The link of a connection, unless it is gone.
    fn link(&mut self, conn: ConnId) -> Option<&mut Link> {
        self.links
            .get_mut(conn.slot())
            .filter(|link| link.conn() == conn)
    }

    fn event(&mut self, event: Event) {
        self.outbox.push_back(Output::Event(event));
    }

    fn detail(&mut self, event: Event) {
        if self.tells_blocks {
            self.event(event);
        }
    }

    fn announce(&mut self, why: Announce) {
        self.book.announcing(self.now);
        self.reschedule();
        self.outbox.push_back(Output::Announce(why));
    }

    /// Sends a control message, and counts it.
    fn send(&mut self, conn: ConnId, message: Message) {
        let now = self.now;
        let message = self.write_numbers(message);
        let bytes = u64::from(message.wire_len());
        let Some(link) = self.link(conn) else { return };
        link.last_sent = now;
        self.traffic.control_up += bytes;
        self.outbox.push_back(Output::Send(conn, message));
    }
}
