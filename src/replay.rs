//! `swarmbed replay`: a recorded session played again, with the same policy or another.

mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Map, Value, json};
use swarmbed_engine::Config;
use swarmbed_engine::policy::{ChokerConfig, SelectorConfig};
use swarmbed_engine::recording::{End, Recording};
use swarmbed_replay::{Fault, Played};

use crate::node::args;
use report::{Viewing, tell_missing, tell_viewing};

/// Play a recorded session again
///
/// The peer is told what it was told, and must answer as it did: the first answer that differs is
/// named, and the exit code is 1. Then its stalls are told, each with its causes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What `swarmbed node … --record FILE` wrote
    file: PathBuf,
    /// Would this piece selector have asked for the missing pieces earlier? Neighbours do what they
    /// did: they unchoke us when they did, and send as many blocks
    #[arg(long, value_name = "NAME", value_parser = args::selector)]
    selector: Option<SelectorConfig>,
    /// The same question, with this choker instead
    #[arg(long, value_name = "NAME", value_parser = args::choker)]
    choker: Option<ChokerConfig>,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Plays it: 0 as recorded, 1 not so, 2 no recording.
pub(crate) fn run(args: &Args) -> ExitCode {
    let read = std::fs::read(&args.file).map_err(|why| why.to_string());
    let recording = match read
        .and_then(|bytes| Recording::parse(&bytes).map_err(|malformed| malformed.to_string()))
    {
        Ok(recording) => recording,
        Err(why) => {
            let help = "give a file that `swarmbed node play … --record FILE` wrote";
            return fail(args, &why, help, 2);
        }
    };
    let played = match swarmbed_replay::again(&recording) {
        Ok(played) => played,
        Err(fault @ Fault::Malformed { .. }) => {
            let help = "the file is not as it was written: record anew";
            return fail(args, &fault.to_string(), help, 2);
        }
        Err(fault @ Fault::Differs(_)) => {
            let why = format!("it does not answer as recorded: {fault}");
            let help = "play it with the program that recorded it, or record anew";
            return fail(args, &why, help, 1);
        }
    };
    let viewing = Viewing::of(&recording, &played);
    let mut object = Map::new();
    object.insert("recording".into(), about(&recording, &played));
    object.insert("viewing".into(), viewing.json());
    if !args.json {
        tell_recording(&recording, &played);
        tell_viewing(&viewing);
    }
    if args.selector.is_some() || args.choker.is_some() {
        match other(args, &recording, &viewing) {
            Ok(value) => drop(object.insert("other".into(), value)),
            Err((why, help)) => return fail(args, &why, help, 2),
        }
    }
    if args.json {
        say!("{}", Value::from(object));
    }
    ExitCode::SUCCESS
}

fn fail(args: &Args, why: &str, help: &str, code: u8) -> ExitCode {
    eprintln!("error: {}: {why}\n  help: {help}", args.file.display());
    if args.json {
        say!("{}", json!({"error": why, "help": help}));
    }
    ExitCode::from(code)
}

fn end(recording: &Recording) -> &'static str {
    match recording.end() {
        End::Whole => "whole",
        End::Full => "cut off at its bound",
        End::Torn => "cut off, for nobody ended it",
    }
}

fn about(recording: &Recording, played: &Played) -> Value {
    json!({
        "seconds": played.span.1.since(played.span.0).as_secs_f64(),
        "calls": played.calls,
        "outputs": played.outputs,
        "whole": recording.end() == End::Whole,
        "end": end(recording),
        "selector": format!("{:?}", recording.config().selector),
        "choker": format!("{:?}", recording.config().choker),
    })
}

fn tell_recording(recording: &Recording, played: &Played) {
    say!(
        "{:.1} s, {} calls ({}): all {} answers as recorded",
        played.span.1.since(played.span.0).as_secs_f64(),
        played.calls,
        end(recording),
        played.outputs,
    );
}

/// What another policy would have done.
fn other(
    args: &Args,
    recording: &Recording,
    viewing: &Viewing,
) -> Result<Value, (String, &'static str)> {
    let change = |config: &mut Config| {
        if let Some(selector) = &args.selector {
            config.selector = selector.clone();
        }
        if let Some(choker) = &args.choker {
            config.choker = choker.clone();
        }
    };
    let help = "choose another policy: `swarmbed policies` lists them";
    let other = swarmbed_replay::other(recording, change)
        .map_err(|why| (why.to_string(), help))?
        .map_err(|why| (why.to_string(), "the file is not as it was written"))?;
    let theirs = Viewing::of(recording, &other.played);
    let missing = viewing.missing(&theirs);
    if !args.json {
        say!();
        say!("With the other policy, among neighbours who do what they did:");
        tell_missing(&missing);
        tell_viewing(&theirs);
        say!(
            "{} of {} blocks that neighbours sent found nothing asked of them.",
            other.unasked,
            other.sent,
        );
    }
    Ok(json!({
        "selector": args.selector.as_ref().map(|one| format!("{one:?}")),
        "choker": args.choker.as_ref().map(|one| format!("{one:?}")),
        "missing": missing.iter().map(report::Missing::json).collect::<Vec<_>>(),
        "viewing": theirs.json(),
        "sent": other.sent,
        "unasked": other.unasked,
    }))
}
