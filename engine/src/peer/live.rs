//! A live stream as one peer sees it: where its window stands, and how far behind it may fall.
//!
//! Where a viewer begins is in `hook_in.rs`, how the window follows the playhead (or the source's
//! head) in `slide.rs`. What neighbours say of their windows is in `heard.rs`, the making
//! of pieces in `source.rs`. Before a viewer has hooked in, its window stands where most of its
//! neighbours are; then it follows the playhead alone, so no neighbour's claim can move it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use super::heard::Heard;
use super::made::Made;
use super::source::Source;
use super::{Peer, Player};
use crate::error::ConfigError;
use crate::event::Event;
use crate::fetch::Fetch;
use crate::geometry::{Block, Geometry, PieceIndex};
use crate::live::{LiveConfig, Role};
use crate::policy::HookIn;
use crate::rate::Rate;
use crate::time::Instant;

/// How often the live lag is told.
const LAG_EVERY: Duration = Duration::from_secs(10);
/// A picture that stands still this long is given up for a later one (`MAX_POP_TIME` of the 2012
/// client, swarmplayer.md 3.5).
const STALL_MAX: Duration = Duration::from_secs(10);

/// A neighbour is asked again for what we could not note at most so often: far below what it
/// takes for noise.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// See the module. Its fields stand in this order in memory: first those that a HAVE reads.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Live {
    /// What each neighbour said of itself, by slot, from its extension handshake on: side by side, for it is read with
    /// every HAVE.
    heards: Vec<Option<Heard>>,
    pub(super) source: Option<Box<Source>>,
    /// Of this piece and later ones, no neighbour has said that it has had them.
    unheard: PieceIndex,
    /// Where playback would begin where the window stands.
    pub(super) standing: PieceIndex,
    /// The window stands where the stream is.
    pub(super) anchored: bool,
    pub(super) config: LiveConfig,
    pub(super) rule: Box<dyn HookIn>,
    pub(super) made: Made,
    /// When each was last asked where it stands now; by slot.
    asked_again: Vec<Instant>,
    lag_at: Instant,
    /// When the playhead was last put somewhere.
    pub(super) hooked_at: Instant,
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
        let mut agreed = config.geometry(geometry.piece_length())?;
        if geometry.is_of_whole_pieces() {
            agreed = agreed.in_whole_pieces()?;
        }
        if agreed != *geometry {
            return Err(ConfigError::LiveGeometry);
        }
        if bitrate.is_none() {
            return Err(ConfigError::LiveBitrate);
        }
        let source = match &config.role {
            Role::Viewer => None,
            Role::Source { first, .. } => Some(Box::new(Source::new(*first))),
        };
        Ok(Some(Box::new(Self {
            rule: config.hook_in.build(),
            anchored: source.is_some(),
            standing: PieceIndex(0),
            announced_from: PieceIndex(0),
            made: Made::default(),
            heards: Vec::new(),
            asked_again: Vec::new(),
            unheard: PieceIndex(0),
            lag_at: Instant::ZERO,
            hooked_at: Instant::ZERO,
            source,
            config: config.clone(),
        })))
    }

    /// Where the window of a new peer begins.
    pub(super) fn first_base(&self) -> PieceIndex {
        let first = self
            .source
            .as_ref()
            .map_or(PieceIndex(0), |source| source.next());
        PieceIndex(first.0.saturating_sub(self.config.numbering.behind()))
    }

    /// Pieces between where playback begins and the newest, at most: what may be downloaded ahead.
    pub(super) fn distance_max(&self) -> u32 {
        self.config.numbering.behind().saturating_sub(1).max(1)
    }

    /// Bytes of prebuffer at most.
    pub(super) fn prebuffer_max(&self, geometry: &Geometry) -> u64 {
        u64::from(self.distance_max()) * u64::from(geometry.piece_length())
    }

    pub(super) const fn is_source(&self) -> bool {
        self.source.is_some()
    }

    /// A neighbour has had the pieces before this one, as it says.
    pub(super) fn hears(&mut self, head: PieceIndex) {
        self.unheard = self.unheard.max(head);
    }

    /// What the neighbour in a slot said of itself, once it has.
    #[inline]
    pub(super) fn heard_of(&self, slot: usize) -> Option<&Heard> {
        self.heards.get(slot)?.as_ref()
    }

    /// The same, to note more.
    #[inline]
    pub(super) fn heard_mut(&mut self, slot: usize) -> Option<&mut Heard> {
        self.heards.get_mut(slot)?.as_mut()
    }

    /// Its extension handshake came.
    pub(super) fn begin_to_hear(&mut self, slot: usize, heard: Heard) {
        if self.heards.len() <= slot {
            self.heards.resize(slot + 1, None);
            self.asked_again.resize(slot + 1, Instant::ZERO);
        }
        self.heards[slot] = Some(heard);
        self.asked_again[slot] = Instant::ZERO;
    }

    /// Whether it may be asked where it stands now; if so, it will be.
    pub(super) fn may_ask_again(&mut self, slot: usize, now: Instant) -> bool {
        let asked_at = &mut self.asked_again[slot];
        let may = now.since(*asked_at) >= ASK_AGAIN;
        if may {
            *asked_at = now;
        }
        may
    }

    /// It is gone.
    pub(super) fn forget(&mut self, slot: usize) {
        if let Some(heard) = self.heards.get_mut(slot) {
            *heard = None;
        }
    }

    /// What is read when the neighbour in a slot announces a piece.
    #[inline]
    pub(super) fn fetch_heard<F: Fetch>(&self, slot: usize) {
        F::item(&self.heards, slot);
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.made.bytes()
            + self.heards.capacity() * size_of::<Option<Heard>>()
            + self.asked_again.capacity() * size_of::<Instant>()
            + self.source.as_ref().map_or(0, |source| source.bytes())
    }
}

