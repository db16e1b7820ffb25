//! One run of one variant: from a setup to numbers and rows.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant as Clock};

use swarmbed_analysis::compare::{RunMetrics, groups};
use swarmbed_analysis::metric::{Content, METRICS};
use swarmbed_analysis::record::{Ending, PeerRecord};
use swarmbed_analysis::results;
use swarmbed_analysis::timeline::timeline;
use swarmbed_engine::Instant;
use swarmbed_sim::scenario::Scenario;
use swarmbed_sim::{Aborted, Behaviour, Options, PeerOutcome, Report, Setup, World};

use super::kept::{Bulk, Digest, Replicate};
use super::memory::Held;
use super::meter::{self, Phase, Stopwatch};
use super::progress::Gauge;
use super::witness::{self, Scribe};
use super::{page, pictures, tables};

/// How often the timeline looks.
const STEP: Duration = Duration::from_secs(2);

/// Why there is no replicate.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The setup cannot be played, or what came of it cannot be written.
    Fatal(String),
    /// The user ended it.
    Interrupted,
}

/// Plays one run.
pub(crate) fn replicate(
    scenario: &Scenario,
    variant: usize,
    seed: u64,
    threads: usize,
    gauge: &Gauge,
    stop: &AtomicBool,
) -> Result<Replicate, Failure> {
    let mut watch = Stopwatch::start(threads > 1);
    let mut setup = scenario.variants[variant].setup.clone();
    setup.seed = seed;
    // What is told of a viewer's blocks is no call of its engine: the trace hash is the same.
    let follow = scenario.seeds.first() == Some(&seed) && page::follows(variant);
    if follow {
        setup.detailed = witness::followed(&setup);
    }
    let detailed = setup.detailed.clone();
    let world = World::new(&setup, |facts| {
        Scribe::new(detailed.binary_search(&facts.number).is_ok() && !facts.source)
    })
    .map_err(|error| Failure::Fatal(error.to_string()))?;
    let mut tell = |progress| gauge.tell(variant, seed, progress);
    let options = Options {
        threads,
        progress: Some(&mut tell),
        abort: Some(stop),
        ..Options::default()
    };
    watch.lap(Phase::SetUp);
    let wall = Clock::now();
    let mut report = world.run(options).map_err(|Aborted| Failure::Interrupted)?;
    meter::played(&report, wall.elapsed());
    watch.lap(Phase::Run);

    let warm = Instant::ZERO + scenario.warm_up;
    let peers: Vec<PeerRecord> = report
        .peers
        .iter_mut()
        .map(|outcome| record(outcome, &setup, warm))
        .collect();
    let content = content(&setup, report.end);
    let mut bulk = bulk(&report, &peers, content);
    let name = &scenario.variants[variant].name;
    bulk.peers = tables::rows(name, seed, peers.iter().map(results::peer_row));
    let stalls = peers.iter().flat_map(|peer| {
        peer.ledger.stalls.iter().map(|stall| {
            std::iter::once(peer.number.to_string())
                .chain(results::stall_row(stall))
                .collect()
        })
    });
    bulk.stalls = tables::rows(name, seed, stalls);
    if follow {
        let (worst, middle) = page::viewers_of_each(scenario.variants.len());
        bulk.viewers = witness::chosen(&peers, &report.peers, content, worst, middle);
    }
    let viewing: Vec<(&str, bool)> = setup
        .classes
        .iter()
        .filter(|class| !class.source && class.behaviour != Behaviour::Idle)
        .map(|class| (class.name.as_str(), class.behaviour.misbehaves().is_empty()))
        .collect();
    let metrics = RunMetrics {
        variant,
        seed,
        trace: report.trace,
        values: METRICS
            .iter()
            .map(|metric| metric.of(&peers, content))
            .collect(),
        groups: groups(&peers, &viewing, content),
    };
    let digest = digest(report, &peers, metrics);
    watch.lap(Phase::Metrics);
    Ok(Replicate { digest, bulk })
}

