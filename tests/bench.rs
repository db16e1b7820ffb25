//! `swarmbed bench` at its smallest: what it measures, judges, writes and keeps. Nothing here asks for speed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Where the sources are now: a cached test binary may have been built for a checkout that moved.
fn repository() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

fn bench(args: &[&str], out: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_swarmbed"))
        .current_dir(repository())
        .arg("bench")
        .args(args)
        .arg("--out")
        .arg(out)
        .output()
        .unwrap()
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("no number: {value}"))
}

#[test]
fn a_row_is_measured_and_judged() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
    if out.exists() {
        fs::remove_dir_all(&out).unwrap();
    }
    let output = bench(&["sweep", "--quick", "--json"], &out);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    let measured = object["rows"][0]["measured"].as_array().unwrap();
    let [few, one, two] = &measured[..] else {
        panic!("three measurements: {object}");
    };
    for run in [few, one, two] {
        let cpu = number(&run["cpu_s"]);
        let parts = ["set_up_cpu_s", "run_cpu_s", "metrics_cpu_s", "rest_cpu_s"];
        let parts: f64 = parts.iter().map(|part| number(&run[part])).sum();
        assert!(
            (cpu - parts).abs() <= 0.02 + cpu * 0.01,
            "{cpu} s are {parts} s"
        );
        // 229 blocks of 16 KiB for each of 10 viewers that the seed does not have to itself.
        let blocks = number(&run["useful_blocks"]);
        assert!(
            (blocks / number(&run["runs"]) - 10.0 * 229.0).abs() < 1.0,
            "{blocks}"
        );
        assert!(number(&run["peak_memory_bytes"]) > 1e6);
        assert!(number(&run["connections_at_once"]) > 0.0);
        assert!(number(&run["messages"]) > blocks);
        // No memory answers faster than the first cache, of one or two nanoseconds.
        let reads = run["read_ns"].as_array().unwrap();
        assert!(
            reads.len() == 2 && reads.iter().all(|read| number(read) > 2.0),
            "{reads:?}"
        );
    }
    assert_eq!(one["traces"], two["traces"]);
    assert_eq!(one["traces"].as_array().unwrap().len(), 3);
    assert_eq!(one["traces"][0], few["traces"][0]);

    let table = fs::read_to_string(out.join("table.txt")).unwrap();
    assert!(table.contains("; a read of memory "), "{table}");
    assert!(
        table.contains("meets        the trace hashes are the same"),
        "{table}"
    );
}

#[test]
fn a_row_that_is_not_there_is_told_with_those_that_are() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-none");
    let output = bench(&["vod-10m"], &out);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("`vod-10m`") && said.contains("vod-100k"),
        "{said}"
    );
    assert!(!out.exists());
}
