//! The files of a run's results: what goes into which.

use serde_json::{Map, Value, json};
use swarmbed_analysis::compare::{
    ADVERSARY, HONEST, RunMetrics, Summary, paired, paired_of, summarise, summarise_of,
};
use swarmbed_analysis::digits;
use swarmbed_analysis::metric::METRICS;
use swarmbed_analysis::results::{self, Results, csv};
use swarmbed_analysis::stats::Estimate;
use swarmbed_engine::Cause;
use swarmbed_sim::scenario::Scenario;

use super::Cost;
use super::kept::Digest;
use super::plan::Plan;
use super::store::unwritable;
use super::tables::{self, Load};

/// Format of `manifest.json` and of the files it names.
const FORMAT: u32 = 1;

/// The sum of a metric over all runs.
pub(crate) fn total(runs: &[RunMetrics], key: &str) -> f64 {
    let index = METRICS
        .iter()
        .position(|metric| metric.key == key)
        .expect("a metric of the table");
    swarmbed_analysis::stats::sum(&runs.iter().map(|run| run.values[index]).collect::<Vec<_>>())
}

/// Writes everything of these finished runs, which stand variant by variant; returns the summary.
///
/// # Errors
/// If a file cannot be written, or a finished run cannot be read back.
pub(crate) fn write(
    results: &mut Results,
    scenario: &Scenario,
    plan: &Plan,
    digests: &[Digest],
    load: Load<'_>,
    cost: Cost,
) -> Result<Value, String> {
    let runs = &metrics(digests);
    let put = |results: &mut Results, name: &str, bytes: &[u8]| {
        results
            .write(name, bytes)
            .map_err(|error| unwritable(&error))
    };
    let summary = summary(scenario, digests, runs);
    put(results, "summary.json", pretty(&summary).as_bytes())?;
    put(results, "runs.csv", &runs_csv(scenario, runs))?;
    if let Some(groups) = groups_csv(scenario, runs) {
        put(results, "groups.csv", &groups)?;
    }
    let portraits = tables::write(results, scenario, digests, load)?;
    super::pictures::write(results, scenario, digests, &portraits, runs)
        .map_err(|error| unwritable(&error))?;
    let claims = super::claims::judge(scenario, runs);
    let claims: Vec<String> = claims.iter().map(|one| one.sentence(scenario)).collect();
    let page = super::page::html(scenario, digests, &portraits, runs, &summary, &claims);
    put(results, "report.html", page.as_bytes())?;
    let manifest = manifest(results, scenario, runs);
    put(results, "manifest.json", pretty(&manifest).as_bytes())?;
    let whole = digests.len() == scenario.variants.len() * scenario.seeds.len();
    let sound = whole && digests.iter().all(|one| one.violations.is_empty());
    let provenance = provenance(plan, sound, cost);
    put(results, "provenance.json", pretty(&provenance).as_bytes())?;
    Ok(summary)
}

/// The metrics of runs.
pub(crate) fn metrics(digests: &[Digest]) -> Vec<RunMetrics> {
    digests.iter().map(|one| one.metrics.clone()).collect()
}

/// The summary of the results in a folder, if they are all of a plan's runs, made by this very program, and no
/// check failed.
pub(crate) fn finished(folder: &std::path::Path, plan: &Plan) -> Option<Value> {
    let read = |name: &str| -> Option<Value> {
        serde_json::from_str(&std::fs::read_to_string(folder.join(name)).ok()?).ok()
    };
    let provenance = read("provenance.json")?;
    (provenance["plan"].as_str()? == plan.id()).then(|| read("summary.json"))?
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("plain data") + "\n"
}

fn estimate(estimate: &Estimate) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("mean".into(), digits::json(estimate.mean));
    object.insert("half_95".into(), digits::json(estimate.half));
    object.insert("runs".into(), estimate.runs.into());
    object
}

