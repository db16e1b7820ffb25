//! Sweeps that are dealt into shards, run apart and merged: the bytes of one machine's run, or a word on what is
//! missing.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{bare, files, folder, same_bytes, swarmbed};

/// Two policies at two places with two seeds each, small enough for debug builds.
fn scenario() -> String {
    let text = include_str!("../scenarios/test/determinism.toml");
    let policy = "[[policy]]\nname = \"tit-for-tat, in order\"\nselector = \"in-order\"\n\
                  choker = \"tit-for-tat\"\nseed_choker = \"seed-fastest\"\n\n[network]\n";
    let axes = "seeds = \"1..=2\"\n\n[sweep.axes]\n\"swarm.neighbours\" = [6, 8]\n";
    text.replace("viewers = 58", "viewers = 12")
        .replace("[network]\n", policy)
        .replace("seeds = 1", axes)
}

/// A sweep of eight runs in four shards that are run already.
fn swept(name: &str) -> PathBuf {
    let at = folder(name);
    fs::write(at.join("x.toml"), scenario()).unwrap();
    let plan = ["sweep", "plan", "x.toml", "--shards", "4", "--out", "dir"];
    let output = swarmbed(&at, &plan);
    assert!(output.status.success());
    for number in ["2", "4", "1", "3"] {
        run(&at, number);
    }
    at
}

fn run(at: &Path, number: &str) {
    let shard = format!("dir/shard-{number}.json");
    let output = swarmbed(at, &["sweep", "run", &shard, "--threads", "1"]);
    let said = bare(&output.stderr);
    assert!(output.status.success(), "{said}");
}

