//! A real player that tells what it does: its playhead replaces the modelled one, from the first thing
//! it tells on.
//!
//! It is believed about when the picture moves and stands. Between two tellings the playhead moves
//! on at the bitrate. Nothing starts, stalls or goes on by itself any more; why a picture stands is
//! found out as ever.

use super::{PlayState, Player, Stall};
use crate::error::CallError;
use crate::event::{Cause, Event};
use crate::geometry::PieceIndex;
use crate::input::{Playhead, Showing};
use crate::peer::pieces::PieceTable;
use crate::time::Instant;

/// How much is known of a real player.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reported {
    /// There is none: the player is modelled.
    #[default]
    Never,
    /// There is one, and nobody has pressed play there.
    Unpressed,
    /// Somebody has.
    Pressed,
}

impl Player {
    /// A real player tells where it is; the modelled one rests.
    pub(crate) fn is_reported(&self) -> bool {
        self.reported != Reported::Never
    }

    /// Only a stall must be looked at.
    pub(super) const fn rest(&mut self) {
        self.quiet_until = if self.stall.is_some() {
            Instant::ZERO
        } else {
            Instant::FAR
        };
    }

    /// The real player told this; `missing` is the piece that its reader waits for.
    pub(crate) fn report(
        &mut self,
        now: Instant,
        told: Playhead,
        missing: Option<PieceIndex>,
        table: &PieceTable,
    ) -> Result<(), CallError> {
        if self.live.is_some() {
            return Err(CallError::Live);
        }
        if !self.is_reported() {
            self.take_over(now, told.showing);
        }
        match told.showing {
            Showing::Pressed => self.pressed(now, told.byte, table),
            Showing::Moves => {
                self.pressed(now, told.byte, table);
                self.place(now, told.byte, table);
                self.moves(now);
            }
            Showing::Waits => {
                self.place(now, told.byte, table);
                self.waits(now, missing, table);
            }
            Showing::Paused => {
                self.place(now, told.byte, table);
                self.paused(now);
            }
            Showing::Jumped if self.reported == Reported::Pressed => {
                let byte = told.byte.min(self.total.saturating_sub(1));
                self.seek(now, byte, table)?;
            }
            Showing::Jumped => self.place(now, told.byte, table),
            Showing::Ended => {
                self.place(now, told.byte, table);
                self.end_stall(now);
                if self.reported == Reported::Pressed && self.state != PlayState::Ended {
                    self.state = PlayState::Ended;
                    self.events.push(Event::Ended);
                }
            }
        }
        self.rest();
        Ok(())
    }

    /// What was modelled is over, and does not count: no real picture has moved.
    fn take_over(&mut self, now: Instant, showing: Showing) {
        self.end_stall(now);
        self.events.push(Event::PlayheadReported);
        self.started = false;
        self.played = 0;
        self.reported = Reported::Unpressed;
        if self.state == PlayState::Idle {
            return;
        }
        self.state = PlayState::Buffering;
        self.paused_from = PlayState::Buffering;
        if showing == Showing::Paused {
            self.state = PlayState::Paused;
        } else {
            // Play was pressed before it told.
            self.reported = Reported::Pressed;
        }
    }

    /// The playhead is here now, wherever it was thought to be.
    fn place(&mut self, now: Instant, byte: u64, table: &PieceTable) {
        let byte = byte.min(self.total);
        if self.state == PlayState::Playing {
            self.played += byte.saturating_sub(self.anchor_byte);
        }
        self.anchor_byte = byte;
        self.anchor_at = now;
        let piece = table.geometry().piece_at(byte);
        let length = table.window().length as usize;
        self.find_frontier(table.offset(piece).unwrap_or(length), table);
    }

    fn pressed(&mut self, now: Instant, byte: u64, table: &PieceTable) {
        if self.reported != Reported::Pressed {
            self.reported = Reported::Pressed;
            self.state = PlayState::Buffering;
            self.requested_at = now;
            self.events.push(Event::PlayRequested);
            self.place(now, byte, table);
        } else if self.state == PlayState::Paused {
            self.state = self.paused_from;
            self.anchor_at = now;
            self.events.push(Event::Unpaused);
        }
    }

    fn moves(&mut self, now: Instant) {
        match self.state {
            PlayState::Buffering => self.start(now),
            PlayState::Stalled => self.end_stall(now),
            PlayState::Idle | PlayState::Playing | PlayState::Paused | PlayState::Ended => {}
        }
        self.state = PlayState::Playing;
    }

    fn waits(&mut self, now: Instant, missing: Option<PieceIndex>, table: &PieceTable) {
        if self.state != PlayState::Playing {
            return;
        }
        let gap = (self.frontier < table.window().length as usize)
            .then(|| table.window().piece(self.frontier));
        if let Some(late) = missing.or(gap) {
            self.events.push(Event::Late(late));
        }
        let here = table.geometry().piece_at(self.anchor_byte);
        let piece = missing.or(gap).unwrap_or(here);
        self.state = PlayState::Stalled;
        self.stalls += 1;
        self.stall = Some(Stall {
            since: now,
            piece,
            cause: Cause::PlayerNotReading,
            counted_to: now,
            nanos: [0; 6],
        });
        self.events.push(Event::Stalled(piece));
    }

