//! `swarmbed run`: scenario files in; tables, CSV and figures out.

mod bounds;
mod claims;
mod classes;
mod clock;
mod coarse;
pub(crate) mod crew;
pub(crate) mod files;
pub(crate) mod kept;
mod memory;
mod meter;
mod page;
mod pictures;
pub(crate) mod plan;
mod portrait;
mod progress;
mod replicate;
mod stopping;
pub(crate) mod store;
mod sweep;
mod tables;
pub(crate) mod tell;
mod witness;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant as Clock;

use swarmbed_analysis::results::Results;
use swarmbed_sim::scenario::{Scenario, seeds};

use crate::place;
use crew::Crew;
use kept::Digest;
use plan::Plan;
use store::Store;

/// Run scenario files: tables, CSV, figures
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  swarmbed run scenarios/quickstart.toml
  swarmbed run scenarios/quickstart.toml --seeds 1..=20 --out /tmp/quick
  swarmbed run scenarios/quickstart.toml --set swarm.viewers=100 --set class.viewer.connectable=0.4 --json
  swarmbed run scenarios/live/channel.toml --resume

Each finished run is kept in the results' folder (.runs) until all are. What was interrupted, even by kill -9, goes
on with --resume, and ends with the same bytes.")]
pub(crate) struct Args {
    /// Scenario files
    #[arg(required = true)]
    scenarios: Vec<PathBuf>,
    /// Where the results go (default: results/, and the scenario's place below scenarios/)
    #[arg(long)]
    out: Option<PathBuf>,
    /// Replicates: a number, or a range such as 1..=5, instead of the scenario's
    #[arg(long, value_parser = Seeds::read, value_name = "N|A..=B")]
    seeds: Option<Seeds>,
    /// Threads [default: one per core]
    #[arg(long)]
    threads: Option<usize>,
    /// Change a key of the scenario: section.key=value
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Go on from the runs that an interrupted command finished
    #[arg(long)]
    resume: bool,
    /// One JSON object on standard output, and nothing else there
    #[arg(long)]
    json: bool,
    /// No progress, no table
    #[arg(long)]
    quiet: bool,
    /// Only the scenario's first seed.
    #[arg(skip)]
    first_seed: bool,
    /// Progress, but no table.
    #[arg(skip)]
    terse: bool,
    /// Goes on from finished runs if they are of this plan, and else begins anew.
    #[arg(skip)]
    takes_up: bool,
}

impl Args {
    /// One scenario as it is written, to `out`, without tables.
    pub(crate) fn for_figure(
        out: PathBuf,
        first_seed: bool,
        threads: Option<usize>,
        quiet: bool,
    ) -> Self {
        Self {
            scenarios: Vec::new(),
            out: Some(out),
            seeds: None,
            threads,
            set: Vec::new(),
            resume: false,
            json: false,
            quiet,
            first_seed,
            terse: true,
            takes_up: true,
        }
    }
}

/// Several seeds in one argument. (A bare `Vec` would be several arguments to clap.)
#[derive(Clone, Debug)]
pub(crate) struct Seeds(Vec<u64>);

impl Seeds {
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        seeds(text).map(Self)
    }
}

/// Bad input, or a result that could not be written: exit code 2.
pub(crate) const BAD: u8 = 2;

/// A check failed, or the user stopped it: exit code 1.
pub(crate) const FAILED: u8 = 1;

/// Runs the command.
pub(crate) fn run(args: &Args) -> ExitCode {
    let mut worst = 0;
    let mut objects = Vec::new();
    if args.out.is_some() && args.scenarios.len() > 1 {
        eprintln!(
            "error: --out takes the results of one scenario; run them one by one, or leave --out away"
        );
        return ExitCode::from(BAD);
    }
    listen_for_interrupt();
    for path in &args.scenarios {
        match one(args, path) {
            Ok((code, object)) => {
                worst = worst.max(code);
                objects.push(object);
            }
            Err(code) => return ExitCode::from(code),
        }
    }
    if args.json {
        let object = if objects.len() == 1 {
            objects.remove(0)
        } else {
            serde_json::json!({ "scenarios": objects })
        };
        say!("{object}");
    }
    ExitCode::from(worst)
}

