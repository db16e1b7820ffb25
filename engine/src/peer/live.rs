//! A live stream as one peer sees it: the window that follows the playhead (or the source's head),
//! and where a viewer begins.
//!
//! Owns the window's movement. What neighbours say of their windows is in `heard.rs`, the making
//! of pieces in `source.rs`. Before a viewer has hooked in, its window stands where most of its
//! neighbours are; then it follows the playhead alone, so no neighbour's claim can move it.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use super::heard::Heard;
use super::source::Source;
use super::{Peer, Player};
use crate::error::ConfigError;
use crate::event::Event;
use crate::geometry::{Block, BlockRef, Geometry, PieceIndex};
use crate::live::{LiveConfig, Role};
use crate::message::Message;
use crate::policy::{HookIn, HookInView};
use crate::rate::Rate;
use crate::time::Instant;

/// How often the live lag is told.
const LAG_EVERY: Duration = Duration::from_secs(10);
/// A picture that stands still this long is given up for a later one (`MAX_POP_TIME` of the 2012
/// client, swarmplayer.md 3.5).
const STALL_MAX: Duration = Duration::from_secs(10);
/// The window moves by at least this part of its length at once.
const STEP: u32 = 64;

/// See the module.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) config: LiveConfig,
    rule: Box<dyn HookIn>,
    /// The window stands where the stream is.
    pub(super) anchored: bool,
    /// Where playback would begin there.
    pub(super) standing: PieceIndex,
    /// When the pieces from the playhead on were made.
    produced: BTreeMap<PieceIndex, Instant>,
    lag_at: Instant,
    /// When the playhead was last put somewhere.
    hooked_at: Instant,
    pub(super) source: Option<Source>,
    /// Pieces before this one are no longer announced.
    pub(super) announced_from: PieceIndex,
}

impl Live {
    /// Checks that configuration and geometry are of one live stream; `None` for a movie.
    pub(super) fn new(
        config: Option<&LiveConfig>,
        geometry: &Geometry,
        bitrate: Option<Rate>,
    ) -> Result<Option<Box<Self>>, ConfigError> {
        let Some(config) = config else {
            return if geometry.is_endless() {
                Err(ConfigError::LiveGeometry)
            } else {
                Ok(None)
            };
        };
        if config.geometry(geometry.piece_length())? != *geometry {
            return Err(ConfigError::LiveGeometry);
        }
        if bitrate.is_none() {
            return Err(ConfigError::LiveBitrate);
        }
        let source = match &config.role {
            Role::Viewer => None,
            Role::Source { first, .. } => Some(Source::new(*first)),
        };
        Ok(Some(Box::new(Self {
            rule: config.hook_in.build(),
            anchored: source.is_some(),
            standing: PieceIndex(0),
            announced_from: PieceIndex(0),
            produced: BTreeMap::new(),
            lag_at: Instant::ZERO,
            hooked_at: Instant::ZERO,
            source,
            config: config.clone(),
        })))
    }

    /// Where the window of a new peer begins.
    pub(super) fn first_base(&self) -> PieceIndex {
        let first = self.source.as_ref().map_or(PieceIndex(0), Source::next);
        PieceIndex(first.0.saturating_sub(self.config.numbering.behind()))
    }

    /// Pieces between where playback begins and the newest, at most: what may be downloaded ahead.
    fn distance_max(&self) -> u32 {
        self.config.numbering.behind().saturating_sub(1).max(1)
    }

    /// Bytes of prebuffer at most.
    pub(super) fn prebuffer_max(&self, geometry: &Geometry) -> u64 {
        u64::from(self.distance_max()) * u64::from(geometry.piece_length())
    }

    pub(super) const fn is_source(&self) -> bool {
        self.source.is_some()
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.produced.len() * size_of::<(PieceIndex, Instant)>()
            + self.source.as_ref().map_or(0, Source::bytes)
    }
}

