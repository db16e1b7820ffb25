//! One measurement: `swarmbed run` in a process of its own, so that its memory and processor time are that of
//! nothing else. What it cost stands in its `provenance.json`, what it played in its `manifest.json`.

use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::machine::{Load, Others};
use super::memory;
use crate::place::Temporary;
use crate::run;

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Job {
    /// What it is called in the table.
    pub(super) name: String,
    pub(super) scenario: String,
    /// `section.key=value`
    pub(super) sets: Vec<String>,
    /// `None`: the scenario's.
    pub(super) seeds: Option<String>,
    pub(super) threads: usize,
}

impl Job {
    pub(super) fn new(name: &str, scenario: &str, sets: &[&str]) -> Self {
        Self {
            name: name.into(),
            scenario: format!("scenarios/bench/{scenario}.toml"),
            sets: sets.iter().map(ToString::to_string).collect(),
            seeds: None,
            threads: 1,
        }
    }

    pub(super) fn threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    pub(super) fn seeds(self, seeds: &str) -> Self {
        let seeds = Some(seeds.into());
        Self { seeds, ..self }
    }

    pub(super) fn named(self, name: &str) -> Self {
        let name = name.into();
        Self { name, ..self }
    }

    /// The same runs, whatever they are called.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.clone().named("") == other.clone().named("")
    }

    /// The arguments of `swarmbed`.
    pub(super) fn arguments(&self) -> Vec<String> {
        let threads = self.threads.to_string();
        let mut words = vec!["run".into(), self.scenario.clone()];
        words.extend(["--threads".into(), threads]);
        for set in &self.sets {
            words.extend(["--set".into(), set.clone()]);
        }
        if let Some(seeds) = &self.seeds {
            words.extend(["--seeds".into(), seeds.clone()]);
        }
        words
    }
}

/// What was measured.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Measured {
    pub(super) job: Job,
    /// Of the whole process, from its start to its end.
    pub(super) wall_s: f64,
    /// Of the whole process.
    pub(super) cpu_s: f64,
    pub(super) set_up_cpu_s: f64,
    pub(super) run_cpu_s: f64,
    pub(super) metrics_cpu_s: f64,
    /// Reading, statistics, tables, figures, writing.
    pub(super) rest_cpu_s: f64,
    pub(super) peak_memory_bytes: f64,
    pub(super) runs: f64,
    /// Of playing alone, summed over runs.
    pub(super) run_wall_s: f64,
    pub(super) simulated_s: f64,
    /// Blocks stored that were new and not corrupt.
    pub(super) useful_blocks: f64,
    pub(super) messages: f64,
    pub(super) engine_calls: f64,
    pub(super) windows: f64,
    pub(super) window_ms: f64,
    pub(super) peers: f64,
    pub(super) peers_at_once: f64,
    pub(super) connections_at_once: f64,
    /// Trace hashes of all runs, in their order.
    pub(super) traces: Vec<String>,
    pub(super) others: Others,
    /// What a read of memory took that is in no cache, in nanoseconds, before and after; older files do not tell.
    pub(super) read_ns: Option<[f64; 2]>,
}

impl Measured {
    pub(super) fn blocks_per_cpu_s(&self) -> f64 {
        self.useful_blocks / self.cpu_s
    }

    pub(super) fn messages_per_cpu_s(&self) -> f64 {
        self.messages / self.cpu_s
    }

    pub(super) fn times_real_time(&self) -> f64 {
        self.simulated_s / self.run_wall_s
    }

    pub(super) fn bytes_per_peer(&self) -> f64 {
        self.peak_memory_bytes / self.peers
    }

    /// Not finite where nobody looked at the connections.
    pub(super) fn bytes_per_connection(&self) -> f64 {
        self.peak_memory_bytes / self.connections_at_once
    }

    /// What a block takes of set-up and playing, in microseconds; figures and tables apart.
    pub(super) fn micros_per_block(&self) -> f64 {
        (self.set_up_cpu_s + self.run_cpu_s) * 1e6 / self.useful_blocks
    }
}

/// Runs a job to its end.
///
/// # Errors
/// What went wrong, for a person.
pub(super) fn measure(job: &Job, quiet: bool) -> Result<Measured, String> {
    let name = &job.name;
    let folder =
        Temporary::new("bench").map_err(|error| format!("no temporary folder: {error}"))?;
    let program = std::env::current_exe()
        .map_err(|error| format!("cannot tell where this program is: {error}"))?;
    let mut command = Command::new(program);
    command.args(job.arguments()).arg("--out").arg(&folder.0);
    if quiet {
        command.arg("--quiet");
    }
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let before = memory::read_ns();
    let load = Load::start();
    let status = command.status();
    let (wall_s, others) = load.stop();
    let read_ns = Some([before, memory::read_ns()]);
    let status = status.map_err(|error| format!("{name}: cannot run swarmbed: {error}"))?;
    if run::stopped() {
        return Err("interrupted".into());
    }
    if !status.success() {
        let words = job.arguments().join(" ");
        return Err(format!("{name}: `swarmbed {words}` ended with {status}"));
    }
    let provenance = read(&folder.0.join("provenance.json"))?;
    let cost = &provenance["cost"];
    let number = |value: &Value, key: &str| {
        let number = value[key].as_f64();
        number.ok_or_else(|| format!("{name}: provenance.json does not tell `{key}`"))
    };
    let manifest = read(&folder.0.join("manifest.json"))?;
    let runs = manifest["runs"].as_array().into_iter().flatten();
    let traces = runs.filter_map(|run| run["trace"].as_str());
    let phases = &cost["phases_cpu_s"];
    Ok(Measured {
        job: job.clone(),
        wall_s,
        cpu_s: number(cost, "process_cpu_s")?,
        set_up_cpu_s: number(phases, "set_up")?,
        run_cpu_s: number(phases, "run")?,
        metrics_cpu_s: number(phases, "metrics")?,
        rest_cpu_s: number(phases, "rest")?,
        peak_memory_bytes: number(cost, "peak_memory_bytes")?,
        runs: number(cost, "runs")?,
        run_wall_s: number(cost, "run_wall_s")?,
        simulated_s: number(cost, "simulated_s")?,
        useful_blocks: number(cost, "useful_blocks")?,
        messages: number(cost, "messages")?,
        engine_calls: number(cost, "engine_calls")?,
        windows: number(cost, "windows")?,
        window_ms: number(cost, "window_ms")?,
        peers: number(cost, "peers")?,
        peers_at_once: number(cost, "peers_at_once")?,
        connections_at_once: number(cost, "connections_at_once")?,
        traces: traces.map(str::to_owned).collect(),
        others,
        read_ns,
    })
}

fn read(path: &Path) -> Result<Value, String> {
    let wrong = |why: String| format!("cannot read {}: {why}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))
}
