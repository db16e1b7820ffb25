//! Engine events as JSON, one object a line: `{"at_ns":…,"event":"Started",…}`.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use swarmbed_engine::{Block, Cause, Event, Instant};

use crate::error::NodeError;
use crate::estimate::Estimate;

/// Writes what happened to a file.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    file: BufWriter<File>,
}

impl EventLog {
    /// Makes the file, emptying what is there.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create(path: &Path) -> Result<Self, NodeError> {
        let file = File::create(path).map_err(|source| NodeError::write(path, source, 0))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
        })
    }

    /// Adds a line.
    ///
    /// # Errors
    /// If the disk is full or broken.
    pub fn add(&mut self, at: Instant, event: &Event) -> Result<(), NodeError> {
        writeln!(self.file, "{}", line(at, event))
            .map_err(|source| NodeError::write(&self.path, source, 0))
    }

    /// Adds what a real player says that it does.
    ///
    /// # Errors
    /// If the disk is full or broken.
    pub(crate) fn saw(&mut self, at: Instant, what: &str, time_s: f64) -> Result<(), NodeError> {
        let line =
            json!({"at_ns": at.as_nanos(), "event": "Video", "what": what, "time_s": time_s});
        writeln!(self.file, "{line}").map_err(|source| NodeError::write(&self.path, source, 0))
    }

    /// Adds when the picture can start, as far as can be told.
    ///
    /// # Errors
    /// If the disk is full or broken.
    pub(crate) fn foretell(&mut self, at: Instant, told: &Estimate) -> Result<(), NodeError> {
        let line = json!({
            "at_ns": at.as_nanos(),
            "event": "Estimate",
            "needs_bytes_per_s": told.needs.bytes_per_s(),
            "getting_bytes_per_s": told.getting.bytes_per_s(),
            "start_in_ns": told.start_in.as_ref().map(ns),
        });
        self.write(&line)
    }

    /// Adds by how much the first estimate was wrong: seconds that the picture came later.
    ///
    /// # Errors
    /// If the disk is full or broken.
    pub(crate) fn foretold(&mut self, at: Instant, error_s: f64) -> Result<(), NodeError> {
        let at = at.as_nanos();
        self.write(&json!({"at_ns": at, "event": "EstimateError", "error_s": error_s}))
    }

    fn write(&mut self, line: &Value) -> Result<(), NodeError> {
        writeln!(self.file, "{line}").map_err(|source| NodeError::write(&self.path, source, 0))
    }

    /// Makes sure that all lines are in the file.
    ///
    /// # Errors
    /// If the disk is full or broken.
    pub fn flush(&mut self) -> Result<(), NodeError> {
        self.file
            .flush()
            .map_err(|source| NodeError::write(&self.path, source, 0))
    }
}

/// One event as a JSON object.
#[must_use]
pub fn line(at: Instant, event: &Event) -> Value {
    let (name, fields) = describe(event);
    let mut object = Map::new();
    object.insert("at_ns".into(), json!(at.as_nanos()));
    object.insert("event".into(), json!(name));
    if let Value::Object(fields) = fields {
        object.extend(fields);
    }
    Value::Object(object)
}

fn describe(event: &Event) -> (&'static str, Value) {
    let none = || json!({});
    match event {
        Event::Connected {
            conn,
            addr,
            outbound,
        } => (
            "Connected",
            json!({"conn": conn.serial(), "addr": addr.to_string(), "outbound": outbound}),
        ),
        Event::Disconnected { conn, reason } => (
            "Disconnected",
            json!({"conn": conn.serial(), "reason": reason.to_string()}),
        ),
        Event::WeChoke { conn, choked } => {
            ("WeChoke", json!({"conn": conn.serial(), "choked": choked}))
        }
        Event::TheyChoke { conn, choked } => (
            "TheyChoke",
            json!({"conn": conn.serial(), "choked": choked}),
        ),
        Event::PieceKnown(piece) => ("PieceKnown", json!({"piece": piece.0})),
        Event::Requested { conn, block } => ("Requested", of_block(conn.serial(), block)),
        Event::BlockReceived {
            conn,
            block,
            useful,
        } => {
            let mut fields = of_block(conn.serial(), block);
            fields["useful"] = json!(useful);
            ("BlockReceived", fields)
        }
        Event::BlockSent { conn, block } => ("BlockSent", of_block(conn.serial(), block)),
        Event::PieceVerified(piece) => ("PieceVerified", json!({"piece": piece.0})),
        Event::PieceFailed { piece, culprit } => (
            "PieceFailed",
            json!({"piece": piece.0, "culprit": culprit.map(|addr| addr.to_string())}),
        ),
        Event::Completed => ("Completed", none()),
        Event::PieceDelay { piece, delay } => (
            "PieceDelay",
            json!({"piece": piece.0, "delay_ns": ns(delay)}),
        ),
        Event::Produced(piece) => ("Produced", json!({"piece": piece.0})),
        Event::HookedIn { piece, behind } => {
            ("HookedIn", json!({"piece": piece.0, "behind": behind}))
        }
        Event::Rehooked { piece, skipped } => (
            "Rehooked",
            json!({"piece": piece.0, "skipped_ns": ns(skipped)}),
        ),
        Event::LiveLag { lag } => ("LiveLag", json!({"lag_ns": ns(lag)})),
        _ => describe_playback(event),
    }
}

fn describe_playback(event: &Event) -> (&'static str, Value) {
    let none = || json!({});
    match event {
        Event::PlayheadReported => ("PlayheadReported", none()),
        Event::PlayRequested => ("PlayRequested", none()),
        Event::Started { delay } => ("Started", json!({"delay_ns": ns(delay)})),
        Event::Late(piece) => ("Late", json!({"piece": piece.0})),
        Event::Skipped(piece) => ("Skipped", json!({"piece": piece.0})),
        Event::Stalled(piece) => ("Stalled", json!({"piece": piece.0})),
        Event::Resumed {
            piece,
            millis,
            causes,
        } => {
            let causes: Map<String, Value> = Cause::ALL
                .iter()
                .zip(causes.0)
                .map(|(cause, millis)| (cause.name().to_owned(), json!(millis)))
                .collect();
            (
                "Resumed",
                json!({"piece": piece.0, "millis": millis, "causes_ms": causes}),
            )
        }
        Event::Paused => ("Paused", none()),
        Event::Unpaused => ("Unpaused", none()),
        Event::SeekStarted { to } => ("SeekStarted", json!({"to_ns": ns(to)})),
        Event::SeekDone { latency } => ("SeekDone", json!({"latency_ns": ns(latency)})),
        Event::Ended => ("Ended", none()),
        Event::Traffic(traffic) => (
            "Traffic",
            json!({
                "payload_up": traffic.payload_up,
                "payload_down": traffic.payload_down,
                "duplicate": traffic.duplicate,
                "corrupt": traffic.corrupt,
                "control_up": traffic.control_up,
                "control_down": traffic.control_down,
                "queries": traffic.queries,
                "answers": traffic.answers,
            }),
        ),
        Event::Left { reason, played } => (
            "Left",
            json!({"reason": format!("{reason:?}"), "played_ns": ns(played)}),
        ),
        // Told by `describe`.
        other => ("Other", json!({"debug": format!("{other:?}")})),
    }
}

fn ns(duration: &std::time::Duration) -> Value {
    json!(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
}

fn of_block(conn: u32, block: &Block) -> Value {
    json!({
        "conn": conn,
        "piece": block.piece.0,
        "begin": block.begin,
        "length": block.length,
    })
}
