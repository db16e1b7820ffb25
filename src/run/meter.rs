//! What the runs of a scenario cost and did: for `provenance.json`, since nothing of it is a function of
//! scenario and seeds. Knows the system's clocks of processor time, and no results.

use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use swarmbed_analysis::digits;
use swarmbed_sim::{Report, Totals};

/// Where processor time goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Phase {
    /// Drawing peers, links and arrivals.
    SetUp,
    /// Playing.
    Run,
    /// From events to numbers and rows.
    Metrics,
}

/// Sums over the runs of a scenario.
#[derive(Clone, Copy, Debug)]
struct Sums {
    phases: [f64; 3],
    runs: u64,
    /// Wall time of playing.
    playing: Duration,
    simulated: Duration,
    blocks: u64,
    messages: u64,
    calls: u64,
    windows: u64,
    window: Duration,
    /// Of the run that has most.
    peers: usize,
    present: usize,
    connections: usize,
}

impl Sums {
    const NONE: Self = Self {
        phases: [0.0; 3],
        runs: 0,
        playing: Duration::ZERO,
        simulated: Duration::ZERO,
        blocks: 0,
        messages: 0,
        calls: 0,
        windows: 0,
        window: Duration::ZERO,
        peers: 0,
        present: 0,
        connections: 0,
    };
}

/// Of the scenario that is being run: there is one at a time, as there is one process.
static SUMS: Mutex<Sums> = Mutex::new(Sums::NONE);

fn sums<T>(with: impl FnOnce(&mut Sums) -> T) -> T {
    with(&mut SUMS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A scenario begins.
pub(crate) fn begin() {
    sums(|sums| *sums = Sums::NONE);
}

/// Measures the phases of one run, one after the other.
pub(crate) struct Stopwatch {
    alone: bool,
    last: f64,
}

impl Stopwatch {
    /// Starts. A run with several threads is `alone` in the process; others share it, each with a thread of
    /// its own.
    pub(crate) fn start(alone: bool) -> Self {
        Self {
            alone,
            last: clock(alone),
        }
    }

    /// A phase is over.
    pub(crate) fn lap(&mut self, phase: Phase) {
        let now = clock(self.alone);
        let taken = (now - self.last).max(0.0);
        self.last = now;
        sums(|sums| sums.phases[phase as usize] += taken);
    }
}

fn clock(alone: bool) -> f64 {
    if alone {
        super::cpu_seconds()
    } else {
        thread_seconds()
    }
}

/// Processor time of this thread so far.
fn thread_seconds() -> f64 {
    // Nanoseconds on a processor come first. Kernels without it tell ticks of 10 ms.
    let nanos = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = nanos.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    nanos.map_or_else(|| super::ticks_of("/proc/thread-self/stat"), |ns| ns / 1e9)
}

/// A run was played, in so much wall time.
pub(crate) fn played<O>(report: &Report<O>, playing: Duration) {
    let present = report.overlay.iter().map(|one| one.present.len()).max();
    let connections = report.overlay.iter().map(|one| one.edges.len()).max();
    let Totals {
        useful_blocks,
        messages,
        calls,
        windows,
        window,
        ..
    } = report.totals;
    sums(|sums| {
        sums.runs += 1;
        sums.playing += playing;
        sums.simulated += report.end.since(swarmbed_engine::Instant::ZERO);
        sums.blocks += useful_blocks;
        sums.messages += messages;
        sums.calls += calls;
        sums.windows += windows;
        sums.window = window;
        sums.peers = sums.peers.max(report.peers.len());
        sums.present = sums.present.max(present.unwrap_or(0));
        sums.connections = sums.connections.max(connections.unwrap_or(0));
    });
}

/// The most memory that this process had so far, in bytes; 0 where the system does not tell.
pub(crate) fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| {
        line.trim()
            .trim_end_matches("kB")
            .trim()
            .parse::<u64>()
            .ok()
    });
    kib.unwrap_or(0) * 1024
}

/// All of it, with what the process took so far.
pub(crate) fn told() -> Value {
    let sums = sums(|sums| *sums);
    let process = super::cpu_seconds();
    let [set_up, run, metrics] = sums.phases;
    // Reading the scenario, statistics, tables, figures, writing.
    let rest = (process - set_up - run - metrics).max(0.0);
    json!({
        "process_cpu_s": digits::json(process),
        "phases_cpu_s": {
            "set_up": digits::json(set_up),
            "run": digits::json(run),
            "metrics": digits::json(metrics),
            "rest": digits::json(rest),
        },
        "peak_memory_bytes": peak_memory(),
        "runs": sums.runs,
        "run_wall_s": digits::json(sums.playing.as_secs_f64()),
        "simulated_s": digits::json(sums.simulated.as_secs_f64()),
        "useful_blocks": sums.blocks,
        "messages": sums.messages,
        "engine_calls": sums.calls,
        "windows": sums.windows,
        "window_ms": digits::json(sums.window.as_secs_f64() * 1e3),
        "peers": sums.peers,
        "peers_at_once": sums.present,
        "connections_at_once": sums.connections,
    })
}
