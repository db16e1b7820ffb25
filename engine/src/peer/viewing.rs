//! The viewer's and the readers' part: what is pressed and wanted goes to the player, what the player
//! did is told.

use super::{Peer, PieceTable, PlaybackView, Player};
use crate::error::CallError;
use crate::event::{Cause, Event};
use crate::geometry::PieceIndex;
use crate::input::Playhead;
use crate::time::Instant;

/// Reader ranges that are kept, newest first.
const WANTS_MAX: usize = 16;

impl Peer {
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

    /// A real player tells where it is and what it does. From the first such call on it is the
    /// player, and the modelled one rests.
    ///
    /// # Errors
    /// If the torrent has no bitrate, or is a live stream: its playhead, which the window follows, is
    /// the modelled one.
    pub fn report_playhead(&mut self, now: Instant, told: Playhead) -> Result<(), CallError> {
        let missing = self.waited_for();
        self.with_player(now, |player, table| {
            player.report(now, told, missing, table)
        })
    }

    /// The first missing piece of what a reader waits for, of the reader that asked last.
    fn waited_for(&self) -> Option<PieceIndex> {
        let have = self.pieces.have();
        let missing = |range: &core::ops::Range<usize>| {
            let missing = have.first_missing(range.start);
            range.contains(&missing).then_some(missing)
        };
        let offset = self.wants.iter().find_map(missing)?;
        Some(self.pieces.window().piece(offset))
    }

    /// Why the picture stands, for want of `piece`.
    fn stall_cause(&self, piece: PieceIndex) -> Cause {
        if !self.player.as_deref().is_some_and(Player::is_reported) {
            return self.cause_of(piece);
        }
        // It has come, and the picture stands still: for want of another, or of being read.
        let missing = self.why_missing(piece);
        let other = || self.waited_for().map(|other| self.cause_of(other));
        missing.or_else(other).unwrap_or(Cause::PlayerNotReading)
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

    /// The player; `None` if the torrent cannot be played.
    #[must_use]
    pub fn playback(&self) -> Option<PlaybackView> {
        self.player
            .as_deref()
            .map(|player| player.view(self.now, &self.pieces))
    }

    pub(super) fn with_player(
        &mut self,
        now: Instant,
        call: impl FnOnce(&mut Player, &PieceTable) -> Result<(), CallError>,
    ) -> Result<(), CallError> {
        self.clock(now);
        if self.left {
            return Err(CallError::Left);
        }
        let player = self.player.as_deref_mut().ok_or(CallError::NotPlayable)?;
        call(player, &self.pieces)?;
        self.ask_everybody();
        self.attend_player();
        Ok(())
    }

    /// Lets the player do what is due, tells what it did, and finds the cause of a stall.
    #[inline]
    pub(super) fn attend_player(&mut self) {
        if self
            .player
            .as_deref()
            .is_some_and(|player| !player.is_quiet(self.now))
        {
            self.advance_player();
        }
    }

    /// The player has something to do.
    #[inline(never)]
    fn advance_player(&mut self) {
        let now = self.now;
        let Some(player) = &mut self.player else {
            return;
        };
        player.advance(now, &self.pieces);
        self.follow_playhead();
        if let Some(player) = &mut self.player {
            player.followed(now, &self.pieces);
        }
        self.explain_stall();
        self.tell_player_events();
    }

    /// From now on the picture stands still, if it does, for another reason or the same.
    pub(super) fn explain_stall(&mut self) {
        let player = self.player.as_deref();
        if let Some(piece) = player.and_then(Player::stalled_for) {
            let cause = self.stall_cause(piece);
            if let Some(player) = &mut self.player {
                player.blame(self.now, cause);
            }
        }
    }

    pub(super) fn tell_player_events(&mut self) {
        while let Some(event) = self.player.as_deref_mut().and_then(Player::take_event) {
            let started = matches!(event, Event::Started { .. });
            self.event(event);
            if started {
                self.tell_lag();
            }
        }
    }
}
