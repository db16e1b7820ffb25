//! Runs to means, intervals, and paired differences on the same seeds.

use swarmbed_engine::Seed;

use crate::metric::METRICS;
use crate::stats::{Estimate, bootstrap, estimate};

/// The metrics of one run, in the order of [`METRICS`].
#[derive(Clone, Debug)]
pub struct RunMetrics {
    /// Which variant, by place.
    pub variant: usize,
    /// Its seed.
    pub seed: u64,
    /// Its trace hash.
    pub trace: u128,
    /// The values.
    pub values: Vec<f64>,
}

/// One metric over the runs of one variant.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// Mean and Student's interval.
    pub estimate: Estimate,
    /// Percentile-bootstrap interval, for metrics that are percentiles themselves.
    pub bootstrap: Option<(f64, f64)>,
}

/// All metrics of a variant, in the order of [`METRICS`].
#[must_use]
pub fn summarise(runs: &[RunMetrics], variant: usize) -> Vec<Summary> {
    (0..METRICS.len())
        .map(|index| {
            let values: Vec<f64> = runs
                .iter()
                .filter(|run| run.variant == variant)
                .map(|run| run.values[index])
                .collect();
            let percentile =
                METRICS[index].key.contains("p95") || METRICS[index].key.contains("median");
            let usable =
                percentile && values.len() > 1 && values.iter().all(|value| value.is_finite());
            let seed = Seed::from_number(u64::try_from(index).expect("few metrics"));
            Summary {
                estimate: estimate(&values),
                bootstrap: usable.then(|| bootstrap(&values, seed)),
            }
        })
        .collect()
}

/// Variant `b` less variant `a`, run by run on the same seeds.
#[must_use]
pub fn paired(runs: &[RunMetrics], a: usize, b: usize) -> Vec<Estimate> {
    (0..METRICS.len())
        .map(|index| {
            let of = |variant: usize| runs.iter().filter(move |run| run.variant == variant);
            let differences: Vec<f64> = of(a)
                .filter_map(|first| {
                    let second = of(b).find(|run| run.seed == first.seed)?;
                    Some(second.values[index] - first.values[index])
                })
                .collect();
            estimate(&differences)
        })
        .collect()
}