/// What a peer was and did; its observer's ledger is empty afterwards.
fn record(outcome: &mut PeerOutcome<Scribe>, setup: &Setup, warm: Instant) -> PeerRecord {
    let mut ledger = std::mem::take(&mut outcome.observer.ledger);
    if let Some(at) = outcome.left_at {
        ledger.close(at);
    }
    let facts = &outcome.facts;
    let class = &setup.classes[usize::from(facts.class)];
    let ending = match outcome.ending {
        swarmbed_sim::Ending::NeverCame => Ending::NeverCame,
        _ if facts.arrival < warm && facts.plays => Ending::WarmUp,
        swarmbed_sim::Ending::Left => Ending::Left,
        swarmbed_sim::Ending::Crashed => Ending::Crashed,
        swarmbed_sim::Ending::Cut => Ending::CutByHorizon,
    };
    PeerRecord {
        number: facts.number,
        class: class.name.clone(),
        source: facts.source,
        misbehaves: class.behaviour.misbehaves().into(),
        free_rider: !class.behaviour.uploads(),
        plays: facts.plays,
        uplink: facts.uplink,
        downlink: facts.downlink,
        connectable: facts.connectable,
        arrival: facts.arrival,
        left_at: outcome.left_at,
        ending,
        trace: outcome.trace,
        bytes_up: outcome.bytes_up,
        bytes_down: outcome.bytes_down,
        ledger,
    }
}

/// What there was to watch; of a channel, what was made until the end of the run.
fn content(setup: &Setup, end: Instant) -> Content {
    Content {
        bytes: match &setup.live {
            Some(live) => {
                let media = setup
                    .bitrate
                    .map_or(0, |rate| rate.bytes_in(end.as_nanos()));
                let made = media / u64::from(setup.geometry.piece_length());
                made.min(u64::from(live.pieces)) * u64::from(setup.geometry.piece_length())
            }
            None => setup.geometry.total(),
        },
        pieces: setup.geometry.pieces(),
        piece_length: setup.geometry.piece_length(),
        bitrate: setup.bitrate,
    }
}

/// What viewers differ in, and how the swarm was over time; tables and stories are still to come.
fn bulk(report: &Report<Scribe>, peers: &[PeerRecord], content: Content) -> Bulk {
    let counted = || peers.iter().filter(|peer| peer.counts());
    let sources: Vec<u32> = peers
        .iter()
        .filter(|peer| peer.source)
        .map(|peer| peer.number)
        .collect();
    let snapshots = report.overlay.iter();
    Bulk {
        timeline: timeline(peers, STEP),
        startups: counted()
            .filter_map(|peer| peer.ledger.startup)
            .map(|delay| delay.as_secs_f64())
            .collect(),
        rebuffering: counted()
            .filter_map(|peer| peer.ledger.rebuffering_ratio())
            .collect(),
        skipped: counted()
            .filter(|peer| peer.ledger.startup.is_some())
            .map(|peer| f64::from(peer.ledger.skipped) / f64::from(peer.due(content).max(1)))
            .collect(),
        overlay: snapshots
            .clone()
            .map(|one| pictures::measured(one, &sources))
            .collect(),
        held: snapshots.map(|one| Held::measure(one, &sources)).collect(),
        ..Bulk::default()
    }
}

fn digest(report: Report<Scribe>, peers: &[PeerRecord], metrics: RunMetrics) -> Digest {
    let counted = || peers.iter().filter(|peer| peer.counts());
    let mut causes = [0; 6];
    for stall in counted().flat_map(|peer| &peer.ledger.stalls) {
        for (sum, millis) in causes.iter_mut().zip(stall.causes.0) {
            *sum += u64::from(millis);
        }
    }
    Digest {
        metrics,
        counted: counted().count(),
        played: counted().any(|peer| peer.ledger.startup.is_some()),
        causes,
        useful_blocks: report.totals.useful_blocks,
        calls: report.totals.calls,
        window: report.totals.window,
        peer_windows: peers
            .iter()
            .filter_map(|peer| Some(peer.left_at?.since(peer.arrival)))
            .map(|there| windows(there, report.totals.window))
            .sum(),
        violations: report.checks.violations,
    }
}

/// How many windows a time holds.
fn windows(there: Duration, window: Duration) -> u64 {
    let windows = there.as_nanos() / window.as_nanos().max(1);
    u64::try_from(windows).unwrap_or(u64::MAX)
}
