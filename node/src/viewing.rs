//! What a viewer went through, summed up from the engine's events as they come.

use std::time::Duration;

use swarmbed_engine::{Cause, CauseMillis, Event};

/// See the module. Times and counts since the node began.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Viewing {
    /// A real player tells, as the page's does; else it is modelled.
    pub reported: bool,
    /// From pressing play to the first frame.
    pub startup: Option<Duration>,
    /// By how many seconds later that was than was foretold first.
    pub estimate_error_s: Option<f64>,
    /// How often the picture stood still.
    pub stalls: u32,
    /// For how long in all; a stall counts when it is over.
    pub stalled: Duration,
    /// The same, by cause.
    pub causes: CauseMillis,
    /// It stands now.
    pub stands: bool,
    /// Pieces that were absent at their first deadline.
    pub late: u32,
    /// Pieces that were jumped over.
    pub skipped: u32,
    /// Jumps that came to an end.
    pub seeks: u32,
    /// How long the last took.
    pub seek: Option<Duration>,
}

impl Viewing {
    /// Enters an event.
    pub(crate) fn enter(&mut self, event: &Event) {
        match event {
            Event::Started { delay } => self.startup = Some(*delay),
            // What the modelled player went through is no longer of interest.
            Event::PlayheadReported => {
                *self = Self {
                    reported: true,
                    estimate_error_s: self.estimate_error_s,
                    ..Self::default()
                };
            }
            Event::Stalled(_) => {
                self.stands = true;
                self.stalls += 1;
            }
            Event::Resumed { millis, causes, .. } => {
                self.stands = false;
                self.stalled += Duration::from_millis((*millis).into());
                for (sum, more) in self.causes.0.iter_mut().zip(causes.0) {
                    *sum = sum.saturating_add(more);
                }
            }
            Event::Late(_) => self.late += 1,
            Event::Skipped(_) => self.skipped += 1,
            Event::SeekDone { latency } => {
                self.seeks += 1;
                self.seek = Some(*latency);
            }
            _ => {}
        }
    }

    /// S / (S + P), of `played` media: field.md D2.
    #[must_use]
    pub fn rebuffering_ratio(&self, played: Duration) -> Option<f64> {
        let (stalled, played) = (self.stalled.as_secs_f64(), played.as_secs_f64());
        (stalled + played > 0.0).then(|| stalled / (stalled + played))
    }

    /// Milliseconds by the causes' names.
    pub fn by_cause(&self) -> impl Iterator<Item = (&'static str, u32)> {
        let names = Cause::ALL.iter().map(|cause| cause.name());
        names.zip(self.causes.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmbed_engine::PieceIndex;

    #[test]
    fn a_stall_is_counted_at_once_and_its_time_when_it_is_over() {
        let mut viewing = Viewing::default();
        let causes = CauseMillis([0, 0, 0, 1500, 0, 500]);
        viewing.enter(&Event::Stalled(PieceIndex(3)));
        assert!(viewing.stands && viewing.stalls == 1 && viewing.stalled == Duration::ZERO);
        viewing.enter(&Event::Resumed {
            piece: PieceIndex(3),
            millis: 2000,
            causes,
        });
        assert_eq!((viewing.stalls, viewing.stands), (1, false));
        assert_eq!(viewing.causes, causes);
        let ratio = viewing.rebuffering_ratio(Duration::from_secs(8));
        assert_eq!(ratio, Some(0.2));
        assert_eq!(Viewing::default().rebuffering_ratio(Duration::ZERO), None);
    }
}
