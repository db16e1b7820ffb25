//! `swarmbed run`: scenario files in; tables, CSV and figures out.

mod bounds;
mod claims;
mod classes;
mod files;
mod memory;
mod meter;
mod page;
mod pictures;
mod replicate;
mod stopping;
mod sweep;
mod witness;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant as Clock;

use indicatif::{ProgressBar, ProgressStyle};
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use swarmbed_analysis::compare::{RunMetrics, paired, summarise};
use swarmbed_sim::scenario::{Scenario, seeds};

use crate::{place, table};
use replicate::{Failure, Replicate, replicate};

/// Run scenario files: tables, CSV, figures
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  swarmbed run scenarios/quickstart.toml
  swarmbed run scenarios/quickstart.toml --seeds 1..=20 --out /tmp/quick
  swarmbed run scenarios/quickstart.toml --set swarm.viewers=100 --set class.viewer.connectable=0.4 --json")]
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
            json: false,
            quiet,
            first_seed,
            terse: true,
        }
    }
}

/// Several seeds in one argument. (A bare `Vec` would be several arguments to clap.)
#[derive(Clone, Debug)]
struct Seeds(Vec<u64>);

impl Seeds {
    fn read(text: &str) -> Result<Self, String> {
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
    let text = fs::read_to_string(path).map_err(|error| {
        eprintln!(
            "error: cannot read the scenario {}: {error}",
            path.display()
        );
        BAD
    })?;
    let mut scenario = Scenario::read(&text, &args.set).map_err(|error| {
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
    if let Some(Seeds(seeds)) = &args.seeds {
        scenario.seeds.clone_from(seeds);
        scenario.until = None;
    }
    if args.first_seed {
        scenario.seeds.truncate(1);
        scenario.until = None;
    }
    let changed = !args.set.is_empty() || args.seeds.is_some();
    let folder = args
        .out
        .clone()
        .unwrap_or_else(|| place::results_of(path, changed));
    // Made before the work, so that a folder that cannot be written costs nothing.
    let unwritable = |error: &swarmbed_analysis::results::WriteError| {
        eprintln!("error: {error}; free some space, or choose another folder with --out");
        BAD
    };
    let mut results =
        swarmbed_analysis::results::Results::create(&folder).map_err(|error| unwritable(&error))?;

    meter::begin();
    let wall = Clock::now();
    let before = cpu_seconds();
    let replicates = enough(args, &mut scenario).map_err(|message| {
        eprintln!("error: {}: {message}", path.display());
        BAD
    })?;
    let asked = scenario.variants.len() * scenario.seeds.len();
    let missing = asked - replicates.len();
    if missing > 0 {
        eprintln!(
            "interrupted: {} of {asked} runs were done",
            replicates.len()
        );
    }
    if replicates.is_empty() {
        return Err(FAILED);
    }
    let cost = Cost {
        wall_s: wall.elapsed().as_secs_f64(),
        cpu_s: cpu_seconds() - before,
    };
    let runs: Vec<RunMetrics> = replicates
        .iter()
        .map(|replicate| replicate.metrics.clone())
        .collect();
    let object = files::write(&mut results, &scenario, &replicates, &runs, cost)
        .map_err(|error| unwritable(&error))?;
    if !args.quiet && !args.json && !args.terse {
        tell(&scenario, &runs, &replicates, &results, cost);
    }
    let violations: Vec<&String> = replicates
        .iter()
        .flat_map(|replicate| &replicate.violations)
        .collect();
    for violation in violations.iter().take(20) {
        eprintln!("check failed: {violation}");
    }
    let failed = missing > 0 || !violations.is_empty();
    Ok((if failed { FAILED } else { 0 }, object))
}

/// What the runs took.
#[derive(Clone, Copy, Debug)]
struct Cost {
    wall_s: f64,
    cpu_s: f64,
}

/// Set when the user presses Ctrl-C: runs under way end, and those that are done are written.
static STOP: AtomicBool = AtomicBool::new(false);

/// Listens for Ctrl-C from now on. Where that is impossible, Ctrl-C ends the program as ever.
pub(crate) fn listen_for_interrupt() {
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        if let Ok(runtime) = runtime
            && runtime.block_on(tokio::signal::ctrl_c()).is_ok()
        {
            STOP.store(true, Ordering::Relaxed);
        }
    });
}

fn progress_bar(args: &Args, runs: usize) -> ProgressBar {
    if args.quiet || args.json {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(runs as u64);
    let style = ProgressStyle::with_template(
        "{bar:30} {pos}/{len} runs, {elapsed} so far, {eta} to go  {msg}",
    );
    bar.set_style(style.expect("the template is well formed"));
    bar.tick();
    bar
}

/// The runs of all seeds, and of more seeds one by one until the scenario's question is answered
/// well enough.
fn enough(args: &Args, scenario: &mut Scenario) -> Result<Vec<Replicate>, String> {
    let mut done = replicates(args, scenario, &scenario.seeds)?;
    loop {
        let metrics: Vec<RunMetrics> = done.iter().map(|one| one.metrics.clone()).collect();
        let whole = done.len() == scenario.variants.len() * scenario.seeds.len();
        let next = stopping::next_seed(scenario, &metrics);
        let Some(seed) = next.filter(|_| whole) else {
            break;
        };
        scenario.seeds.push(seed);
        done.extend(replicates(args, scenario, &[seed])?);
    }
    // Stable: the seeds of a variant stay in their order.
    done.sort_by_key(|one| one.metrics.variant);
    Ok(done)
}

/// All runs of some seeds, variant by variant, seeds in order. Many runs stand side by side on one thread each;
/// few share the threads. After Ctrl-C: those that were done.
fn replicates(args: &Args, scenario: &Scenario, seeds: &[u64]) -> Result<Vec<Replicate>, String> {
    let threads = args
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
        .max(1);
    let jobs: Vec<(usize, u64)> = (0..scenario.variants.len())
        .flat_map(|variant| seeds.iter().map(move |&seed| (variant, seed)))
        .collect();
    let inside = if jobs.len() >= threads { 1 } else { threads };
    let beside = if inside == 1 { threads } else { 1 };
    let bar = progress_bar(args, jobs.len());
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(beside)
        .build()
        .map_err(|error| error.to_string())?;
    let failed = AtomicBool::new(false);
    let done: Vec<Result<Replicate, Failure>> = pool.install(|| {
        jobs.par_iter()
            .map(|&(variant, seed)| {
                if failed.load(Ordering::Relaxed) || STOP.load(Ordering::Relaxed) {
                    return Err(Failure::Interrupted);
                }
                let result = replicate(scenario, variant, seed, inside, &bar, &STOP);
                bar.inc(1);
                failed.fetch_or(result.is_err(), Ordering::Relaxed);
                result
            })
            .collect()
    });
    bar.finish_and_clear();
    let mut finished = Vec::new();
    for one in done {
        match one {
            Ok(replicate) => finished.push(replicate),
            Err(Failure::Setup(message)) => return Err(message),
            Err(Failure::Interrupted) => {}
        }
    }
    Ok(finished)
}

/// Prints the tables, and where the files are.
fn tell(
    scenario: &Scenario,
    runs: &[RunMetrics],
    replicates: &[Replicate],
    results: &swarmbed_analysis::results::Results,
    cost: Cost,
) {
    say!("{}", scenario.question);
    let seeds = scenario.seeds.len();
    say!(
        "{seeds} run{} of each; mean ± half of the 95 % interval over runs",
        if seeds == 1 { "" } else { "s" }
    );
    if let Some(why) = stopping::said(scenario, runs) {
        say!("{why}");
    }
    say!();
    let names: Vec<&String> = scenario
        .variants
        .iter()
        .map(|variant| &variant.name)
        .collect();
    let rows: Vec<_> = (0..names.len())
        .map(|variant| {
            (
                names[variant].clone(),
                table::estimates(&summarise(runs, variant)),
            )
        })
        .collect();
    for line in table::lines(scenario.stalls, &rows) {
        say!("{line}");
    }
    if seeds > 1 && names.len() > 1 {
        say!("\nDifference to \"{}\", on the same seeds:", names[0]);
        let rows: Vec<_> = (1..names.len())
            .map(|variant| (names[variant].clone(), paired(runs, 0, variant)))
            .collect();
        for line in table::lines(scenario.stalls, &rows) {
            say!("{line}");
        }
    }
    for (heading, rows) in [
        ("By class:", classes::by_class(scenario, runs)),
        (
            "Adversaries less the honest, in the same runs:",
            classes::gained(scenario, runs),
        ),
        (
            "The honest less the honest where the line of the sweep begins, on the same seeds:",
            classes::lost(scenario, runs),
        ),
    ] {
        if !rows.is_empty() {
            say!("\n{heading}");
            for line in table::lines(scenario.stalls, &rows) {
                say!("{line}");
            }
        }
    }
    let cut: f64 = files::total(runs, "cut_by_horizon");
    let early: f64 = files::total(runs, "exits_before_start");
    if cut + early > 0.0 {
        say!(
            "\n{cut} viewers were cut by the horizon, {early} left before their first frame (counted apart)."
        );
    }
    say!("\n{}", speed(replicates, cost));
    let written: Vec<&str> = results
        .written()
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    say!(
        "\nWritten to {}: {}",
        results.folder().display(),
        written.join(", ")
    );
}

/// What the simulator did with its time.
fn speed(replicates: &[Replicate], cost: Cost) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let total = |of: fn(&Replicate) -> u64| replicates.iter().map(of).sum::<u64>() as f64;
    let blocks = total(|one| one.totals.useful_blocks);
    let calls = total(|one| one.totals.calls);
    // Peers that are there in a window, summed over windows, by the share of time each was there.
    let peer_windows = total(|one| one.peer_windows);
    let window = replicates[replicates.len() - 1].totals.window;
    format!(
        "{:.1} s, {:.1} s of processor time: {:.0} blocks and {:.0} engine calls per CPU-second; \
         windows of {window:?}, {:.2} calls per peer and window",
        cost.wall_s,
        cost.cpu_s,
        blocks / cost.cpu_s.max(0.01),
        calls / cost.cpu_s.max(0.01),
        calls / peer_windows.max(1.0),
    )
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
