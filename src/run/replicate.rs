//! One run of one variant: from a setup to numbers and rows.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant as Clock};

use indicatif::ProgressBar;
use swarmbed_analysis::compare::{RunMetrics, groups};
use swarmbed_analysis::metric::{Content, METRICS};
use swarmbed_analysis::record::{Ending, PeerRecord};
use swarmbed_analysis::results;
use swarmbed_analysis::timeline::{Moment, timeline};
use swarmbed_engine::Instant;
use swarmbed_sim::scenario::Scenario;
use swarmbed_sim::{Aborted, Behaviour, Options, OverlaySnapshot, PeerOutcome, Totals, World};

use super::meter::{self, Phase, Stopwatch};
use super::page;
use super::witness::{self, Scribe};

/// What is kept of a run.
#[derive(Debug)]
pub(crate) struct Replicate {
    pub(crate) metrics: RunMetrics,
    /// Rows of `peers.csv`, after variant and seed.
    pub(crate) peers: Vec<Vec<String>>,
    /// Rows of `stalls.csv`, after variant and seed.
    pub(crate) stalls: Vec<Vec<String>>,
    pub(crate) timeline: Vec<Moment>,
    /// Start-up delays of counted viewers, in seconds.
    pub(crate) startups: Vec<f64>,
    /// Rebuffering ratios of counted viewers.
    pub(crate) rebuffering: Vec<f64>,
    /// Shares of due pieces that counted viewers skipped.
    pub(crate) skipped: Vec<f64>,
    /// Viewers that count.
    pub(crate) counted: usize,
    /// Some viewers, piece by piece, for the report; of the first seed only.
    pub(crate) viewers: Vec<serde_json::Value>,
    /// Milliseconds of all stalls, per cause.
    pub(crate) causes: [u64; 6],
    pub(crate) overlay: Vec<OverlaySnapshot>,
    pub(crate) sources: Vec<u32>,
    pub(crate) totals: Totals,
    /// Windows that peers lived through, summed over peers.
    pub(crate) peer_windows: u64,
    pub(crate) violations: Vec<String>,
}

/// How often the timeline looks.
const STEP: Duration = Duration::from_secs(2);

/// Why there is no replicate.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The setup cannot be played.
    Setup(String),
    /// The user ended it.
    Interrupted,
}

/// Plays one run.
pub(crate) fn replicate(
    scenario: &Scenario,
    variant: usize,
    seed: u64,
    threads: usize,
    bar: &ProgressBar,
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
    .map_err(|error| Failure::Setup(error.to_string()))?;
    let mut tell = |progress: swarmbed_sim::Progress| {
        bar.set_message(format!("{} peers at {}", progress.present, progress.now));
    };
    let options = Options {
        threads,
        progress: Some(&mut tell),
        abort: Some(stop),
        ..Options::default()
    };
    watch.lap(Phase::SetUp);
    let wall = Clock::now();
    let report = world.run(options).map_err(|Aborted| Failure::Interrupted)?;
    meter::played(&report, wall.elapsed());
    watch.lap(Phase::Run);

    let warm = Instant::ZERO + scenario.warm_up;
    let record = |outcome: &PeerOutcome<Scribe>| {
        let facts = &outcome.facts;
        let class = &setup.classes[usize::from(facts.class)];
        let mut ledger = outcome.observer.ledger.clone();
        if let Some(at) = outcome.left_at {
            ledger.close(at);
        }
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
    };
    let peers: Vec<PeerRecord> = report.peers.iter().map(record).collect();
    let content = Content {
        bytes: match &setup.live {
            Some(live) => {
                let media = setup
                    .bitrate
                    .map_or(0, |rate| rate.bytes_in(report.end.as_nanos()));
                let made = media / u64::from(setup.geometry.piece_length());
                made.min(u64::from(live.pieces)) * u64::from(setup.geometry.piece_length())
            }
            None => setup.geometry.total(),
        },
        pieces: setup.geometry.pieces(),
        piece_length: setup.geometry.piece_length(),
        bitrate: setup.bitrate,
    };
    let viewing: Vec<(&str, bool)> = setup
        .classes
        .iter()
        .filter(|class| !class.source && class.behaviour != Behaviour::Idle)
        .map(|class| (class.name.as_str(), class.behaviour.misbehaves().is_empty()))
        .collect();
    let counted = || peers.iter().filter(|peer| peer.counts());
    let mut causes = [0; 6];
    for stall in counted().flat_map(|peer| &peer.ledger.stalls) {
        for (sum, millis) in causes.iter_mut().zip(stall.causes.0) {
            *sum += u64::from(millis);
        }
    }
    let (worst, middle) = page::viewers_of_each(scenario.variants.len());
    let viewers = if follow {
        witness::chosen(&peers, &report.peers, content, worst, middle)
    } else {
        Vec::new()
    };
    let replicate = Replicate {
        metrics: RunMetrics {
            variant,
            seed,
            trace: report.trace,
            values: METRICS
                .iter()
                .map(|metric| metric.of(&peers, content))
                .collect(),
            groups: groups(&peers, &viewing, content),
        },
        peers: peers.iter().map(results::peer_row).collect(),
        stalls: peers
            .iter()
            .flat_map(|peer| {
                peer.ledger.stalls.iter().map(|stall| {
                    std::iter::once(peer.number.to_string())
                        .chain(results::stall_row(stall))
                        .collect()
                })
            })
            .collect(),
        timeline: timeline(&peers, STEP),
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
        counted: counted().count(),
        viewers,
        causes,
        overlay: report.overlay,
        sources: peers
            .iter()
            .filter(|peer| peer.source)
            .map(|peer| peer.number)
            .collect(),
        totals: report.totals,
        peer_windows: peers
            .iter()
            .filter_map(|peer| Some(peer.left_at?.since(peer.arrival)))
            .map(|there| windows(there, report.totals.window))
            .sum(),
        violations: report.checks.violations,
    };
    watch.lap(Phase::Metrics);
    Ok(replicate)
}

/// How many windows a time holds.
fn windows(there: Duration, window: Duration) -> u64 {
    let windows = there.as_nanos() / window.as_nanos().max(1);
    u64::try_from(windows).unwrap_or(u64::MAX)
}
