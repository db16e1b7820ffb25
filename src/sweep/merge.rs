//! `swarmbed sweep merge`: are all shards there, once and whole? Then their runs make the results.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use swarmbed_analysis::results::Results;
use swarmbed_sim::scenario::Scenario;

use super::shard::{Deal, file, folder};
use super::{bad, scenario_of};
use crate::run::kept::Digest;
use crate::run::store::{self, bulk_in, digest_in, plan_in, unwritable};
use crate::run::{self, Begun, FAILED, files, tell};

/// Write the results of all shards
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder that `sweep plan` made
    folder: PathBuf,
    /// Where the results go [default: results, in that folder]
    #[arg(long)]
    out: Option<PathBuf>,
    /// One JSON object on standard output, and nothing else there
    #[arg(long)]
    json: bool,
    /// No table
    #[arg(long)]
    quiet: bool,
}

/// Where the results go if nothing else is said.
const RESULTS: &str = "results";

pub(super) fn run(args: &Args) -> Result<u8, u8> {
    let shown = args.folder.display();
    let deal = Deal::read(&args.folder).map_err(bad)?;
    deal.plan.check_program().map_err(|program| {
        bad(format!(
            "{shown} was planned by {program}; merge it with that program"
        ))
    })?;
    let scenario = scenario_of(&deal.plan).map_err(bad)?;
    let plan = deal.plan.id();
    let begun = Begun::now(scenario.variants.len() * scenario.seeds.len());
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| args.folder.join(RESULTS));
    let owners = owners(&deal, &scenario);
    let mut gathering = Gathering {
        folder: &args.folder,
        deal: &deal,
        plan: &plan,
        scenario: &scenario,
        owners: &owners,
        digests: BTreeMap::new(),
        wrong: Vec::new(),
    };
    for number in 1..=deal.shards {
        gathering.gather(number);
    }
    gathering.look_for_others().map_err(bad)?;
    if !gathering.wrong.is_empty() {
        for wrong in &gathering.wrong {
            eprintln!("{wrong}");
        }
        let all = deal.shards;
        eprintln!(
            "error: the {all} shards in {shown} are not all there, once and whole; nothing was written"
        );
        return Err(FAILED);
    }
    let mut found = gathering.digests;
    let order = run::jobs(&scenario, &scenario.seeds);
    let digests: Vec<Digest> = order.iter().filter_map(|job| found.remove(job)).collect();
    let mut results = Results::create(&out).map_err(|error| bad(unwritable(&error)))?;
    let load = |one: &Digest| {
        let name = store::name(one.metrics.variant, one.metrics.seed);
        bulk_in(&args.folder.join(folder(owners[&name])).join(name), &plan)
    };
    let cost = begun.cost();
    let summary =
        files::write(&mut results, &scenario, &deal.plan, &digests, &load, cost).map_err(bad)?;
    if args.json {
        say!("{summary}");
    } else if !args.quiet {
        tell::tell(&scenario, &digests, &results, cost);
    }
    Ok(if run::complain_of_checks(&digests) {
        0
    } else {
        FAILED
    })
}

/// Which shard each run belongs to, by the name of its file.
fn owners(deal: &Deal, scenario: &Scenario) -> BTreeMap<String, usize> {
    (1..=deal.shards)
        .flat_map(|number| {
            let jobs = deal.jobs(scenario, number);
            let name = move |(variant, seed)| (store::name(variant, seed), number);
            jobs.into_iter().map(name)
        })
        .collect()
}

/// What was found of a sweep so far.
struct Gathering<'a> {
    folder: &'a Path,
    deal: &'a Deal,
    /// The plan's name.
    plan: &'a str,
    scenario: &'a Scenario,
    owners: &'a BTreeMap<String, usize>,
    /// By variant and seed.
    digests: BTreeMap<(usize, u64), Digest>,
    /// What is wrong, and what to do.
    wrong: Vec<String>,
}

impl Gathering<'_> {
    /// Looks at what there is of a shard.
    fn gather(&mut self, number: usize) {
        let at = self.folder.join(folder(number));
        let shown = at.display();
        let remedy = format!(
            "`swarmbed sweep run {}`",
            self.folder.join(file(number)).display()
        );
        let wrong = match plan_in(&at) {
            Ok(None) => format!("is lost: nothing is in {shown}; {remedy} makes it"),
            Err(message) => {
                format!("cannot be told: {message}; remove {shown}, and {remedy} makes it")
            }
            Ok(Some(there)) => match self.deal.plan.difference(&there) {
                Some(difference) => format!(
                    "is foreign: the runs in {shown} are of {difference}; remove that folder, and {remedy} makes it"
                ),
                None => return self.gather_runs(number, &at, &remedy),
            },
        };
        self.wrong.push(format!("shard {number} {wrong}"));
    }

    fn gather_runs(&mut self, number: usize, at: &Path, remedy: &str) {
        let jobs = self.deal.jobs(self.scenario, number);
        let mut missing = 0;
        for &(variant, seed) in &jobs {
            let path = at.join(store::name(variant, seed));
            if !path.exists() {
                missing += 1;
                continue;
            }
            match digest_in(&path, self.plan) {
                Ok(digest) => {
                    self.digests.insert((variant, seed), digest);
                }
                Err(message) => self.wrong.push(format!(
                    "shard {number} is damaged: {message}; {remedy} makes that run again"
                )),
            }
        }
        if missing > 0 {
            let (there, all) = (jobs.len() - missing, jobs.len());
            self.wrong.push(format!(
                "shard {number} is half-written: {there} of {all} runs are in {}; {remedy} goes on from them",
                at.display()
            ));
        }
        for name in store::names_in(at) {
            let owner = self.owner(&name);
            if owner != Some(number) {
                let whose = owner.map_or_else(
                    || "is no run of this sweep".to_owned(),
                    |owner| format!("repeats a run of shard {owner}"),
                );
                let path = at.join(name);
                self.wrong.push(format!(
                    "shard {number} holds what it should not: {} {whose}; remove it",
                    path.display()
                ));
            }
        }
    }

    /// Whose run a file of that name is.
    fn owner(&self, name: &str) -> Option<usize> {
        self.owners.get(name).copied()
    }

    /// Other folders with finished runs, beside those of the shards.
    fn look_for_others(&mut self) -> Result<(), String> {
        let expected: Vec<String> = (1..=self.deal.shards).map(folder).collect();
        let entries = fs::read_dir(self.folder)
            .map_err(|error| format!("cannot read {}: {error}", self.folder.display()))?;
        let mut others: Vec<PathBuf> = entries
            .flatten()
            .filter(|entry| !expected.contains(&entry.file_name().to_string_lossy().into_owned()))
            .map(|entry| entry.path())
            .filter(|path| path.is_dir())
            .collect();
        others.sort();
        for other in others {
            let names = store::names_in(&other);
            let mut owners: Vec<usize> = names.iter().filter_map(|name| self.owner(name)).collect();
            owners.sort_unstable();
            owners.dedup();
            let shown = other.display();
            match (plan_in(&other), owners.as_slice()) {
                (Ok(None), _) => {}
                (Ok(Some(there)), [owner, ..]) if self.deal.plan.difference(&there).is_none() => {
                    self.wrong.push(format!(
                        "shard {owner} is there twice: {shown} repeats runs of it; remove that folder"
                    ));
                }
                _ => self
                    .wrong
                    .push(format!("{shown} is of no shard of this sweep; remove it")),
            }
        }
        Ok(())
    }
}
