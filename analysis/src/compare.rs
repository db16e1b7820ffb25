//! Runs to means, intervals, and paired differences on the same seeds.

use serde::{Deserialize, Serialize};
use swarmbed_engine::Seed;

use crate::exact;
use crate::metric::{Content, METRICS, Metric};
use crate::record::PeerRecord;
use crate::stats::{Estimate, bootstrap, estimate};

/// The metrics of one run, in the order of [`METRICS`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunMetrics {
    /// Which variant, by place.
    pub variant: usize,
    /// Its seed.
    pub seed: u64,
    /// Its trace hash.
    #[serde(with = "exact::hash")]
    pub trace: u128,
    /// The values.
    #[serde(with = "exact::numbers")]
    pub values: Vec<f64>,
    /// The same of some of the viewers.
    pub groups: Vec<GroupMetrics>,
}

/// The metrics of some viewers of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GroupMetrics {
    /// Their class, or [`HONEST`] or [`ADVERSARY`].
    pub name: String,
    /// In the order of [`METRICS`]; not a number where a metric says nothing of some.
    #[serde(with = "exact::numbers")]
    pub values: Vec<f64>,
}

/// All viewers.
pub const ALL: &str = "all";
/// Viewers who do as they should.
pub const HONEST: &str = "honest";
/// Viewers who do not.
pub const ADVERSARY: &str = "adversary";

impl RunMetrics {
    /// The metrics of [`ALL`] or of a group; `None` if there is no such group in this run.
    #[must_use]
    pub fn of(&self, group: &str) -> Option<&[f64]> {
        if group == ALL {
            return Some(&self.values);
        }
        let found = self.groups.iter().find(|one| one.name == group);
        found.map(|one| one.values.as_slice())
    }
}

/// The viewers of a run by class, and by whether they do as they should. `classes` are the
/// scenario's kinds of viewers, by name, and whether each is honest; with fewer than two there is
/// nothing to tell apart.
#[must_use]
pub fn groups(
    peers: &[PeerRecord],
    classes: &[(&str, bool)],
    content: Content,
) -> Vec<GroupMetrics> {
    if classes.len() < 2 {
        return Vec::new();
    }
    let viewers = || peers.iter().filter(|peer| peer.plays);
    let measure = |name: &str, belongs: &dyn Fn(&PeerRecord) -> bool| {
        let some: Vec<&PeerRecord> = viewers().filter(|peer| belongs(peer)).collect();
        let value = |metric: &Metric| {
            if metric.grouped {
                metric.of_some(some.clone(), content)
            } else {
                f64::NAN
            }
        };
        GroupMetrics {
            name: name.into(),
            values: METRICS.iter().map(value).collect(),
        }
    };
    let mut groups: Vec<GroupMetrics> = classes
        .iter()
        .map(|(name, _)| measure(name, &|peer| peer.class == *name))
        .collect();
    if classes.iter().any(|(_, honest)| !honest) {
        // A class of that name is itself meant.
        if groups.iter().all(|group| group.name != HONEST) {
            groups.push(measure(HONEST, &PeerRecord::is_honest));
        }
        if groups.iter().all(|group| group.name != ADVERSARY) {
            groups.push(measure(ADVERSARY, &|peer| !peer.is_honest()));
        }
    }
    groups
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
    summarise_of(runs, variant, ALL)
}

/// All metrics of a group of a variant's viewers, in the order of [`METRICS`].
#[must_use]
pub fn summarise_of(runs: &[RunMetrics], variant: usize, group: &str) -> Vec<Summary> {
    (0..METRICS.len())
        .map(|index| {
            let values: Vec<f64> = runs
                .iter()
                .filter(|run| run.variant == variant)
                .filter_map(|run| Some(run.of(group)?[index]))
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
    paired_of(runs, (a, ALL), (b, ALL))
}

/// A group of variant `b` less a group of variant `a`, run by run on the same seeds.
#[must_use]
pub fn paired_of(
    runs: &[RunMetrics],
    (a, group_a): (usize, &str),
    (b, group_b): (usize, &str),
) -> Vec<Estimate> {
    (0..METRICS.len())
        .map(|index| {
            let of = |variant: usize| runs.iter().filter(move |run| run.variant == variant);
            let differences: Vec<f64> = of(a)
                .filter_map(|first| {
                    let second = of(b).find(|run| run.seed == first.seed)?;
                    Some(second.of(group_b)?[index] - first.of(group_a)?[index])
                })
                .collect();
            estimate(&differences)
        })
        .collect()
}