/// Whether the user pressed Ctrl-C.
pub(crate) fn stopped() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// Runs one scenario: its exit code and its summary.
pub(crate) fn one(args: &Args, path: &Path) -> Result<(u8, serde_json::Value), u8> {
    let mut scenario = read(path, &args.set, args.seeds.as_ref())?;
    if args.first_seed {
        scenario.seeds.truncate(1);
        scenario.until = None;
    }
    let changed = !args.set.is_empty() || args.seeds.is_some();
    let folder = args
        .out
        .clone()
        .unwrap_or_else(|| place::results_of(path, changed));
    let bad = |message: String| {
        eprintln!("error: {}: {message}", path.display());
        BAD
    };
    let plan = Plan::of(&scenario);
    if args.resume
        && let Some(summary) = files::finished(&folder, &plan)
    {
        if !args.quiet && !args.json {
            say!("{}: all runs are done", folder.display());
        }
        return Ok((0, summary));
    }
    // Made before the work, so that a folder that cannot be written costs nothing.
    let mut results = Results::create(&folder).map_err(|error| bad(store::unwritable(&error)))?;
    let store = begin(args, &folder.join(RUNS), &plan).map_err(bad)?;

    meter::begin();
    let begun = Begun::now(store.count());
    let crew = Crew {
        store: &store,
        threads: args.threads,
        quiet: args.quiet || args.json,
    };
    let digests = enough(crew, &mut scenario).map_err(bad)?;
    let asked = scenario.variants.len() * scenario.seeds.len();
    let missing = asked - digests.len();
    if missing > 0 {
        eprintln!(
            "interrupted: {} of {asked} runs are done; go on with the same command and --resume",
            digests.len()
        );
    }
    if digests.is_empty() {
        return Err(FAILED);
    }
    let cost = begun.cost();
    let load = |one: &Digest| store.bulk(one.metrics.variant, one.metrics.seed);
    let object =
        files::write(&mut results, &scenario, &plan, &digests, &load, cost).map_err(bad)?;
    if !args.quiet && !args.json && !args.terse {
        tell::tell(&scenario, &digests, &results, cost);
    }
    if missing == 0
        && let Err(message) = store.remove()
    {
        eprintln!("{message}");
    }
    let sound = complain_of_checks(&digests);
    let code = if missing > 0 || !sound { FAILED } else { 0 };
    Ok((code, object))
}

/// Reads a scenario and looks whether what it asks for can be told.
pub(crate) fn read(path: &Path, set: &[String], seeds: Option<&Seeds>) -> Result<Scenario, u8> {
    let text = fs::read_to_string(path).map_err(|error| {
        eprintln!(
            "error: cannot read the scenario {}: {error}",
            path.display()
        );
        BAD
    })?;
    let mut scenario = Scenario::read(&text, set).map_err(|error| {
        place::complain(path, &text, &error);
        BAD
    })?;
    sweep::check(&scenario)
        .and_then(|()| stopping::check(&scenario))
        .and_then(|()| claims::check(&scenario))
        .map_err(|message| {
            eprintln!("error: {}: {message}", path.display());
            BAD
        })?;
    if let Some(Seeds(seeds)) = seeds {
        scenario.seeds.clone_from(seeds);
        scenario.until = None;
    }
    Ok(scenario)
}

/// Where finished runs are kept until the results are written, in the folder of the results.
const RUNS: &str = ".runs";