impl Peer {
    /// What is known of the live stream that we are in.
    pub(super) fn live_mut(&mut self) -> &mut Live {
        self.live.as_mut().expect("only in a live swarm")
    }

    /// We make the pieces of a live stream.
    pub(super) fn is_source(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.is_source())
    }

    /// A viewer of a live stream that has no place in it yet asks for nothing; its source never.
    pub(super) fn may_ask(&self) -> bool {
        self.live.as_ref().is_none_or(|live| {
            !live.is_source() && self.player.as_deref().is_some_and(Player::is_hooked)
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
        let live = self.live.as_ref()?;
        let mut heads: Vec<PieceIndex> = self
            .order
            .iter()
            .filter_map(|&slot| live.heard_of(slot.into()))
            .filter(|heard| heard.any)
            .map(|heard| heard.head)
            .collect();
        heads.sort_unstable();
        heads.get(heads.len() / 2).copied()
    }

    pub(super) fn pieces_in(&self, media: Duration) -> u32 {
        let bitrate = self.player.as_deref().map_or(Rate::ZERO, Player::bitrate);
        let bytes = bitrate.bytes_in(crate::time::nanos(media));
        let pieces = bytes.div_ceil(u64::from(self.pieces.geometry().piece_length()));
        u32::try_from(pieces).unwrap_or(u32::MAX)
    }

    /// The playhead stands before this piece now. Returns the media that was jumped over.
    pub(super) fn jump_to(&mut self, piece: PieceIndex) -> Duration {
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
        if self.live.is_none() {
            return;
        }
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
        let position = player.piece(now, &self.pieces);
        let longest = self
            .pieces_in(live.config.lag_max)
            .clamp(1, live.config.numbering.ahead() - 1);
        let is_behind = |newest: u32| newest.saturating_sub(position.0) > longest;
        let stuck = waiting_since.is_some_and(|since| now.since(since) > STALL_MAX);
        // Nearly always the newest of all that was heard of tells: the neighbours need not be asked.
        if !stuck && !is_behind(live.unheard.0.saturating_sub(1)) {
            let newest = || self.newest_of_two();
            debug_assert!(
                newest().is_none_or(|piece| piece < live.unheard),
                "heard of {:?}, unnoticed",
                newest()
            );
            return;
        }
        let Some(newest) = self.newest_of_two() else {
            return;
        };
        if !stuck && !is_behind(newest.0) {
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
        let live = self.live.as_ref()?;
        let heard = |&slot: &u16| live.heard_of(slot.into()).filter(|heard| heard.any);
        let moves = |heard: &Heard| self.now.since(heard.moved_at) <= STALL_MAX;
        let any_moves = self.order.iter().filter_map(heard).any(moves);
        for heard in self.order.iter().filter_map(heard) {
            if any_moves && !moves(heard) {
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
        let Some(produced_at) = live.made.of(piece) else {
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
        live.made.note(piece, produced_at, self.pieces.window());
        if let Some(player) = self.player.as_deref_mut().filter(|_| last) {
            player.end_after(piece, &self.pieces);
        }
        self.event(Event::PieceDelay {
            piece,
            delay: now.since(produced_at),
        });
    }
}
