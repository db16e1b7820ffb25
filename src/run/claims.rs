//! Claims of a scenario against what its runs measured: the words of captions.

use serde_json::{Value, json};
use swarmbed_analysis::claim::{Verdict, verdict};
use swarmbed_analysis::compare::{RunMetrics, paired_of, summarise_of};
use swarmbed_analysis::digits;
use swarmbed_analysis::metric::{METRICS, Metric};
use swarmbed_analysis::stats::Estimate;
use swarmbed_sim::scenario::{Claim, Scenario};

use crate::table;

/// A claim and what became of it.
pub(crate) struct Judged<'a> {
    claim: &'a Claim,
    metric: &'static Metric,
    measured: Estimate,
    pub(crate) verdict: Verdict,
}

/// Whether every claim's metric exists, fits how late pieces are treated, and its groups.
pub(crate) fn check(scenario: &Scenario) -> Result<(), String> {
    for claim in &scenario.claims {
        let Some(metric) = METRICS.iter().find(|metric| metric.key == claim.metric) else {
            return Err(format!("[[claim]]: no metric is called `{}`", claim.metric));
        };
        if !metric.applies(scenario.stalls) {
            return Err(format!(
                "[[claim]]: `{}` says nothing with this [playback] late",
                claim.metric
            ));
        }
    }
    Ok(())
}

/// All claims of a scenario, in order.
pub(crate) fn judge<'a>(scenario: &'a Scenario, runs: &[RunMetrics]) -> Vec<Judged<'a>> {
    scenario
        .claims
        .iter()
        .map(|claim| {
            let index = METRICS
                .iter()
                .position(|metric| metric.key == claim.metric)
                .expect("looked at by check");
            let measured = match &claim.than {
                None => summarise_of(runs, claim.variant, &claim.of)[index].estimate,
                Some((than, group)) => {
                    paired_of(runs, (*than, group), (claim.variant, &claim.of))[index]
                }
            };
            Judged {
                claim,
                metric: &METRICS[index],
                measured,
                verdict: verdict(&measured, claim.low, claim.high),
            }
        })
        .collect()
}

impl Judged<'_> {
    /// One sentence for what is claimed and one for what was measured.
    pub(crate) fn sentence(&self, scenario: &Scenario) -> String {
        let claim = self.claim;
        let unit = match self.metric.unit {
            "" => String::new(),
            unit => format!(" {unit}"),
        };
        let name = |variant: usize, of: &str| {
            let variant = &scenario.variants[variant].name;
            if of == swarmbed_analysis::compare::ALL {
                format!("\"{variant}\"")
            } else {
                format!("\"{variant}\", {of}")
            }
        };
        let less = claim.than.as_ref().map_or_else(String::new, |(than, of)| {
            format!(" less that of {}, paired", name(*than, of))
        });
        let bound = |value: f64| digits::six(value * self.metric.factor);
        let expected = if claim.low.is_infinite() {
            format!("below {}", bound(claim.high))
        } else if claim.high.is_infinite() {
            format!("above {}", bound(claim.low))
        } else {
            format!("{} to {}", bound(claim.low), bound(claim.high))
        };
        format!(
            "Claim ({}): {}. Measured: {} of {}{less}: {}{unit} (95 % interval, {} runs); expected {expected}{unit}: {}.",
            claim.mark.name(),
            claim.says.trim_end_matches('.'),
            self.metric.label,
            name(claim.variant, &claim.of),
            table::cell(self.metric, &self.measured),
            self.measured.runs,
            self.verdict.name(),
        )
    }

    /// For `summary.json`.
    pub(crate) fn json(&self, scenario: &Scenario) -> Value {
        json!({
            "says": self.claim.says,
            "mark": self.claim.mark.name(),
            "metric": self.metric.key,
            "of": self.claim.of,
            "variant": scenario.variants[self.claim.variant].name,
            "than": self.claim.than.as_ref().map(|(than, _)| scenario.variants[*than].name.as_str()),
            "mean": digits::json(self.measured.mean),
            "half_95": digits::json(self.measured.half),
            "runs": self.measured.runs,
            "low": digits::json(self.claim.low),
            "high": digits::json(self.claim.high),
            "verdict": self.verdict.name(),
        })
    }
}
