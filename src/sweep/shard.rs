//! Shards of a sweep: which runs are in which, and the files that say so.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use swarmbed_sim::scenario::Scenario;

use crate::run::plan::Plan;

/// The file of a whole sweep.
pub(super) const DEAL: &str = "sweep.json";

/// The file of a shard that is to be run.
pub(super) fn file(number: usize) -> String {
    format!("{}.json", folder(number))
}

/// The folder of a shard's runs.
pub(super) fn folder(number: usize) -> String {
    format!("shard-{number}")
}

/// As it is written.
pub(super) fn text(one: &impl Serialize) -> String {
    serde_json::to_string_pretty(one).expect("plain data") + "\n"
}

/// A sweep, dealt into shards.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Deal {
    pub(super) shards: usize,
    pub(super) plan: Plan,
}

impl Deal {
    pub(super) const fn new(plan: Plan, shards: usize) -> Self {
        Self { shards, plan }
    }

    /// Reads the one in a folder.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn read(folder: &Path) -> Result<Self, String> {
        read(&folder.join(DEAL))
            .map_err(|message| format!("{message}; name a folder that `swarmbed sweep plan` made"))
    }

    /// The runs of a shard, counted from 1. The variants of each seed are dealt round and round, beginning one
    /// later for each: so that no shard has only the slow ones, whatever the numbers.
    pub(super) fn jobs(&self, scenario: &Scenario, number: usize) -> Vec<(usize, u64)> {
        let (variants, seeds) = (scenario.variants.len(), &self.plan.seeds);
        (number - 1..variants * seeds.len())
            .step_by(self.shards)
            .map(|place| {
                let (row, column) = (place / variants, place % variants);
                ((column + variants - row % variants) % variants, seeds[row])
            })
            .collect()
    }

    pub(super) fn shard(&self, scenario: &Scenario, number: usize) -> Shard {
        let runs = self.jobs(scenario, number);
        Shard {
            shard: number,
            shards: self.shards,
            runs: named(scenario, &runs),
            plan: self.plan.clone(),
        }
    }
}

fn named(scenario: &Scenario, jobs: &[(usize, u64)]) -> Vec<Named> {
    let name = |&(variant, seed): &(usize, u64)| {
        let of = &scenario.variants[variant];
        Named {
            policy: of.policy.clone(),
            at: of.axes.iter().cloned().collect(),
            seed,
        }
    };
    jobs.iter().map(name).collect()
}

/// A shard to run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Shard {
    /// Counted from 1.
    pub(super) shard: usize,
    /// Of so many.
    pub(super) shards: usize,
    runs: Vec<Named>,
    pub(super) plan: Plan,
}

/// A run, as a person calls it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Named {
    policy: String,
    /// Where it stands in the sweep: key and value.
    at: std::collections::BTreeMap<String, String>,
    seed: u64,
}

impl Shard {
    /// Reads one.
    ///
    /// # Errors
    /// If the file is none.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        read(path)
            .map_err(|message| format!("{message}; name a file that `swarmbed sweep plan` wrote"))
    }

    /// Variant and seed of its runs.
    ///
    /// # Errors
    /// If these are others than the ones that were dealt to it.
    pub(super) fn jobs(&self, scenario: &Scenario) -> Result<Vec<(usize, u64)>, String> {
        if !(1..=self.shards).contains(&self.shard) {
            return Err(format!(
                "there is no shard {} of {}",
                self.shard, self.shards
            ));
        }
        let deal = Deal::new(self.plan.clone(), self.shards);
        let jobs = deal.jobs(scenario, self.shard);
        if named(scenario, &jobs) == self.runs {
            Ok(jobs)
        } else {
            Err("its runs were changed; plan the sweep anew".into())
        }
    }
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, String> {
    let text = fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}
