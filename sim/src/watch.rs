//! What a driver tells, and asks, between windows: how far the run is, who is whose neighbour, whether it shall go on.

use std::sync::atomic::{AtomicBool, Ordering};

use swarmbed_engine::Instant;

use crate::latency::nanos;
use crate::network::Network;
use crate::node::Node;
use crate::observer::Observer;
use crate::report::OverlaySnapshot;
use crate::shared::Shared;
use crate::world::{Options, Progress};

/// Windows between two calls of `progress`.
const PROGRESS_EVERY: u64 = 128;

/// See the module.
pub(crate) struct Watch<'a> {
    pub(crate) horizon: u64,
    unfinished: u32,
    end: u64,
    /// Those in which something happened.
    pub(crate) windows: u64,
    overlay_every: Option<u64>,
    overlay_next: u64,
    /// Who was whose neighbour, as often as the setup wants it.
    pub(crate) overlay: Vec<OverlaySnapshot>,
    progress: Option<&'a mut (dyn FnMut(Progress) + Send)>,
    abort: Option<&'a AtomicBool>,
    /// The caller ended the run.
    pub(crate) aborted: bool,
}

impl<'a> Watch<'a> {
    /// As the setup and the caller say.
    pub(crate) fn new(shared: &Shared, options: Options<'a>) -> Self {
        let overlay_every = shared.setup.overlay_every.map(nanos);
        Self {
            horizon: nanos(shared.setup.horizon),
            unfinished: 0,
            end: 0,
            windows: 0,
            overlay_every: overlay_every.filter(|every| *every > 0),
            overlay_next: 0,
            overlay: Vec::new(),
            progress: options.progress,
            abort: options.abort,
            aborted: false,
        }
    }

    /// The run does not end before those of these viewers that are waited for are done.
    pub(crate) fn wait_for<O: Observer, N: Network>(&mut self, nodes: &[Node<O, N>]) {
        let waited = nodes.iter().filter(|node| node.is_waited_for()).count();
        self.unfinished = u32::try_from(waited).expect("below PEERS_MAX");
    }

    /// Viewers that are not done.
    pub(crate) const fn unfinished(&self) -> u32 {
        self.unfinished
    }

    /// So many viewers are done.
    pub(crate) const fn released(&mut self, viewers: u32) {
        self.unfinished -= viewers;
    }

    /// A window was handled to its end.
    pub(crate) const fn ended_at(&mut self, end: u64) {
        self.end = end;
    }

    /// When the last window ended.
    pub(crate) const fn end(&self) -> u64 {
        self.end
    }

    /// A window begins, and all before it are over; false if it is not to be handled.
    pub(crate) fn window<'n, O, N, I>(&mut self, start: u64, nodes: impl Fn() -> I) -> bool
    where
        O: Observer + 'n,
        N: Network + 'n,
        I: Iterator<Item = &'n Node<O, N>>,
    {
        if let Some(every) = self.overlay_every {
            while self.overlay_next <= start {
                self.overlay.push(overlay(self.overlay_next, nodes()));
                self.overlay_next += every;
            }
        }
        if self.windows.is_multiple_of(PROGRESS_EVERY)
            && let Some(progress) = &mut self.progress
        {
            let present = nodes().filter(|node| node.is_present()).count();
            progress(Progress {
                now: Instant::from_nanos(start),
                horizon: Instant::from_nanos(self.horizon),
                present: u32::try_from(present).expect("below PEERS_MAX"),
                unfinished: self.unfinished,
            });
        }
        self.windows += 1;
        self.aborted = self.abort.is_some_and(|flag| flag.load(Ordering::Relaxed));
        !self.aborted
    }
}

fn overlay<'n, O: Observer + 'n, N: Network + 'n>(
    at: u64,
    nodes: impl Iterator<Item = &'n Node<O, N>>,
) -> OverlaySnapshot {
    let mut present = Vec::new();
    let mut held = Vec::new();
    let mut edges = Vec::new();
    for (number, node) in (0..).zip(nodes) {
        if node.is_present() {
            present.push(number);
            held.push(node.footprint());
        }
        edges.extend(
            node.neighbours()
                .map(|other: u32| (number.min(other), number.max(other))),
        );
    }
    edges.sort_unstable();
    edges.dedup();
    // It is kept to the end, and each edge was there twice.
    edges.shrink_to_fit();
    OverlaySnapshot {
        at: Instant::from_nanos(at),
        present,
        held,
        edges,
    }
}
