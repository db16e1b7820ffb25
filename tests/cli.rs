//! `swarmbed run` as a person meets it: what it says about mistakes, and the same bytes however a
//! scenario is run.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::{bare, folder, repository, swarmbed};

const DETERMINISM: &str = include_str!("../scenarios/test/determinism.toml");

/// Files that are a function of scenario, seeds and code alone, the figures among them.
const DATA: [&str; 11] = [
    "summary.json",
    "runs.csv",
    "peers.csv",
    "stalls.csv",
    "timeline.csv",
    "overlay.csv",
    "swarm.svg",
    "startup.svg",
    "rebuffering.svg",
    "comparison.svg",
    "overlay.svg",
];

/// Runs a scenario text into `at/out`.
fn play(at: &Path, scenario: &str, args: &[&str]) -> PathBuf {
    fs::write(at.join("scenario.toml"), scenario).unwrap();
    let mut all = vec!["run", "scenario.toml", "--quiet", "--out", "out"];
    all.extend(args);
    let output = swarmbed(at, &all);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(output.stdout.is_empty(), "--quiet says nothing");
    at.join("out")
}

fn same(one: &Path, other: &Path, what: &str) {
    for name in DATA {
        let read = |folder: &Path| fs::read(folder.join(name)).unwrap();
        assert!(read(one) == read(other), "{name} differs: {what}");
    }
}

