//! Statistics over runs: the replicate is the run, not the peer.
//!
//! Transcendental functions come through `libm`, so that a committed number is the same anywhere.

use swarmbed_engine::Seed;

/// A mean and the half-width of its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Mean over runs.
    pub mean: f64,
    /// Half-width of the 95 % interval (Student t); not a number for a single run.
    pub half: f64,
    /// Runs.
    pub runs: usize,
}

/// Sum in the order given: never a parallel reduction.
#[must_use]
pub fn sum(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |sum, value| sum + value)
}

/// Mean; not a number if there is nothing.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of peers and runs are small"
)]
pub fn mean(values: &[f64]) -> f64 {
    sum(values) / values.len() as f64
}

/// The `p`-quantile (0 to 1) by linear interpolation; not a number if there is nothing.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small"
)]
pub fn quantile(values: &[f64], p: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = p * last as f64;
    let below = libm::floor(place) as usize;
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

/// Mean and 95 % interval over runs. Values that are not numbers are left out.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of runs are small")]
pub fn estimate(values: &[f64]) -> Estimate {
    let values: Vec<f64> = values
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .collect();
    let runs = values.len();
    let mean = mean(&values);
    if runs < 2 {
        return Estimate {
            mean,
            half: f64::NAN,
            runs,
        };
    }
    let squares: Vec<f64> = values
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .collect();
    let deviation = libm::sqrt(sum(&squares) / (runs - 1) as f64);
    let half = t_quantile(0.975, (runs - 1) as f64) * deviation / libm::sqrt(runs as f64);
    Estimate { mean, half, runs }
}

/// 95 % percentile-bootstrap interval of the mean over runs, with our own seeded draws.
#[must_use]
pub fn bootstrap(values: &[f64], seed: Seed) -> (f64, f64) {
    let mut rng = seed.stream("bootstrap", 0);
    let means: Vec<f64> = (0..2000)
        .map(|_| {
            let draw: Vec<f64> = values
                .iter()
                .map(|_| values[rng.index(values.len())])
                .collect();
            mean(&draw)
        })
        .collect();
    (quantile(&means, 0.025), quantile(&means, 0.975))
}

/// Jain's index of fairness: 1 if all are equal, 1/n if one has it all.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of peers are small")]
pub fn jain(values: &[f64]) -> f64 {
    let squares: Vec<f64> = values.iter().map(|value| value * value).collect();
    let total = sum(values);
    total * total / (values.len() as f64 * sum(&squares))
}

/// Student's t: the value below which `p` of the distribution with `freedom` degrees lies.
#[must_use]
pub fn t_quantile(p: f64, freedom: f64) -> f64 {
    if p < 0.5 {
        return -t_quantile(1.0 - p, freedom);
    }
    let (mut low, mut high) = (0.0, 1e6);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if t_below(middle, freedom) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Share of Student's t below `t` (for `t` >= 0).
fn t_below(t: f64, freedom: f64) -> f64 {
    1.0 - 0.5 * incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t))
}

/// Regularised incomplete beta function, by Lentz's continued fraction.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    let front = libm::exp(
        libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b)
            + a * libm::log(x)
            + b * libm::log(1.0 - x),
    );
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(a, b, x) / a
    } else {
        1.0 - front * fraction(b, a, 1.0 - x) / b
    }
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let tiny = 1e-300;
    let safe = |value: f64| {
        if libm::fabs(value) < tiny {
            tiny
        } else {
            value
        }
    };
    let (mut c, mut d) = (1.0, 1.0 / safe(1.0 - (a + b) * x / (a + 1.0)));
    let mut result = d;
    for step in 1..400 {
        let m = f64::from(step);
        for term in [
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        ] {
            d = 1.0 / safe(1.0 + term * d);
            c = safe(1.0 + term / c);
            result *= c * d;
        }
        if libm::fabs(c * d - 1.0) < 1e-15 {
            break;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_is_as_in_the_tables() {
        for (freedom, expected) in [
            (1.0, 12.706),
            (2.0, 4.303),
            (4.0, 2.776),
            (9.0, 2.262),
            (30.0, 2.042),
            (1000.0, 1.962),
        ] {
            let t = t_quantile(0.975, freedom);
            assert!((t - expected).abs() < 6e-4, "{freedom}: {t}");
        }
    }

    #[test]
    fn estimates_are_right() {
        let one = estimate(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert!((one.mean - 3.0).abs() < 1e-12);
        assert!(
            (one.half - 2.776 * 1.581_138_8 / 2.236_068).abs() < 1e-3,
            "{one:?}"
        );
        assert!(estimate(&[1.0]).half.is_nan());
        assert!((quantile(&[4.0, 1.0, 2.0, 3.0], 0.5) - 2.5).abs() < 1e-12);
        assert!((jain(&[1.0, 1.0, 1.0]) - 1.0).abs() < 1e-12);
        assert!((jain(&[1.0, 0.0, 0.0, 0.0]) - 0.25).abs() < 1e-12);
        let (low, high) = bootstrap(&[1.0, 2.0, 3.0, 4.0, 5.0], Seed::from_number(1));
        assert!(low > 1.0 && low < 3.0 && high > 3.0 && high < 5.0);
    }
}
