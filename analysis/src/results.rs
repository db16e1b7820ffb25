//! The files of a result: written whole or not at all.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha1::{Digest as _, Sha1};
use thiserror::Error;

use crate::digits::six;
use crate::ledger::Stall;
use crate::record::PeerRecord;
use crate::timeline::Moment;

/// A result that could not be written.
#[derive(Debug, Error)]
#[error("cannot write {}: {source}", path.display())]
pub struct WriteError {
    /// Which file or folder.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Where the files of one result go, and what was written.
#[derive(Debug)]
pub struct Results {
    folder: PathBuf,
    written: Vec<(String, String)>,
}

impl Results {
    /// Makes the folder.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create(folder: &Path) -> Result<Self, WriteError> {
        fs::create_dir_all(folder).map_err(|source| WriteError {
            path: folder.to_owned(),
            source,
        })?;
        Ok(Self {
            folder: folder.to_owned(),
            written: Vec::new(),
        })
    }

    /// Writes a file: beside its place first, then into it.
    ///
    /// # Errors
    /// If the disk is full or the folder cannot be written; nothing half-written is left.
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), WriteError> {
        let path = self.folder.join(name);
        let part = self.folder.join(format!(".{name}.part"));
        let write = || -> io::Result<()> {
            let mut file = fs::File::create(&part)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&part, &path)
        };
        write().map_err(|source| {
            // What is left of the attempt is of no use to anybody.
            let _ = fs::remove_file(&part);
            WriteError {
                path: path.clone(),
                source,
            }
        })?;
        self.written.push((name.into(), hash(bytes)));
        Ok(())
    }

    /// Names of the files written so far, with the hashes of their bytes.
    #[must_use]
    pub fn written(&self) -> &[(String, String)] {
        &self.written
    }

    /// Where they are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// SHA-1, in hexadecimal digits.
#[must_use]
pub fn hash(bytes: &[u8]) -> String {
    Sha1::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Rows as CSV.
#[must_use]
pub fn csv(header: &[&str], rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(header).expect("memory takes all");
    for row in rows {
        writer
            .write_record(row)
            .expect("memory takes all, and rows are as long as the header");
    }
    writer.into_inner().expect("memory takes all")
}

/// Columns of `peers.csv`, after variant and seed.
pub const PEER_COLUMNS: &[&str] = &[
    "peer",
    "class",
    "source",
    "connectable",
    "uplink_bytes_per_s",
    "downlink_bytes_per_s",
    "arrival_s",
    "left_s",
    "ending",
    "startup_s",
    "stalls",
    "stalled_s",
    "played_s",
    "late_pieces",
    "skipped_pieces",
    "completed_s",
    "payload_up",
    "payload_down",
    "duplicate",
    "bytes_up",
    "bytes_down",
    "trace",
];

/// One row of `peers.csv`.
#[must_use]
pub fn peer_row(peer: &PeerRecord) -> Vec<String> {
    let ledger = &peer.ledger;
    let seconds = |instant: Option<swarmbed_engine::Instant>| {
        instant.map_or_else(String::new, |at| six(at.as_secs_f64()))
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of a viewing fit a double"
    )]
    let stalled = ledger.stalled_millis() as f64 / 1e3;
    vec![
        peer.number.to_string(),
        peer.class.clone(),
        u8::from(peer.source).to_string(),
        u8::from(peer.connectable).to_string(),
        peer.uplink.bytes_per_s().to_string(),
        peer.downlink
            .map_or_else(String::new, |rate| rate.bytes_per_s().to_string()),
        seconds(Some(peer.arrival)),
        seconds(peer.left_at),
        peer.ending.name().into(),
        ledger
            .startup
            .map_or_else(String::new, |delay| six(delay.as_secs_f64())),
        ledger.stalls.len().to_string(),
        six(stalled),
        six(ledger.played.as_secs_f64()),
        ledger.late.to_string(),
        ledger.skipped.to_string(),
        seconds(ledger.completed_at),
        ledger.traffic.payload_up.to_string(),
        ledger.traffic.payload_down.to_string(),
        ledger.traffic.duplicate.to_string(),
        peer.bytes_up.to_string(),
        peer.bytes_down.to_string(),
        format!("{:032x}", peer.trace),
    ]
}

/// Columns of `stalls.csv`, after variant, seed and peer.
#[must_use]
pub fn stall_columns() -> Vec<String> {
    let causes = swarmbed_engine::Cause::ALL
        .iter()
        .map(|cause| format!("{}_ms", cause.name().replace('-', "_")));
    ["at_s".to_owned(), "piece".into(), "stall_ms".into()]
        .into_iter()
        .chain(causes)
        .collect()
}

/// One row of `stalls.csv`.
#[must_use]
pub fn stall_row(stall: &Stall) -> Vec<String> {
    let head = [
        six(stall.at.as_secs_f64()),
        stall.piece.0.to_string(),
        stall.millis.to_string(),
    ];
    head.into_iter()
        .chain(stall.causes.0.iter().map(u32::to_string))
        .collect()
}

/// Columns of `timeline.csv`, after variant and seed.
pub const TIMELINE_COLUMNS: &[&str] = &["at_s", "present", "complete", "starting", "stalled"];

/// One row of `timeline.csv`.
#[must_use]
pub fn moment_row(moment: &Moment) -> Vec<String> {
    let counts = [
        moment.present,
        moment.complete,
        moment.starting,
        moment.stalled,
    ];
    [six(moment.at.as_secs_f64())]
        .into_iter()
        .chain(counts.iter().map(u32::to_string))
        .collect()
}
