//! `swarmbed bench`: how fast this is, and how much memory it takes, as a table with a verdict for each row.

mod figure;
mod machine;
mod measure;
mod memory;
mod row;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use swarmbed_analysis::figures::{png, svg};
use swarmbed_analysis::results::Results;

use crate::run::{self, BAD, FAILED};
use machine::Machine;
use measure::{Measured, measure};
use row::{ROWS, Row, Spec, Verdict};

/// Measure how fast this is, and how much memory it takes
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Each run is a process of its own: what `swarmbed run` takes from its start to its end. What else the machine did meanwhile stands in the table; measure on a quiet one. The exit code is 1 if a row falls short.

The whole table goes to results/bench. Some rows by name, or --quick, go to results/.local/bench; with --out they take the place of these rows there.

Examples:
  swarmbed bench --table
  swarmbed bench --quick
  swarmbed bench vod-100k --out results/bench"
)]
pub(crate) struct Args {
    /// Rows, by name [default: all]
    #[arg(value_name = "NAME")]
    rows: Vec<String>,
    /// Print the table at the end (as is done without --json)
    #[arg(long, conflicts_with = "json")]
    table: bool,
    /// One JSON object on standard output, and nothing else there
    #[arg(long)]
    json: bool,
    /// Small sizes, two minutes in all; only what does not depend on size is judged
    #[arg(long)]
    quick: bool,
    /// Where the results go
    #[arg(long)]
    out: Option<PathBuf>,
    /// No progress
    #[arg(long)]
    quiet: bool,
}

/// The file of the results.
const FILE: &str = "bench.json";

/// All that was measured.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Bench {
    rows: Vec<Row>,
}

impl Bench {
    /// With rows that were measured before, in the order of the table.
    fn with(mut self, kept: Vec<Row>) -> Self {
        self.rows.extend(kept);
        let place = |row: &Row| ROWS.iter().position(|spec| spec.name == row.name);
        self.rows.sort_by_key(place);
        self
    }
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> ExitCode {
    match one(args) {
        Ok(short) => ExitCode::from(if short { FAILED } else { 0 }),
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(if run::stopped() { FAILED } else { BAD })
        }
    }
}

/// Measures, prints and writes; whether a row falls short.
fn one(args: &Args) -> Result<bool, String> {
    let specs = chosen(&args.rows)?;
    if !Path::new("scenarios/bench").is_dir() {
        let wrong = "there is no scenarios/bench here; run this where the checkout's scenarios/ is";
        return Err(wrong.into());
    }
    let whole = args.rows.is_empty() && !args.quick;
    let folder = args.out.clone().unwrap_or_else(|| {
        let root = if whole { "results" } else { "results/.local" };
        Path::new(root).join("bench")
    });
    // Made before the work, so that a folder that cannot be written costs nothing.
    let mut results = Results::create(&folder).map_err(|error| error.to_string())?;
    let kept = match &args.out {
        Some(folder) => kept(folder, &specs)?,
        None => Vec::new(),
    };
    run::listen_for_interrupt();
    let measured = rows(args, &specs)?;
    let short = measured
        .iter()
        .any(|row| row.verdict() == Verdict::FallsShort);
    let bench = Bench { rows: measured };
    if args.json {
        let object = serde_json::to_string(&bench).expect("plain data");
        say!("{object}");
    } else {
        crate::out::print(format_args!("{}", table::text(&bench.rows)));
    }
    write(&mut results, &bench.with(kept))?;
    if !args.quiet {
        eprintln!("written to {}", folder.display());
    }
    Ok(short)
}

/// The rows of these names, in the order of the table.
fn chosen(names: &[String]) -> Result<Vec<&'static Spec>, String> {
    let known = |name: &String| ROWS.iter().any(|row| row.name == name);
    if let Some(name) = names.iter().find(|name| !known(name)) {
        let there: Vec<String> = ROWS
            .iter()
            .map(|row| format!("\n  {:<11} {}", row.name, row.what))
            .collect();
        return Err(format!(
            "no row is called `{name}`; there are{}",
            there.concat()
        ));
    }
    let is_chosen = |row: &&Spec| names.is_empty() || names.iter().any(|name| name == row.name);
    Ok(ROWS.iter().filter(is_chosen).collect())
}

