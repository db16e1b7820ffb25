//! The files of a result: written whole or not at all.

use std::fs;
use std::io::{self, BufWriter, Write as _};
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
        let mut stream = self.stream(name)?;
        stream.write(bytes)?;
        self.finish(stream)
    }

    /// Begins a file that is written bit by bit, and stands in its place once it is finished.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn stream(&self, name: &str) -> Result<Stream, WriteError> {
        let path = self.folder.join(name);
        let part = self.folder.join(format!(".{name}.part"));
        let file = fs::File::create(&part).map_err(|source| WriteError {
            path: path.clone(),
            source,
        })?;
        Ok(Stream {
            name: name.into(),
            path,
            part,
            file: BufWriter::new(file),
            sha1: Sha1::new(),
        })
    }

    /// Puts a file that was written bit by bit into its place.
    ///
    /// # Errors
    /// If the disk is full; nothing half-written is left.
    pub fn finish(&mut self, mut stream: Stream) -> Result<(), WriteError> {
        let end = |stream: &mut Stream| -> io::Result<()> {
            stream.file.flush()?;
            stream.file.get_ref().sync_all()?;
            fs::rename(&stream.part, &stream.path)
        };
        end(&mut stream).map_err(|source| stream.failed(source))?;
        let sha1 = digits(&stream.sha1.finalize_reset());
        self.written.push((std::mem::take(&mut stream.name), sha1));
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

/// A file that is being written. What of it was not finished is removed.
#[derive(Debug)]
pub struct Stream {
    name: String,
    path: PathBuf,
    part: PathBuf,
    file: BufWriter<fs::File>,
    sha1: Sha1,
}

impl Stream {
    /// Adds to it.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.sha1.update(bytes);
        self.file
            .write_all(bytes)
            .map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> WriteError {
        WriteError {
            path: self.path.clone(),
            source,
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Of a finished file nothing is left there; what is left of another is of no use to anybody.
        let _ = fs::remove_file(&self.part);
    }
}

/// SHA-1, in hexadecimal digits.
#[must_use]
pub fn hash(bytes: &[u8]) -> String {
    digits(&Sha1::digest(bytes))
}

fn digits(sha1: &[u8]) -> String {
    sha1.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A heading and rows as CSV.
#[must_use]
pub fn csv(header: &[&str], rows: &[Vec<String>]) -> Vec<u8> {
    let header: Vec<String> = header.iter().map(ToString::to_string).collect();
    let mut table = csv_rows(&[header]);
    table.extend(csv_rows(rows));
    table
}

/// Rows as CSV, to stand below a heading.
#[must_use]
pub fn csv_rows(rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    for row in rows {
        writer
            .write_record(row)
            .expect("memory takes all, and rows are of one length");
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
