//! When the picture can start: what a viewer is told before and while it is waited for, and by how
//! much that was wrong.
//!
//! Give-to-Get's start rule (papers.md 1.2), solved for time: the first seconds must be here, and the
//! rest must come, at the rate of now, before it is played.

use std::time::Duration;

use swarmbed_engine::{Instant, Peer, PieceIndex, PlayState, Rate, RateMeter};

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
    flow: Flow,
    first: Option<Instant>,
    told_at: Option<Instant>,
}

/// What comes from everybody, measured since the first of it came. Neighbours' own meters also count
/// the time until they unchoked us, and a first estimate made of them would be wrong by minutes.
#[derive(Clone, Copy, Debug, Default)]
struct Flow {
    /// Bytes that had come when it was looked last, and when that was.
    seen: Option<(Instant, u64)>,
    meter: Option<(Instant, RateMeter)>,
}

/// How often an estimate is an event.
const EVERY: Duration = Duration::from_secs(1);
/// A rate that was measured for less than this foretells nothing that could be held against it.
const MEASURED_MIN: Duration = Duration::from_secs(2);

impl Flow {
    /// `bytes` have come until `now`.
    fn look(&mut self, now: Instant, bytes: u64) {
        let (since, before) = self.seen.replace((now, bytes)).unwrap_or((now, bytes));
        if bytes > before {
            let (_, meter) = self
                .meter
                .get_or_insert_with(|| (since, RateMeter::new(since)));
            meter.add(now, bytes - before);
        }
    }

    fn rate(&self, now: Instant) -> Rate {
        self.meter.map_or(Rate::ZERO, |(_, meter)| meter.rate(now))
    }

    fn is_measured(&self, now: Instant) -> bool {
        self.meter
            .is_some_and(|(since, _)| now.since(since) >= MEASURED_MIN)
    }
}

impl Forecast {
    /// How it stands with a film that is waited for, and whether that should be told; `None` if none is.
    pub(crate) fn look(&mut self, now: Instant, peer: &Peer) -> Option<(Estimate, bool)> {
        let traffic = peer.traffic();
        self.flow
            .look(now, traffic.payload_down + traffic.from_web_seed);
        let estimate = estimate(peer, self.flow.rate(now))?;
        Some((estimate, self.make(now, &estimate)))
    }

    /// An estimate was made; whether it should be told.
    fn make(&mut self, now: Instant, estimate: &Estimate) -> bool {
        if self.flow.is_measured(now)
            && let Some(start_in) = estimate.start_in
        {
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

fn estimate(peer: &Peer, getting: Rate) -> Option<Estimate> {
    let config = peer.config();
    let playback = peer.playback()?;
    let needs = config.bitrate.filter(|rate| *rate > Rate::ZERO)?;
    if config.live.is_some() || !matches!(playback.state, PlayState::Idle | PlayState::Buffering) {
        return None;
    }
    let geometry = config.geometry;
    let have = u64::from(peer.pieces().count()) * u64::from(geometry.piece_length());
    let left = geometry.total().saturating_sub(have);
    let to_play = geometry.total().saturating_sub(playback.position);
    let media = config.playback.start.prebuffer();
    let nanos = u64::try_from(media.as_nanos()).unwrap_or(u64::MAX);
    let first = needs.bytes_in(nanos).min(to_play);
    let first = missing(peer, playback.position, first);
    Some(Estimate {
        needs,
        getting,
        start_in: start_in(needs, getting, left, to_play, first),
    })
}

/// Bytes that are not here of the `length` from `position` on.
fn missing(peer: &Peer, position: u64, length: u64) -> u64 {
    let piece_length = u64::from(peer.config().geometry.piece_length());
    let (mut at, end, mut missing) = (position, position + length, 0);
    while at < end {
        let piece = at / piece_length;
        let until = ((piece + 1) * piece_length).min(end);
        let piece = u32::try_from(piece).map(PieceIndex);
        if !piece.is_ok_and(|piece| peer.has(piece)) {
            missing += until - at;
        }
        at = until;
    }
    missing
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
    fn the_error_is_that_of_the_first_estimate_of_a_measured_rate() {
        let mut forecast = Forecast::default();
        let estimate = |seconds| Estimate {
            needs: Rate::ZERO,
            getting: Rate::ZERO,
            start_in: seconds,
        };
        let ten = estimate(Some(Duration::from_secs(10)));
        forecast.flow.look(Instant::from_secs(1), 0);
        assert!(forecast.make(Instant::from_secs(1), &estimate(None)));
        forecast.flow.look(Instant::from_millis(1500), 1);
        assert!(!forecast.make(Instant::from_millis(1500), &ten));
        assert!(forecast.make(Instant::from_secs(2), &ten));
        assert!(forecast.make(Instant::from_secs(3), &ten));
        assert!(forecast.make(
            Instant::from_secs(4),
            &estimate(Some(Duration::from_secs(1)))
        ));
        assert_eq!(forecast.started(Instant::from_secs(11)), Some(-2.0));
        assert_eq!(forecast.started(Instant::from_secs(12)), None);
    }

    #[test]
    fn what_comes_is_measured_from_the_first_of_it_on() {
        let mut flow = Flow::default();
        for second in 0..=10 {
            flow.look(Instant::from_secs(second), 500);
        }
        assert_eq!(flow.rate(Instant::from_secs(10)), Rate::ZERO);
        for second in 1..=4 {
            flow.look(Instant::from_secs(10 + second), 500 + 100 * second);
        }
        assert_eq!(flow.rate(Instant::from_secs(14)).bytes_per_s(), 100);
        assert!(flow.is_measured(Instant::from_secs(14)));
        assert!(!flow.is_measured(Instant::from_secs(11)));
    }
}
