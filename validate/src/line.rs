//! One line of the table: what was expected, what was measured, how far apart they may be.

use swarmbed_analysis::stats::{Estimate, estimate};

use crate::known::{self, Known};

/// A line of the table.
#[derive(Clone, Debug)]
pub struct Line {
    /// The row it belongs to.
    pub row: &'static str,
    /// What was measured, and of what.
    pub what: String,
    /// What the closed form says.
    pub expected: f64,
    /// Mean over runs and its 95 % interval.
    pub measured: Estimate,
    /// The run that came closest to beating a bound, or went farthest beyond.
    pub worst: f64,
    /// Of both.
    pub unit: &'static str,
    /// How far apart they may be.
    pub tolerance: Tolerance,
    /// Checks that did not hold in the runs; empty unless there is a bug.
    pub violations: Vec<String>,
}

/// How far apart expected and measured may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// This share of what is expected.
    Share(f64),
    /// So much, in the unit.
    Points(f64),
    /// No run is above; the mean is at most this share below.
    NeverAbove(f64),
    /// No run is below; the mean is at most this share above.
    NeverBelow(f64),
    /// On the same side of zero, with the whole interval.
    Side,
}

/// What a line comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Within the tolerance.
    Agrees,
    /// Beyond it, by as much as is known and explained.
    Differs(&'static str),
    /// Beyond it.
    Fails(String),
}

impl Verdict {
    /// Its word in the table.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Differs(_) => "differs",
            Self::Fails(_) => "fails",
        }
    }
}

impl Line {
    /// A line of runs, each with its number and the checks that did not hold in it.
    pub(crate) fn new(
        row: &'static str,
        what: impl Into<String>,
        unit: &'static str,
        (expected, tolerance): (f64, Tolerance),
        runs: &[(f64, Vec<String>)],
    ) -> Self {
        let values: Vec<f64> = runs.iter().map(|run| run.0).collect();
        let worst = match tolerance {
            Tolerance::NeverBelow(_) => values.iter().copied().fold(f64::INFINITY, f64::min),
            _ => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        };
        let mut measured = estimate(&values);
        if values.iter().any(|value| !value.is_finite()) {
            measured.mean = f64::NAN;
        }
        Self {
            row,
            what: what.into(),
            expected,
            measured,
            worst,
            unit,
            tolerance,
            violations: runs.iter().flat_map(|run| run.1.clone()).collect(),
        }
    }

    /// What it comes to.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if let Some(first) = self.violations.first() {
            let more = self.violations.len() - 1;
            return Verdict::Fails(format!("a check did not hold: {first} (and {more} more)"));
        }
        if self.is_within() {
            return Verdict::Agrees;
        }
        match known::difference(self.row, &self.what) {
            Some(Known { low, high, why, .. }) if (*low..=*high).contains(&self.measured.mean) => {
                Verdict::Differs(why)
            }
            Some(Known { low, high, .. }) => Verdict::Fails(format!(
                "it is known to differ, but between {low} and {high}"
            )),
            None if !self.measured.mean.is_finite() => {
                Verdict::Fails("in a run it never came to an end".into())
            }
            None if self.is_beaten() => {
                Verdict::Fails(format!("a run beat the bound: {:.6}", self.worst))
            }
            None => Verdict::Fails("beyond the tolerance".into()),
        }
    }

    /// A run is on the side of the bound where none can be.
    fn is_beaten(&self) -> bool {
        match self.tolerance {
            Tolerance::NeverAbove(_) => self.worst > self.expected,
            Tolerance::NeverBelow(_) => self.worst < self.expected,
            _ => false,
        }
    }

    fn is_within(&self) -> bool {
        let (mean, expected) = (self.measured.mean, self.expected);
        match self.tolerance {
            Tolerance::Share(share) => (mean - expected).abs() <= share * expected.abs(),
            Tolerance::Points(points) => (mean - expected).abs() <= points,
            Tolerance::NeverAbove(share) => !self.is_beaten() && mean >= expected * (1.0 - share),
            Tolerance::NeverBelow(share) => !self.is_beaten() && mean <= expected * (1.0 + share),
            Tolerance::Side => {
                let half = if self.measured.half.is_finite() {
                    self.measured.half
                } else {
                    0.0
                };
                mean * expected > 0.0 && half < mean.abs()
            }
        }
    }
}

impl Tolerance {
    /// As the table writes it.
    #[must_use]
    pub fn text(&self) -> String {
        let percent = |share: f64| {
            let percent = share * 100.0;
            format!("{percent:.0} %")
        };
        match self {
            Self::Share(share) => percent(*share),
            Self::Points(points) if *points == 0.0 => "exact".into(),
            Self::Points(points) => format!("{points} abs."),
            Self::NeverAbove(share) if share.is_infinite() => "never above".into(),
            Self::NeverBelow(share) if share.is_infinite() => "never below".into(),
            Self::NeverAbove(share) => format!("never above, within {}", percent(*share)),
            Self::NeverBelow(share) => format!("never below, within {}", percent(*share)),
            Self::Side => "same sign".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(expected: f64, tolerance: Tolerance, values: &[f64]) -> Verdict {
        let runs: Vec<_> = values.iter().map(|value| (*value, Vec::new())).collect();
        Line::new("test", "a line", "", (expected, tolerance), &runs).verdict()
    }

    #[test]
    fn verdicts_are_as_strict_as_they_say() {
        let agrees = |expected, tolerance, values: &[f64]| {
            verdict(expected, tolerance, values) == Verdict::Agrees
        };
        assert!(agrees(100.0, Tolerance::Share(0.05), &[104.0, 105.0]));
        assert!(!agrees(100.0, Tolerance::Share(0.05), &[105.0, 106.0]));
        assert!(agrees(0.9, Tolerance::Points(0.02), &[0.88, 0.9]));
        assert!(!agrees(0.9, Tolerance::Points(0.02), &[0.87, 0.88]));
        assert!(agrees(10.0, Tolerance::NeverAbove(0.1), &[9.1, 10.0]));
        assert!(
            !agrees(10.0, Tolerance::NeverAbove(0.1), &[9.1, 10.01]),
            "one is beyond"
        );
        assert!(
            !agrees(10.0, Tolerance::NeverAbove(0.1), &[8.5, 9.0]),
            "not reached"
        );
        assert!(agrees(10.0, Tolerance::NeverBelow(0.1), &[10.0, 10.9]));
        assert!(!agrees(10.0, Tolerance::NeverBelow(0.1), &[9.99, 10.0]));
        assert!(agrees(-1.0, Tolerance::Side, &[-0.2, -0.25, -0.3]));
        assert!(
            !agrees(-1.0, Tolerance::Side, &[-0.2, 0.1, -0.3]),
            "it cannot be told"
        );
        assert!(!agrees(1.0, Tolerance::Side, &[-0.2, -0.25, -0.3]));
        assert!(
            !agrees(1.0, Tolerance::Share(0.5), &[1.0, f64::NAN]),
            "no number"
        );
    }

    #[test]
    fn a_broken_check_fails_whatever_was_measured() {
        let runs = [(1.0, vec!["peer 3: sent more".to_owned()])];
        let line = Line::new("test", "a line", "", (1.0, Tolerance::Share(1.0)), &runs);
        assert!(matches!(line.verdict(), Verdict::Fails(why) if why.contains("peer 3")));
    }
}
