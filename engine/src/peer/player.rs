//! The modelled player: playhead, start-up, stalls, skips, pause and seek.
//!
//! Owns the media clock of a constant rate. Knows which pieces are here, and nothing of how they
//! come: a stall's cause is told to it by the peer. It queues events; the peer takes them.

mod live;
mod pressed;
mod reported;
mod rules;
mod stall;
mod view;

use alloc::vec::Vec;
use core::time::Duration;

use super::pieces::PieceTable;
use crate::event::{Cause, Event};
use crate::geometry::PieceIndex;
use crate::policy::{LatePolicy, PlaybackConfig};
use crate::rate::{Rate, RateMeter};
use crate::time::{Instant, nanos};
use reported::Reported;
use stall::Stall;
pub use view::{PlayState, PlaybackView};

/// See the module. Its fields stand in this order in memory: what every call looks at comes first.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Player {
    /// Unless something is done to the player, it does nothing before this time: asked at every
    /// call. Zero: it must look.
    quiet_until: Instant,
    /// In a live stream: until then the piece under the playhead, which the window follows, is the
    /// one it was. Zero: it must be looked at.
    same_piece_until: Instant,
    state: PlayState,
    /// What pausing interrupted: `Buffering` or `Playing`.
    paused_from: PlayState,
    /// Playback began once, so the next first frame ends a seek.
    started: bool,
    events: Vec<Event>,
    live: Option<live::LiveState>,
    rules: PlaybackConfig,
    bitrate: Rate,
    total: u64,
    requested_at: Instant,
    seek_at: Instant,
    /// The playhead was at `anchor_byte` at `anchor_at`; it moves only while playing.
    anchor_at: Instant,
    anchor_byte: u64,
    /// First missing piece at or after the playhead (its offset; the window's length if none).
    frontier: usize,
    /// Bytes of media shown before the anchor.
    played: u64,
    stall: Option<Stall>,
    stalls: u32,
    /// Pieces that came before the picture first moved.
    gathered: u32,
    reported: Reported,
    /// What downloads, over 10 s (papers.md 1.2, start rule b).
    rate: RateMeter<START_RATE_SECONDS>,
    /// Bytes that the meter does not hold yet.
    last_block: u32,
}

/// Window of the start rule's rate.
const START_RATE_SECONDS: u64 = 10;

impl Player {
    pub(crate) fn new(rules: PlaybackConfig, bitrate: Rate, total: u64, now: Instant) -> Self {
        Self {
            rules,
            bitrate,
            total,
            state: PlayState::Idle,
            paused_from: PlayState::Buffering,
            started: false,
            requested_at: now,
            seek_at: now,
            anchor_at: now,
            anchor_byte: 0,
            quiet_until: Instant::ZERO,
            same_piece_until: Instant::FAR,
            frontier: 0,
            played: 0,
            stall: None,
            stalls: 0,
            gathered: 0,
            live: None,
            reported: Reported::Never,
            rate: RateMeter::new(now),
            last_block: 0,
            events: Vec::new(),
        }
    }

    pub(crate) fn take_event(&mut self) -> Option<Event> {
        if self.events.is_empty() {
            None
        } else {
            Some(self.events.remove(0))
        }
    }

    /// The first piece that playback still needs of a neighbour that takes `response` to send it.
    /// While late pieces are skipped, one that would come too late is needed no more (papers.md
    /// 1.2: wanted only if likely to arrive before its deadline).
    pub(crate) fn needed_after(
        &self,
        now: Instant,
        response: Duration,
        table: &PieceTable,
    ) -> usize {
        if self.state != PlayState::Playing || self.rules.late != LatePolicy::Skip {
            return self.frontier;
        }
        let byte = self.position(now) + self.bitrate.bytes_in(nanos(response));
        let piece = byte.div_ceil(u64::from(table.geometry().piece_length()));
        let piece = piece.saturating_sub(u64::from(table.window().base.0));
        self.frontier
            .max(usize::try_from(piece).unwrap_or(usize::MAX))
            .min(table.window().length as usize)
    }

    /// The picture has moved since play or the last seek.
    pub(crate) const fn under_way(&self) -> bool {
        matches!(self.state, PlayState::Playing | PlayState::Stalled)
    }

    pub(crate) const fn bitrate(&self) -> Rate {
        self.bitrate
    }

    /// How often the picture stood still.
    pub(crate) const fn stalls(&self) -> u32 {
        self.stalls
    }

