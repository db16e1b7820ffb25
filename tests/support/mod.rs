//! What tests of the whole program share: folders of their own, and how it is called.

#![allow(dead_code, reason = "no test uses all of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where the sources are now: a cached test binary may have been built for a checkout that moved.
pub(crate) fn repository() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

/// An empty folder of this test's own.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("runs")
        .join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs swarmbed in `at`.
pub(crate) fn swarmbed(at: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_swarmbed"))
        .current_dir(at)
        .args(args)
        .output()
        .unwrap()
}

/// Text without what wraps and frames it, so that a width does not matter.
pub(crate) fn bare(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars()
        .filter(|letter| !letter.is_whitespace() && *letter != '│')
        .collect()
}

/// All files of a folder, by name, but for `provenance.json`: that is no function of scenario, seeds and code.
pub(crate) fn files(at: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(at)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            assert!(entry.path().is_file(), "{name} is left behind");
            (name, fs::read(entry.path()).unwrap())
        })
        .filter(|(name, _)| name != "provenance.json")
        .collect();
    files.sort();
    files
}

/// Asserts that two folders hold the same bytes.
pub(crate) fn same_bytes(one: &Path, other: &Path, what: &str) {
    let (one, other) = (files(one), files(other));
    let names = |files: &[(String, Vec<u8>)]| -> Vec<String> {
        files.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(names(&one), names(&other), "{what}");
    for ((name, a), (_, b)) in one.iter().zip(&other) {
        assert!(a == b, "{name} differs: {what}");
    }
    assert!(one.len() > 10, "{what}: {:?}", names(&one));
}