/// Rows that stand in a folder and are not measured now.
fn kept(folder: &Path, specs: &[&Spec]) -> Result<Vec<Row>, String> {
    let path = folder.join(FILE);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let wrong = |why: String| {
        format!(
            "cannot read {}: {why}; choose another folder with --out, or remove the file",
            path.display()
        )
    };
    let text = std::fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
    let bench: Bench = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let is_kept = |row: &Row| specs.iter().all(|spec| spec.name != row.name);
    Ok(bench.rows.into_iter().filter(is_kept).collect())
}

/// Measures the rows. What two rows share is measured once.
fn rows(args: &Args, specs: &[&Spec]) -> Result<Vec<Row>, String> {
    let silent = args.quiet || args.json;
    let machine = Machine::this();
    let mut jobs: Vec<_> = specs
        .iter()
        .flat_map(|spec| (spec.jobs)(args.quick))
        .collect();
    let mut place = 0;
    while place < jobs.len() {
        let again = jobs[..place].iter().any(|one| one.same(&jobs[place]));
        if again {
            jobs.remove(place);
        } else {
            place += 1;
        }
    }
    let mut done: Vec<Measured> = Vec::new();
    for (number, job) in (1..).zip(&jobs) {
        if !silent {
            eprintln!("[{number}/{}] {}", jobs.len(), job.name);
        }
        let measured = measure(job, silent)?;
        if !silent {
            eprintln!(
                "      {:.0} blocks per CPU-second, {:.1} s, {:.0} MiB",
                measured.blocks_per_cpu_s(),
                measured.wall_s,
                measured.peak_memory_bytes / 1_048_576.0
            );
        }
        done.push(measured);
    }
    let row = |spec: &&Spec| {
        let measured: Vec<Measured> = (spec.jobs)(args.quick)
            .into_iter()
            .map(|job| {
                let found = done.iter().find(|one| one.job.same(&job));
                let found = found.expect("every job was measured");
                Measured {
                    job,
                    ..found.clone()
                }
            })
            .collect();
        Row {
            name: spec.name.into(),
            what: spec.what.into(),
            quick: args.quick,
            machine: machine.clone(),
            targets: (spec.targets)(&measured.iter().collect::<Vec<_>>()),
            measured,
        }
    };
    Ok(specs.iter().map(row).collect())
}

/// Writes the files of the results.
fn write(results: &mut Results, bench: &Bench) -> Result<(), String> {
    let json = serde_json::to_string_pretty(bench).expect("plain data") + "\n";
    let mut files = vec![
        (FILE, json.into_bytes()),
        ("table.txt", table::text(&bench.rows).into_bytes()),
    ];
    if let Some(row) = bench.rows.iter().find(|row| row.name == "scale") {
        let figure = figure::scale(row);
        let drawn = |error: swarmbed_analysis::figures::FigureError| error.to_string();
        files.push(("scale.svg", svg(&figure).map_err(drawn)?.into_bytes()));
        files.push(("scale.png", png(&figure).map_err(drawn)?));
    }
    for (name, bytes) in files {
        let wrong = |error: swarmbed_analysis::results::WriteError| {
            format!("{error}; free some space, or choose another folder with --out")
        };
        results.write(name, &bytes).map_err(wrong)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_takes_its_place_among_those_that_stand_there() {
        let row = |name: &str, quick| Row {
            name: name.into(),
            what: String::new(),
            quick,
            machine: Machine::this(),
            measured: Vec::new(),
            targets: Vec::new(),
        };
        let folder = crate::place::Temporary::new("bench-kept").expect("a folder");
        let specs = chosen(&["live-1k".into()]).expect("a row of the table");
        assert!(kept(&folder.0, &specs).expect("nothing there").is_empty());
        let bench = Bench {
            rows: vec![
                row("vod-10k", false),
                row("live-1k", false),
                row("scale", false),
            ],
        };
        let mut results = Results::create(&folder.0).expect("a folder");
        write(&mut results, &bench).expect("room for a file");
        let rows = vec![row("live-1k", true)];
        let bench = Bench { rows }.with(kept(&folder.0, &specs).expect("our own file"));
        let stand: Vec<_> = bench
            .rows
            .iter()
            .map(|row| (row.name.as_str(), row.quick))
            .collect();
        let there = [("vod-10k", false), ("live-1k", true), ("scale", false)];
        assert_eq!(stand, there);
        std::fs::write(folder.0.join(FILE), "{").expect("room for a file");
        let error = kept(&folder.0, &specs).expect_err("half a file");
        assert!(error.contains("choose another folder"), "{error}");
    }
}
