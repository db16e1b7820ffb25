//! A table per family of scenarios, as `swarmbed run` prints it: when peers behave differently,
//! these differ, line by line. The scenarios are small ones of their own, beside their tables.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the sources are now: a cached test binary may have been built for a checkout that moved.
fn folder() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
        .join("tests/golden")
}

/// What is printed of a scenario, without what depends on the machine.
fn table(scenario: &Path, name: &str) -> String {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("golden")
        .join(name);
    let output = Command::new(env!("CARGO_BIN_EXE_swarmbed"))
        .arg("run")
        .arg(scenario)
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text
        .lines()
        .take_while(|line| !line.contains("of processor time"));
    lines.fold(String::new(), |mut table, line| {
        writeln!(table, "{}", line.trim_end()).unwrap();
        table
    })
}

/// Lines that are gone, with `-`, and new ones, with `+`; the rest is left out.
fn difference(old: &str, new: &str) -> String {
    let mut said = String::new();
    for line in old
        .lines()
        .filter(|line| !new.lines().any(|other| other == *line))
    {
        writeln!(said, "- {line}").unwrap();
    }
    for line in new
        .lines()
        .filter(|line| !old.lines().any(|other| other == *line))
    {
        writeln!(said, "+ {line}").unwrap();
    }
    said
}

fn holds(name: &str) {
    let scenario = folder().join(format!("{name}.toml"));
    let committed = folder().join(format!("{name}.txt"));
    let new = table(&scenario, name);
    if std::env::var_os("SWARMBED_BLESS").is_some() {
        fs::write(&committed, new).unwrap();
        return;
    }
    let old = fs::read_to_string(&committed).unwrap_or_default();
    assert!(
        old == new,
        "peers behave differently than committed. If that is meant, run\n  \
         SWARMBED_BLESS=1 cargo nextest run -E 'binary(golden)'\nand commit the difference:\n{}",
        difference(&old, &new)
    );
}

#[test]
fn video_on_demand() {
    holds("vod");
}

#[test]
fn late_pieces_are_skipped() {
    holds("skipping");
}

#[test]
fn adversaries() {
    holds("adversaries");
}

#[test]
fn a_server_helps() {
    holds("server");
}

#[test]
fn viewers_with_whims() {
    holds("viewers");
}

#[test]
fn live_channel() {
    holds("live");
}

#[test]
fn a_difference_is_readable() {
    assert_eq!(difference("a\nb\nc\n", "a\nx\nc\n"), "- b\n+ x\n");
    assert_eq!(difference("a\n", "a\n"), "");
}
