//! One peer's events, summed up. Sees events only.

use std::time::Duration;

use swarmbed_engine::{CauseMillis, Event, Instant, PieceIndex, Traffic};

/// A stall that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stall {
    /// When the picture stopped.
    pub at: Instant,
    /// The piece that was missing.
    pub piece: PieceIndex,
    /// How long it stood.
    pub millis: u32,
    /// Why.
    pub causes: CauseMillis,
}

/// What one peer's events add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Playback is what a real player told, not what was modelled.
    pub reported: bool,
    /// Play was pressed.
    pub requested_at: Option<Instant>,
    /// Start-up delay.
    pub startup: Option<Duration>,
    /// When the first frame was shown.
    pub started_at: Option<Instant>,
    /// Stalls, in order.
    pub stalls: Vec<Stall>,
    /// Pieces absent at their first deadline.
    pub late: u32,
    /// Of those: jumped over.
    pub skipped: u32,
    /// When each of those was.
    pub skips: Vec<Instant>,
    /// Of the skipped: came all the same, too late to be seen.
    pub wasted: u32,
    /// How often the viewer paused.
    pub pauses: u32,
    /// How often the viewer jumped, whatever came of it.
    pub sought: u32,
    /// Latencies of seeks that came to an end.
    pub seeks: Vec<Duration>,
    /// Age of what was shown, live: at the start and every 10 s of playback.
    pub lags: Vec<Duration>,
    /// Live pieces that came, and the sum of their ages then.
    pub diffusion: (u32, Duration),
    /// Live media that was jumped over to catch up.
    pub rehooked: Duration,
    /// When the download was complete.
    pub completed_at: Option<Instant>,
    /// When the media was at its end.
    pub ended_at: Option<Instant>,
    /// Media time shown.
    pub played: Duration,
    /// Pieces that failed verification.
    pub failed_pieces: u32,
    /// Bytes moved.
    pub traffic: Traffic,
    /// When the peer left.
    pub left_at: Option<Instant>,
    /// Skipped, and not here yet; ascending.
    missed: Vec<PieceIndex>,
    /// A stall under way.
    stalled: Option<(Instant, PieceIndex)>,
    /// The picture moves, since then.
    moving: Option<Instant>,
    /// The picture moved when the viewer paused.
    paused: bool,
    /// How long the picture moved before.
    moved: Duration,
}

impl Ledger {
    /// Enters an event.
    pub fn enter(&mut self, now: Instant, event: &Event) {
        match event {
            Event::PlayheadReported => {
                self.reported = true;
                (self.startup, self.started_at, self.moving) = (None, None, None);
                (self.late, self.moved) = (0, Duration::ZERO);
                self.stalls.clear();
            }
            Event::PlayRequested => self.requested_at = Some(now),
            Event::Started { delay } => {
                self.startup = Some(*delay);
                self.started_at = Some(now);
                self.moving = Some(now);
            }
            Event::Late(_) => self.late += 1,
            Event::Skipped(piece) => {
                self.skipped += 1;
                self.skips.push(now);
                self.missed.push(*piece);
            }
            Event::PieceVerified(piece) => {
                if let Some(place) = self.missed.iter().position(|missed| missed == piece) {
                    self.missed.remove(place);
                    self.wasted += 1;
                }
            }
            Event::Stalled(piece) => {
                self.stop(now);
                self.stalled = Some((now, *piece));
            }
            Event::Resumed {
                piece,
                millis,
                causes,
            } => {
                let (at, _) = self.stalled.take().unwrap_or((now, *piece));
                self.moving = Some(now);
                self.stalls.push(Stall {
                    at,
                    piece: *piece,
                    millis: *millis,
                    causes: *causes,
                });
            }
            Event::Paused => {
                self.pauses += 1;
                self.paused = self.moving.is_some();
                self.stop(now);
            }
            Event::Unpaused if self.paused => self.moving = Some(now),
            Event::SeekStarted { .. } => {
                self.stop(now);
                self.sought += 1;
                // The picture comes back with `SeekDone`, whatever was paused.
                self.paused = false;
            }
            Event::SeekDone { latency } => {
                self.seeks.push(*latency);
                self.moving = Some(now);
            }
            Event::LiveLag { lag } => self.lags.push(*lag),
            Event::PieceDelay { delay, .. } => {
                self.diffusion.0 += 1;
                self.diffusion.1 += *delay;
            }
            Event::Rehooked { skipped, .. } => self.rehooked += *skipped,
            Event::Completed => self.completed_at = Some(now),
            Event::Ended => {
                self.stop(now);
                self.ended_at = Some(now);
            }
            Event::PieceFailed { culprit: None, .. } => self.failed_pieces += 1,
            Event::Traffic(traffic) => self.traffic = **traffic,
            Event::Left { played, .. } => {
                self.played = *played;
                self.left_at = Some(now);
            }
            _ => {}
        }
    }

