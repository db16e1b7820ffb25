//! Setups of the simulator that are as close to a model as its real engines allow, and what is
//! written down of a run.

use std::time::Duration;

use swarmbed_engine::policy::{
    ChokerConfig, LatePolicy, PlaybackConfig, SelectorConfig, StartRule,
};
use swarmbed_engine::{Event, Geometry, Instant, Limits, PieceIndex, Rate, Traffic};
use swarmbed_sim::{
    Arrival, Behaviour, Class, Departure, Downlink, Draw, NetworkModel, NetworkSetup, Observer,
    Options, PeerOutcome, Population, Report, Setup, TrackerSetup, Viewing, WireMode, World,
};

use crate::plan::Plan;

/// Payload of a full block, and what it costs on a link: 13 bytes of message, 40 bytes of headers
/// per 1,460.
pub(crate) const BLOCK: (f64, f64) = (16_384.0, 16_877.0);

/// What is written down of one peer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    /// Pieces in the order they were verified.
    pub(crate) pieces: Vec<PieceIndex>,
    /// When everything was there.
    pub(crate) completed: Option<Instant>,
    /// When the picture first moved.
    pub(crate) started: Option<Instant>,
    /// When the first block came; only of peers told of in detail.
    pub(crate) first_block: Option<Instant>,
    /// Milliseconds of stalls.
    pub(crate) stalled_ms: u64,
    /// Media time shown.
    pub(crate) played: Duration,
    /// The last totals.
    pub(crate) traffic: Traffic,
}

impl Observer for Notes {
    fn event(&mut self, now: Instant, event: &Event) {
        match event {
            Event::PieceVerified(piece) => self.pieces.push(*piece),
            Event::Completed => self.completed = self.completed.or(Some(now)),
            Event::Started { .. } => self.started = self.started.or(Some(now)),
            Event::BlockReceived { .. } => self.first_block = self.first_block.or(Some(now)),
            Event::Resumed { millis, .. } => self.stalled_ms += u64::from(*millis),
            Event::Traffic(traffic) => self.traffic = **traffic,
            Event::Left { played, .. } => self.played = *played,
            _ => {}
        }
    }
}

/// So many thousand bytes a second.
pub(crate) const fn kbyte(kbyte: u64) -> Rate {
    Rate::from_bytes_per_s(kbyte * 1000)
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// A class that downloads a file and stays.
pub(crate) fn class(name: &str, population: Population, uplink: Rate) -> Class {
    Class {
        name: name.into(),
        population,
        source: false,
        auxiliary: false,
        asks_server: false,
        uplink: Draw::Fixed(uplink),
        downlink: Downlink::Unlimited,
        connectable: 1.0,
        departure: Departure::Never,
        behaviour: Behaviour::Honest,
        viewing: Viewing::default(),
        selector: SelectorConfig::RarestFirst,
        choker: ChokerConfig::TitForTat { slots: 3 },
        seed_choker: ChokerConfig::SeedRoundRobin { slots: 4 },
        playback: PlaybackConfig {
            start: StartRule::GiveToGet { h: secs(10) },
            late: LatePolicy::Stall { resume: secs(5) },
        },
    }
}

/// Viewers, all of them.
pub(crate) fn viewers(uplink: Rate) -> Class {
    class("viewer", Population::Share(1.0), uplink)
}

/// One source.
pub(crate) fn source(uplink: Rate) -> Class {
    Class {
        source: true,
        ..class("source", Population::Count(1), uplink)
    }
}

/// A file of so many blocks, in pieces of `kib` KiB; 50 ms round trips, everybody at once, no
/// congestion control, no time to hash. Each run has its own seed.
pub(crate) fn file(blocks: u64, kib: u32, viewers: u32, classes: Vec<Class>) -> Setup {
    let total = blocks * u64::from(Geometry::BLOCK);
    let rtt = Duration::from_millis(50);
    Setup {
        seed: 1,
        geometry: Geometry::new(total, kib * 1024).expect("a file of a few pieces"),
        bitrate: None,
        live: None,
        viewers,
        arrival: Arrival::AllAtOnce(Duration::ZERO),
        classes,
        network: NetworkSetup {
            model: NetworkModel::Links,
            rtt: (rtt, rtt),
            tracker_rtt: rtt,
            congestion: false,
            hash_picos_per_byte: 0,
        },
        tracker: TrackerSetup {
            peers_per_answer: 50,
            interval: secs(1800),
        },
        web_seed: None,
        limits: Limits::default(),
        horizon: secs(20_000),
        faults: Vec::new(),
        wire: WireMode::Typed,
        overlay_every: None,
        detailed: Vec::new(),
    }
}

/// Runs it, with the plan's bug if it has one.
pub(crate) fn play(plan: &Plan<'_>, setup: &Setup, seed: u64) -> Report<Notes> {
    let setup = Setup {
        seed,
        ..setup.clone()
    };
    let world = World::new(&setup, |_| Notes::default()).expect("a setup that can be played");
    let world = match plan.world_bug() {
        Some(bug) => world.mutated(bug),
        None => world,
    };
    world.run(Options::default()).expect("nobody ends it")
}

/// Those who are no source.
pub(crate) fn audience(report: &Report<Notes>) -> impl Iterator<Item = &PeerOutcome<Notes>> {
    report.peers.iter().filter(|peer| !peer.facts.source)
}

/// When the last viewer had everything, in seconds; infinite if one never had.
pub(crate) fn last_completion(report: &Report<Notes>) -> f64 {
    audience(report)
        .map(|peer| match peer.observer.completed {
            Some(at) => at.as_secs_f64(),
            None => f64::INFINITY,
        })
        .fold(0.0, f64::max)
}
