//! One local peer's part in one swarm: routes inputs, owns the outbox and the timers.
//!
//! The parts are `pieces` (what is here), `neighbour` (who is there), `player` (what is watched);
//! what the peer does with them is told in `connect`, `receive`, `download`, `verify`, `upload`
//! and `rechoke`; `live`, `heard` and `source` are for streams without end. Nothing here reads a clock or holds a payload.

mod book;
mod claims;
mod connect;
mod download;
mod exchange;
mod footprint;
mod heard;
mod link;
mod live;
mod misbehave;
mod neighbour;
mod owners;
mod pieces;
mod player;
mod receipts;
mod receive;
mod rechoke;
mod replay;
mod reports;
mod source;
mod tally;
mod upload;
mod verify;
mod web_seed;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use crate::behaviour::Behaviour;
use crate::bitfield::Bitfield;
use crate::config::{Config, Detail};
use crate::error::{CallError, CloseReason, ConfigError};
use crate::event::{Cause, Event, LeaveReason, Traffic};
use crate::exchange::Exchange;
use crate::geometry::{PieceIndex, Window};
use crate::id::{ConnId, PeerId};
use crate::input::Input;
use crate::message::Message;
use crate::output::{Announce, Output};
use crate::policy::{Choker, PieceSelector, Reporting};
use crate::rate::Rate;
use crate::seed::{Rng, Seed};
use crate::time::Instant;

use book::Book;
use claims::Forwarding;
use exchange::Talks;
pub use footprint::Footprint;
pub(crate) use link::Link;
use live::Live;
pub(crate) use neighbour::Neighbour;
pub(crate) use pieces::PieceTable;
pub(crate) use player::Player;
pub use player::{PlayState, PlaybackView};
use receipts::Receipts;
use reports::Reports;
use verify::Suspect;
use web_seed::WebSeed;

/// How often late blocks, silent neighbours and the start rule are looked after.
const TICK: Duration = Duration::from_secs(1);
/// Reader ranges that are kept, newest first.
const WANTS_MAX: usize = 16;

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
}

/// One local peer's part in one swarm. Its fields stand in this order in memory: what every call
/// looks at comes first, side by side, for among thousands of peers every line of it is a miss.
#[derive(Debug)]
#[repr(C)]
pub struct Peer {
    now: Instant,
    /// The first of what `timers` looks after by a time of its own; see `reschedule`.
    due: Instant,
    tick_at: Instant,
    live: Option<Box<Live>>,
    web_seed: Option<Box<WebSeed>>,
    talks: Option<Box<Talks>>,
    outbox: VecDeque<Output>,
    /// By slot.
    links: Vec<Link>,
    /// Slots in use, oldest neighbour first: the order of everything that walks neighbours.
    order: Vec<u16>,
    book: Book,
    traffic: Traffic,
    forwarding: Forwarding,
    left: bool,
    /// It is an adversary.
    lies: bool,
    reporting: Reporting,
    unstored: u16,
    next_serial: u32,
    pieces: PieceTable,
    player: Option<Player>,
    /// By slot.
    neighbours: Vec<Option<Box<Neighbour>>>,
    suspects: Vec<Suspect>,
    /// Pieces that readers wait for, newest range first.
    wants: Vec<core::ops::Range<usize>>,
    choke_at: Instant,
    reports: Reports,
    receipts: Receipts,
    selector: Box<dyn PieceSelector>,
    choker: Box<dyn Choker>,
    seed_choker: Box<dyn Choker>,
    choker_asked_at: Instant,
    uplink: Option<Rate>,
    config: Config,
    select_rng: Rng,
    choke_rng: Rng,
}

