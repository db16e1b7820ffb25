//! The machine that a row was measured on, and what else it did meanwhile. From `/proc`; what that does not tell is
//! empty or zero.

use std::fs;
use std::time::Instant as Clock;

use serde::{Deserialize, Serialize};

/// A machine, and the program that was measured on it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Machine {
    pub(super) cores: usize,
    pub(super) model: String,
    pub(super) memory_bytes: u64,
    pub(super) system: String,
    /// Of the program.
    pub(super) commit: String,
}

impl Machine {
    pub(super) fn this() -> Self {
        let said = |path: &str, key: &str| {
            let text = fs::read_to_string(path).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(key));
            let value = line.and_then(|line| line.split_once(':'));
            value.map_or_else(String::new, |(_, value)| value.trim().to_owned())
        };
        let kib = said("/proc/meminfo", "MemTotal");
        let kib = kib.trim_end_matches("kB").trim().parse::<u64>();
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let git = std::process::Command::new("git")
            .args(["describe", "--always", "--dirty"])
            .output();
        let commit = git.ok().filter(|output| output.status.success());
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            model: said("/proc/cpuinfo", "model name"),
            memory_bytes: kib.unwrap_or(0) * 1024,
            system: format!(
                "{} {} {}",
                std::env::consts::OS,
                release.trim(),
                std::env::consts::ARCH
            ),
            commit: commit.map_or_else(String::new, |output| {
                String::from_utf8_lossy(&output.stdout).trim().to_owned()
            }),
        }
    }

    /// In a line.
    pub(super) fn text(&self) -> String {
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let gib = self.memory_bytes as f64 / f64::from(1 << 30);
        format!(
            "{} cores of {}, {gib:.0} GiB, {}; commit {}",
            self.cores, self.model, self.system, self.commit
        )
    }
}

/// The load of the machine by others than our children, from `start` to `stop`.
pub(super) struct Load {
    clock: Clock,
    busy: f64,
    stolen: f64,
    children: f64,
}

/// What others did.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(super) struct Others {
    /// Cores that other programs used, on average.
    pub(super) cores: f64,
    /// Cores that other machines on the same hardware took away, on average.
    pub(super) stolen: f64,
}

impl Load {
    pub(super) fn start() -> Self {
        let (busy, stolen) = machine_seconds();
        Self {
            clock: Clock::now(),
            busy,
            stolen,
            children: children_seconds(),
        }
    }

    /// Wall time in seconds, and what others did in it.
    pub(super) fn stop(&self) -> (f64, Others) {
        let wall = self.clock.elapsed().as_secs_f64();
        let (busy, stolen) = machine_seconds();
        let own = children_seconds() - self.children;
        let others = Others {
            cores: rounded(((busy - self.busy - own) / wall).max(0.0)),
            stolen: rounded(((stolen - self.stolen) / wall).max(0.0)),
        };
        (rounded(wall), others)
    }
}

/// To a hundredth: the system counts no finer.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// Seconds that all cores worked so far, and that were stolen from them.
fn machine_seconds() -> (f64, f64) {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks: Vec<f64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let at = |index: usize| ticks.get(index).copied().unwrap_or(0.0) / 100.0;
    // user, nice, system, (idle, waiting,) interrupts, soft interrupts, stolen
    let busy = at(0) + at(1) + at(2) + at(5) + at(6);
    (busy, at(7))
}

/// Processor time of children that have ended.
fn children_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let words: Vec<&str> = after.split_whitespace().collect();
    let ticks = |index: usize| words.get(index).and_then(|word| word.parse::<f64>().ok());
    (ticks(13).unwrap_or(0.0) + ticks(14).unwrap_or(0.0)) / 100.0
}
