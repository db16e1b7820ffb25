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
    /// Latencies of seeks that came to an end.
    pub seeks: Vec<Duration>,
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
    stopped_at: Instant,
}

impl Ledger {
    /// Enters an event.
    pub fn enter(&mut self, now: Instant, event: &Event) {
        match event {
            Event::PlayRequested => self.requested_at = Some(now),
            Event::Started { delay } => {
                self.startup = Some(*delay);
                self.started_at = Some(now);
            }
            Event::Late(_) => self.late += 1,
            Event::Skipped(_) => self.skipped += 1,
            Event::Stalled(_) => self.stopped_at = now,
            Event::Resumed {
                piece,
                millis,
                causes,
            } => {
                self.stalls.push(Stall {
                    at: self.stopped_at,
                    piece: *piece,
                    millis: *millis,
                    causes: *causes,
                });
            }
            Event::SeekDone { latency } => self.seeks.push(*latency),
            Event::Completed => self.completed_at = Some(now),
            Event::Ended => self.ended_at = Some(now),
            Event::PieceFailed { culprit: None, .. } => self.failed_pieces += 1,
            Event::Traffic(traffic) => self.traffic = *traffic,
            Event::Left { played, .. } => {
                self.played = *played;
                self.left_at = Some(now);
            }
            _ => {}
        }
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
}
