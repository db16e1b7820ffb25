//! The data of `report.html`: which numbers go into it. All of it is a function of the runs.

use serde_json::{Map, Value, json};
use swarmbed_analysis::compare::RunMetrics;
use swarmbed_analysis::digits;
use swarmbed_analysis::metric::{METRICS, Metric};
use swarmbed_analysis::report;
use swarmbed_analysis::timeline::Moment;
use swarmbed_engine::Cause;
use swarmbed_sim::scenario::Scenario;

use super::kept::Digest;
use super::portrait::{Portrait, VARIANTS_MAX};
use super::{files, pictures, witness};

/// Most points of a line over time.
const POINTS_MAX: usize = 240;
/// Most viewers that are shown piece by piece, over all variants.
const VIEWERS_MAX: usize = 24;

/// How many of the worst viewers of each variant are shown, and whether one in the middle is too.
pub(super) fn viewers_of_each(variants: usize) -> (usize, bool) {
    match VIEWERS_MAX / variants.max(1) {
        0 | 1 => (1, false),
        2 => (1, true),
        3 => (2, true),
        _ => (3, true),
    }
}

/// Whether a variant's viewers are shown piece by piece.
pub(super) fn follows(variant: usize) -> bool {
    variant < VIEWERS_MAX
}

/// The page.
pub(super) fn html(
    scenario: &Scenario,
    digests: &[Digest],
    portraits: &[Portrait],
    runs: &[RunMetrics],
    summary: &Value,
    verdict: &[String],
) -> String {
    let shown: Vec<&Metric> = METRICS
        .iter()
        .enumerate()
        .filter(|(index, _)| files::is_shown(scenario, runs, *index))
        .map(|(_, metric)| metric)
        .collect();
    let metrics: Vec<Value> = shown
        .iter()
        .map(|metric| {
            json!({
                "key": metric.key, "label": metric.label, "unit": metric.unit,
                "factor": metric.factor, "headline": metric.headline, "less": metric.less,
            })
        })
        .collect();
    let figure = scenario.figure.as_ref();
    let first = figure.and_then(|figure| figure.y.first().cloned());
    let usual = if scenario.stalls {
        "rebuffering_ratio"
    } else {
        "chunk_loss"
    };
    let traces: Vec<Value> = runs
        .iter()
        .map(|run| json!([run.variant, run.seed, format!("{:032x}", run.trace)]))
        .collect();
    let data = json!({
        "question": scenario.question,
        "title": scenario.title,
        "runs": scenario.seeds.len(),
        "seeds": scenario.seeds,
        "stalls": scenario.stalls,
        "verdict": (!verdict.is_empty()).then_some(verdict),
        "notes": notes(runs),
        "metrics": metrics,
        "first_metric": first.unwrap_or_else(|| usual.into()),
        "x": figure.map(|figure| figure.x.as_str()),
        "x_name": figure.map(|figure| figure.x_name.as_str()),
        "causes": Cause::ALL.map(Cause::name),
        "variants": variants(summary, digests),
        "differences": summary["paired_differences"],
        "swarm": swarm(portraits),
        "spreads": spreads(scenario, portraits),
        "followed": followed(scenario),
        "viewers": viewers(portraits),
        "traces": traces,
        "scenario": scenario.text,
    });
    let title = if scenario.question.is_empty() {
        "swarmbed"
    } else {
        &scenario.question
    };
    report::html(title, &data)
}

/// Who is counted apart.
fn notes(runs: &[RunMetrics]) -> Option<String> {
    let (cut, early) = (
        files::total(runs, "cut_by_horizon"),
        files::total(runs, "exits_before_start"),
    );
    (cut + early > 0.0).then(|| {
        format!(
            "Counted apart: {cut} viewers were cut by the horizon, {early} left before their first frame."
        )
    })
}

fn followed(scenario: &Scenario) -> String {
    let seed = scenario.seeds.first().copied().unwrap_or_default();
    let setups = scenario.variants.iter().map(|variant| &variant.setup);
    let of = match setups.map(witness::one_in).max() {
        Some(step @ 2..) => format!(" of the one in {step} that was followed"),
        _ => String::new(),
    };
    format!(
        "The viewers that fared worst{of} under each variant with seed {seed}, and one in the middle where there is \
         room. Worst: stood still longest, then skipped most, then started last."
    )
}

/// The summary's variants, and how many viewers their stalls are of.
fn variants(summary: &Value, digests: &[Digest]) -> Vec<Value> {
    let all = summary["variants"].as_array().expect("as written by files");
    let counted = |variant: usize| -> usize {
        let of = digests.iter().filter(|one| one.metrics.variant == variant);
        of.map(|one| one.counted).sum()
    };
    all.iter()
        .enumerate()
        .map(|(variant, said)| {
            let mut object: Map<String, Value> = said.as_object().expect("an object").clone();
            object.insert("viewers".into(), counted(variant).into());
            object.into()
        })
        .collect()
}

fn swarm(portraits: &[Portrait]) -> Vec<Value> {
    let line = |moments: &[Moment], of: fn(&Moment) -> u32| -> Vec<Value> {
        let keep = moments.len().div_ceil(POINTS_MAX).max(1);
        moments
            .iter()
            .step_by(keep)
            .map(|moment| json!([digits::json(moment.at.as_secs_f64()), of(moment)]))
            .collect()
    };
    portraits
        .iter()
        .map(|one| {
            json!({
                "variant": one.variant,
                "present": line(&one.timeline, |moment| moment.present),
                "starting": line(&one.timeline, |moment| moment.starting),
                "stalled": line(&one.timeline, |moment| moment.stalled),
                "complete": line(&one.timeline, |moment| moment.complete),
            })
        })
        .collect()
}

fn spreads(scenario: &Scenario, portraits: &[Portrait]) -> Vec<Value> {
    let variants = scenario.variants.len().min(VARIANTS_MAX);
    pictures::spreads(scenario.stalls)
        .iter()
        .enumerate()
        .filter_map(|(place, spread)| {
            let lines: Vec<Value> = (0..variants)
                .map(|variant| {
                    let of = portraits.iter().find(|one| one.variant == variant);
                    let points: Vec<Value> = of
                        .map_or(&[][..], |one| one.spreads[place].as_slice())
                        .iter()
                        .skip(1)
                        .step_by(2)
                        .map(|point| json!([digits::json(point.0), digits::json(point.1)]))
                        .collect();
                    json!({ "variant": variant, "points": points })
                })
                .collect();
            let empty = lines
                .iter()
                .all(|line| line["points"].as_array().is_some_and(Vec::is_empty));
            (!empty).then(|| json!({ "title": spread.title, "x": spread.x, "lines": lines }))
        })
        .collect()
}

fn viewers(portraits: &[Portrait]) -> Vec<Value> {
    portraits
        .iter()
        .flat_map(|one| {
            one.viewers.iter().map(|viewer| {
                let mut viewer = viewer.clone();
                viewer["variant"] = one.variant.into();
                viewer
            })
        })
        .collect()
}