impl Peer {
    /// A peer that holds the pieces in `have` (verified by the driver), or none. Its first outputs
    /// wait already: drain them. A live source that goes on holds pieces of the window before its
    /// first: offset 0 is the first piece minus [`Numbering::behind`](crate::live::Numbering), or 0.
    ///
    /// # Errors
    /// If the configuration makes no sense.
    pub fn new(
        config: Config,
        seed: Seed,
        now: Instant,
        have: Option<Bitfield>,
    ) -> Result<Self, ConfigError> {
        let geometry = config.geometry;
        let have = have.unwrap_or_else(|| Bitfield::new(geometry.pieces()));
        if have.length() != geometry.pieces() {
            return Err(ConfigError::BitfieldLength {
                expected: geometry.pieces(),
                got: have.length(),
            });
        }
        if config.bitrate == Some(Rate::ZERO) {
            return Err(ConfigError::Bitrate);
        }
        let live = Live::new(config.live.as_ref(), &geometry, config.bitrate)?;
        let mut choke_rng = seed.stream("choke", 0);
        let choker = config.choker.build();
        let seed_choker = config.seed_choker.build();
        // What a seed's choker wants to know must be asked for from the start.
        let reporting = match choker.reporting() {
            Reporting::None => seed_choker.reporting(),
            reporting => reporting,
        };
        // Peers that start together must not choke together.
        let phase = Duration::from_nanos(choke_rng.below(crate::time::nanos(choker.period())));
        let slots_max = config.limits.neighbours_max.max(config.limits.dial_below);
        let mut pieces = PieceTable::new(geometry, have, slots_max, &mut seed.stream("order", 0));
        let mut player = config
            .bitrate
            .map(|bitrate| Player::new(config.playback, bitrate, geometry.total(), now));
        if let (Some(live), Some(player)) = (&live, &mut player) {
            pieces.begin_at(live.first_base());
            player.go_live(live.prebuffer_max(&geometry));
        }
        let mut peer = Self {
            now,
            left: false,
            lies: config.behaviour != Behaviour::Honest,
            selector: config.selector.build(),
            select_rng: seed.stream("select", 0),
            wants: Vec::new(),
            unstored: 0,
            suspects: Vec::new(),
            player,
            live,
            neighbours: Vec::new(),
            order: Vec::new(),
            links: Vec::new(),
            next_serial: 0,
            book: Book::new(config.announce_interval, config.limits.redial_after, now),
            reporting,
            seed_choker,
            choker,
            choke_rng,
            choke_at: now + phase,
            due: now,
            choker_asked_at: Instant::ZERO,
            reports: Reports::new(seed.stream("nonce", 0)),
            receipts: Receipts::default(),
            web_seed: WebSeed::new(&config).map(Box::new),
            talks: (config.exchange != Exchange::default()).then(Box::default),
            forwarding: Forwarding::new(),
            uplink: None,
            tick_at: now + TICK,
            traffic: Traffic::default(),
            outbox: VecDeque::new(),
            pieces,
            config,
        };
        peer.announce(Announce::Started);
        peer.reschedule();
        Ok(peer)
    }

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
            Input::Message(conn, message) => self.message(conn, message),
            Input::Progress { conn, bytes } => self.progress(conn, bytes),
            Input::Credit { conn, blocks } => self.credit(conn, blocks),
            Input::Closed { conn, reason } => self.closed(conn, reason),
            Input::Stored { block, result } => self.stored(block, result),
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
            Input::Datagram { from, datagram } => self.datagram(from, datagram),
            Input::Uplink(rate) => self.uplink = Some(rate),
        }
        self.timers();
        self.attend_player();
        if self.web_seed.is_some() {
            self.ask_web_seed();
        }
    }

    /// The viewer presses play.
    ///
    /// # Errors
    /// If the torrent has no bitrate, or play was pressed already.
    pub fn play(&mut self, now: Instant) -> Result<(), CallError> {
        self.with_player(now, |player, table| player.play(now, table))
    }

    /// The viewer pauses.
    ///
    /// # Errors
    /// Unless the player plays, stalls or buffers.
    pub fn pause(&mut self, now: Instant) -> Result<(), CallError> {
        self.with_player(now, |player, _| player.pause(now))
    }

    /// The viewer goes on.
    ///
    /// # Errors
    /// Unless paused.
    pub fn resume(&mut self, now: Instant) -> Result<(), CallError> {
        self.with_player(now, |player, table| player.resume(now, table))
    }

    /// The viewer jumps to `byte` of the content.
    ///
    /// # Errors
    /// If play was not pressed, or `byte` is beyond the end.
    pub fn seek(&mut self, now: Instant, byte: u64) -> Result<(), CallError> {
        self.with_player(now, |player, table| player.seek(now, byte, table))
    }

    /// A reader waits for bytes `from..from + length`: their pieces go before all others, until
    /// they are here. At most 16 such ranges are kept, newest first.
    ///
    /// # Errors
    /// If `from` is beyond the end.
    pub fn want(&mut self, now: Instant, from: u64, length: u64) -> Result<(), CallError> {
        self.clock(now);
        let geometry = self.pieces.geometry();
        if self.left {
            return Err(CallError::Left);
        }
        if geometry.is_endless() {
            return Err(CallError::Live);
        }
        if from >= geometry.total() {
            return Err(CallError::Beyond(from));
        }
        let end = from.saturating_add(length.max(1)).min(geometry.total());
        let first = geometry.piece_at(from).0 as usize;
        let last = geometry.piece_at(end - 1).0 as usize;
        self.wants.retain(|range| *range != (first..last + 1));
        self.wants.insert(0, first..last + 1);
        self.wants.truncate(WANTS_MAX);
        self.make_way(first..last + 1);
        self.ask_everybody();
        self.timers();
        Ok(())
    }

    /// A reader that wanted bytes `from..from + length` is gone: what was wanted within them goes
    /// before others no more. Another reader of the same bytes says so again.
    pub fn unwant(&mut self, now: Instant, from: u64, length: u64) {
        self.clock(now);
        let geometry = self.pieces.geometry();
        if self.left || geometry.is_endless() || from >= geometry.total() {
            return;
        }
        let end = from.saturating_add(length.max(1)).min(geometry.total());
        let first = geometry.piece_at(from).0 as usize;
        let last = geometry.piece_at(end - 1).0 as usize;
        let within =
            |range: &core::ops::Range<usize>| range.start >= first && range.end <= last + 1;
        self.wants.retain(|range| !within(range));
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
        self.event(Event::Traffic(self.traffic));
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
        let redial = self.config.limits.redial_after;
        self.book = Book::new(self.config.announce_interval, redial, now);
        self.announce(Announce::Started);
    }

    /// The next thing to do; drain to `None` after every call.
    #[inline]
    pub fn poll_output(&mut self) -> Option<Output> {
        let output = self.outbox.pop_front()?;
        if self.outbox.is_empty() {
            // Begins again at the queue's first place, which is in the cache.
            self.outbox.clear();
        }
        Some(output)
    }

    /// When to call `handle(_, Input::Timeout)` at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.left {
            return None;
        }
        let player = self
            .player
            .as_ref()
            .and_then(|player| player.next(&self.pieces));
        let tick = self.needs_tick().then_some(self.tick_at);
        let talk = self.talks.as_ref().map(|talks| talks.next());
        Some(
            self.due
                .min(self.reveal_at())
                .min(player.unwrap_or(Instant::FAR))
                .min(tick.unwrap_or(Instant::FAR))
                .min(talk.unwrap_or(Instant::FAR)),
        )
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
                addr: neighbour.addr,
                peer_id: neighbour.peer_id(),
                down: neighbour.down.rate(self.now),
                up: neighbour.up.rate(self.now),
                we_choke: self.links[usize::from(slot)].we_choke,
                they_choke: self.links[usize::from(slot)].they_choke,
                pieces: self.links[usize::from(slot)].pieces,
                outstanding: u16::try_from(neighbour.requests.len()).unwrap_or(u16::MAX),
            }
        })
    }

    /// The pieces that are kept now; all of a movie's.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.pieces.window()
    }

    /// The player; `None` if the torrent cannot be played.
    #[must_use]
    pub fn playback(&self) -> Option<PlaybackView> {
        self.player
            .as_ref()
            .map(|player| player.view(self.now, &self.pieces))
    }

    fn clock(&mut self, now: Instant) {
        assert!(now >= self.now, "time went back from {} to {now}", self.now);
        self.now = now;
    }

    fn with_player(
        &mut self,
        now: Instant,
        call: impl FnOnce(&mut Player, &PieceTable) -> Result<(), CallError>,
    ) -> Result<(), CallError> {
        self.clock(now);
        if self.left {
            return Err(CallError::Left);
        }
        let player = self.player.as_mut().ok_or(CallError::NotPlayable)?;
        call(player, &self.pieces)?;
        self.ask_everybody();
        self.attend_player();
        Ok(())
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
            .as_deref_mut()
            .filter(|neighbour| neighbour.conn == conn)
    }

    /// The link of a connection, unless it is gone.
    fn link(&mut self, conn: ConnId) -> Option<&mut Link> {
        self.links
            .get_mut(conn.slot())
            .filter(|link| link.conn == conn)
    }

    fn event(&mut self, event: Event) {
        self.outbox.push_back(Output::Event(event));
    }

    fn detail(&mut self, event: Event) {
        if self.config.detail == Detail::Blocks {
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

    /// Looks after the clock once a second only while there is something to look after.
    fn needs_tick(&self) -> bool {
        self.player.as_ref().is_some_and(Player::is_waiting)
            || self.live.is_some()
            || self.web_seed.is_some() && !self.pieces.is_complete()
            || !self.pieces.is_complete() && !self.order.is_empty()
    }

    /// One of the times that `due` is the first of has changed. They lie far apart in memory, and
    /// every call asks.
    fn reschedule(&mut self) {
        self.due = self.next_due();
    }

    fn next_due(&self) -> Instant {
        self.choke_at
            .min(self.book.next())
            .min(self.reports.next())
            .min(self.forwarding.next())
    }

    /// Does what is due.
    fn timers(&mut self) {
        let now = self.now;
        self.reveal_due();
        debug_assert_eq!(self.due, self.next_due(), "a time changed unnoticed");
        if now < self.due.min(self.tick_at) && self.talks.is_none() {
            return;
        }
        if self.reports.is_due(now) {
            self.query_grandchildren();
        }
        if self.forwarding.next() <= now {
            self.tell_forwarded();
        }
        if self.choke_at <= now {
            self.rechoke();
        }
        if self.book.next() <= now {
            self.announce(Announce::Periodic);
        }
        if self.talks.is_some() {
            self.tell_of_neighbours();
        }
        if self.tick_at <= now {
            self.tick_at = now + TICK;
            if self.needs_tick() {
                self.look_after_requests();
                self.dial();
                self.look_after_live();
            }
        }
    }

    /// Lets the player do what is due, tells what it did, and finds the cause of a stall.
    fn attend_player(&mut self) {
        let now = self.now;
        let Some(player) = &mut self.player else {
            return;
        };
        if player.is_quiet(now) {
            return;
        }
        player.advance(now, &self.pieces);
        self.follow_playhead();
        let player = self.player.as_ref();
        if let Some(piece) = player.and_then(Player::stalled_for) {
            let cause = self.cause_of(piece);
            if let Some(player) = &mut self.player {
                player.blame(now, cause);
            }
        }
        self.tell_player_events();
    }

    fn tell_player_events(&mut self) {
        while let Some(event) = self.player.as_mut().and_then(Player::take_event) {
            let started = matches!(event, Event::Started { .. });
            self.event(event);
            if started {
                self.tell_lag();
            }
        }
    }

    /// Why a piece is not here, as a stall for want of it would be explained; `None` if it is here.
    #[must_use]
    pub fn why_missing(&self, piece: PieceIndex) -> Option<Cause> {
        (!self.has(piece)).then(|| self.cause_of(piece))
    }

    /// Why this missing piece is missing (DESIGN 4, the first cause that holds).
    fn cause_of(&self, piece: PieceIndex) -> Cause {
        let Some(offset) = self.pieces.offset(piece) else {
            return Cause::NobodyHasIt;
        };
        if self.suspects.iter().any(|suspect| suspect.offset == offset) {
            return Cause::VerificationFailed;
        }
        let bitrate = self.player.as_ref().map_or(Rate::ZERO, Player::bitrate);
        if !self.pieces.owners.anybody(offset) {
            return Cause::NobodyHasIt;
        }
        let mut all_choke = true;
        for &slot in self
            .order
            .iter()
            .filter(|&&slot| self.pieces.owners.owns(offset, usize::from(slot)))
        {
            let owner = self.at(slot);
            all_choke &= self.links[usize::from(slot)].they_choke;
            let asked = owner
                .requests
                .iter()
                .find(|request| request.block.piece == piece);
            if let Some(request) = asked {
                let silent =
                    self.now.since(request.at.max(owner.last_block)) > Duration::from_secs(2);
                let slow = owner.down.rate(self.now) < bitrate;
                return if silent || slow {
                    Cause::SlowOrSilent
                } else {
                    Cause::AskedTooLate
                };
            }
        }
        if all_choke {
            Cause::AllChokeUs
        } else {
            Cause::AskedTooLate
        }
    }
}