    fn paused(&mut self, now: Instant) {
        match (self.reported, self.state) {
            (_, PlayState::Idle | PlayState::Paused | PlayState::Ended) => {}
            (Reported::Pressed, _) => {
                let paused = self.pause(now);
                debug_assert!(paused.is_ok(), "it plays, stalls or buffers");
            }
            (Reported::Never | Reported::Unpressed, _) => self.state = PlayState::Paused,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;
    use core::time::Duration;

    use super::*;
    use crate::bitfield::Bitfield;
    use crate::geometry::Geometry;
    use crate::policy::PlaybackConfig;
    use crate::rate::Rate;
    use crate::seed::Seed;

    const PIECE: u64 = Geometry::BLOCK as u64;

    fn player(have: u32) -> (Player, PieceTable) {
        let geometry = Geometry::new(20 * PIECE, Geometry::BLOCK).unwrap();
        let mut here = Bitfield::new(20);
        for offset in 0..have as usize {
            here.insert(offset);
        }
        let mut rng = Seed::from_number(1).stream("order", 0);
        let table = PieceTable::new(geometry, here, 8, &mut rng);
        let (rules, rate) = (PlaybackConfig::default(), Rate::from_bytes_per_s(PIECE));
        let player = Player::new(rules, rate, geometry.total(), Instant::ZERO);
        (player, table)
    }

    fn events(player: &mut Player) -> Vec<Event> {
        core::iter::from_fn(|| player.take_event()).collect()
    }

    #[test]
    fn a_real_player_is_believed() {
        let (mut player, table) = player(10);
        let at = Instant::from_secs;
        let mut tell = |second, showing, pieces: u64, missing| {
            let told = Playhead {
                showing,
                byte: pieces * PIECE,
            };
            player.report(at(second), told, missing, &table).unwrap();
            // Time and pieces alone change nothing.
            player.advance(at(second + 1), &table);
            assert!(player.next(&table).is_none_or(|next| next == Instant::FAR));
            events(&mut player)
        };
        // The page is there before anybody presses play, and reads ahead.
        assert_eq!(tell(1, Showing::Paused, 0, None), [Event::PlayheadReported]);
        assert_eq!(tell(3, Showing::Pressed, 0, None), [Event::PlayRequested]);
        let delay = Duration::from_secs(2);
        assert_eq!(tell(5, Showing::Moves, 0, None), [Event::Started { delay }]);
        // Where it is, told once a second, is no news.
        assert_eq!(tell(7, Showing::Moves, 2, None), []);
        let (missing, piece) = (Some(PieceIndex(12)), PieceIndex(12));
        assert_eq!(
            tell(9, Showing::Waits, 4, missing),
            [Event::Late(piece), Event::Stalled(piece)]
        );
        let causes = crate::event::CauseMillis([3000, 0, 0, 0, 0, 0]);
        let resumed = Event::Resumed {
            piece,
            millis: 3000,
            causes,
        };
        assert_eq!(tell(12, Showing::Moves, 4, None), [resumed]);
        assert_eq!(tell(13, Showing::Paused, 5, None), [Event::Paused]);
        assert_eq!(tell(14, Showing::Paused, 5, None), []);
        assert_eq!(tell(15, Showing::Pressed, 5, None), [Event::Unpaused]);
        let to = Duration::from_secs(15);
        assert_eq!(
            tell(16, Showing::Jumped, 15, None),
            [Event::SeekStarted { to }]
        );
        // It waits, as everybody does after a jump.
        assert_eq!(tell(17, Showing::Waits, 15, missing), []);
        let latency = Duration::from_secs(3);
        assert_eq!(
            tell(19, Showing::Moves, 15, None),
            [Event::SeekDone { latency }]
        );
        assert_eq!(tell(24, Showing::Ended, 20, None), [Event::Ended]);
        assert_eq!(tell(25, Showing::Ended, 20, None), []);
        // 4 s, 1 s and what was between, and 5 s.
        assert_eq!(player.played(at(25)), Duration::from_secs(11));
    }

    #[test]
    fn what_was_modelled_before_does_not_count() {
        let (mut player, table) = player(20);
        let at = Instant::from_secs;
        player.play(at(1), &table).unwrap();
        player.advance(at(4), &table);
        let delay = Duration::ZERO;
        assert_eq!(
            events(&mut player),
            [Event::PlayRequested, Event::Started { delay }]
        );
        let told = Playhead {
            showing: Showing::Paused,
            byte: 0,
        };
        player.report(at(4), told, None, &table).unwrap();
        assert_eq!(events(&mut player), [Event::PlayheadReported]);
        assert_eq!(player.played(at(9)), Duration::ZERO);
        let showing = Showing::Moves;
        let told = Playhead { showing, ..told };
        player.report(at(9), told, None, &table).unwrap();
        assert_eq!(
            events(&mut player),
            [Event::PlayRequested, Event::Started { delay }]
        );
        // The last piece is here, and the picture stands all the same.
        let showing = Showing::Waits;
        let byte = 19 * PIECE;
        player
            .report(at(28), Playhead { showing, byte }, None, &table)
            .unwrap();
        assert_eq!(events(&mut player), [Event::Stalled(PieceIndex(19))]);
    }
}
