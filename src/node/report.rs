//! What the user sees: progress on standard error, one JSON object on standard output.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use serde_json::{Value, json};
use swarmbed_engine::PlayState;
use swarmbed_node::{Estimate, NodeError, Notice, Status};

/// A line that is drawn over itself on a terminal, and written anew elsewhere.
pub(super) struct Progress {
    terminal: bool,
    drawn: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
            drawn: false,
        }
    }

    pub(super) fn show(&mut self, line: &str) {
        let mut stderr = std::io::stderr().lock();
        // A closed standard error is no reason to stop.
        let _ = if self.terminal {
            self.drawn = true;
            write!(stderr, "\r\x1b[K{line}")
        } else {
            writeln!(stderr, "{line}")
        };
        let _ = stderr.flush();
    }

    /// A line that stays.
    pub(super) fn say(&mut self, line: &str) {
        let clear = if self.drawn { "\r\x1b[K" } else { "" };
        self.drawn = false;
        let _ = writeln!(std::io::stderr(), "{clear}{line}");
    }

    pub(super) fn end(&mut self) {
        if self.drawn {
            self.drawn = false;
            let _ = writeln!(std::io::stderr());
        }
    }
}

/// Percent, rates, neighbours, player.
pub(super) fn status(status: &Status) -> String {
    let percent = percent(u64::from(status.have), u64::from(status.pieces));
    let mut line = format!(
        "{percent}  down {}  up {}  {} neighbours",
        rate(status.down.bytes_per_s()),
        rate(status.up.bytes_per_s()),
        status.neighbours
    );
    if let Some(estimate) = &status.estimate {
        line += "  ";
        line += &foretell(estimate);
    }
    if let Some(playback) = status.playback.filter(|p| p.state != PlayState::Idle) {
        let state = state(playback.state);
        line += &format!("  {state} at {} s", playback.played.as_secs());
    }
    line
}

/// What it needs, what it gets, and when the picture can start.
fn foretell(estimate: &Estimate) -> String {
    let (needs, getting) = (estimate.needs, estimate.getting);
    let rates = format!(
        "needs {}, getting {}",
        rate(needs.bytes_per_s()),
        rate(getting.bytes_per_s())
    );
    match estimate.start_in {
        None => rates,
        Some(wait) if estimate.would_stall() => {
            let wait = wait.as_secs();
            format!("{rates}: it would stall; can start in {wait} s, when enough is downloaded")
        }
        Some(wait) => format!("{rates}: can start in {} s", wait.as_secs()),
    }
}

/// How the viewing went, in words; nothing if nobody watched.
pub(super) fn watched(status: &Status) -> Option<String> {
    let viewing = &status.viewing;
    let startup = viewing.startup?;
    let player = if viewing.reported {
        ", as the player told"
    } else {
        ""
    };
    let mut text = format!("started after {:.1} s{player}", startup.as_secs_f64());
    if let Some(error) = viewing.estimate_error_s {
        let (by, word) = if error < 0.0 {
            (-error, "sooner")
        } else {
            (error, "later")
        };
        text += &format!(" ({by:.1} s {word} than foretold)");
    }
    if viewing.stalls == 0 {
        return Some(text + ", no stalls");
    }
    let seconds = viewing.stalled.as_secs_f64();
    text += &format!(", {} stalls of {seconds:.1} s together", viewing.stalls);
    for (cause, millis) in viewing.by_cause().filter(|(_, millis)| *millis > 0) {
        text += &format!(", {:.1} s {cause}", f64::from(millis) / 1000.0);
    }
    Some(text)
}

/// The same for machines; `null` if nobody watched.
fn viewing(status: &Status) -> Value {
    let viewing = &status.viewing;
    if viewing.startup.is_none() {
        return Value::Null;
    }
    let played = status.playback.map(|one| one.played).unwrap_or_default();
    let causes: serde_json::Map<String, Value> = viewing
        .by_cause()
        .map(|(cause, millis)| (cause.to_owned(), json!(millis)))
        .collect();
    json!({
        "playhead": if viewing.reported { "reported" } else { "modelled" },
        "startup_s": viewing.startup.map(|delay| delay.as_secs_f64()),
        "estimate_error_s": viewing.estimate_error_s,
        "played_s": played.as_secs_f64(),
        "stalls": viewing.stalls,
        "stalled_s": viewing.stalled.as_secs_f64(),
        "causes_ms": causes,
        "rebuffering_ratio": viewing.rebuffering_ratio(played),
        "late": viewing.late,
        "skipped": viewing.skipped,
        "seeks": viewing.seeks,
        "last_seek_s": viewing.seek.map(|latency| latency.as_secs_f64()),
    })
}

/// Of several seeds: torrents, rate, neighbours.
pub(super) fn several(all: &[Status]) -> String {
    let up = all.iter().map(|one| one.up.bytes_per_s()).sum();
    let neighbours: usize = all.iter().map(|one| one.neighbours).sum();
    format!(
        "{} torrents  up {}  {neighbours} neighbours",
        all.len(),
        rate(up)
    )
}