    /// The byte that is due after `media` time, if the picture moves from now on.
    pub(crate) fn byte_after(&self, now: Instant, media: Duration) -> u64 {
        self.position(now)
            .saturating_add(self.bitrate.bytes_in(nanos(media)))
    }

    /// The piece whose absence stops the picture.
    pub(crate) const fn stalled_for(&self) -> Option<PieceIndex> {
        match &self.stall {
            Some(stall) => Some(stall.piece),
            None => None,
        }
    }

    pub(crate) fn view(&self, now: Instant, table: &PieceTable) -> PlaybackView {
        let position = self.position(now);
        PlaybackView {
            state: self.state,
            position,
            ahead: self.frontier_byte(table).saturating_sub(position),
            played: self.played(now),
        }
    }

    /// Media time played so far.
    pub(crate) fn played(&self, now: Instant) -> Duration {
        let bytes = self.played + (self.position(now) - self.anchor_byte);
        Duration::from_nanos(self.bitrate.nanos_for(bytes))
    }

    fn position(&self, now: Instant) -> u64 {
        if self.state == PlayState::Playing {
            let moved = self.bitrate.bytes_in(nanos(now.since(self.anchor_at)));
            (self.anchor_byte + moved).min(self.total)
        } else {
            self.anchor_byte
        }
    }

    /// It has nothing to do, and nothing to tell.
    pub(crate) fn is_quiet(&self, now: Instant) -> bool {
        now < self.quiet_until.min(self.same_piece_until) && self.events.is_empty()
    }

    /// The picture of a film stands still, and only a piece lets it go on: nothing is to be done and told but why.
    pub(crate) fn only_waits(&self) -> bool {
        self.state == PlayState::Stalled
            && self.live.is_none()
            && self.events.is_empty()
            && !self.is_reported()
    }

    /// Moves the anchor to where the playhead is.
    fn settle(&mut self, now: Instant) {
        self.unrest();
        let position = self.position(now);
        self.played += position - self.anchor_byte;
        self.anchor_byte = position;
        self.anchor_at = now;
    }

    fn frontier_byte(&self, table: &PieceTable) -> u64 {
        // Without an end, what follows the window is a piece like any other.
        if self.frontier >= table.window().length as usize && self.live.is_none() {
            return self.total;
        }
        table
            .geometry()
            .start_of(table.window().piece(self.frontier))
            .min(self.total)
    }

    fn find_frontier(&mut self, from: usize, table: &PieceTable) {
        self.quiet_until = Instant::ZERO;
        self.frontier = table.have().first_missing(from);
    }

    /// Bytes of use came in.
    pub(crate) fn received(&mut self, now: Instant, bytes: u32) {
        // The block that just came ends an interval; its bytes begin the next. Counted at once, a
        // window of k intervals would hold k + 1 blocks, and the rate would look too good.
        self.rate.add(now, u64::from(self.last_block));
        self.last_block = bytes;
    }

    /// A piece was verified.
    pub(crate) fn verified(&mut self, now: Instant, offset: usize, table: &PieceTable) {
        if !self.started {
            self.gathered += 1;
        }
        if offset == self.frontier {
            // What the playhead passed before this piece came is judged first.
            self.advance(now, table);
            if offset == self.frontier {
                self.find_frontier(offset, table);
            }
        }
        if !self.is_quiet(now) {
            self.advance(now, table);
        }
    }

    /// When something happens without a piece coming: the playhead meets a gap or the end.
    pub(crate) fn next(&self, table: &PieceTable) -> Option<Instant> {
        if self.quiet_until > Instant::ZERO {
            return Some(self.quiet_until);
        }
        (self.state == PlayState::Playing).then(|| self.meets_frontier_at(table))
    }

    fn meets_frontier_at(&self, table: &PieceTable) -> Instant {
        self.due(self.frontier_byte(table))
    }

    /// Whether the start rule must be asked again as time passes.
    pub(crate) const fn is_waiting(&self) -> bool {
        matches!(self.state, PlayState::Buffering)
    }

    /// When the playhead reaches `byte`, if it plays on from here.
    fn due(&self, byte: u64) -> Instant {
        let ahead = byte.saturating_sub(self.anchor_byte);
        self.anchor_at + Duration::from_nanos(self.bitrate.nanos_for(ahead))
    }

