//! Who met with what: rows of the tables by class, and what adversaries gain and the honest lose.

use swarmbed_analysis::compare::{ADVERSARY, ALL, HONEST, RunMetrics, paired_of, summarise_of};
use swarmbed_analysis::stats::Estimate;
use swarmbed_sim::scenario::Scenario;

use super::{files, sweep};
use crate::table;

/// Rows of a table.
type Rows = Vec<(String, Vec<Estimate>)>;

/// A row for each class of each variant.
pub(crate) fn by_class(scenario: &Scenario, runs: &[RunMetrics]) -> Rows {
    let mut rows = Vec::new();
    for (index, variant) in scenario.variants.iter().enumerate() {
        let classes = &variant.setup.classes;
        let is_class = |name: &str| classes.iter().any(|class| class.name == name);
        for group in files::group_names(runs, index) {
            if is_class(group) || ![HONEST, ADVERSARY].contains(&group) {
                let summaries = summarise_of(runs, index, group);
                let name = format!("{}: {group}", variant.name);
                rows.push((name, table::estimates(&summaries)));
            }
        }
    }
    rows
}

/// What adversaries had more of than the honest, in the same runs.
pub(crate) fn gained(scenario: &Scenario, runs: &[RunMetrics]) -> Rows {
    pairs(scenario, runs, |variant| {
        Some(paired_of(runs, (variant, HONEST), (variant, ADVERSARY)))
    })
}

/// What the honest had more of than those where the line of the sweep begins, on the same seeds.
pub(crate) fn lost(scenario: &Scenario, runs: &[RunMetrics]) -> Rows {
    pairs(scenario, runs, |variant| {
        let first = sweep::line_begins(scenario, variant)?;
        (first != variant)
            .then(|| paired_of(runs, (first, honest_of(runs, first)), (variant, HONEST)))
    })
}

/// What the honest of a variant are called: where no class misbehaves, all are.
pub(crate) fn honest_of(runs: &[RunMetrics], variant: usize) -> &'static str {
    let mut of = runs.iter().filter(|run| run.variant == variant);
    if of.any(|run| run.of(HONEST).is_some()) {
        HONEST
    } else {
        ALL
    }
}

fn pairs(
    scenario: &Scenario,
    runs: &[RunMetrics],
    of: impl Fn(usize) -> Option<Vec<Estimate>>,
) -> Rows {
    let adversaries = |variant: usize| {
        let some = runs.iter().filter(|run| run.variant == variant);
        some.filter_map(|run| run.of(ADVERSARY))
            .any(|values| values.iter().any(|value| value.is_finite() && *value > 0.0))
    };
    (0..scenario.variants.len())
        .filter(|&variant| adversaries(variant))
        .filter_map(|variant| Some((scenario.variants[variant].name.clone(), of(variant)?)))
        .collect()
}
