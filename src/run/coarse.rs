//! Notes of runs in coarse mode: what it was measured to change, where the default was played beside it.
//!
//! The numbers are those of the studies' committed summaries, as this program was built with them. A
//! scenario that has the default among its variants measures that by itself, and needs no notes.

use serde_json::Value;
use swarmbed_analysis::metric::METRICS;
use swarmbed_analysis::stats::Estimate;
use swarmbed_sim::NetworkModel;
use swarmbed_sim::scenario::Scenario;

use crate::table;

/// A study: what it plays, its scenario, and what came of it.
const STUDIES: [(&str, &str, &str); 2] = [
    (
        "a film",
        "scenarios/coarse/film.toml",
        include_str!("../../results/coarse/film/summary.json"),
    ),
    (
        "a channel",
        "scenarios/coarse/channel.toml",
        include_str!("../../results/coarse/channel/summary.json"),
    ),
];

/// What is told of a study, by columns.
const TOLD: [&str; 9] = [
    "startup_mean_s",
    "rebuffering_ratio",
    "stall_free_share",
    "download_mean_s",
    "skipped_media",
    "live_lag_mean_s",
    "upload_utilisation",
    "source_multiple",
    "duplicate_share",
];

/// How coarse a variant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grain {
    pieces: bool,
    batches: bool,
}

impl Grain {
    const DEFAULT: Self = Self {
        pieces: false,
        batches: false,
    };

    /// Of a variant of a study's summary.
    fn of_study(variant: &Value) -> Self {
        let is = |key: &str, value: &str| {
            let written = variant["axes"][key].as_str();
            written.is_some_and(|written| written.starts_with(value))
        };
        Self {
            pieces: is("network.granularity", "piece"),
            batches: is("network.model", "fluid"),
        }
    }

    const fn name(self) -> &'static str {
        match (self.pieces, self.batches) {
            (false, false) => "neither",
            (true, false) => "whole pieces",
            (false, true) => "fluid in batches of 100 ms",
            (true, true) => "whole pieces, and fluid in batches of 100 ms",
        }
    }
}

/// For the manifest; none unless all variants are coarse.
pub(super) fn notes(scenario: &Scenario) -> Vec<String> {
    let mut grains = Vec::new();
    for variant in &scenario.variants {
        let network = &variant.setup.network;
        let grain = Grain {
            pieces: variant.setup.geometry.is_of_whole_pieces(),
            batches: matches!(network.model, NetworkModel::FluidInBatches(_)),
        };
        if grain == Grain::DEFAULT {
            return Vec::new();
        }
        if !grains.contains(&grain) {
            grains.push(grain);
        }
    }
    let studies = STUDIES.iter();
    let note = |grain: Grain| studies.clone().filter_map(move |study| note(grain, study));
    grains.into_iter().flat_map(note).collect()
}

fn note(grain: Grain, (what, path, summary): &(&str, &str, &str)) -> Option<String> {
    let summary: Value = serde_json::from_str(summary).ok()?;
    let variants = summary["variants"].as_array()?;
    let default = variants
        .iter()
        .find(|one| Grain::of_study(one) == Grain::DEFAULT)?;
    let place = variants
        .iter()
        .position(|one| Grain::of_study(one) == grain)?;
    // The default comes first, and has no difference to itself.
    let difference = &summary["paired_differences"][place.checked_sub(1)?];
    let told = TOLD.iter().filter_map(|key| {
        let metric = METRICS.iter().find(|metric| metric.key == *key)?;
        let by = table::cell(metric, &estimate(&difference["metrics"][key])?);
        let of = table::cell(metric, &estimate(&default["metrics"][key])?);
        let label = metric.label;
        let sign = if by.starts_with('-') { "" } else { "+" };
        Some(match metric.unit {
            "" => format!("{label} {sign}{by} (default: {of})"),
            unit => format!("{label} {sign}{by} {unit} (default: {of})"),
        })
    });
    Some(format!(
        "coarse mode ({}) less the default, for 1,000 viewers of {what}, {} runs of `swarmbed run {path}`, \
         95 % intervals: {}",
        grain.name(),
        summary["seeds"].as_array()?.len(),
        told.collect::<Vec<_>>().join("; ")
    ))
}

/// What stands in a summary; its interval is unknown with one run.
fn estimate(written: &Value) -> Option<Estimate> {
    Some(Estimate {
        mean: written["mean"].as_f64()?,
        half: written["half_95"].as_f64().unwrap_or(f64::NAN),
        runs: usize::try_from(written["runs"].as_u64()?).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(sets: &[&str]) -> Scenario {
        let text = include_str!("../../scenarios/coarse/film.toml");
        let sets: Vec<String> = sets.iter().map(|&set| set.into()).collect();
        Scenario::read(text, &sets).expect("a scenario")
    }

    #[test]
    fn a_coarse_run_says_what_it_changes() {
        let one = notes(&scenario(&["sweep.axes={}", "network.granularity=piece"]));
        assert_eq!(one.len(), 2, "{one:?}");
        for (note, (what, path, _)) in one.iter().zip(STUDIES) {
            assert!(note.contains("(whole pieces)"), "{note}");
            assert!(note.contains(what) && note.contains(path), "{note}");
            assert!(note.contains("start-up") && note.contains("%"), "{note}");
        }
        let all = notes(&scenario(&[
            "sweep.axes={\"network.granularity\"=[\"block\",\"piece\"]}",
            "network.model={fluid={batch=\"1 s\"}}",
        ]));
        assert_eq!(all.len(), 4, "{all:?}");
    }

    #[test]
    fn the_default_says_nothing() {
        assert!(notes(&scenario(&["sweep.axes={}"])).is_empty());
        // Nor does what has it beside.
        assert!(notes(&scenario(&[])).is_empty());
    }
}
