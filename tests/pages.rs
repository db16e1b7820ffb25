//! Huge pages, as the system sees a run that was started.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use support::folder;

/// A run of some seconds, told so by `GLIBC_TUNABLES`.
fn start(at: &Path, tunables: &str) -> Child {
    let scenario = include_str!("../scenarios/test/determinism.toml");
    fs::write(at.join("x.toml"), scenario).unwrap();
    Command::new(env!("CARGO_BIN_EXE_swarmbed"))
        .current_dir(at)
        .args(["run", "x.toml", "--out", "out", "--threads", "1", "--quiet"])
        .env("GLIBC_TUNABLES", tunables)
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Whether the process asked for huge pages (`hg` in proc(5), `VmFlags`) before it ended or some seconds were over.
fn asks(process: &mut Child) -> bool {
    let smaps = format!("/proc/{}/smaps", process.id());
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) && process.try_wait().unwrap().is_none() {
        // What has just begun anew may not be readable for a moment.
        let maps = fs::read_to_string(&smaps).unwrap_or_default();
        let mut flags = maps
            .lines()
            .filter_map(|line| line.strip_prefix("VmFlags:"));
        if flags.any(|flags| flags.split_whitespace().any(|flag| flag == "hg")) {
            return true;
        }
        sleep(Duration::from_millis(10));
    }
    false
}

#[test]
fn a_run_asks_for_huge_pages_where_they_are_given_on_request_unless_somebody_said_no() {
    let system = fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled");
    let on_request = system.is_ok_and(|system| system.contains("[madvise]"));
    for (tunables, expected) in [
        ("", on_request),
        ("glibc.malloc.tcache_count=9", on_request),
        ("glibc.malloc.hugetlb=0", false),
    ] {
        let mut process = start(&folder("pages"), tunables);
        let asked = asks(&mut process);
        process.kill().unwrap();
        process.wait().unwrap();
        assert_eq!(asked, expected, "told {tunables:?}");
    }
}
