//! The way in: a setup becomes a world, and a world is run to its end.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use swarmbed_engine::{Instant, Peer, Seed};
use thiserror::Error;

use crate::cast::cast;
use crate::check::{self, Checks};
use crate::error::SetupError;
use crate::fluid::batch::{self, Batches};
use crate::fluid::{self, Coupling};
use crate::heap;
use crate::latency::{Latencies, nanos};
use crate::links;
use crate::mutant::Mutant;
use crate::network::Network;
use crate::node::{Net, Node, Remains};
use crate::observer::{Observer, PeerFacts};
use crate::outbox::{Outbox, Work};
use crate::report::{PeerOutcome, Report, Totals};
use crate::setup::{Fault, NetworkModel, Setup, WireMode};
use crate::shared::Shared;
use crate::trace::Trace;
use crate::watch::Watch;
use crate::windows;

/// A run about to begin.
pub struct World<O> {
    shared: Shared,
    nodes: Nodes<O>,
}

/// Everybody, on the network model of the setup.
enum Nodes<O> {
    Links(Vec<Node<O, links::Uplink>>),
    Fluid(Vec<Node<O, fluid::Uplink>>),
    FluidInBatches(Vec<Node<O, batch::Uplink>>, Batches),
}

/// How to run. None of it changes what happens. The network model `fluid`, unless it is solved in
/// batches, has one thread and the heap driver always.
#[derive(Default)]
pub struct Options<'a> {
    /// Threads; 0 and 1: this one alone.
    pub threads: usize,
    /// Peers in a chunk, rounded up to a power of two; `None`: chosen.
    pub chunk: Option<usize>,
    /// Who drives.
    pub driver: Driver,
    /// Told now and then how far the run is.
    pub progress: Option<&'a mut (dyn FnMut(Progress) + Send)>,
    /// Set to true, it ends the run.
    pub abort: Option<&'a AtomicBool>,
}

/// Who drives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Driver {
    /// Window by window.
    #[default]
    Windows,
    /// One global heap: slow, the oracle of tests.
    Heap,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Simulated time.
    pub now: Instant,
    /// When it ends at the latest.
    pub horizon: Instant,
    /// Peers that are there.
    pub present: u32,
    /// Viewers that are not done or have not come yet.
    pub unfinished: u32,
}

/// The run was ended by the caller's flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the run was ended before its time")]
pub struct Aborted;

/// What a driver hands back.
pub(crate) struct Outcome<O, N> {
    pub(crate) end: u64,
    /// In order, in as many parts as they were played in: none need be moved.
    pub(crate) nodes: Vec<Vec<Node<O, N>>>,
    pub(crate) in_flight: u64,
    /// Bytes the tracker sent and got.
    pub(crate) tracker: (u64, u64),
    /// By chunk.
    pub(crate) work: Vec<Work>,
}

impl<O: Observer> World<O> {
    /// A world as `setup` says. `observe` makes an observer for each peer, by number.
    ///
    /// # Errors
    /// If the setup cannot be played.
    pub fn new(setup: &Setup, observe: impl FnMut(&PeerFacts) -> O) -> Result<Self, SetupError> {
        let seed = Seed::from_number(setup.seed);
        let latencies = Latencies::new(&setup.network, &seed)?;
        let peers = cast(setup, &seed)?;
        check_names(setup, peers.len())?;
        check_network(setup, peers.len())?;
        let sources = peers.iter().filter(|peer| peer.source).count();
        if setup.live.is_some() && sources != 1 {
            return Err(SetupError::Source(sources));
        }
        let shared = Shared::new(setup.clone(), seed, peers, latencies);
        try_configs(&shared)?;
        let nodes = match setup.network.model {
            NetworkModel::Links => Nodes::Links(born(&shared, observe)),
            NetworkModel::Fluid => Nodes::Fluid(born(&shared, observe)),
            NetworkModel::FluidInBatches(length) => {
                let batches = Batches::new(nanos(length), shared.latencies.smallest);
                Nodes::FluidInBatches(born(&shared, observe), batches)
            }
        };
        Ok(Self { shared, nodes })
    }

    /// The same world with a bug, for tests of what should find it.
    #[doc(hidden)]
    #[must_use]
    pub fn mutated(mut self, mutant: Mutant) -> Self {
        self.shared.mutant = Some(mutant);
        let shared = &self.shared;
        match &mut self.nodes {
            Nodes::Links(nodes) => nodes.iter_mut().for_each(|node| node.mutate(shared)),
            Nodes::Fluid(nodes) => nodes.iter_mut().for_each(|node| node.mutate(shared)),
            Nodes::FluidInBatches(nodes, _) => {
                nodes.iter_mut().for_each(|node| node.mutate(shared));
            }
        }
        self
    }

    /// What was drawn for each peer, by number.
    #[must_use]
    pub fn peers(&self) -> &[PeerFacts] {
        &self.shared.peers
    }

    /// Runs to the end: to the horizon, or until every viewer has what it came for.
    ///
    /// # Errors
    /// If the caller's flag ended it.
    // Never part of its caller: what is measured of a run are this function's instructions.
    #[inline(never)]
    pub fn run(self, options: Options<'_>) -> Result<Report<O>, Aborted> {
        let Self { shared, nodes } = self;
        let (threads, chunk, driver) = (options.threads.max(1), options.chunk, options.driver);
        let mut watch = Watch::new(&shared, options);
        match nodes {
            Nodes::Links(nodes) => {
                let outcome = drive(&shared, nodes, None, (driver, threads, chunk), &mut watch);
                report(shared, outcome, watch)
            }
            Nodes::FluidInBatches(nodes, batches) => {
                let how = (driver, threads, chunk);
                let outcome = drive(&shared, nodes, Some(batches), how, &mut watch);
                report(shared, outcome, watch)
            }
            Nodes::Fluid(nodes) => {
                watch.wait_for(&nodes);
                let mut coupling = Coupling::new(&nodes);
                let couple = |now, number, nodes: &mut [_], woken: &mut _| {
                    coupling.after(now, number, nodes, woken);
                };
                let outcome = heap::run(&shared, nodes, couple, None, &mut watch);
                report(shared, outcome, watch)
            }
        }
    }
}

