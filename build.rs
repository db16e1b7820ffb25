//! Gives the program the hash of the sources that runs are a function of, so that runs of one program are never
//! taken for those of another.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha1::{Digest as _, Sha1};

/// Not in it: the node, the validation, and what only prints.
const SOURCES: [&str; 8] = [
    "Cargo.lock",
    "analysis/src",
    "engine/src",
    // Notes of runs in coarse mode are of these.
    "results/coarse/channel/summary.json",
    "results/coarse/film/summary.json",
    "sim/src",
    "src/run",
    "src/run.rs",
];

fn main() -> io::Result<()> {
    let mut sha1 = Sha1::new();
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
        enter(&mut sha1, Path::new(source))?;
    }
    let digits: String = sha1
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    println!("cargo::rustc-env=SWARMBED_CODE={digits}");
    Ok(())
}

/// A file with its name, or all of a folder in the order of names.
fn enter(sha1: &mut Sha1, path: &Path) -> io::Result<()> {
    if path.is_dir() {
        let mut inside: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(path)? {
            inside.push(entry?.path());
        }
        inside.sort();
        return inside.iter().try_for_each(|one| enter(sha1, one));
    }
    let text = fs::read(path)?;
    let head = format!("{}\n{}\n", path.display(), text.len());
    sha1.update(head.as_bytes());
    sha1.update(&text);
    Ok(())
}
