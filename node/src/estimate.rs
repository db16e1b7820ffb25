//! When the picture can start: what a viewer is told before and while it is waited for, and by how
//! much that was wrong.
//!
//! Give-to-Get's start rule (papers.md 1.2), solved for time: the first seconds must be here, and the
//! rest must come, at the rate of now, before it is played.

use std::time::Duration;

use swarmbed_engine::{Instant, Peer, PlayState, Rate};

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The media's bitrate.
    pub needs: Rate,
    /// What comes now.
    pub getting: Rate,
    /// Until the picture can start and then not stand; `None` while nothing comes.
    pub start_in: Option<Duration>,
}

impl Estimate {
    /// Started at once, the picture would stand.
    #[must_use]
    pub fn would_stall(&self) -> bool {
        self.getting < self.needs
    }
}

/// What was foretold first, and how that came out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Forecast {
    first: Option<Instant>,
    told_at: Option<Instant>,
}

/// How often an estimate is an event.
const EVERY: Duration = Duration::from_secs(1);

impl Forecast {
    /// An estimate was made; whether it should be told.
    pub(crate) fn make(&mut self, now: Instant, estimate: &Estimate) -> bool {
        if let Some(start_in) = estimate.start_in {
            self.first.get_or_insert(now + start_in);
        }
        let due = self.told_at.is_none_or(|at| now.since(at) >= EVERY);
        if due {
            self.told_at = Some(now);
        }
        due
    }

    /// The picture started: by how many seconds later than was foretold first.
    pub(crate) fn started(&mut self, now: Instant) -> Option<f64> {
        let first = self.first.take()?;
        let (late, early) = (now.since(first), first.since(now));
        Some(late.as_secs_f64() - early.as_secs_f64())
    }
}

/// How it stands with a film that is waited for; `None` if none is.
pub(crate) fn look(peer: &Peer) -> Option<Estimate> {
    let config = peer.config();
    let playback = peer.playback()?;
    let needs = config.bitrate.filter(|rate| *rate > Rate::ZERO)?;
    if config.live.is_some() || !matches!(playback.state, PlayState::Idle | PlayState::Buffering) {
        return None;
    }
    let getting = peer.neighbours().map(|one| one.down.bytes_per_s()).sum();
    let getting = Rate::from_bytes_per_s(getting);
    let geometry = config.geometry;
    let have = u64::from(peer.pieces().count()) * u64::from(geometry.piece_length());
    let left = geometry.total().saturating_sub(have);
    let to_play = geometry.total().saturating_sub(playback.position);
    let media = config.playback.start.prebuffer();
    let nanos = u64::try_from(media.as_nanos()).unwrap_or(u64::MAX);
    let first = needs.bytes_in(nanos).min(to_play);
    let start_in = start_in(
        needs,
        getting,
        left,
        to_play,
        first.saturating_sub(playback.ahead),
    );
    Some(Estimate {
        needs,
        getting,
        start_in,
    })
}

/// `left` bytes are missing of the film, `to_play` are not played, and `first` must come first.
fn start_in(needs: Rate, getting: Rate, left: u64, to_play: u64, first: u64) -> Option<Duration> {
    if left == 0 || (first == 0 && getting >= needs) {
        return Some(Duration::ZERO);
    }
    if getting == Rate::ZERO {
        return None;
    }
    let at = |rate: Rate, bytes| Duration::from_nanos(rate.nanos_for(bytes));
    let rest = at(getting, left).saturating_sub(at(needs, to_play));
    Some(rest.max(at(getting, first)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_fast_enough_waits_for_the_first_seconds_alone() {
        let (needs, getting) = (Rate::from_bytes_per_s(100), Rate::from_bytes_per_s(200));
        let wait = |left, first| start_in(needs, getting, left, 6000, first);
        assert_eq!(wait(6000, 1000), Some(Duration::from_secs(5)));
        assert_eq!(wait(3000, 0), Some(Duration::ZERO));
        assert_eq!(wait(0, 0), Some(Duration::ZERO));
    }

    #[test]
    fn a_line_that_is_too_slow_downloads_first() {
        // A minute of film at half its rate takes two: the picture may start when one is over.
        let (needs, getting) = (Rate::from_bytes_per_s(100), Rate::from_bytes_per_s(50));
        let wait = start_in(needs, getting, 6000, 6000, 1000);
        assert_eq!(wait, Some(Duration::from_secs(60)));
        assert_eq!(start_in(needs, Rate::ZERO, 6000, 6000, 1000), None);
    }

    #[test]
    fn the_error_is_that_of_the_first_estimate() {
        let mut forecast = Forecast::default();
        let estimate = |seconds| Estimate {
            needs: Rate::ZERO,
            getting: Rate::ZERO,
            start_in: seconds,
        };
        assert!(forecast.make(Instant::from_secs(1), &estimate(None)));
        assert!(!forecast.make(
            Instant::from_millis(1500),
            &estimate(Some(Duration::from_secs(10)))
        ));
        assert!(forecast.make(
            Instant::from_secs(3),
            &estimate(Some(Duration::from_secs(1)))
        ));
        assert_eq!(forecast.started(Instant::from_millis(9500)), Some(-2.0));
        assert_eq!(forecast.started(Instant::from_secs(10)), None);
    }
}