fn summary(scenario: &Scenario, digests: &[Digest], runs: &[RunMetrics]) -> Value {
    let shown = |index: &usize| is_shown(scenario, runs, *index);
    let variants: Vec<Value> = (0..scenario.variants.len())
        .map(|variant| {
            let summaries = summarise(runs, variant);
            let metrics: Map<String, Value> = (0..METRICS.len())
                .filter(shown)
                .map(|index| (METRICS[index].key.to_owned(), summary_of(&summaries[index])))
                .collect();
            let mut causes = Map::new();
            for (index, cause) in Cause::ALL.iter().enumerate() {
                let of = digests.iter().filter(|one| one.metrics.variant == variant);
                causes.insert(
                    cause.name().into(),
                    of.map(|one| one.causes[index]).sum::<u64>().into(),
                );
            }
            let axes: Map<String, Value> = scenario.variants[variant]
                .axes
                .iter()
                .map(|(key, value)| (key.clone(), value.clone().into()))
                .collect();
            let mut object = json!({
                "name": scenario.variants[variant].name,
                "policy": scenario.variants[variant].policy,
                "axes": axes,
                "metrics": metrics,
                "stall_causes_ms": causes,
            });
            let groups = groups(scenario, runs, variant);
            if !groups.is_empty() {
                object["groups"] = groups.into();
            }
            if let Some(balance) = balance(scenario, runs, variant) {
                object["adversaries"] = balance;
            }
            object
        })
        .collect();
    let differences: Vec<Value> = (1..scenario.variants.len())
        .map(|variant| {
            let pairs = paired(runs, 0, variant);
            let metrics: Map<String, Value> = (0..METRICS.len())
                .filter(shown)
                .map(|index| (METRICS[index].key.to_owned(), estimate(&pairs[index]).into()))
                .collect();
            json!({ "of": scenario.variants[variant].name, "to": scenario.variants[0].name, "metrics": metrics })
        })
        .collect();
    let mut object = json!({
        "question": scenario.question,
        "seeds": scenario.seeds,
        "variants": variants,
        "paired_differences": differences,
    });
    if let Some(why) = super::stopping::said(scenario, runs) {
        object["stopped"] = why.into();
    }
    let claims = super::claims::judge(scenario, runs);
    if !claims.is_empty() {
        let claims: Vec<Value> = claims.iter().map(|one| one.json(scenario)).collect();
        object["claims"] = claims.into();
    }
    object
}

fn summary_of(summary: &Summary) -> Value {
    let mut object = estimate(&summary.estimate);
    if let Some((low, high)) = summary.bootstrap {
        object.insert(
            "bootstrap_95".into(),
            json!([digits::json(low), digits::json(high)]),
        );
    }
    object.into()
}

/// The names of a variant's groups of viewers, in order.
pub(crate) fn group_names(runs: &[RunMetrics], variant: usize) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for run in runs.iter().filter(|run| run.variant == variant) {
        for group in &run.groups {
            if !names.contains(&group.name.as_str()) {
                names.push(&group.name);
            }
        }
    }
    names
}

/// What each group of a variant's viewers met with.
fn groups(scenario: &Scenario, runs: &[RunMetrics], variant: usize) -> Map<String, Value> {
    let measured = |name: &str| {
        let summaries = summarise_of(runs, variant, name);
        let said = |index: &usize| {
            METRICS[*index].applies(scenario.stalls) && summaries[*index].estimate.mean.is_finite()
        };
        let metrics = (0..METRICS.len()).filter(said);
        metrics
            .map(|index| (METRICS[index].key.to_owned(), summary_of(&summaries[index])))
            .collect::<Map<_, _>>()
    };
    group_names(runs, variant)
        .into_iter()
        .map(|name| (name.to_owned(), measured(name).into()))
        .collect()
}

/// What adversaries had more of than the honest in the same runs, and what the honest of this
/// variant had more of than those of the same line of the sweep where it begins.
fn balance(scenario: &Scenario, runs: &[RunMetrics], variant: usize) -> Option<Value> {
    let said = |index: &usize| METRICS[*index].grouped && METRICS[*index].applies(scenario.stalls);
    let metrics = |pairs: &[Estimate]| -> Map<String, Value> {
        (0..METRICS.len())
            .filter(said)
            .filter(|&index| pairs[index].mean.is_finite())
            .map(|index| {
                (
                    METRICS[index].key.to_owned(),
                    estimate(&pairs[index]).into(),
                )
            })
            .collect()
    };
    let present = |run: &&RunMetrics| run.variant == variant && run.of(ADVERSARY).is_some();
    runs.iter().find(present)?;
    let gained = paired_of(runs, (variant, HONEST), (variant, ADVERSARY));
    let mut object = json!({ "less_honest": metrics(&gained) });
    if let Some(first) = super::sweep::line_begins(scenario, variant).filter(|one| *one != variant)
    {
        let honest = super::classes::honest_of(runs, first);
        let lost = paired_of(runs, (first, honest), (variant, HONEST));
        object["honest_less_honest_of"] = json!({
            "variant": scenario.variants[first].name,
            "metrics": metrics(&lost),
        });
    }
    Some(object)
}

