//! `swarmbed validate`: closed forms of the papers against this simulator.

mod table;

use std::process::ExitCode;
use std::time::{Duration, Instant as Clock};

use indicatif::{ProgressBar, ProgressStyle};
use swarmbed_analysis::digits;
use swarmbed_validate::{Line, Plan, ROWS, Row, Verdict};

use crate::run::{self, BAD, FAILED};

/// Compare the simulator with closed forms of the papers
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Verdicts: agrees, within the tolerance; differs, beyond it by as much as is known and explained below the line; fails, beyond it otherwise, or a check of the simulator did not hold. Only the last makes the exit code 1. A reduced world keeps the shipped piece selector and replaces network and neighbours by what the model says of them.

Examples:
  swarmbed validate
  swarmbed validate --quick
  swarmbed validate 3 8 fluid
  swarmbed validate 6 --json"
)]
pub(crate) struct Args {
    /// Rows, by name [default: all]
    #[arg(value_name = "ROW")]
    rows: Vec<String>,
    /// Fewer and shorter runs, with the same tolerances
    #[arg(long)]
    quick: bool,
    /// Threads [default: one per core]
    #[arg(long)]
    threads: Option<usize>,
    /// One JSON object on standard output, and nothing else there
    #[arg(long)]
    json: bool,
    /// Only lines that fail
    #[arg(long)]
    quiet: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> ExitCode {
    let validated = chosen(&args.rows).and_then(|rows| {
        let lines = play(args, &rows)?;
        Ok((rows, lines))
    });
    let (rows, lines) = match validated {
        Ok(validated) => validated,
        Err(message) => {
            eprintln!("error: {message}");
            return ExitCode::from(BAD);
        }
    };
    let failed = lines
        .iter()
        .any(|line| matches!(line.verdict(), Verdict::Fails(_)));
    if args.json {
        say!("{}", object(args.quick, &rows, &lines));
    } else if !args.quiet {
        crate::out::print(format_args!("{}", table::text(&rows, &lines)));
    }
    if args.quiet {
        for line in &lines {
            if let Verdict::Fails(why) = line.verdict() {
                eprintln!("row {}: {}: fails: {why}", line.row, line.what);
            }
        }
    }
    ExitCode::from(if failed { FAILED } else { 0 })
}

/// The rows of these names, in the order of the table.
fn chosen(names: &[String]) -> Result<Vec<&'static Row>, String> {
    let known = |name: &String| ROWS.iter().any(|row| row.name == name);
    if let Some(name) = names.iter().find(|name| !known(name)) {
        let there: Vec<String> = ROWS
            .iter()
            .map(|row| format!("\n  {:<7} {}", row.name, row.what))
            .collect();
        return Err(format!(
            "no row is called `{name}`; there are{}",
            there.concat()
        ));
    }
    let is_chosen = |row: &&Row| names.is_empty() || names.iter().any(|name| name == row.name);
    Ok(ROWS.iter().filter(is_chosen).collect())
}

/// Plays the rows; tells of it and of what it took on standard error, where it is no part of the
/// result.
fn play(args: &Args, rows: &[&Row]) -> Result<Vec<Line>, String> {
    let begun = (Clock::now(), run::cpu_seconds());
    let silent = args.quiet || args.json;
    let bar = if silent {
        ProgressBar::hidden()
    } else {
        ProgressBar::new_spinner()
    };
    let style = ProgressStyle::with_template("{spinner} {elapsed}  {msg}");
    bar.set_style(style.expect("the template is well formed"));
    bar.enable_steady_tick(Duration::from_millis(200));
    let tell = |message: &str| bar.set_message(message.to_owned());
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads.unwrap_or(0))
        .build()
        .map_err(|error| format!("no threads: {error}"))?;
    let lines = pool.install(|| swarmbed_validate::run(rows, &Plan::new(args.quick, &tell)));
    bar.finish_and_clear();
    if !silent {
        eprintln!(
            "{} {} in {:.0} s, {:.0} s of processor time",
            rows.len(),
            if rows.len() == 1 { "row" } else { "rows" },
            begun.0.elapsed().as_secs_f64(),
            run::cpu_seconds() - begun.1
        );
    }
    Ok(lines)
}

/// All of it, for programs.
fn object(quick: bool, rows: &[&Row], lines: &[Line]) -> serde_json::Value {
    let line = |line: &Line| {
        let verdict = line.verdict();
        serde_json::json!({
            "what": line.what,
            "unit": line.unit,
            "expected": digits::json(line.expected),
            "mean": digits::json(line.measured.mean),
            "half": digits::json(line.measured.half),
            "runs": line.measured.runs,
            "worst": digits::json(line.worst),
            "tolerance": line.tolerance.text(),
            "verdict": verdict.word(),
            "why": match &verdict {
                Verdict::Agrees => None,
                Verdict::Differs(why) => Some(*why),
                Verdict::Fails(why) => Some(why.as_str()),
            },
        })
    };
    let row = |row: &&Row| {
        let its = lines.iter().filter(|one| one.row == row.name);
        serde_json::json!({
            "row": row.name,
            "what": row.what,
            "source": row.source,
            "world": row.world.text(),
            "lines": its.map(line).collect::<Vec<_>>(),
        })
    };
    let [agrees, differs, fails] = table::counts(lines);
    serde_json::json!({
        "quick": quick,
        "agrees": agrees,
        "differs": differs,
        "fails": fails,
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
    })
}
