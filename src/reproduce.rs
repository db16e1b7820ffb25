//! `swarmbed reproduce`: the figures of papers, rebuilt from their scenarios, and compared with
//! what is committed.

mod compare;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant as Clock;

use crate::place::Temporary;
use crate::run::{self, BAD, FAILED};

/// Rebuild the figures of papers, and compare them with what is committed
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A study is a folder of scenarios/paper, a figure one file in it. Results go to results/paper.

Examples:
  swarmbed reproduce give-to-get
  swarmbed reproduce all --check
  swarmbed reproduce --check --quick"
)]
pub(crate) struct Args {
    /// Which study: a folder of scenarios/paper, or all
    #[arg(default_value = "all")]
    study: String,
    /// Compare with the committed results, byte for byte, and change nothing
    #[arg(long)]
    check: bool,
    /// One seed a figure; results go to results/.local, and are compared run by run
    #[arg(long)]
    quick: bool,
    /// Threads [default: one per core]
    #[arg(long)]
    threads: Option<usize>,
    /// Only what differs or fails
    #[arg(long)]
    quiet: bool,
}

const SCENARIOS: &str = "scenarios/paper";
const RESULTS: &str = "results/paper";

/// Runs the command.
pub(crate) fn run(args: &Args) -> ExitCode {
    let figures = match figures(&args.study) {
        Ok(figures) => figures,
        Err(message) => {
            eprintln!("error: {message}");
            return ExitCode::from(BAD);
        }
    };
    run::listen_for_interrupt();
    let begun = (Clock::now(), run::cpu_seconds());
    let mut worst = 0;
    for figure in &figures {
        match one(args, figure) {
            Ok(code) => worst = worst.max(code),
            Err(code) => return ExitCode::from(code),
        }
        if run::stopped() {
            return ExitCode::from(FAILED);
        }
    }
    if !args.quiet {
        say!(
            "\n{} figures in {:.0} s, {:.0} s of processor time{}",
            figures.len(),
            begun.0.elapsed().as_secs_f64(),
            run::cpu_seconds() - begun.1,
            match (args.check, worst) {
                (true, 0) if args.quick => ": every run that was made is as committed",
                (true, 0) => ": all as committed",
                (true, _) => ": not all as committed",
                (false, _) => "",
            }
        );
    }
    ExitCode::from(worst)
}

/// One figure of a study.
struct Figure {
    scenario: PathBuf,
    /// Study and figure, as part of paths.
    name: PathBuf,
}

/// The figures of a study, or of all, in the order of their names.
fn figures(study: &str) -> Result<Vec<Figure>, String> {
    let root = Path::new(SCENARIOS);
    let studies: Vec<String> = names(root)?
        .into_iter()
        .filter(|name| root.join(name).is_dir())
        .collect();
    let wanted: Vec<&String> = studies
        .iter()
        .filter(|name| study == "all" || *name == study)
        .collect();
    if wanted.is_empty() {
        let help = studies.join(", ");
        return Err(format!(
            "no study is called `{study}`; there are {help}, and all"
        ));
    }
    let mut figures = Vec::new();
    for study in wanted {
        let folder = root.join(study);
        for file in names(&folder)?
            .iter()
            .filter(|name| name.ends_with(".toml"))
        {
            figures.push(Figure {
                scenario: folder.join(file),
                name: Path::new(study).join(file.trim_end_matches(".toml")),
            });
        }
    }
    Ok(figures)
}

/// What a folder holds, sorted.
fn names(folder: &Path) -> Result<Vec<String>, String> {
    let wrong = |error: std::io::Error| {
        format!(
            "cannot read {}: {error}; run this where the checkout's scenarios/ is",
            folder.display()
        )
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(wrong)? {
        names.push(
            entry
                .map_err(wrong)?
                .file_name()
                .to_string_lossy()
                .into_owned(),
        );
    }
    names.sort();
    Ok(names)
}

/// Rebuilds a figure, and compares it if asked to: the exit code so far.
fn one(args: &Args, figure: &Figure) -> Result<u8, u8> {
    let committed = Path::new(RESULTS).join(&figure.name);
    let temporary = args
        .check
        .then(|| Temporary::new("reproduce"))
        .transpose()
        .map_err(|error| {
            eprintln!("error: no temporary folder: {error}");
            BAD
        })?;
    let out = match &temporary {
        Some(folder) => folder.0.join(&figure.name),
        None if args.quick => Path::new("results/.local/paper").join(&figure.name),
        None => committed.clone(),
    };
    let (wall, cpu) = (Clock::now(), run::cpu_seconds());
    let how = run::Args::for_figure(out.clone(), args.quick, args.threads, args.quiet);
    let (code, summary) = run::one(&how, &figure.scenario)?;
    if !args.quiet {
        say!(
            "{}: {:.0} s, {:.0} s of processor time",
            figure.name.display(),
            wall.elapsed().as_secs_f64(),
            run::cpu_seconds() - cpu
        );
        // One seed has no interval, so no verdict either.
        for claim in summary["claims"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|_| !args.quick)
        {
            say!("  {}: {}", text(&claim["verdict"]), text(&claim["says"]));
        }
    }
    if code != 0 || !args.check {
        return Ok(code);
    }
    let compared = if args.quick {
        compare::runs(&out, &committed)
    } else {
        compare::files(&out, &committed)
    };
    match compared {
        Ok(what) => {
            if !args.quiet {
                say!("  as committed: {what}");
            }
            Ok(0)
        }
        Err(difference) => {
            eprintln!("{}: {difference}", figure.name.display());
            Ok(FAILED)
        }
    }
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or_default()
}
