//! The time axis of a figure: in which unit, and how many counts go into a point.

use std::time::Duration;

use swarmbed_analysis::timeline::Moment;
use swarmbed_engine::Instant;

/// Most points of a line: more are closer than a pixel's breadth, and hide what is between them.
const POINTS_MAX: usize = 2000;
/// So many are left of more.
const POINTS: usize = 400;
/// From here on, time is told in hours.
const LONG_S: f64 = 7200.0;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Clock {
    /// Counts that become one point.
    pub(super) steps: usize,
    /// Between counts.
    step: Duration,
    /// In hours.
    long: bool,
}

impl Clock {
    /// For counts at these moments.
    pub(super) fn of(moments: &[Moment]) -> Self {
        let at = |place: usize| moments.get(place).map_or(Instant::ZERO, |one| one.at);
        Self {
            steps: match moments.len() > POINTS_MAX {
                true => moments.len().div_ceil(POINTS),
                false => 1,
            },
            step: at(1).since(at(0)),
            long: at(moments.len().saturating_sub(1)).as_secs_f64() > LONG_S,
        }
    }

    /// Seconds in a unit.
    pub(super) const fn unit(self) -> f64 {
        if self.long { 3600.0 } else { 1.0 }
    }

    /// The axis' name.
    pub(super) const fn axis(self) -> &'static str {
        if self.long { "time, h" } else { "time, s" }
    }

    /// What `of` counts: as it is, or the means of `steps` counts.
    pub(super) fn means(self, moments: &[Moment], of: fn(&Moment) -> u32) -> Vec<(f64, f64)> {
        let parts = moments.chunks(self.steps);
        let mean = |part: &[Moment]| {
            let count = f64::from(u32::try_from(part.len()).expect("fewer than a run has moments"));
            let sum: f64 = part.iter().map(|one| f64::from(of(one))).sum();
            (
                part[part.len() / 2].at.as_secs_f64() / self.unit(),
                sum / count,
            )
        };
        parts.map(mean).collect()
    }

    /// Says that points are means, if they are.
    pub(super) fn said(self) -> String {
        match self.steps {
            1 => String::new(),
            steps => format!("; means {}", self.every(steps).replace("every", "over")),
        }
    }

    /// How often so many counts are made.
    pub(super) fn every(self, steps: usize) -> String {
        let every = self.step * u32::try_from(steps).expect("within a run");
        format!("every {} s", every.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(count: u32) -> Vec<Moment> {
        let moment = |index: u32| Moment {
            at: Instant::from_nanos(u64::from(index) * 2_000_000_000),
            present: index % 2,
            complete: 0,
            starting: 0,
            stalled: 0,
            playing: 0,
            skipped: 0,
        };
        (0..count).map(moment).collect()
    }

    #[test]
    fn an_hour_is_shown_count_by_count_in_seconds() {
        let hour = moments(1800);
        let clock = Clock::of(&hour);
        assert_eq!((clock.axis(), clock.said().as_str()), ("time, s", ""));
        let points = clock.means(&hour, |one| one.present);
        assert_eq!((points.len(), points[3]), (1800, (6.0, 1.0)));
    }

    #[test]
    fn a_day_is_shown_by_means_in_hours() {
        let day = moments(43_200);
        let clock = Clock::of(&day);
        assert_eq!(clock.axis(), "time, h");
        assert_eq!(clock.said(), "; means over 216 s");
        let points = clock.means(&day, |one| one.present);
        assert_eq!(points.len(), 400);
        assert!(points.iter().all(|&(at, mean)| at < 24.0 && mean == 0.5));
    }
}
