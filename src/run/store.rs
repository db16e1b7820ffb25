//! Finished runs in a folder, each in a file of its own that is there whole or not at all. Knows nothing of
//! what the runs are for.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use swarmbed_analysis::results::{Results, WriteError, hash};

use super::kept::{Bulk, Digest, Replicate};
use super::plan::Plan;

/// What a file of a run begins with; then come the plan's name and the hash of the rest.
const HEAD: &str = "swarmbed-run";
/// What its name ends with.
const END: &str = ".run";
const PLAN: &str = "plan.json";
const LOCK: &str = "lock";

/// Finished runs of one plan.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    plan: String,
    /// Held as long as this is: nobody else writes here.
    _lock: Option<File>,
}

/// What to do when something cannot be written.
pub(crate) fn unwritable(error: &WriteError) -> String {
    format!("{error}; free some space, or choose another folder with --out")
}

/// The plan whose runs are in a folder; `None` if there are none.
pub(crate) fn plan_in(folder: &Path) -> Result<Option<Plan>, String> {
    let path = folder.join(PLAN);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot read {}: {error}", path.display())),
    };
    let read = serde_json::from_str(&text);
    read.map(Some)
        .map_err(|error| format!("{} is no plan of runs: {error}", path.display()))
}

/// The names of the files of runs in a folder, sorted; none if there is no such folder.
pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(END)).collect();
    names.sort();
    names
}

/// The name of a run's file.
pub(crate) fn name(variant: usize, seed: u64) -> String {
    format!("{variant:04}-{seed}{END}")
}

impl Store {
    /// The folder for runs of that plan. What is there of the same plan stays.
    ///
    /// # Errors
    /// If the folder cannot be written, or somebody else is writing there.
    pub(crate) fn open(folder: &Path, plan: &Plan) -> Result<Self, String> {
        let mut files = Results::create(folder).map_err(|error| unwritable(&error))?;
        let lock = lock(folder)?;
        files
            .write(PLAN, plan.text().as_bytes())
            .map_err(|error| unwritable(&error))?;
        Ok(Self {
            folder: folder.to_owned(),
            plan: plan.id(),
            _lock: lock,
        })
    }

    /// An empty folder for runs of that plan.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn anew(folder: &Path, plan: &Plan) -> Result<Self, String> {
        let there = Self::open(folder, plan)?;
        there.clear(|name| name.ends_with(END) || name.ends_with(".part"))?;
        Ok(there)
    }

    /// How many runs are finished.
    pub(crate) fn count(&self) -> usize {
        names_in(&self.folder).len()
    }

    /// Writes a finished run.
    ///
    /// # Errors
    /// If the disk is full.
    pub(crate) fn keep(&self, run: &Replicate) -> Result<(), String> {
        let body = serde_json::to_string(run).expect("plain data");
        let text = format!("{HEAD} {} {}\n{body}", self.plan, hash(body.as_bytes()));
        let metrics = &run.digest.metrics;
        let name = name(metrics.variant, metrics.seed);
        Results::create(&self.folder)
            .and_then(|mut files| files.write(&name, text.as_bytes()))
            .map_err(|error| unwritable(&error))
    }

    /// The digest of a run, if it is finished.
    ///
    /// # Errors
    /// If its file is damaged, or of another plan.
    pub(crate) fn digest(&self, variant: usize, seed: u64) -> Result<Option<Digest>, String> {
        let path = self.folder.join(name(variant, seed));
        if path.exists() {
            digest_in(&path, &self.plan).map(Some)
        } else {
            Ok(None)
        }
    }

    /// The rest of a finished run.
    ///
    /// # Errors
    /// If its file is gone or damaged.
    pub(crate) fn bulk(&self, variant: usize, seed: u64) -> Result<Bulk, String> {
        bulk_in(&self.folder.join(name(variant, seed)), &self.plan)
    }

    /// Removes it all: the results are written.
    ///
    /// # Errors
    /// If something in the folder cannot be removed.
    pub(crate) fn remove(self) -> Result<(), String> {
        // The plan last: as long as it is there, what is left can be told.
        self.clear(|name| name != PLAN && name != LOCK)?;
        self.clear(|_| true)?;
        fs::remove_dir(&self.folder).map_err(|error| self.stays(&error))
    }

    fn clear(&self, which: fn(&str) -> bool) -> Result<(), String> {
        let entries = fs::read_dir(&self.folder).map_err(|error| self.stays(&error))?;
        for entry in entries {
            let entry = entry.map_err(|error| self.stays(&error))?;
            if which(&entry.file_name().to_string_lossy()) {
                fs::remove_file(entry.path()).map_err(|error| self.stays(&error))?;
            }
        }
        Ok(())
    }

    fn stays(&self, error: &io::Error) -> String {
        format!("cannot empty {}: {error}", self.folder.display())
    }
}

/// Keeps others out; where the file system has no locks, nobody is kept out.
fn lock(folder: &Path) -> Result<Option<File>, String> {
    let path = folder.join(LOCK);
    let file =
        File::create(&path).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(format!(
            "another process is writing runs to {}; wait for its end, or choose another folder",
            folder.display()
        )),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// The digest of the run in a file.
///
/// # Errors
/// If the file cannot be read, is damaged, or is of another plan.
pub(crate) fn digest_in(path: &Path, plan: &str) -> Result<Digest, String> {
    #[derive(Deserialize)]
    struct DigestOnly {
        digest: Digest,
        #[serde(rename = "bulk")]
        _bulk: IgnoredAny,
    }
    Ok(read::<DigestOnly>(path, plan)?.digest)
}

/// The rest of the run in a file.
///
/// # Errors
/// As [`digest_in`].
pub(crate) fn bulk_in(path: &Path, plan: &str) -> Result<Bulk, String> {
    Ok(read::<Replicate>(path, plan)?.bulk)
}

fn read<T: DeserializeOwned>(path: &Path, plan: &str) -> Result<T, String> {
    let text = fs::read_to_string(path)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let damaged = || {
        format!(
            "{} is damaged: it was not written to its end",
            path.display()
        )
    };
    let (head, body) = text.split_once('\n').ok_or_else(damaged)?;
    let said: Vec<&str> = head.split(' ').collect();
    match said[..] {
        [HEAD, of, sha1] if sha1 == hash(body.as_bytes()) => {
            if of != plan {
                return Err(format!("{} is a run of another plan", path.display()));
            }
        }
        _ => return Err(damaged()),
    }
    serde_json::from_str(body)
        .map_err(|error| format!("{} is no finished run: {error}", path.display()))
}
