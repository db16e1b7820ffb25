//! `swarmbed sweep`: a scenario's runs dealt into shards that need nothing of each other, run wherever there is
//! room, and merged into the results that one machine would have written.

mod merge;
mod shard;

use std::path::PathBuf;
use std::process::ExitCode;

use swarmbed_analysis::results::Results;
use swarmbed_sim::scenario::Scenario;

use crate::run::crew::Crew;
use crate::run::plan::Plan;
use crate::run::store::{Store, unwritable};
use crate::run::{self, BAD, FAILED, Seeds};
use shard::{Deal, Shard};

/// Split a scenario's runs into shards, run them anywhere, merge them
#[derive(Debug, clap::Subcommand)]
#[command(
    after_help = "The merged results are those of `swarmbed run`, byte for byte. A shard that was interrupted goes on
where it was when it is run again.

Examples:
  swarmbed sweep plan scenarios/quickstart.toml --shards 8 --out /shared/quick
  swarmbed sweep run /shared/quick/shard-3.json
  swarmbed sweep merge /shared/quick --out results/quickstart"
)]
pub(crate) enum SweepCommand {
    /// Deal a scenario's runs into shards: a file for each
    Plan(PlanArgs),
    /// Run what is left to do of a shard: what an array job calls
    Run(RunArgs),
    /// Write the results of all shards
    Merge(merge::Args),
}

/// Deal a scenario's runs into shards: a file for each
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    /// Scenario file
    scenario: PathBuf,
    /// How many
    #[arg(long)]
    shards: usize,
    /// A new folder for them, and for what comes of them; all machines need to see it
    #[arg(long)]
    out: PathBuf,
    /// Replicates: a number, or a range such as 1..=5, instead of the scenario's
    #[arg(long, value_parser = Seeds::read, value_name = "N|A..=B")]
    seeds: Option<Seeds>,
    /// Change a key of the scenario: section.key=value
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// Run what is left to do of a shard: what an array job calls
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// A file that `sweep plan` wrote
    shard: PathBuf,
    /// Threads [default: one per core]
    #[arg(long)]
    threads: Option<usize>,
    /// No progress
    #[arg(long)]
    quiet: bool,
}

/// Runs the command.
pub(crate) fn run(command: &SweepCommand) -> ExitCode {
    let code = match command {
        SweepCommand::Plan(args) => plan(args),
        SweepCommand::Run(args) => run_shard(args),
        SweepCommand::Merge(args) => merge::run(args),
    };
    ExitCode::from(code.unwrap_or_else(|code| code))
}

/// Says what is wrong with what was given.
fn bad(message: impl std::fmt::Display) -> u8 {
    eprintln!("error: {message}");
    BAD
}

fn plan(args: &PlanArgs) -> Result<u8, u8> {
    let scenario = run::read(&args.scenario, &args.set, args.seeds.as_ref())?;
    let name = args.scenario.display();
    if scenario.until.is_some() {
        return Err(bad(format!(
            "{name}: [sweep] `until` adds seeds by what all runs show, which no shard sees; say how many with --seeds, \
             or run it on one machine with `swarmbed run`"
        )));
    }
    let shown = args.out.display();
    if args.out.join(shard::DEAL).exists() {
        return Err(bad(format!(
            "{shown} holds a sweep already; choose another folder with --out, or remove that one"
        )));
    }
    let deal = Deal::new(Plan::of(&scenario), args.shards);
    let runs = scenario.variants.len() * scenario.seeds.len();
    if !(1..=runs).contains(&args.shards) {
        return Err(bad(format!(
            "{name} has {runs} runs: so there can be 1 to {runs} shards, not {}",
            args.shards
        )));
    }
    let mut files = Results::create(&args.out).map_err(|error| bad(unwritable(&error)))?;
    for number in 1..=args.shards {
        let one = deal.shard(&scenario, number);
        files
            .write(&shard::file(number), shard::text(&one).as_bytes())
            .map_err(|error| bad(unwritable(&error)))?;
    }
    // Last: without it there is no sweep.
    files
        .write(shard::DEAL, shard::text(&deal).as_bytes())
        .map_err(|error| bad(unwritable(&error)))?;
    say!(
        "{runs} runs in {} shards. Run each of them, anywhere, and then merge them:",
        args.shards
    );
    say!("  swarmbed sweep run {shown}/{}", shard::file(1));
    say!("  swarmbed sweep merge {shown}");
    Ok(0)
}

fn run_shard(args: &RunArgs) -> Result<u8, u8> {
    let shown = args.shard.display();
    let one = Shard::read(&args.shard).map_err(bad)?;
    one.plan.check_program().map_err(|program| {
        bad(format!(
            "{shown} was planned by {program}; run it with that program, or plan the sweep anew with this one"
        ))
    })?;
    let scenario = scenario_of(&one.plan).map_err(bad)?;
    let jobs = one
        .jobs(&scenario)
        .map_err(|message| bad(format!("{shown}: {message}")))?;
    run::listen_for_interrupt();
    let folder = args.shard.with_extension("");
    let store = Store::open(&folder, &one.plan).map_err(bad)?;
    let crew = Crew {
        store: &store,
        threads: args.threads,
        quiet: args.quiet,
    };
    let digests = crew.play(&scenario, &jobs).map_err(bad)?;
    if digests.len() < jobs.len() {
        eprintln!(
            "interrupted: {} of {} runs are done; go on with the same command",
            digests.len(),
            jobs.len()
        );
        return Ok(FAILED);
    }
    if !args.quiet {
        say!(
            "shard {} of {}: {} runs are done",
            one.shard,
            one.shards,
            jobs.len()
        );
    }
    Ok(if run::complain_of_checks(&digests) {
        0
    } else {
        FAILED
    })
}

/// The scenario of a plan, as the planner had it.
fn scenario_of(plan: &Plan) -> Result<Scenario, String> {
    let mut scenario = Scenario::read(&plan.scenario, &[]).map_err(|error| error.message)?;
    scenario.seeds.clone_from(&plan.seeds);
    scenario.until = None;
    scenario.text.clone_from(&plan.scenario);
    Ok(scenario)
}