fn merged(at: &Path) {
    let output = swarmbed(at, &["sweep", "merge", "dir", "--out", "merged"]);
    let said = bare(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(bare(&output.stdout).contains("2runsofeach"));
}

#[test]
fn merged_shards_are_what_one_machine_writes() {
    let at = swept("merged");
    merged(&at);
    let output = swarmbed(&at, &["run", "x.toml", "--quiet", "--out", "alone"]);
    assert!(output.status.success());
    same_bytes(&at.join("merged"), &at.join("alone"), "merged");
    // Each shard says which runs are in it, and each has some of every policy.
    let shard = fs::read_to_string(at.join("dir/shard-1.json")).unwrap();
    let shard: serde_json::Value = serde_json::from_str(&shard).unwrap();
    let runs = shard["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0]["policy"], "give-to-get");
    assert_eq!(runs[1]["policy"], "tit-for-tat, in order");
    assert_eq!(runs[0]["at"]["swarm.neighbours"], "6");
    assert_eq!(runs[1]["at"]["swarm.neighbours"], "8");
    assert_eq!((&runs[0]["seed"], &runs[1]["seed"]), (&1.into(), &2.into()));
}

/// Does something to a sweep, and asserts what `merge` says of it; then what it says to do helps.
fn spoilt(name: &str, spoil: impl Fn(&Path), said: &[&str], mend: impl Fn(&Path)) {
    let at = swept(name);
    spoil(&at);
    let output = swarmbed(&at, &["sweep", "merge", "dir", "--out", "merged"]);
    let err = bare(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    for said in said {
        assert!(err.contains(&bare(said.as_bytes())), "{said}: {err}");
    }
    assert!(!at.join("merged").exists(), "nothing is written");
    mend(&at);
    merged(&at);
    assert!(files(&at.join("merged")).len() > 10);
}

#[test]
fn what_is_lost_or_half_written_is_named() {
    spoilt(
        "lost",
        |at| {
            fs::remove_dir_all(at.join("dir/shard-2")).unwrap();
            fs::remove_file(at.join("dir/shard-3/0001-2.run")).unwrap();
            let cut = at.join("dir/shard-4/0002-2.run");
            let bytes = fs::read(&cut).unwrap();
            fs::write(&cut, &bytes[..bytes.len() - 1]).unwrap();
        },
        &[
            "shard 2 is lost: nothing is in dir/shard-2; `swarmbed sweep run dir/shard-2.json` makes it",
            "shard 3 is half-written: 1 of 2 runs are in dir/shard-3; `swarmbed sweep run dir/shard-3.json` goes on",
            "shard 4 is damaged: dir/shard-4/0002-2.run is damaged: it was not written to its end",
        ],
        |at| {
            ["2", "3", "4"]
                .into_iter()
                .for_each(|number| run(at, number))
        },
    );
}

#[test]
fn what_is_repeated_or_foreign_is_named() {
    let copy = |from: &Path, to: &Path| {
        let status = Command::new("cp").arg("-r").args([from, to]).status();
        assert!(status.unwrap().success());
    };
    spoilt(
        "repeated",
        |at| {
            copy(&at.join("dir/shard-2"), &at.join("dir/shard-2-again"));
            let (run, to) = ("dir/shard-1/0000-1.run", "dir/shard-4/0000-1.run");
            fs::copy(at.join(run), at.join(to)).unwrap();
            // The same sweep with other seeds.
            let other = ["sweep", "plan", "x.toml", "--shards", "4", "--out", "other"];
            let mut other = other.to_vec();
            other.extend(["--seeds", "3..=4"]);
            assert!(swarmbed(at, &other).status.success());
            let shard = ["sweep", "run", "other/shard-3.json", "--quiet"];
            assert!(swarmbed(at, &shard).status.success());
            fs::remove_dir_all(at.join("dir/shard-3")).unwrap();
            copy(&at.join("other/shard-3"), &at.join("dir/shard-3"));
        },
        &[
            "shard 2 is there twice: dir/shard-2-again repeats runs of it; remove that folder",
            "shard 4 holds what it should not: dir/shard-4/0000-1.run repeats a run of shard 1; remove it",
            "shard 3 is foreign: the runs in dir/shard-3 are of other seeds: 3..=4 there, 1..=2 here; remove that folder",
        ],
        |at| {
            fs::remove_dir_all(at.join("dir/shard-2-again")).unwrap();
            fs::remove_file(at.join("dir/shard-4/0000-1.run")).unwrap();
            fs::remove_dir_all(at.join("dir/shard-3")).unwrap();
            run(at, "3");
        },
    );
}

#[test]
fn what_cannot_be_dealt_is_refused() {
    let at = folder("refused");
    let refused = |args: &[&str], said: &str| {
        let output = swarmbed(&at, args);
        let err = bare(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(err.contains(&bare(said.as_bytes())), "{said}: {err}");
    };
    fs::write(at.join("x.toml"), scenario()).unwrap();
    let until = "seeds = \"1..=2\"\nuntil = \"5 %\"\nseeds_max = 9\n";
    let text = scenario().replace("seeds = \"1..=2\"\n", until);
    fs::write(at.join("until.toml"), text).unwrap();
    let plan = |scenario, shards| {
        [
            "sweep", "plan", scenario, "--shards", shards, "--out", "dir",
        ]
    };
    refused(
        &plan("until.toml", "2"),
        "`until` adds seeds by what all runs show, which no shard sees; say how many with --seeds",
    );
    for shards in ["0", "9"] {
        refused(&plan("x.toml", shards), "so there can be 1 to 8 shards");
    }
    assert!(!at.join("dir").exists());
    let mut seeds = plan("until.toml", "2").to_vec();
    seeds.extend(["--seeds", "3"]);
    assert!(swarmbed(&at, &seeds).status.success());
    refused(&plan("x.toml", "2"), "dir holds a sweep already");
    refused(
        &["sweep", "merge", "."],
        "name a folder that `swarmbed sweep plan` made",
    );
    refused(
        &["sweep", "run", "x.toml"],
        "name a file that `swarmbed sweep plan` wrote",
    );

    let path = at.join("dir/shard-1.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"seed\": 1", "\"seed\": 7", 1)).unwrap();
    refused(
        &["sweep", "run", "dir/shard-1.json"],
        "its runs were changed; plan the sweep anew",
    );
    let shard: serde_json::Value = serde_json::from_str(&text).unwrap();
    let code = shard["plan"]["code"].as_str().unwrap();
    fs::write(&path, text.replace(code, "0123456789abcdef")).unwrap();
    refused(
        &["sweep", "run", "dir/shard-1.json"],
        "was planned by another program: version",
    );
}
