//! What the viewer presses: play, pause, and where to go on.

use core::time::Duration;

use super::{PlayState, Player};
use crate::error::CallError;
use crate::event::Event;
use crate::peer::pieces::PieceTable;
use crate::time::Instant;

impl Player {
    /// The viewer presses play.
    pub(crate) fn play(&mut self, now: Instant, table: &PieceTable) -> Result<(), CallError> {
        if self.state != PlayState::Idle {
            return Err(CallError::State("playing already"));
        }
        if self.is_reported() {
            // Somebody reads ahead: who presses play is told.
            self.state = PlayState::Paused;
            return Ok(());
        }
        self.quiet_until = Instant::ZERO;
        self.state = PlayState::Buffering;
        self.requested_at = now;
        self.events.push(Event::PlayRequested);
        self.find_frontier(0, table);
        self.advance(now, table);
        Ok(())
    }

    pub(crate) fn pause(&mut self, now: Instant) -> Result<(), CallError> {
        match self.state {
            PlayState::Playing | PlayState::Stalled => {
                self.end_stall(now);
                self.settle(now);
                self.paused_from = PlayState::Playing;
            }
            PlayState::Buffering => self.paused_from = PlayState::Buffering,
            PlayState::Idle => return Err(CallError::State("idle: press play first")),
            PlayState::Paused => return Err(CallError::State("paused already")),
            PlayState::Ended => return Err(CallError::State("at its end")),
        }
        self.quiet_until = Instant::ZERO;
        self.state = PlayState::Paused;
        self.events.push(Event::Paused);
        Ok(())
    }

    pub(crate) fn resume(&mut self, now: Instant, table: &PieceTable) -> Result<(), CallError> {
        if self.state != PlayState::Paused {
            return Err(CallError::State("not paused"));
        }
        self.unrest();
        self.state = self.paused_from;
        self.anchor_at = now;
        self.events.push(Event::Unpaused);
        self.advance(now, table);
        Ok(())
    }

    pub(crate) fn seek(
        &mut self,
        now: Instant,
        byte: u64,
        table: &PieceTable,
    ) -> Result<(), CallError> {
        if self.live.is_some() {
            return Err(CallError::Live);
        }
        if self.state == PlayState::Idle {
            return Err(CallError::State("idle: press play first"));
        }
        if byte >= self.total {
            return Err(CallError::Beyond(byte));
        }
        self.end_stall(now);
        self.settle(now);
        if self.state == PlayState::Paused {
            self.paused_from = PlayState::Buffering;
        } else {
            self.state = PlayState::Buffering;
        }
        self.anchor_byte = byte;
        self.seek_at = now;
        self.events.push(Event::SeekStarted {
            to: Duration::from_nanos(self.bitrate.nanos_for(byte)),
        });
        let piece = table.geometry().piece_at(byte);
        self.find_frontier(table.offset(piece).expect("below the total"), table);
        self.advance(now, table);
        Ok(())
    }
}
