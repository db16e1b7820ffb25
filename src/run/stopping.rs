//! Sequential stopping: seeds are added until what is asked is known well enough.
//!
//! The interval is that of the paired difference between each variant and the first, on the same
//! seeds; with one variant that of its mean. It is narrow enough when half of it is at most a share
//! of the larger of the two means. Whoever looks after every run and stops when the interval is
//! narrow errs a little more often than 5 % of the time; so the scenario's own seeds come first,
//! and the maximum is stated.

use swarmbed_analysis::compare::{RunMetrics, paired, summarise};
use swarmbed_analysis::metric::METRICS;
use swarmbed_sim::scenario::{Scenario, Until};

/// The metric that decides.
fn metric(until: &Until) -> Option<usize> {
    METRICS.iter().position(|metric| metric.key == until.metric)
}

/// Whether the metric exists, and fits.
pub(crate) fn check(scenario: &Scenario) -> Result<(), String> {
    let Some(until) = &scenario.until else {
        return Ok(());
    };
    match metric(until) {
        Some(index) if METRICS[index].applies(scenario.stalls) => Ok(()),
        _ => {
            let fitting = METRICS.iter().filter(|one| one.applies(scenario.stalls));
            let keys: Vec<&str> = fitting.map(|one| one.key).collect();
            Err(format!(
                "[sweep]: `until_metric` is `{}`, which says nothing here; there are {}",
                until.metric,
                keys.join(", ")
            ))
        }
    }
}

/// Whether every interval is as narrow as the scenario wants it.
pub(crate) fn is_narrow(scenario: &Scenario, runs: &[RunMetrics]) -> bool {
    let Some((until, index)) = scenario
        .until
        .as_ref()
        .and_then(|one| Some((one, metric(one)?)))
    else {
        return true;
    };
    let mean = |variant: usize| summarise(runs, variant)[index].estimate.mean.abs();
    let narrow = |half: f64, scale: f64| half <= until.share * scale;
    if scenario.variants.len() == 1 {
        let estimate = summarise(runs, 0)[index].estimate;
        return narrow(estimate.half, estimate.mean.abs());
    }
    (1..scenario.variants.len()).all(|variant| {
        let difference = paired(runs, 0, variant)[index];
        narrow(difference.half, mean(0).max(mean(variant)))
    })
}

/// The seed to add next; `None` if it is enough, or as much as there may be.
pub(crate) fn next_seed(scenario: &Scenario, runs: &[RunMetrics]) -> Option<u64> {
    let until = scenario.until.as_ref()?;
    if scenario.seeds.len() >= until.seeds_max || is_narrow(scenario, runs) {
        return None;
    }
    scenario.seeds.iter().max()?.checked_add(1)
}

/// For captions: why there are as many runs as there are.
pub(crate) fn said(scenario: &Scenario, runs: &[RunMetrics]) -> Option<String> {
    let until = scenario.until.as_ref()?;
    let label = METRICS[metric(until)?].label;
    let percent = until.share * 100.0;
    let what = if scenario.variants.len() == 1 {
        "mean"
    } else {
        "paired difference"
    };
    Some(if is_narrow(scenario, runs) {
        format!("enough for ± {percent:.3} % in the {what} of {label}")
    } else {
        format!(
            "the maximum of {}: the {what} of {label} is not known to ± {percent:.3} %",
            until.seeds_max
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = include_str!("../../scenarios/test/determinism.toml");

    fn scenario(sweep: &str) -> Scenario {
        let two = "seeds = 2\n[sweep.axes]\n\"swarm.neighbours\" = [6, 8]\n[figure]\n";
        let text = TEXT.replace("seeds = 1", &format!("{sweep}\n{two}"));
        Scenario::read(&text, &[]).unwrap()
    }

    fn runs(scenario: &Scenario, of: impl Fn(usize, u64) -> f64) -> Vec<RunMetrics> {
        let index = metric(scenario.until.as_ref().unwrap()).unwrap();
        let pairs = (0..scenario.variants.len())
            .flat_map(|variant| scenario.seeds.iter().map(move |&seed| (variant, seed)));
        let one = |(variant, seed)| {
            let mut values = vec![f64::NAN; METRICS.len()];
            values[index] = of(variant, seed);
            RunMetrics {
                variant,
                seed,
                trace: 0,
                values,
                groups: Vec::new(),
            }
        };
        pairs.map(one).collect()
    }

    #[test]
    fn it_stops_on_the_paired_difference_and_at_the_maximum() {
        let mut scenario =
            scenario("until = \"5 %\"\nuntil_metric = \"download_mean_s\"\nseeds_max = 4");
        check(&scenario).unwrap();
        // The seeds differ by far more than 5 %, the pairs do not.
        let paired = |variant: usize, seed: u64| 100.0 * seed as f64 + 10.0 * variant as f64;
        assert_eq!(next_seed(&scenario, &runs(&scenario, paired)), None);
        let wild = |variant: usize, seed: u64| 100.0 + (variant as u64 * seed % 2) as f64 * 90.0;
        assert_eq!(next_seed(&scenario, &runs(&scenario, wild)), Some(3));
        scenario.seeds = vec![1, 2, 3, 4];
        let runs = runs(&scenario, wild);
        assert_eq!(next_seed(&scenario, &runs), None);
        let said = said(&scenario, &runs).unwrap();
        assert!(
            said.contains("maximum of 4") && said.contains("± 5"),
            "{said}"
        );
    }

    #[test]
    fn metrics_that_are_not_there_are_refused() {
        let scenario = scenario("until = \"5 %\"\nuntil_metric = \"chunk_loss\"\nseeds_max = 4");
        let said = check(&scenario).expect_err("the picture stalls here");
        assert!(said.contains("startup_mean_s"), "{said}");
    }
}