impl Peer {
    /// We make the pieces of a live stream.
    pub(super) fn is_source(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.is_source())
    }

    /// A viewer of a live stream that has no place in it yet asks for nothing; its source never.
    pub(super) fn may_ask(&self) -> bool {
        self.live.as_ref().is_none_or(|live| {
            !live.is_source() && self.player.as_ref().is_some_and(Player::is_hooked)
        })
    }

    /// The piece is missing, and we want it.
    pub(super) fn wants_piece(&self, offset: usize) -> bool {
        self.pieces.lacks(offset) && !self.is_source()
    }

    /// How a block of a live stream is named on the wire; a movie's is named as it is.
    #[must_use]
    pub fn written(&self, block: Block) -> Block {
        let piece = self
            .live
            .as_ref()
            .map_or(block.piece, |live| live.config.numbering.wire(block.piece));
        Block { piece, ..block }
    }

    /// Puts the window where most neighbours are, unless playback holds it where it is.
    pub(super) fn anchor(&mut self, except: crate::ConnId) {
        let (Some(live), Some(player)) = (&self.live, &self.player) else {
            return;
        };
        if live.is_source() || live.anchored && player.is_hooked() {
            return;
        }
        let Some(head) = self.usual_head() else {
            return;
        };
        let window = self.pieces.window();
        if live.anchored && window.offset(PieceIndex(head.0 - 1)).is_some() {
            return;
        }
        let place = PieceIndex(head.0.saturating_sub(self.distance(live, player) + 1));
        self.stand_at(place, Some(except));
    }

    /// One more than the newest piece that half of those neighbours have who have any.
    fn usual_head(&self) -> Option<PieceIndex> {
        let mut heads: Vec<PieceIndex> = self
            .order
            .iter()
            .filter_map(|&slot| self.at(slot).heard.as_ref())
            .filter(|heard| heard.any)
            .map(|heard| heard.head)
            .collect();
        heads.sort_unstable();
        heads.get(heads.len() / 2).copied()
    }

    /// The window begins anew around `place`: everything known of pieces is forgotten, and
    /// neighbours are asked what they have. Returns the media that playback jumps over.
    fn stand_at(&mut self, place: PieceIndex, except: Option<crate::ConnId>) -> Duration {
        for index in 0..self.order.len() {
            let slot = self.order[index];
            self.drop_requests(slot, PieceIndex(u32::MAX));
            // What they asked of us we have no longer.
            self.refuse_before(slot, PieceIndex(u32::MAX));
            let link = &mut self.links[usize::from(slot)];
            link.pieces = 0;
            link.wanted = 0;
            let neighbour = self.at_mut(slot);
            if let Some(sent) = &mut neighbour.sent {
                sent.clear();
            }
        }
        self.suspects.clear();
        if let Some(live) = &mut self.live {
            let behind = live.config.numbering.behind();
            let base = PieceIndex(place.0.saturating_sub(behind));
            self.pieces.restart_at(base);
            live.anchored = true;
            live.standing = place;
            live.hooked_at = self.now;
            live.announced_from = base;
        }
        // In a ring all must know which lap we are in.
        let ring = self.is_ring();
        let mut skipped = Duration::ZERO;
        if let Some(player) = self.player.as_mut().filter(|player| player.is_hooked()) {
            skipped = player.hook_in(self.now, place, &self.pieces);
        }
        for index in 0..self.order.len() {
            let neighbour = self.at(self.order[index]);
            let conn = neighbour.conn;
            if neighbour.heard.is_some() && (Some(conn) != except || ring) {
                self.send_window(conn, Some(conn) != except);
            }
        }
        skipped
    }

    /// Decides where playback begins, or goes on after the viewer fell behind.
    pub(super) fn hook_in(&mut self) {
        let now = self.now;
        let (Some(live), Some(player)) = (&self.live, &self.player) else {
            return;
        };
        if live.is_source() || !live.anchored || !player.is_starting() {
            return;
        }
        let Some((piece, newest)) = self.hook_in_place(live, player) else {
            return;
        };
        if player.is_hooked() {
            let position = player.piece(now, &self.pieces);
            let Some(by) = live.rule.moves_by() else {
                return;
            };
            let least = self.pieces_in(by).max(1);
            if piece.0 < position.0.saturating_add(least) {
                return;
            }
        }
        self.event(Event::HookedIn {
            piece,
            behind: newest.0 - piece.0,
        });
        self.jump_to(piece);
    }

    fn hook_in_view(&self, live: &Live, player: &Player) -> HookInView<'_> {
        let neighbours = self
            .order
            .iter()
            .filter(|&&slot| self.links[usize::from(slot)].pieces > 0);
        HookInView {
            table: &self.pieces,
            neighbours: u32::try_from(neighbours.count()).expect("bounded by neighbours_max"),
            source_newest: self.source_newest(live),
            prebuffer: self.config.playback.start.prebuffer(),
            bitrate: player.bitrate(),
        }
    }

    /// How many pieces before the newest playback begins.
    fn distance(&self, live: &Live, player: &Player) -> u32 {
        let view = self.hook_in_view(live, player);
        live.rule.distance(&view).min(live.distance_max())
    }

    /// Where the rule says, and the newest piece it counted from.
    fn hook_in_place(&self, live: &Live, player: &Player) -> Option<(PieceIndex, PieceIndex)> {
        let view = self.hook_in_view(live, player);
        let newest = live.rule.newest(&view)?;
        let distance = self.distance(live, player);
        // Forward to a piece that somebody has.
        let window = self.pieces.window();
        let from = newest.0.saturating_sub(distance).max(window.base.0);
        let piece = (from..newest.0).map(PieceIndex).find(|&piece| {
            window.offset(piece).is_some_and(|offset| {
                self.pieces.owners.anybody(offset) || self.pieces.have().contains(offset)
            })
        });
        Some((piece.unwrap_or(newest), newest))
    }

    /// The newest piece of the source, if it is a neighbour.
    fn source_newest(&self, live: &Live) -> Option<PieceIndex> {
        let at = live.config.source_at?;
        self.order
            .iter()
            .map(|&slot| self.at(slot))
            .filter(|one| one.addr.ip() == at)
            .filter_map(|one| one.heard.as_ref()?.head.0.checked_sub(1))
            .max()
            .map(PieceIndex)
            .filter(|&newest| self.pieces.offset(newest).is_some())
    }

    fn pieces_in(&self, media: Duration) -> u32 {
        let bitrate = self.player.as_ref().map_or(Rate::ZERO, Player::bitrate);
        let bytes = bitrate.bytes_in(crate::time::nanos(media));
        let pieces = bytes.div_ceil(u64::from(self.pieces.geometry().piece_length()));
        u32::try_from(pieces).unwrap_or(u32::MAX)
    }

    /// The playhead stands before this piece now. Returns the media that was jumped over.
    fn jump_to(&mut self, piece: PieceIndex) -> Duration {
        let now = self.now;
        let mut skipped = Duration::ZERO;
        if let (Some(live), Some(player)) = (&mut self.live, &mut self.player) {
            skipped = player.hook_in(now, piece, &self.pieces);
            live.hooked_at = now;
        }
        self.follow_playhead();
        self.ask_everybody();
        skipped
    }

    /// Once a second: a place to begin, a place to go on, the lag.
    pub(super) fn look_after_live(&mut self) {
        self.hook_in();
        self.catch_up();
        self.ask_for_missed();
        self.tell_lag();
    }

    /// A viewer that has fallen behind, or stands still, jumps forward.
    fn catch_up(&mut self) {
        let now = self.now;
        let (Some(live), Some(player)) = (&self.live, &self.player) else {
            return;
        };
        let waiting_since = match player.stalled_since() {
            _ if live.is_source() || !player.is_hooked() => return,
            Some(since) => Some(since),
            None if player.is_starting() => Some(live.hooked_at),
            None => None,
        };
        if waiting_since.is_none() && !player.is_playing() {
            return;
        }
        let Some(newest) = self.newest_of_two() else {
            return;
        };
        let position = player.piece(now, &self.pieces);
        let longest = self
            .pieces_in(live.config.lag_max)
            .clamp(1, live.config.numbering.ahead() - 1);
        let behind = newest.0.saturating_sub(position.0) > longest;
        let stuck = waiting_since.is_some_and(|since| now.since(since) > STALL_MAX);
        if !behind && !stuck {
            return;
        }
        // Where the rule says; if that is no way forward, for too many stand still like us, where
        // two neighbours are.
        let by_rule = self.hook_in_place(live, player).map(|(piece, _)| piece);
        let place = by_rule
            .filter(|&piece| piece > position && self.pieces.offset(newest).is_some())
            .unwrap_or(PieceIndex(
                newest.0.saturating_sub(self.distance(live, player)),
            ));
        if place > position {
            let known = self.pieces.offset(newest).is_some();
            let skipped = if known {
                self.jump_to(place)
            } else {
                // Nothing is known there yet: the window begins anew.
                self.stand_at(place, None)
            };
            self.event(Event::Rehooked {
                piece: place,
                skipped,
            });
        }
    }

    /// The newest piece that two neighbours have had, or the only one with any: a single liar leads
    /// nobody forward. Those who stand still hold nobody back: while some move, they do not count.
    pub(super) fn newest_of_two(&self) -> Option<PieceIndex> {
        let (mut first, mut second) = (PieceIndex(0), PieceIndex(0));
        let heard = |slot: &u16| self.at(*slot).heard.filter(|heard| heard.any);
        let moves = |heard: &Heard| self.now.since(heard.moved_at) <= STALL_MAX;
        let any_moves = self.order.iter().filter_map(heard).any(|one| moves(&one));
        for heard in self.order.iter().filter_map(heard) {
            if any_moves && !moves(&heard) {
                continue;
            }
            if heard.head > first {
                second = core::mem::replace(&mut first, heard.head);
            } else {
                second = second.max(heard.head);
            }
        }
        let head = if second.0 == 0 { first } else { second };
        head.0.checked_sub(1).map(PieceIndex)
    }

    /// What is shown now was made when?
    pub(super) fn tell_lag(&mut self) {
        let now = self.now;
        let (Some(live), Some(player)) = (&mut self.live, &self.player) else {
            return;
        };
        if !player.is_playing() || now < live.lag_at {
            return;
        }
        let piece = player.piece(now, &self.pieces);
        let Some(&produced_at) = live.produced.get(&piece) else {
            return;
        };
        live.lag_at = now + LAG_EVERY;
        // A piece is made when its last byte is; the frame shown now was made before.
        let end = self.pieces.geometry().start_of(PieceIndex(piece.0 + 1));
        let rest = player.bitrate().nanos_for(end - player.byte(now));
        let lag = now.since(produced_at) + Duration::from_nanos(rest);
        self.event(Event::LiveLag { lag });
    }

    /// A live piece is verified.
    pub(super) fn live_verified(&mut self, piece: PieceIndex, produced_at: Instant, last: bool) {
        let now = self.now;
        let Some(live) = &mut self.live else { return };
        live.produced.insert(piece, produced_at);
        if let Some(player) = self.player.as_mut().filter(|_| last) {
            player.end_after(piece, &self.pieces);
        }
        self.event(Event::PieceDelay {
            piece,
            delay: now.since(produced_at),
        });
    }

    /// Lets the window follow the playhead, or what the source makes.
    pub(super) fn follow_playhead(&mut self) {
        let now = self.now;
        let Some(live) = &self.live else { return };
        let position = match (&live.source, &self.player) {
            (Some(source), _) => source.next(),
            (None, Some(player)) if player.is_hooked() => player.piece(now, &self.pieces),
            _ => return,
        };
        let base = self.pieces.window().base;
        let behind = live.config.numbering.behind();
        let target = position.0.saturating_sub(behind);
        let floor = position.0.saturating_sub(base.0) as usize;
        if self.pieces.floor() < floor && !self.is_source() {
            self.give_up_before(floor);
        }
        let step = (self.pieces.window().length / STEP).max(1);
        if target >= base.0.saturating_add(step) {
            self.expire_before(PieceIndex(target));
            self.slide(target - base.0);
        }
    }

    /// Playback has passed these: what is missing of them is wanted no more.
    fn give_up_before(&mut self, floor: usize) {
        let window = self.pieces.window();
        let given_up = self.pieces.raise_floor(floor);
        if let Some(live) = &mut self.live {
            let first = window.piece(floor.min(window.length as usize));
            live.produced = live.produced.split_off(&first);
        }
        if given_up.is_empty() {
            return;
        }
        self.suspects
            .retain(|suspect| !given_up.contains(&suspect.offset));
        for index in 0..self.order.len() {
            let slot = self.order[index];
            self.drop_requests(slot, window.piece(floor));
        }
        for &offset in &given_up {
            for slot in self.pieces.owners.slots(offset) {
                self.links[slot].wanted -= 1;
            }
        }
        self.tell_all_interest();
    }

    /// Takes back what was asked of a neighbour of pieces before `first`.
    fn drop_requests(&mut self, slot: u16, first: PieceIndex) {
        let neighbour = self.at_mut(slot);
        let conn = neighbour.conn;
        let mut dropped: Vec<BlockRef> = Vec::new();
        neighbour.requests.retain(|request| {
            let old = request.block.piece < first;
            if old {
                dropped.push(request.block);
            }
            !old
        });
        for block in dropped {
            self.at_mut(slot).remember_released(block);
            let cancel = Message::Cancel(self.pieces.geometry().block(block));
            self.send(conn, cancel);
        }
    }

    /// The window's base becomes `by` pieces higher.
    fn slide(&mut self, by: u32) {
        let first = PieceIndex(self.pieces.window().base.0 + by);
        if !self.is_source() {
            self.give_up_before(by as usize);
        }
        for index in 0..self.order.len() {
            let slot = self.order[index];
            self.drop_requests(slot, first);
            self.refuse_before(slot, first);
            let neighbour = self.at_mut(slot);
            if let Some(sent) = &mut neighbour.sent {
                sent.shift_down(by);
            }
        }
        self.suspects
            .retain_mut(|suspect| match suspect.offset.checked_sub(by as usize) {
                Some(offset) => {
                    suspect.offset = offset;
                    true
                }
                None => false,
            });
        for offset in 0..(by as usize).min(self.pieces.window().length as usize) {
            for slot in self.pieces.owners.slots(offset) {
                self.links[slot].pieces -= 1;
            }
        }
        self.pieces.advance(by);
        if let Some(player) = &mut self.player {
            player.slid(by);
        }
    }

    fn tell_all_interest(&mut self) {
        for index in 0..self.order.len() {
            let link = &self.links[usize::from(self.order[index])];
            if link.open {
                self.tell_interest(link.conn);
            }
        }
    }

    /// Requests that wait with us, of pieces before `first`, will not be answered.
    fn refuse_before(&mut self, slot: u16, first: PieceIndex) {
        let neighbour = self.at_mut(slot);
        let conn = neighbour.conn;
        let mut refused: Vec<Block> = Vec::new();
        neighbour.uploads.retain(|block| {
            let old = block.piece < first;
            if old {
                refused.push(*block);
            }
            !old
        });
        for block in refused {
            self.send(conn, Message::Reject(block));
        }
    }
}