/// Drives peers that need nothing of each other within a window.
fn drive<O: Observer, N: Network + Send>(
    shared: &Shared,
    nodes: Vec<Node<O, N>>,
    batches: Option<Batches>,
    (driver, threads, chunk): (Driver, usize, Option<usize>),
    watch: &mut Watch<'_>,
) -> Outcome<O, N> {
    watch.wait_for(&nodes);
    match driver {
        Driver::Heap => heap::run(shared, nodes, |_, _, _, _| {}, batches, watch),
        Driver::Windows => {
            let shift = windows::shift(nodes.len(), threads, chunk);
            windows::run(shared, nodes, batches, (shift, threads), watch)
        }
    }
}

/// Everybody, before the run.
fn born<O: Observer, N: Network>(
    shared: &Shared,
    mut observe: impl FnMut(&PeerFacts) -> O,
) -> Vec<Node<O, N>> {
    let facts = shared.peers.iter();
    facts
        .map(|facts| Node::new(shared, facts, observe(facts)))
        .collect()
}

/// Whether codec and network model can carry it.
fn check_network(setup: &Setup, peers: usize) -> Result<(), SetupError> {
    if setup.geometry.is_of_whole_pieces() && setup.wire == WireMode::Bytes {
        return Err(SetupError::WholePieces);
    }
    match setup.network.model {
        NetworkModel::Links => return Ok(()),
        NetworkModel::FluidInBatches(length) if batch::LENGTHS.contains(&length) => return Ok(()),
        NetworkModel::FluidInBatches(length) => return Err(SetupError::Batch(length)),
        NetworkModel::Fluid => {}
    }
    if peers > fluid::PEERS_MAX {
        return Err(SetupError::FluidPeers(peers));
    }
    if setup.web_seed.is_some() {
        return Err(SetupError::FluidServer);
    }
    Ok(())
}

/// Whether faults and details name somebody.
fn check_names(setup: &Setup, peers: usize) -> Result<(), SetupError> {
    let missing = |what, number: u32, count| {
        if (number as usize) < count {
            Ok(())
        } else {
            Err(SetupError::Missing { what, number })
        }
    };
    for &(_, fault) in &setup.faults {
        match fault {
            Fault::Crash { peer } | Fault::CorruptBlock { peer } => missing("peer", peer, peers)?,
            Fault::UplinkStep { class, .. } => {
                missing("class", u32::from(class), setup.classes.len())?;
            }
            Fault::SourceGone => {}
        }
    }
    setup
        .detailed
        .iter()
        .try_for_each(|&number| missing("peer", number, peers))
}

/// Whether engines accept what they will be told at birth: one of each class.
fn try_configs(shared: &Shared) -> Result<(), SetupError> {
    for (index, class) in (0..).zip(&shared.setup.classes) {
        if let Some(facts) = shared.peers.iter().find(|peer| peer.class == index) {
            let config = shared.config(facts.number);
            Peer::new(config, shared.seed, Instant::ZERO, None).map_err(|error| {
                SetupError::Config {
                    class: class.name.clone(),
                    error,
                }
            })?;
        }
    }
    Ok(())
}

/// What was seen of a run, unless it was ended before its time.
fn report<O: Observer, N: Network>(
    shared: Shared,
    outcome: Outcome<O, N>,
    watch: Watch<'_>,
) -> Result<Report<O>, Aborted> {
    if watch.aborted {
        return Err(Aborted);
    }
    let nodes = outcome.nodes.iter().flatten();
    let present: u64 = nodes.map(Node::in_flight).sum();
    // What peers still send while they leave goes nowhere.
    let mut nowhere = Outbox::new(1, 31);
    let net = &mut Net {
        shared: &shared,
        out: &mut nowhere,
    };
    let (peers, remains): (Vec<PeerOutcome<O>>, Vec<Remains>) = outcome
        .nodes
        .into_iter()
        .flatten()
        .zip(&shared.peers)
        .map(|(node, facts)| {
            let remains = node.finish(outcome.end, facts.clone(), net);
            // Nobody hears what they say in leaving.
            net.out.take().for_each(drop);
            remains
        })
        .unzip();
    let mut trace = Trace::new();
    let mut totals = Totals {
        windows: watch.windows,
        window: Duration::from_nanos(shared.latencies.smallest),
        ..Totals::default()
    };
    for peer in &peers {
        let hash = peer.trace.to_be_bytes();
        let (high, low) = hash.split_at(8);
        for half in [high, low] {
            trace.word(u64::from_be_bytes(
                half.try_into().expect("half of 16 bytes"),
            ));
        }
    }
    for work in outcome.work.iter().chain([&nowhere.work]) {
        totals.useful_blocks += work.useful_blocks;
        totals.useful_bytes += work.useful_bytes;
        totals.messages += work.messages;
        totals.calls += work.calls;
    }
    let mut checks = Checks::default();
    let in_flight = outcome.in_flight + present;
    check::conservation(&mut checks, &remains, outcome.tracker, in_flight);
    check::capacity(&mut checks, (&peers, &remains), &shared, outcome.end);
    for peer in remains {
        checks.violations.extend(peer.violations);
    }
    Ok(Report {
        trace: trace.value(),
        peers,
        totals,
        end: Instant::from_nanos(outcome.end),
        overlay: watch.overlay,
        checks,
    })
}
