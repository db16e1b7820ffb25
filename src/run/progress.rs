//! How far the runs are, for whoever waits: a bar on a terminal, else a line a minute.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Clock};

use indicatif::{ProgressBar, ProgressStyle};
use swarmbed_sim::Progress;

/// Parts of a run that the bar tells apart.
const PARTS: f64 = 1000.0;
/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(60);

/// Told by all runs how far they are.
#[derive(Debug)]
pub(crate) struct Gauge {
    bar: ProgressBar,
    /// Lines are wanted instead.
    lines: bool,
    begun: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    runs: usize,
    /// Finished before this process began.
    before: usize,
    /// Finished since.
    finished: usize,
    /// Simulated seconds of those, and of what their horizons would have allowed.
    simulated: f64,
    horizons: f64,
    /// By variant and seed.
    under_way: BTreeMap<(usize, u64), Progress>,
    last_line: Duration,
}

impl Gauge {
    /// Of so many runs, some of them finished already.
    pub(crate) fn new(quiet: bool, runs: usize, before: usize) -> Self {
        let bar = if quiet {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(1)
        };
        let style = ProgressStyle::with_template("{bar:24} {msg}");
        bar.set_style(style.expect("the template is well formed"));
        let gauge = Self {
            lines: !quiet && bar.is_hidden(),
            bar,
            begun: Clock::now(),
            state: Mutex::new(State {
                runs,
                before,
                ..State::default()
            }),
        };
        gauge.show(&mut gauge.state());
        gauge
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A run that panicked leaves counts behind that are good enough for a bar.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A run is so far.
    pub(crate) fn tell(&self, variant: usize, seed: u64, progress: Progress) {
        let mut state = self.state();
        state.under_way.insert((variant, seed), progress);
        self.show(&mut state);
    }

    /// A run is over.
    pub(crate) fn finished(&self, variant: usize, seed: u64) {
        let mut state = self.state();
        state.finished += 1;
        if let Some(last) = state.under_way.remove(&(variant, seed)) {
            state.simulated += last.now.as_secs_f64();
            state.horizons += last.horizon.as_secs_f64();
        }
        self.show(&mut state);
    }

    fn show(&self, state: &mut State) {
        let elapsed = self.begun.elapsed();
        if self.lines {
            if elapsed >= state.last_line + EVERY {
                state.last_line = elapsed;
                eprintln!("{}", state.sentence(elapsed));
            }
        } else if !self.bar.is_hidden() {
            let done = count(state.before) + state.worked();
            self.bar.set_length(parts(count(state.runs)));
            self.bar.set_position(parts(done));
            self.bar.set_message(state.sentence(elapsed));
        }
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of runs are small")]
const fn count(runs: usize) -> f64 {
    runs as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "thousandths of few runs"
)]
fn parts(runs: f64) -> u64 {
    (runs * PARTS) as u64
}

impl State {
    /// Runs' worth of work since this process began. A run may end before its horizon: by how much is
    /// taken from those that have.
    fn worked(&self) -> f64 {
        let end = if self.horizons > 0.0 {
            (self.simulated / self.horizons).clamp(0.01, 1.0)
        } else {
            1.0
        };
        let share = |one: &Progress| {
            (one.now.as_secs_f64() / one.horizon.as_secs_f64().max(1e-9) / end).min(1.0)
        };
        count(self.finished) + self.under_way.values().map(share).sum::<f64>()
    }

    fn sentence(&self, elapsed: Duration) -> String {
        let mut said = format!("{}/{} runs", self.before + self.finished, self.runs);
        let times: Vec<f64> = self.times().collect();
        if let (Some(first), Some(last)) = (
            times.iter().copied().reduce(f64::min),
            times.iter().copied().reduce(f64::max),
        ) {
            let horizon = self.under_way.values().map(|one| one.horizon.as_secs_f64());
            let horizon = horizon.fold(0.0, f64::max);
            let present: u64 = self
                .under_way
                .values()
                .map(|one| u64::from(one.present))
                .sum();
            let at = if times.len() == 1 {
                format!("{first:.0} s")
            } else {
                format!("{first:.0} to {last:.0} s")
            };
            let _ = write!(said, ", {at} of {horizon:.0} s, {present} peers");
        }
        let elapsed = elapsed.as_secs_f64().max(1e-3);
        let simulated = self.simulated + times.iter().sum::<f64>();
        if simulated > 0.0 {
            let _ = write!(said, ", {:.1} x real time", simulated / elapsed);
        }
        let worked = self.worked();
        let left = count(self.runs) - count(self.before) - worked;
        if worked > 0.0 && left > 0.0 {
            let _ = write!(said, ", {} left", duration(elapsed * left / worked));
        }
        said
    }

    fn times(&self) -> impl Iterator<Item = f64> {
        self.under_way.values().map(|one| one.now.as_secs_f64())
    }
}

/// Seconds, for people.
fn duration(seconds: f64) -> String {
    match seconds {
        some if some < 99.5 => format!("{some:.0} s"),
        some if some < 5400.0 => format!("{:.0} min", some / 60.0),
        some => format!("{:.1} h", some / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmbed_engine::Instant;

    fn at(now: u64, present: u32) -> Progress {
        let seconds = |some: u64| Instant::from_nanos(some * 1_000_000_000);
        Progress {
            now: seconds(now),
            horizon: seconds(1000),
            present,
            unfinished: 0,
        }
    }

    #[test]
    fn time_left_follows_from_what_this_process_did() {
        let mut state = State {
            runs: 10,
            before: 4,
            ..State::default()
        };
        let minute = Duration::from_secs(60);
        assert_eq!(state.sentence(minute), "4/10 runs");
        state.under_way.insert((0, 1), at(250, 80));
        state.under_way.insert((0, 2), at(500, 70));
        // Three quarters of a run took a minute; five and a quarter are left.
        assert_eq!(
            state.sentence(minute),
            "4/10 runs, 250 to 500 s of 1000 s, 150 peers, 12.5 x real time, 7 min left"
        );
        // One that ended at half of its horizon: others are taken to do so as well.
        state.under_way.remove(&(0, 2));
        (state.finished, state.simulated, state.horizons) = (1, 500.0, 1000.0);
        assert_eq!(
            state.sentence(minute),
            "5/10 runs, 250 s of 1000 s, 80 peers, 12.5 x real time, 3 min left"
        );
    }
}