/// Whether a metric says something here: it fits how late pieces are treated, and some run had
/// something to measure.
pub(crate) fn is_shown(scenario: &Scenario, runs: &[RunMetrics], index: usize) -> bool {
    METRICS[index].applies(scenario.stalls) && runs.iter().any(|run| run.values[index].is_finite())
}

fn runs_csv(scenario: &Scenario, runs: &[RunMetrics]) -> Vec<u8> {
    let shown: Vec<usize> = (0..METRICS.len())
        .filter(|&index| is_shown(scenario, runs, index))
        .collect();
    let mut header = vec!["variant", "seed", "trace"];
    header.extend(shown.iter().map(|&index| METRICS[index].key));
    let rows: Vec<Vec<String>> = runs
        .iter()
        .map(|run| {
            let name = scenario.variants[run.variant].name.clone();
            let head = [name, run.seed.to_string(), format!("{:032x}", run.trace)];
            head.into_iter()
                .chain(shown.iter().map(|&index| digits::six(run.values[index])))
                .collect()
        })
        .collect();
    csv(&header, &rows)
}

/// Rows of `groups.csv`: a row for each group of viewers of each run.
fn groups_csv(scenario: &Scenario, runs: &[RunMetrics]) -> Option<Vec<u8>> {
    let all = || {
        runs.iter()
            .flat_map(|run| run.groups.iter().map(move |group| (run, group)))
    };
    let shown: Vec<usize> = (0..METRICS.len())
        .filter(|&index| METRICS[index].grouped && METRICS[index].applies(scenario.stalls))
        .filter(|&index| all().any(|(_, group)| group.values[index].is_finite()))
        .collect();
    let mut header = vec!["variant", "seed", "group"];
    header.extend(shown.iter().map(|&index| METRICS[index].key));
    let rows: Vec<Vec<String>> = all()
        .map(|(run, group)| {
            let name = scenario.variants[run.variant].name.clone();
            let head = [name, run.seed.to_string(), group.name.clone()];
            head.into_iter()
                .chain(shown.iter().map(|&index| digits::six(group.values[index])))
                .collect()
        })
        .collect();
    (!rows.is_empty()).then(|| csv(&header, &rows))
}

fn manifest(results: &Results, scenario: &Scenario, runs: &[RunMetrics]) -> Value {
    let traces: Vec<Value> = runs
        .iter()
        .map(|run| {
            json!({
                "variant": scenario.variants[run.variant].name,
                "seed": run.seed,
                "trace": format!("{:032x}", run.trace),
            })
        })
        .collect();
    // Figures are functions of the same data, but PNG depends on more than that.
    let files: Map<String, Value> = results
        .written()
        .iter()
        .filter(|(name, _)| name.ends_with(".csv") || name.ends_with(".json"))
        .map(|(name, hash)| (name.clone(), hash.clone().into()))
        .collect();
    let asked = scenario.variants.len() * scenario.seeds.len();
    let mut manifest = json!({
        "format": FORMAT,
        "scenario": scenario.text,
        "scenario_sha1": results::hash(scenario.text.as_bytes()),
        "seeds": scenario.seeds,
        "runs": traces,
        "runs_not_done": asked - runs.len(),
        "sha1": files,
    });
    let notes = super::coarse::notes(scenario);
    if !notes.is_empty() {
        manifest["notes"] = notes.into();
    }
    manifest
}

/// What the results are no function of, apart.
fn provenance(plan: &Plan, sound: bool, cost: Cost) -> Value {
    let said = |program: &str, args: &[&str]| {
        let output = std::process::Command::new(program)
            .args(args)
            .output()
            .ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "plan": sound.then(|| plan.id()),
        "commit": said("git", &["describe", "--always", "--dirty"]),
        "toolchain": said("rustc", &["--version"]),
        "host": said("uname", &["-srm"]),
        "wall_s": digits::json(cost.wall_s),
        "cpu_s": digits::json(cost.cpu_s),
        "cost": super::meter::told(),
    })
}