const fn state(state: PlayState) -> &'static str {
    match state {
        PlayState::Idle | PlayState::Buffering => "buffering",
        PlayState::Playing => "playing",
        PlayState::Stalled => "stalled",
        PlayState::Paused => "paused",
        PlayState::Ended => "ended",
    }
}

/// Of a live stream's viewer: state, lag, rates, neighbours.
pub(super) fn live(status: &Status) -> String {
    let live = status.live.unwrap_or_default();
    let state = status.playback.map_or("waiting", |one| state(one.state));
    let lag = live.lag.map_or_else(String::new, |lag| {
        format!(
            ", {}.{} s behind the source",
            lag.as_secs(),
            lag.subsec_millis() / 100
        )
    });
    format!(
        "{state}{lag}  down {}  up {}  {} neighbours  {} players",
        rate(status.down.bytes_per_s()),
        rate(status.up.bytes_per_s()),
        status.neighbours,
        status.readers,
    )
}

/// Of its source: what is on air, rates, viewers.
pub(super) fn on_air(status: &Status, next: u32, bytes_per_s: u64, seconds: u64) -> String {
    format!(
        "on air {}:{:02}:{:02}  piece {next}  in {}  up {}  {} neighbours",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        rate(bytes_per_s),
        rate(status.up.bytes_per_s()),
        status.neighbours,
    )
}

pub(super) fn percent(done: u64, all: u64) -> String {
    let tenths = (done * 1000).checked_div(all).unwrap_or(1000);
    format!("{:3}.{} %", tenths / 10, tenths % 10)
}

fn rate(bytes_per_s: u64) -> String {
    format!("{} kB/s", bytes_per_s / 1000)
}

pub(super) fn notice(notice: &Notice) -> String {
    match notice {
        Notice::TrackerFailed(why) => format!("warning: {why}; will be asked again"),
        Notice::ServerFailed(why) => format!("warning: {why}; will be asked again"),
        Notice::TrackerAnswers => "the tracker answers again".into(),
        Notice::Corrupt {
            piece,
            culprit: Some(culprit),
            why,
        } => {
            let why = why.map_or_else(String::new, |why| format!(" ({why})"));
            format!(
                "warning: piece {} was corrupt{why}; {culprit} sent it and is banned",
                piece.0
            )
        }
        Notice::Corrupt {
            piece,
            culprit: None,
            ..
        } => format!(
            "warning: piece {} is corrupt; it is fetched again to find out who sent it",
            piece.0
        ),
        Notice::Misbehaved(addr, reason) => {
            format!("warning: {addr} was let go: {reason}")
        }
        Notice::Obfuscated(addr) => format!(
            "{addr} wants to hide what it speaks (MSE), which is not done here: it was let go, and \
             most try again in the open"
        ),
        Notice::Completed => "complete".into(),
        Notice::RecordingFull => {
            "warning: the recording is as long as it may be, and ends here".into()
        }
    }
}

/// What a node's run came to.
pub(super) fn summary(status: &Status, seconds: f64) -> Value {
    json!({
        "complete": status.complete,
        "pieces": status.pieces,
        "have": status.have,
        "downloaded": status.traffic.payload_down,
        "uploaded": status.traffic.payload_up,
        "from_web_seed": status.traffic.from_web_seed,
        "duplicate": status.traffic.duplicate,
        "corrupt": status.traffic.corrupt,
        "control_down": status.traffic.control_down,
        "control_up": status.traffic.control_up,
        "neighbours_ever": status.neighbours_ever,
        "viewing": viewing(status),
        "seconds": seconds,
        "viewing": viewing(status),
    })
}

/// What a live node's run came to.
pub(super) fn live_summary(status: &Status, seconds: f64) -> Value {
    let live = status.live.unwrap_or_default();
    let played = status.playback.map_or(0.0, |one| one.played.as_secs_f64());
    json!({
        "ended": live.ended,
        "produced": live.produced,
        "played_s": played,
        "skipped_s": live.skipped.as_secs_f64(),
        "lag_s": live.lag.map(|lag| lag.as_secs_f64()),
        "downloaded": status.traffic.payload_down,
        "uploaded": status.traffic.payload_up,
        "duplicate": status.traffic.duplicate,
        "corrupt": status.traffic.corrupt,
        "control_down": status.traffic.control_down,
        "control_up": status.traffic.control_up,
        "neighbours_ever": status.neighbours_ever,
        "seconds": seconds,
        "viewing": viewing(status),
    })
}

/// The outcome as exit code, message and JSON.
pub(super) fn end(outcome: Result<Value, NodeError>, json: bool) -> ExitCode {
    match outcome {
        Ok(object) => {
            if json {
                say!("{object}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}\n  help: {}", error.remedy());
            if json {
                say!(
                    "{}",
                    json!({"error": error.to_string(), "help": error.remedy()})
                );
            }
            ExitCode::from(if error.is_bad_input() { 2 } else { 1 })
        }
    }
}