/// The folder for finished runs: with those that are there, or empty.
fn begin(args: &Args, folder: &Path, plan: &Plan) -> Result<Store, String> {
    let shown = folder.display();
    let there = store::plan_in(folder).map_err(|message| format!("{message}; remove {shown}"))?;
    let finished = store::names_in(folder).len();
    let difference = there.as_ref().and_then(|there| plan.difference(there));
    match (&there, difference) {
        (Some(_), Some(difference)) if args.resume => Err(format!(
            "the {finished} finished runs in {shown} are of {difference}; without --resume all runs are made anew, \
             and with another --out those stay"
        )),
        (Some(_), Some(difference)) => {
            if finished > 0 {
                eprintln!(
                    "{finished} finished runs in {shown} are of {difference}: they are dropped"
                );
            }
            Store::anew(folder, plan)
        }
        (Some(_), None) if args.resume || args.takes_up => Store::open(folder, plan),
        (Some(_), None) if finished > 0 => Err(format!(
            "{finished} of these runs are finished in {shown}; go on from them with --resume, or remove that folder \
             to make all anew"
        )),
        _ => Store::anew(folder, plan),
    }
}

/// Says which checks of the simulator failed; whether none did.
pub(crate) fn complain_of_checks(digests: &[Digest]) -> bool {
    let mut violations = digests.iter().flat_map(|one| &one.violations).peekable();
    let sound = violations.peek().is_none();
    for violation in violations.take(20) {
        eprintln!("check failed: {violation}");
    }
    sound
}

/// What the runs took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    wall_s: f64,
    cpu_s: f64,
    /// Runs that were finished before, and cost nothing now.
    before: usize,
}

/// When work began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun {
    wall: Clock,
    cpu_s: f64,
    before: usize,
}

impl Begun {
    /// Now, when so many runs are finished already.
    pub(crate) fn now(before: usize) -> Self {
        Self {
            wall: Clock::now(),
            cpu_s: cpu_seconds(),
            before,
        }
    }

    /// What it took since.
    pub(crate) fn cost(self) -> Cost {
        Cost {
            wall_s: self.wall.elapsed().as_secs_f64(),
            cpu_s: cpu_seconds() - self.cpu_s,
            before: self.before,
        }
    }
}

/// Set when the user presses Ctrl-C: runs under way end, and those that are done are written.
static STOP: AtomicBool = AtomicBool::new(false);

/// Listens for Ctrl-C from now on; the second ends the program at once. Where that is impossible, the first does.
pub(crate) fn listen_for_interrupt() {
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let Ok(runtime) = runtime else {
            return;
        };
        while runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            if STOP.swap(true, Ordering::Relaxed) {
                std::process::exit(i32::from(FAILED));
            }
        }
    });
}

/// The runs of all seeds, and of more seeds one by one until the scenario's question is answered
/// well enough. Variant by variant, seeds in order.
fn enough(crew: Crew<'_>, scenario: &mut Scenario) -> Result<Vec<Digest>, String> {
    let mut done = crew.play(scenario, &jobs(scenario, &scenario.seeds))?;
    loop {
        let whole = done.len() == scenario.variants.len() * scenario.seeds.len();
        let next = stopping::next_seed(scenario, &files::metrics(&done));
        let Some(seed) = next.filter(|_| whole) else {
            break;
        };
        scenario.seeds.push(seed);
        done.extend(crew.play(scenario, &jobs(scenario, &[seed]))?);
    }
    // Stable: the seeds of a variant stay in their order.
    done.sort_by_key(|one| one.metrics.variant);
    Ok(done)
}

/// All runs of some seeds: variant by variant, seeds in order.
pub(crate) fn jobs(scenario: &Scenario, seeds: &[u64]) -> Vec<(usize, u64)> {
    (0..scenario.variants.len())
        .flat_map(|variant| seeds.iter().map(move |&seed| (variant, seed)))
        .collect()
}

/// Processor time of this process so far, all threads.
pub(crate) fn cpu_seconds() -> f64 {
    ticks_of("/proc/self/stat")
}

/// Processor time by the clock ticks (10 ms) of a `stat` file below `/proc`.
fn ticks_of(path: &str) -> f64 {
    let stat = fs::read_to_string(path).unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |index: usize| {
        after
            .split_whitespace()
            .nth(index)
            .and_then(|text| text.parse::<f64>().ok())
    };
    (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0
}
