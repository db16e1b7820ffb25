//! Scenario files: one TOML file spells out a comparison, and every run of it.
//!
//! Owns reading, units, defaults and errors; knows nothing of running. An error names the place
//! (a span of the text) and what to write instead.

mod behaviour;
mod claim;
mod class;
mod drawing;
mod fault;
mod file;
mod granularity;
mod named;
mod network;
mod resolve;
mod units;

pub use claim::{Claim, Mark};
pub use file::File;
pub use units::{Frequency, Size, Speed, Time};

use std::ops::Range;
use std::time::Duration;

use crate::setup::Setup;

/// What is wrong with a scenario file.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ScenarioError {
    /// What is wrong.
    pub message: String,
    /// What to write instead, where it is not part of the message.
    pub help: Option<String>,
    /// Where, in bytes of the text.
    pub span: Option<Range<usize>>,
    /// The text that `span` is of, if it is not the file's: the file's with changes made.
    pub text: Option<String>,
}

/// One column of the comparison: a policy set at one place of the sweep.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Its name in tables: the policy set's, and what is varied.
    pub name: String,
    /// The policy set's name.
    pub policy: String,
    /// What is varied: key and value.
    pub axes: Vec<(String, String)>,
    /// The run; its seed is 0, to be set for each replicate.
    pub setup: Setup,
}

/// A figure of a sweep: metrics against one of its keys. A line for each policy set and each place
/// of the other keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepFigure {
    /// The key that stands across; [`SweepFigure::POLICY`] for the policy sets.
    pub x: String,
    /// What that axis is called; empty: by its key.
    pub x_name: String,
    /// Metrics, by their columns; names are not checked here.
    pub y: Vec<String>,
    /// Classes and groups of viewers, at least one.
    pub of: Vec<String>,
    /// The key whose values are panels beside each other.
    pub panels: Option<String>,
    /// A line where the resource index crosses 1.
    pub supply_line: bool,
    /// Across stands the share of firewalled viewers: what follows from it alone is drawn too.
    pub firewall_bounds: bool,
}

impl SweepFigure {
    /// Stands for the policy sets where a key of the sweep is asked for.
    pub const POLICY: &str = "policy";
    /// All viewers, those who do as they should, and the others.
    pub const GROUPS: [&str; 3] = ["all", "honest", "adversary"];
}

/// When enough seeds were run: half the interval of the paired difference is at most a share of the
/// larger mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Until {
    /// The share, above 0.
    pub share: f64,
    /// Of which metric, by its column; the name is not checked here.
    pub metric: String,
    /// So many seeds at most.
    pub seeds_max: usize,
}

/// A scenario, read and checked.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it asks.
    pub question: String,
    /// What its figures are called.
    pub title: String,
    /// What is drawn of its sweep, instead of the variants one by one.
    pub figure: Option<SweepFigure>,
    /// A start-up delay that somebody measured, and whose, to compare distributions with.
    pub startup_mark: Option<(Duration, String)>,
    /// What peers hold over time is told too.
    pub memory: bool,
    /// What is expected of its runs.
    pub claims: Vec<Claim>,
    /// All defaults spelled out.
    pub text: String,
    /// What is compared.
    pub variants: Vec<Variant>,
    /// The replicates of each.
    pub seeds: Vec<u64>,
    /// When more than those are run.
    pub until: Option<Until>,
    /// Peers that arrive earlier do not count.
    pub warm_up: Duration,
    /// Late pieces stall the picture (and are not skipped).
    pub stalls: bool,
}

impl Scenario {
    /// Reads a scenario file. `sets` are `section.key=value` changes, applied first.
    ///
    /// # Errors
    /// What is wrong, where, and what to write instead.
    pub fn read(text: &str, sets: &[String]) -> Result<Self, ScenarioError> {
        let changed = resolve::with_sets(text, sets)?;
        let read = toml::from_str(&changed)
            .map_err(|error| resolve::syntax(&error))
            .and_then(|file: File| resolve::scenario(&file, &changed));
        read.map_err(|error| ScenarioError {
            text: (!sets.is_empty()).then_some(changed),
            ..error
        })
    }
}

/// `"1..=5"`, `"3"`: which seeds.
///
/// # Errors
/// What to write instead.
pub fn seeds(text: &str) -> Result<Vec<u64>, String> {
    let wrong = || format!("`{text}` names no seeds; write a number, or a range such as 1..=5");
    let list: Vec<u64> = match text.split_once("..=") {
        Some((first, last)) => {
            let first: u64 = first.trim().parse().map_err(|_| wrong())?;
            let last: u64 = last.trim().parse().map_err(|_| wrong())?;
            (first..=last.min(first.saturating_add(100_000))).collect()
        }
        None => (1..=text
            .trim()
            .parse::<u64>()
            .map_err(|_| wrong())?
            .min(100_000))
            .collect(),
    };
    if list.is_empty() {
        Err(wrong())
    } else {
        Ok(list)
    }
}

/// The JSON Schema of scenario files.
pub const SCHEMA: &str = include_str!("schema.json");
