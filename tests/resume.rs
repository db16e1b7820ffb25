//! Runs that were interrupted go on where they were, and end with the same bytes.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use support::{bare, folder, same_bytes, swarmbed};

/// Six runs of a few seconds, with everything in the results that there can be.
fn scenario() -> String {
    let text = include_str!("../scenarios/test/determinism.toml");
    let axes = "seeds = \"1..=3\"\n\n[sweep.axes]\n\"swarm.neighbours\" = [6, 8]\n";
    text.replace("viewers = 58", "viewers = 28")
        .replace("seeds = 1", axes)
}

/// How many finished runs are kept.
fn kept(at: &Path) -> usize {
    let entries = fs::read_dir(at.join("out/.runs")).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".run")).count()
}

fn start(at: &Path) -> Child {
    fs::write(at.join("x.toml"), scenario()).unwrap();
    Command::new(env!("CARGO_BIN_EXE_swarmbed"))
        .current_dir(at)
        .args(["run", "x.toml", "--out", "out", "--threads", "1", "--quiet"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until so many runs are finished and kept.
fn wait_for(at: &Path, child: &mut Child, runs: usize) {
    let begun = Instant::now();
    while kept(at) < runs {
        assert!(child.try_wait().unwrap().is_none(), "it ended too soon");
        assert!(begun.elapsed() < Duration::from_secs(300));
        sleep(Duration::from_millis(5));
    }
}

/// The results of a run that nobody interrupted.
fn undisturbed(name: &str) -> std::path::PathBuf {
    let at = folder(name);
    fs::write(at.join("x.toml"), scenario()).unwrap();
    let output = swarmbed(&at, &["run", "x.toml", "--quiet", "--out", "out"]);
    assert!(output.status.success());
    at.join("out")
}

const RESUME: [&str; 7] = [
    "run",
    "x.toml",
    "--out",
    "out",
    "--resume",
    "--threads",
    "2",
];

#[test]
fn killed_in_the_middle_it_goes_on_and_ends_with_the_same_bytes() {
    let at = folder("killed");
    let mut child = start(&at);
    wait_for(&at, &mut child, 2);
    child.kill().unwrap();
    child.wait().unwrap();
    let before = kept(&at);
    assert!((2..6).contains(&before), "{before}");
    assert!(!at.join("out/summary.json").exists());

    // Without being told to go on it touches nothing.
    let output = swarmbed(&at, &["run", "x.toml", "--out", "out"]);
    assert_eq!(output.status.code(), Some(2));
    let said = bare(&output.stderr);
    assert!(
        said.contains(&bare(b"go on from them with --resume")),
        "{said}"
    );
    assert_eq!(kept(&at), before);

    // Half a file, as a full disk or a broken one might leave it, is told and made again.
    let damaged = at.join("out/.runs/0000-1.run");
    let bytes = fs::read(&damaged).unwrap();
    fs::write(&damaged, &bytes[..bytes.len() / 2]).unwrap();

    let output = swarmbed(&at, &RESUME);
    let (out, err) = (bare(&output.stdout), bare(&output.stderr));
    assert!(output.status.success(), "{err}");
    assert!(err.contains("0000-1.runisdamaged"), "{err}");
    let finished = format!("{before}of6runswerefinishedbefore");
    assert!(out.contains(&finished), "{finished}: {out}");
    let whole = undisturbed("not-killed");
    same_bytes(&at.join("out"), &whole, "killed and resumed");

    // What is complete is not made again.
    let stamp = || {
        fs::metadata(at.join("out/summary.json"))
            .unwrap()
            .modified()
            .unwrap()
    };
    let made = stamp();
    let output = swarmbed(&at, &RESUME);
    assert!(output.status.success());
    assert!(bare(&output.stdout).contains("allrunsaredone"));
    assert_eq!(stamp(), made);
}

#[test]
fn interrupted_it_writes_what_is_done_and_goes_on() {
    let at = folder("interrupted");
    let mut child = start(&at);
    wait_for(&at, &mut child, 1);
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(bare(&output.stderr).contains("goonwiththesamecommandand--resume"));
    let before = kept(&at);
    let rows = fs::read_to_string(at.join("out/runs.csv")).unwrap();
    assert_eq!(rows.lines().count(), 1 + before);
    let output = swarmbed(&at, &RESUME);
    assert!(output.status.success());
    let whole = undisturbed("not-interrupted");
    same_bytes(&at.join("out"), &whole, "interrupted and resumed");
}

#[test]
fn other_runs_are_not_gone_on_from() {
    let at = folder("other");
    let mut child = start(&at);
    wait_for(&at, &mut child, 1);
    child.kill().unwrap();
    child.wait().unwrap();
    let before = kept(&at);
    let refused = |args: &[&str], said: &str| {
        let output = swarmbed(&at, args);
        let err = bare(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(err.contains(&bare(said.as_bytes())), "{said}: {err}");
        assert!(err.contains("without--resume"), "{err}");
        assert_eq!(kept(&at), before);
    };
    let mut seeds = RESUME.to_vec();
    seeds.extend(["--seeds", "2..=4"]);
    refused(&seeds, "other seeds: 1..=3 there, 2..=4 here");
    let mut set = RESUME.to_vec();
    set.extend(["--set", "swarm.viewers=40"]);
    refused(
        &set,
        "another scenario: `viewers = 28` there, `viewers = 40` here",
    );
    let plan = at.join("out/.runs/plan.json");
    let text = fs::read_to_string(&plan).unwrap();
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    let code = read["code"].as_str().unwrap();
    fs::write(&plan, text.replace(code, "0123456789abcdef")).unwrap();
    refused(&RESUME, "another program: version");

    // Begun anew, runs of another plan are dropped, and that is said.
    let output = swarmbed(&at, &["run", "x.toml", "--out", "out", "--quiet"]);
    let err = bare(&output.stderr);
    assert!(output.status.success(), "{err}");
    assert!(err.contains("theyaredropped"), "{err}");
    let whole = undisturbed("no-other");
    same_bytes(&at.join("out"), &whole, "begun anew");
}
