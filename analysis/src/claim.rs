//! Whether what was measured agrees with what is claimed: by the interval, never by eye.

use crate::stats::Estimate;

/// What can be said of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The whole 95 % interval lies where the claim wants it.
    Agrees,
    /// None of it does.
    Differs,
    /// Some of it does, or there is no interval.
    CannotBeTold,
}

impl Verdict {
    /// How captions say it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Differs => "differs",
            Self::CannotBeTold => "cannot be told",
        }
    }
}

/// The verdict on "from `low` to `high`"; either may be infinite.
#[must_use]
pub fn verdict(measured: &Estimate, low: f64, high: f64) -> Verdict {
    let (from, to) = (measured.mean - measured.half, measured.mean + measured.half);
    if from.is_nan() || to.is_nan() {
        Verdict::CannotBeTold
    } else if from >= low && to <= high {
        Verdict::Agrees
    } else if to < low || from > high {
        Verdict::Differs
    } else {
        Verdict::CannotBeTold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_decides() {
        let measured = |mean, half| Estimate {
            mean,
            half,
            runs: 10,
        };
        let below = |mean, half| verdict(&measured(mean, half), f64::NEG_INFINITY, 0.05);
        assert_eq!(below(0.02, 0.01), Verdict::Agrees);
        assert_eq!(below(0.04, 0.02), Verdict::CannotBeTold);
        assert_eq!(below(0.06, 0.02), Verdict::CannotBeTold);
        assert_eq!(below(0.08, 0.02), Verdict::Differs);
        assert_eq!(below(0.02, f64::NAN), Verdict::CannotBeTold);
        assert_eq!(verdict(&measured(1.0, 0.1), 0.5, 1.5), Verdict::Agrees);
        assert_eq!(verdict(&measured(0.2, 0.1), 0.5, 1.5), Verdict::Differs);
    }
}