    /// How long until the playhead reaches the piece; zero if it stands there or has passed.
    /// `None` while nothing plays.
    pub(crate) fn time_to(
        &self,
        now: Instant,
        offset: usize,
        table: &PieceTable,
    ) -> Option<Duration> {
        match self.state {
            PlayState::Playing => {
                let byte = table.geometry().start_of(table.window().piece(offset));
                Some(self.due(byte).since(now))
            }
            PlayState::Stalled => {
                let byte = table.geometry().start_of(table.window().piece(offset));
                let ahead = byte.saturating_sub(self.anchor_byte);
                Some(Duration::from_nanos(self.bitrate.nanos_for(ahead)))
            }
            PlayState::Idle | PlayState::Buffering | PlayState::Paused | PlayState::Ended => None,
        }
    }

    /// Does what is due at `now`.
    pub(crate) fn advance(&mut self, now: Instant, table: &PieceTable) {
        if self.is_reported() {
            return self.rest();
        }
        loop {
            match self.state {
                PlayState::Buffering if self.may_start(now, table) => self.start(now),
                PlayState::Stalled if self.may_resume(table) => {
                    self.end_stall(now);
                    self.unrest();
                    self.anchor_at = now;
                    self.state = PlayState::Playing;
                }
                PlayState::Playing => {
                    let due = self.meets_frontier_at(table);
                    if due > now {
                        self.quiet_until = due;
                        return;
                    }
                    self.meet_frontier(due, table);
                }
                PlayState::Buffering | PlayState::Stalled => {
                    self.quiet_until = if self.is_far_from_start(table) {
                        Instant::FAR
                    } else {
                        Instant::ZERO
                    };
                    return;
                }
                PlayState::Idle | PlayState::Paused | PlayState::Ended => {
                    self.quiet_until = if self.live.is_none() {
                        Instant::FAR
                    } else {
                        Instant::ZERO
                    };
                    return;
                }
            }
        }
    }

    fn start(&mut self, now: Instant) {
        self.unrest();
        self.state = PlayState::Playing;
        self.anchor_at = now;
        let event = if self.started {
            Event::SeekDone {
                latency: now.since(self.seek_at),
            }
        } else {
            Event::Started {
                delay: now.since(self.requested_at),
            }
        };
        self.started = true;
        self.events.push(event);
    }

    /// The playhead is at the first missing piece, or at the end, since `at`.
    fn meet_frontier(&mut self, at: Instant, table: &PieceTable) {
        self.unrest();
        let byte = self.frontier_byte(table);
        self.played += byte.saturating_sub(self.anchor_byte);
        self.anchor_byte = byte.max(self.anchor_byte);
        self.anchor_at = at;
        if byte >= self.total {
            self.state = PlayState::Ended;
            self.events.push(Event::Ended);
            return;
        }
        let piece = table.window().piece(self.frontier);
        self.events.push(Event::Late(piece));
        let dry = self.live.is_some() && !self.something_follows(table);
        if dry || self.rules.late != LatePolicy::Skip {
            self.state = PlayState::Stalled;
            self.stalls += 1;
            self.stall = Some(Stall {
                since: at,
                piece,
                cause: Cause::AskedTooLate,
                counted_to: at,
                nanos: [0; 6],
            });
            self.events.push(Event::Stalled(piece));
        } else {
            // The picture jumps: the clock runs on, and the piece's bytes are not played.
            self.events.push(Event::Skipped(piece));
            let end = self
                .anchor_byte
                .max(byte + u64::from(table.geometry().length_of(piece)));
            self.anchor_at = self.due(end);
            self.anchor_byte = end;
            self.find_frontier(self.frontier + 1, table);
        }
    }

    /// Why the picture stands still, from now on.
    pub(crate) fn blame(&mut self, now: Instant, cause: Cause) {
        if let Some(stall) = &mut self.stall {
            stall.count(now);
            stall.cause = cause;
        }
    }

    fn end_stall(&mut self, now: Instant) {
        let Some(mut stall) = self.stall.take() else {
            return;
        };
        stall.count(now);
        self.events.push(Event::Resumed {
            piece: stall.piece,
            millis: stall.millis(now),
            causes: stall.causes(),
        });
    }

    /// The viewer leaves: a stall ends unresolved, and is counted all the same.
    pub(crate) fn leave(&mut self, now: Instant) {
        self.end_stall(now);
        self.settle(now);
        self.state = PlayState::Ended;
    }
}