    fn stop(&mut self, now: Instant) {
        if let Some(since) = self.moving.take() {
            self.moved += now.since(since);
        }
    }

    /// The peer was gone at `at`. One that crashed told nobody: what was under way ends here, and
    /// a stall that did not end has no causes.
    pub fn close(&mut self, at: Instant) {
        if self.left_at.is_some() {
            return;
        }
        self.stop(at);
        if let Some((since, piece)) = self.stalled.take() {
            let millis = at.since(since).as_millis();
            self.stalls.push(Stall {
                at: since,
                piece,
                millis: u32::try_from(millis).unwrap_or(u32::MAX),
                causes: CauseMillis::default(),
            });
        }
        self.played = self.moved;
        self.left_at = Some(at);
    }

    /// Milliseconds the picture stood still.
    #[must_use]
    pub fn stalled_millis(&self) -> u64 {
        self.stalls
            .iter()
            .map(|stall| u64::from(stall.millis))
            .sum()
    }

    /// Rebuffering ratio S / (S + P); `None` if nothing was shown.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of a viewing fit a double"
    )]
    pub fn rebuffering_ratio(&self) -> Option<f64> {
        let stalled = self.stalled_millis() as f64 / 1e3;
        let played = self.played.as_secs_f64();
        (self.startup.is_some() && stalled + played > 0.0).then(|| stalled / (stalled + played))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmbed_engine::LeaveReason;

    #[test]
    fn a_viewing_adds_up() {
        let mut ledger = Ledger::default();
        let at = Instant::from_secs;
        let causes = CauseMillis([0, 0, 2000, 0, 500, 0]);
        let started = Event::Started {
            delay: Duration::from_secs(4),
        };
        let resumed = Event::Resumed {
            piece: PieceIndex(7),
            millis: 2500,
            causes,
        };
        let left = Event::Left {
            reason: LeaveReason::Asked,
            played: Duration::from_millis(7500),
        };
        for (second, event) in [
            (1, Event::PlayRequested),
            (5, started),
            (8, Event::Late(PieceIndex(7))),
            (8, Event::Stalled(PieceIndex(7))),
            (10, resumed),
            (20, Event::Ended),
            (21, left),
        ] {
            ledger.enter(at(second), &event);
        }
        assert_eq!(ledger.stalls[0].at, at(8));
        assert_eq!(ledger.rebuffering_ratio(), Some(0.25));
        assert_eq!((ledger.late, ledger.skipped), (1, 0));
        assert_eq!(Ledger::default().rebuffering_ratio(), None);
    }

    #[test]
    fn a_crash_ends_what_was_under_way() {
        let mut ledger = Ledger::default();
        let at = Instant::from_secs;
        let delay = Duration::from_secs(2);
        ledger.enter(at(2), &Event::Started { delay });
        ledger.enter(at(5), &Event::Paused);
        ledger.enter(at(9), &Event::Unpaused);
        ledger.enter(at(12), &Event::Stalled(PieceIndex(3)));
        ledger.close(at(14));
        assert_eq!(ledger.played, Duration::from_secs(6));
        assert_eq!(ledger.rebuffering_ratio(), Some(0.25));
        ledger.close(at(20));
        assert_eq!((ledger.stalls.len(), ledger.left_at), (1, Some(at(14))));
    }

    #[test]
    fn a_skipped_piece_may_come_all_the_same() {
        let mut ledger = Ledger::default();
        for event in [
            Event::Skipped(PieceIndex(4)),
            Event::Skipped(PieceIndex(6)),
            Event::PieceVerified(PieceIndex(6)),
            Event::PieceVerified(PieceIndex(7)),
        ] {
            ledger.enter(Instant::ZERO, &event);
        }
        assert_eq!((ledger.skipped, ledger.wasted), (2, 1));
    }
}
