//! How a validation is run: whole or quick, and, in tests, with which bug.

use rayon::iter::{
    IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _,
};
use swarmbed_engine::policy::SelectorConfig;

/// How a validation is run.
pub struct Plan<'a> {
    /// Fewer runs and smaller ones; the tolerances stay.
    pub quick: bool,
    /// Told what is done, from any thread.
    pub progress: &'a (dyn Fn(&str) + Sync),
    /// A bug on purpose.
    pub(crate) mutant: Option<Mutant>,
}

/// A bug on purpose, to see that a row finds it. Only tests set one.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// In the world around the engines.
    World(swarmbed_sim::Mutant),
    /// Whoever is to ask in order asks for the other end.
    WrongEnd,
}

impl<'a> Plan<'a> {
    /// The whole of it, or the quick one.
    #[must_use]
    pub const fn new(quick: bool, progress: &'a (dyn Fn(&str) + Sync)) -> Self {
        Self {
            quick,
            progress,
            mutant: None,
        }
    }

    /// The same with a bug.
    #[doc(hidden)]
    #[must_use]
    pub const fn mutated(mut self, mutant: Mutant) -> Self {
        self.mutant = Some(mutant);
        self
    }

    pub(crate) const fn world_bug(&self) -> Option<swarmbed_sim::Mutant> {
        match self.mutant {
            Some(Mutant::World(bug)) => Some(bug),
            _ => None,
        }
    }

    /// The selector that is meant, unless the bug is that it is not.
    pub(crate) fn selector(&self, meant: SelectorConfig) -> SelectorConfig {
        match (self.mutant, &meant) {
            (Some(Mutant::WrongEnd), SelectorConfig::InOrder) => SelectorConfig::LatestUseful,
            _ => meant,
        }
    }

    /// `whole` of something, or `quick`.
    pub(crate) const fn of(&self, whole: u32, quick: u32) -> u32 {
        if self.quick { quick } else { whole }
    }

    /// Does `work` on every item, beside each other; the results are in the items' order.
    pub(crate) fn each<T: Sync, R: Send>(
        &self,
        what: &str,
        items: &[T],
        work: impl Fn(&T) -> R + Sync,
    ) -> Vec<R> {
        let count = items.len();
        let one = |(index, item): (usize, &T)| {
            let result = work(item);
            (self.progress)(&format!("{what}: run {} of {count} is done", index + 1));
            result
        };
        items.par_iter().enumerate().map(one).collect()
    }

    /// Seeds 1 to `whole`, or to `quick`.
    pub(crate) fn seeds(&self, whole: u32, quick: u32) -> Vec<u64> {
        (1..=u64::from(self.of(whole, quick))).collect()
    }
}