/// What is written, what is written instead, what is said, and the line that is shown.
const MISTAKES: &str = r#"
uplink = "2 Mbit/s" ; uplnk = "2 Mbit/s" ; unknown field `uplnk`, expected one of `name` ; uplnk
[swarm] ; [swarn] ; unknown field `swarn` ; [swarn]
"400 kbit/s" ; 400 ; a quantity with its unit, such as "500 kbit/s" ; bitrate
"400 kbit/s" ; "400" ; lacks a unit; write for example "500 kbit/s" ; bitrate
"30 s" ; "-30 s" ; is negative ; duration
"2 Mbit/s" ; "-2 Mbit/s" ; not negative ; uplink
"5 min" ; "5 parsecs" ; unknown unit `parsecs` ; horizon
horizon = "5 min" ; ; missing field `horizon` ; [run]
share = 0.7 ; share = 0.8 ; shares add up to 1.1 ; share = 0.3
selector = "give-to-get" ; selector = "give-to-got" ; no selector is called `give-to-got` ; [[policy]]
viewers = 58 ; viewers = -58 ; -58 ; viewers
"corrupt-block" ; "fire" ; unknown variant `fire`, expected one of `crash` ; kind
seeds = 1 ; seeds = "9..=1" ; names no seeds ; seeds
["40 ms" ; ["4 ms" ; raise the round trip to 10 ms or more ;
peer = 0 ; peer = 1000 ; peer 1000 does not exist ;
"#;

#[test]
fn mistakes_are_told_with_their_place_and_what_to_write() {
    let at = folder("mistakes");
    for mistake in MISTAKES.trim().lines() {
        let parts: Vec<&str> = mistake.split(" ;").map(str::trim).collect();
        let [from, to, said @ .., shown] = parts.as_slice() else {
            panic!("{mistake}");
        };
        let said = said.join("; ");
        assert!(DETERMINISM.contains(from), "{from}");
        let text = DETERMINISM.replacen(from, to, 1);
        fs::write(at.join("x.toml"), &text).unwrap();
        let output = swarmbed(&at, &["run", "x.toml", "--out", "out"]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{mistake}: {stderr}");
        assert!(output.stdout.is_empty());
        let told = bare(&output.stderr);
        assert!(told.contains(&bare(said.as_bytes())), "{mistake}: {stderr}");
        if !shown.is_empty() {
            let lines = (1..).zip(text.lines());
            let mut starting = lines.filter(|(_, line)| line.starts_with(shown));
            let place = |(number, _)| told.contains(&format!("x.toml:{number}:"));
            assert!(starting.any(place), "{mistake}: {stderr}");
        }
    }
}

#[test]
fn mistakes_on_the_command_line() {
    let at = folder("command-line");
    fs::write(at.join("x.toml"), DETERMINISM).unwrap();
    fs::write(at.join("file"), "not a folder").unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["run"], "required"),
        (&["run", "nowhere.toml"], "nowhere.toml"),
        (
            &["run", "x.toml", "--out", "file/below"],
            "choose another folder with --out",
        ),
        (
            &["run", "x.toml", "--set", "swarm.viewer=5"],
            "unknown field `viewer`",
        ),
        (
            &["run", "x.toml", "--set", "class.nobody.connectable=0"],
            "nobody",
        ),
        (&["run", "x.toml", "--set", "viewers"], "section.key=value"),
        (&["run", "x.toml", "--seeds", "many"], "1..=5"),
        (&["run", "x.toml", "x.toml", "--out", "out"], "--out"),
        (&["runn", "x.toml"], "unrecognized subcommand"),
    ];
    for (args, said) in cases {
        let output = swarmbed(&at, args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(
            bare(&output.stderr).contains(&bare(said.as_bytes())),
            "{args:?}: {stderr}"
        );
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn the_same_bytes_with_any_number_of_threads_twice_and_through_the_codec() {
    let first = play(&folder("once"), DETERMINISM, &["--threads", "1"]);
    let again = play(&folder("twice"), DETERMINISM, &["--threads", "1"]);
    same(&first, &again, "run twice");
    for threads in ["2", "3"] {
        let other = play(&folder(threads), DETERMINISM, &["--threads", threads]);
        same(&first, &other, &format!("{threads} threads"));
    }
    let bytes = play(
        &folder("bytes"),
        DETERMINISM,
        &["--set", "network.wire=\"bytes\""],
    );
    same(&first, &bytes, "through the codec");
    let many = folder("many");
    let side = play(&many, DETERMINISM, &["--seeds", "1..=3", "--threads", "3"]);
    let runs = fs::read_to_string(side.join("runs.csv")).unwrap();
    let alone = fs::read_to_string(first.join("runs.csv")).unwrap();
    assert_eq!(
        runs.lines().nth(1),
        alone.lines().nth(1),
        "run beside others"
    );
}

/// A channel, and a film among polluters and liars, as the film above.
#[test]
fn one_two_and_three_threads_make_the_same_channel_and_the_same_among_adversaries() {
    let live = include_str!("../scenarios/test/live.toml").to_owned();
    let adversary = |kind: &str, share: &str| {
        let behaviour = format!("behaviour = \"{kind}\"\nshare = {share}");
        format!(
            "\n[[class]]\nname = \"{kind}\"\n{behaviour}\nuplink = \"500 kbit/s\"\ndownlink = \"2 Mbit/s\"\n"
        )
    };
    let adversaries = format!(
        "{}{}{}",
        DETERMINISM.replace("share = 0.7", "share = 0.5"),
        adversary("polluter", "0.1"),
        adversary("liar", "0.1")
    );
    for (name, text) in [("live", live), ("adversaries", adversaries)] {
        let with = |threads: &str| {
            let at = folder(&format!("threads-{name}-{threads}"));
            play(&at, &text, &["--threads", threads])
        };
        let alone = with("1");
        for threads in ["2", "3"] {
            support::same_bytes(
                &alone,
                &with(threads),
                &format!("{name}, {threads} threads"),
            );
        }
    }
}

#[test]
fn an_idle_peer_changes_nobody() {
    let idle = "\n[[class]]\nname = \"idle\"\ncount = 2\nbehaviour = \"idle\"\n\
                uplink = \"1 Mbit/s\"\ndownlink = \"unlimited\"\n";
    let without = play(&folder("without-idle"), DETERMINISM, &[]);
    let with = play(&folder("with-idle"), &format!("{DETERMINISM}{idle}"), &[]);
    let peers = |at: &Path| -> Vec<String> {
        let text = fs::read_to_string(at.join("peers.csv")).unwrap();
        text.lines().map(ToOwned::to_owned).collect()
    };
    let (without, with) = (peers(&without), peers(&with));
    assert_eq!(with.len(), without.len() + 2);
    assert_eq!(with[..without.len()], without[..]);
}

#[test]
fn the_committed_table_still_holds() {
    let out = play(&folder("golden"), DETERMINISM, &[]);
    let read = |path: PathBuf| fs::read_to_string(path).unwrap();
    let committed = repository().join("results/test/determinism/summary.json");
    let (new, old) = (read(out.join("summary.json")), read(committed));
    let changed: Vec<String> = old
        .lines()
        .zip(new.lines())
        .filter(|(old, new)| old != new)
        .map(|(old, new)| format!("- {old}\n+ {new}"))
        .collect();
    assert!(
        old == new,
        "peers behave differently than committed. If that is meant, run\n  \
         swarmbed run scenarios/test/determinism.toml\nand commit the difference:\n{}",
        changed.join("\n")
    );
}

/// A sweep whose figure takes the place of the variants' own.
const SWEPT: &str = "
[sweep.axes]
\"class.viewer.share\" = [0.5, 1.0]
[figure]
x = \"class.viewer.share\"
y = [\"startup_mean_s\"]
of = [\"viewer\", \"firewalled\"]
";

#[test]
fn a_sweep_is_drawn_and_its_classes_are_told_apart() {
    let text = DETERMINISM
        .replace("share = 0.3", "share = \"rest\"")
        .replace("share = 0.7", "share = 1.0")
        .replace("viewers = 58", "viewers = 12");
    let out = play(&folder("swept"), &format!("{text}{SWEPT}"), &[]);
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let drawn = read("sweep.svg");
    assert!(drawn.contains("firewalled") && drawn.contains("share, %"));
    assert!(!out.join("comparison.svg").exists());
    let groups = read("groups.csv");
    assert_eq!(groups.lines().count(), 1 + 2 * 2, "{groups}");
    let summary: serde_json::Value = serde_json::from_str(&read("summary.json")).unwrap();
    let viewers = |variant: usize, group: &str| {
        summary["variants"][variant]["groups"][group]["viewers"]["mean"].as_f64()
    };
    assert_eq!(
        (viewers(0, "viewer"), viewers(0, "firewalled")),
        (Some(6.0), Some(6.0))
    );
    assert_eq!(
        (viewers(1, "viewer"), viewers(1, "firewalled")),
        (Some(12.0), Some(0.0))
    );
    let at = folder("swept-wrong");
    let wrong = format!("{text}{SWEPT}").replace("startup_mean_s", "startup");
    fs::write(at.join("x.toml"), wrong).unwrap();
    let output = swarmbed(&at, &["run", "x.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(bare(&output.stderr).contains(&bare(
        b"no metric is called `startup`; there are startup_mean_s"
    )));
}

#[test]
fn seeds_are_added_until_the_difference_is_known() {
    let sweep = "seeds = 2\nuntil = \"0.1 %\"\nseeds_max = 3\n\n\
                 [sweep.axes]\n\"swarm.neighbours\" = [6, 8]\n";
    let text = DETERMINISM
        .replace("viewers = 58", "viewers = 8")
        .replace("seeds = 1", sweep);
    let out = play(&folder("until"), &text, &["--threads", "2"]);
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&read("summary.json")).unwrap();
    assert_eq!(summary["seeds"], serde_json::json!([1, 2, 3]));
    let stopped = summary["stopped"].as_str().unwrap();
    assert!(stopped.contains("maximum of 3"), "{stopped}");
    assert!(read("comparison.svg").contains("3 runs of each"));
    assert!(read("comparison.svg").contains("maximum of 3"));
    assert_eq!(read("runs.csv").lines().count(), 1 + 2 * 3);
    // Wide enough, the first seeds do; and other threads change nothing.
    let wide = text.replace("0.1 %", "100 %");
    let out = play(&folder("until-wide"), &wide, &["--threads", "1"]);
    let runs = fs::read_to_string(out.join("runs.csv")).unwrap();
    assert_eq!(runs.lines().count(), 1 + 2 * 2);
    assert_eq!(runs.lines().nth(1), read("runs.csv").lines().nth(1));
}

#[test]
fn json_is_one_object_and_nothing_else() {
    let at = folder("json");
    fs::write(at.join("x.toml"), DETERMINISM).unwrap();
    let output = swarmbed(&at, &["run", "x.toml", "--json", "--out", "out"]);
    assert!(output.status.success());
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let written = fs::read_to_string(at.join("out/summary.json")).unwrap();
    let written: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!(object, written);
    assert!(object["variants"][0]["metrics"]["startup_mean_s"]["mean"].is_number());
}

#[test]
fn results_are_whole_and_changed_runs_go_where_git_does_not_look() {
    let at = folder("places");
    fs::write(at.join("x.toml"), DETERMINISM).unwrap();
    assert!(
        swarmbed(&at, &["run", "x.toml", "--quiet"])
            .status
            .success()
    );
    assert!(
        swarmbed(&at, &["run", "x.toml", "--quiet", "--seeds", "2"])
            .status
            .success()
    );
    let names = |folder: &str| -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(at.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let (one, two) = (names("results/x"), names("results/.local/x"));
    assert_eq!(one, two);
    assert!(one.iter().all(|name| !name.contains("part")), "{one:?}");
    for name in DATA
        .iter()
        .chain(&["manifest.json", "provenance.json", "overlay.png"])
    {
        assert!(one.iter().any(|there| there == name), "{name} of {one:?}");
    }
    let manifest = fs::read_to_string(at.join("results/x/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let spelled = manifest["scenario"].as_str().unwrap();
    let again = play(&folder("from-manifest"), spelled, &[]);
    same(
        &at.join("results/x"),
        &again,
        "run from the manifest's own text",
    );
}

#[test]
fn tables_policies_and_schema_are_printed() {
    let at = folder("printed");
    fs::write(at.join("x.toml"), DETERMINISM).unwrap();
    let output = swarmbed(&at, &["run", "x.toml", "--seeds", "2", "--out", "out"]);
    let table = String::from_utf8(output.stdout).unwrap();
    for said in [
        "start-up (s)",
        "resource index",
        "±",
        "window",
        "summary.json",
    ] {
        assert!(table.contains(said), "{said}: {table}");
    }
    let policies = String::from_utf8(swarmbed(&at, &["policies"]).stdout).unwrap();
    assert!(policies.contains("give-to-get") && policies.contains("MMCN 2008"));
    assert!(policies.contains("takes: h, mu, mid, ties"), "{policies}");
    let listed = swarmbed(&at, &["policies", "--json"]).stdout;
    let listed: serde_json::Value = serde_json::from_slice(&listed).unwrap();
    for (seam, least) in [
        ("selector", 12),
        ("choker", 7),
        ("hook_in", 4),
        ("start", 2),
        ("late", 2),
    ] {
        let all = listed[seam].as_array().unwrap();
        assert!(all.len() >= least, "{seam}: {all:?}");
        for one in all {
            for said in ["name", "source", "summary"] {
                assert!(
                    one[said].as_str().is_some_and(|text| text.len() > 3),
                    "{one}"
                );
            }
        }
    }
    let schema = swarmbed(&at, &["schema"]).stdout;
    let schema: serde_json::Value = serde_json::from_slice(&schema).unwrap();
    assert!(schema["properties"]["swarm"].is_object());
    let help = String::from_utf8(swarmbed(&at, &["run", "--help"]).stdout).unwrap();
    assert!(help.contains("Examples:"));
}

/// As in `swarmbed run … | head -1`, whose reader goes away: the run still ends well, with its files.
#[test]
fn nobody_need_read_to_the_end() {
    let at = folder("unread");
    fs::write(at.join("x.toml"), DETERMINISM).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_swarmbed"))
        .current_dir(&at)
        .args(["run", "x.toml", "--out", "out"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("panic"), "{said}");
    assert!(at.join("out/summary.json").exists());
}
