//! What figures and the page show of a variant beyond its metrics, gathered run by run, so that at no time more
//! than one variant's viewers are in memory.

use serde_json::Value;
use swarmbed_analysis::figures::distribution;
use swarmbed_analysis::overlay::Overlay;
use swarmbed_analysis::timeline::Moment;

use super::kept::Bulk;
use super::memory::Held;
use super::pictures::Spread;

/// Most variants whose lines over time and distributions are shown.
pub(super) const VARIANTS_MAX: usize = 48;

/// A variant as it is shown.
#[derive(Debug)]
pub(super) struct Portrait {
    pub(super) variant: usize,
    /// Of its first run.
    pub(super) timeline: Vec<Moment>,
    pub(super) overlay: Vec<Overlay>,
    pub(super) held: Vec<Held>,
    pub(super) viewers: Vec<Value>,
    /// Distributions over the viewers of all its runs, one for each thing that they differ in.
    pub(super) spreads: Vec<Vec<(f64, f64)>>,
}

/// Makes portraits of runs that come variant by variant.
pub(super) struct Painter<'a> {
    spreads: &'a [Spread],
    done: Vec<Portrait>,
    values: Vec<Vec<f64>>,
}

impl<'a> Painter<'a> {
    pub(super) const fn new(spreads: &'a [Spread]) -> Self {
        Self {
            spreads,
            done: Vec::new(),
            values: Vec::new(),
        }
    }

    /// The next run.
    pub(super) fn add(&mut self, variant: usize, bulk: Bulk) {
        if variant >= VARIANTS_MAX {
            return;
        }
        if self.done.last().is_none_or(|last| last.variant != variant) {
            self.close();
            self.values = vec![Vec::new(); self.spreads.len()];
            self.spread(&bulk);
            self.done.push(Portrait {
                variant,
                timeline: bulk.timeline,
                overlay: bulk.overlay,
                held: bulk.held,
                viewers: bulk.viewers,
                spreads: Vec::new(),
            });
        } else {
            self.spread(&bulk);
        }
    }

    fn spread(&mut self, bulk: &Bulk) {
        for (values, spread) in self.values.iter_mut().zip(self.spreads) {
            values.extend((spread.of)(bulk));
        }
    }

    fn close(&mut self) {
        if let Some(last) = self.done.last_mut() {
            last.spreads = self
                .values
                .drain(..)
                .map(|one| distribution(&one))
                .collect();
        }
    }

    /// All of them, in order.
    pub(super) fn finish(mut self) -> Vec<Portrait> {
        self.close();
        self.done
    }
}
