//! `swarmbed replay` as a person meets it, on a session that was recorded between `swarmbed node
//! play` and two libtorrent seeds, one of which left (`tests/replay/README.md`): it answers as it
//! did, on any machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Where the sources are now: a cached test binary may have been built for a checkout that moved.
fn session() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
        .join("tests/replay/session.rec")
}

fn replay(file: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_swarmbed"))
        .arg("replay")
        .arg(file)
        .args(args)
        .output()
        .unwrap()
}

fn object(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|why| panic!("{why}: {said}"))
}

/// A copy of the session with other bytes.
fn changed(name: &str, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let mut bytes = fs::read(session()).unwrap();
    change(&mut bytes);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("replay");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_real_session_is_the_same_again() {
    let output = replay(&session(), &["--json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let object = object(&output);
    assert_eq!(object["recording"]["whole"], true);
    assert!(object["recording"]["calls"].as_u64() > Some(500));
    // Its stalls, and what each was for, to the millisecond.
    let stalls = object["viewing"]["stalls"].as_array().unwrap();
    assert!(!stalls.is_empty());
    for stall in stalls {
        let causes = stall["causes"].as_object().unwrap();
        let sum: u64 = causes.values().filter_map(Value::as_u64).sum();
        assert_eq!(Some(sum), stall["millis"].as_u64(), "{stall}");
    }
    let committed = fs::read_to_string(session().with_extension("json")).unwrap();
    let committed: Value = serde_json::from_str(&committed).unwrap();
    assert_eq!(object, committed);
}

#[test]
fn the_same_policy_in_its_place_does_the_same() {
    let output = replay(&session(), &["--json", "--selector", "give-to-get"]);
    let object = object(&output);
    assert_eq!(object["other"]["viewing"], object["viewing"]);
    assert_eq!(object["other"]["unasked"], 0);
    for piece in object["other"]["missing"].as_array().unwrap() {
        assert_eq!(piece["earlier_s"], 0.0, "{piece}");
        assert_eq!(piece["asked_s"], piece["other_asked_s"]);
    }
}

#[test]
fn another_policy_asks_at_other_times() {
    let of = |name| object(&replay(&session(), &["--json", "--selector", name]))["other"].clone();
    let (order, rarest) = (of("in-order"), of("rarest-first"));
    assert_ne!(order["missing"], rarest["missing"]);
    // Who watches from the first piece on starts sooner when that is asked for first.
    let startup = |one: &Value| one["viewing"]["startup_s"].as_f64().unwrap();
    assert!(startup(&order) < startup(&rarest), "{order} {rarest}");
    // Nobody sends more than was sent.
    for other in [&order, &rarest] {
        assert_eq!(other["sent"], order["sent"]);
        assert!(other["unasked"].as_u64() <= other["sent"].as_u64());
    }
    let text = replay(&session(), &["--selector", "in-order"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.contains("all ") && text.contains(" answers as recorded"),
        "{text}"
    );
    assert!(text.contains("missing pieces earlier"), "{text}");
}

#[test]
fn what_is_no_recording_says_so() {
    let half = fs::read(session()).unwrap().len() / 2;
    let cases: [(&str, PathBuf, &str, i32); 5] = [
        (
            "not there",
            PathBuf::from("/nowhere/at.all"),
            "No such file",
            2,
        ),
        (
            "torrent",
            changed("torrent", |bytes| *bytes = b"d8:announce0:e".to_vec()),
            "not a recording",
            2,
        ),
        (
            "version",
            changed("version", |bytes| bytes[7] = 200),
            "version 200",
            2,
        ),
        (
            "damaged",
            changed("damaged", |bytes| bytes[half] ^= 1),
            "damaged",
            2,
        ),
        (
            "longer",
            changed("longer", |bytes| bytes.push(0)),
            "follows the end",
            2,
        ),
    ];
    for (name, path, word, code) in cases {
        let output = replay(&path, &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{name}: {said}");
        assert!(
            said.contains(word) && said.contains("help: "),
            "{name}: {said}"
        );
    }
    let torn = replay(&changed("torn", |bytes| bytes.truncate(half)), &["--json"]);
    assert_eq!(torn.status.code(), Some(0));
    assert_eq!(object(&torn)["recording"]["whole"], false);
}
