//! Who plays runs: several beside each other, each kept as soon as it is finished, none played twice.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use swarmbed_sim::scenario::Scenario;

use super::STOP;
use super::kept::Digest;
use super::progress::Gauge;
use super::replicate::{Failure, replicate};
use super::store::Store;

/// How runs are played. None of it changes what comes of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crew<'a> {
    pub(crate) store: &'a Store,
    /// `None`: one per core.
    pub(crate) threads: Option<usize>,
    /// No progress is shown.
    pub(crate) quiet: bool,
}

impl Crew<'_> {
    /// Plays those of `jobs` (variant and seed) that are not finished. Many runs stand side by side on one
    /// thread each; few share the threads. Comes back with all that are finished, in the order of `jobs`: after
    /// Ctrl-C these are fewer than were asked for.
    ///
    /// # Errors
    /// If a setup cannot be played, or a run cannot be written.
    pub(crate) fn play(
        self,
        scenario: &Scenario,
        jobs: &[(usize, u64)],
    ) -> Result<Vec<Digest>, String> {
        let mut done = BTreeMap::new();
        for &(variant, seed) in jobs {
            match self.store.digest(variant, seed) {
                Ok(Some(digest)) => {
                    done.insert((variant, seed), digest);
                }
                Ok(None) => {}
                Err(damaged) => eprintln!("{damaged}; it is run again"),
            }
        }
        let left: Vec<(usize, u64)> = jobs
            .iter()
            .copied()
            .filter(|job| !done.contains_key(job))
            .collect();
        for digest in self.play_all(scenario, &left, done.len())? {
            done.insert((digest.metrics.variant, digest.metrics.seed), digest);
        }
        Ok(jobs.iter().filter_map(|job| done.remove(job)).collect())
    }

    fn play_all(
        self,
        scenario: &Scenario,
        jobs: &[(usize, u64)],
        before: usize,
    ) -> Result<Vec<Digest>, String> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = self.threads.unwrap_or_else(cores).max(1);
        let inside = if jobs.len() >= threads { 1 } else { threads };
        let beside = if inside == 1 { threads } else { 1 };
        let gauge = Gauge::new(self.quiet, jobs.len() + before, before);
        let failed = AtomicBool::new(false);
        let one = |&(variant, seed): &(usize, u64)| {
            if failed.load(Ordering::Relaxed) || STOP.load(Ordering::Relaxed) {
                return Err(Failure::Interrupted);
            }
            let played = replicate(scenario, variant, seed, inside, &gauge, &STOP);
            let kept = played.and_then(|run| {
                self.store.keep(&run).map_err(Failure::Fatal)?;
                Ok(run.digest)
            });
            gauge.finished(variant, seed);
            failed.fetch_or(kept.is_err(), Ordering::Relaxed);
            kept
        };
        let done: Vec<_> = if beside == 1 {
            // On the thread we are on: the C library serves that with the least memory (see `pages`).
            jobs.iter().map(one).collect()
        } else {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(beside);
            let pool = pool.build().map_err(|error| error.to_string())?;
            pool.install(|| jobs.par_iter().map(one).collect())
        };
        gauge.clear();
        let mut finished = Vec::new();
        for one in done {
            match one {
                Ok(digest) => finished.push(digest),
                Err(Failure::Fatal(message)) => return Err(message),
                Err(Failure::Interrupted) => {}
            }
        }
        Ok(finished)
    }
}
