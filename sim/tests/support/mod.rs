//! Setups for tests, and an observer that remembers.
#![allow(dead_code, unreachable_pub, reason = "each test file uses some of it")]

use std::time::Duration;

use swarmbed_engine::policy::{
    ChokerConfig, LatePolicy, PlaybackConfig, SelectorConfig, StartRule,
};
use swarmbed_engine::{Event, Geometry, Instant, Limits, Rate};
use swarmbed_sim::{
    Arrival, Behaviour, Class, Departure, Downlink, Draw, NetworkModel, NetworkSetup, Observer,
    Options, Population, Report, Setup, TrackerSetup, Viewing, WireMode, World,
};

/// Remembers everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log(pub Vec<(Instant, Event)>);

impl Observer for Log {
    fn event(&mut self, now: Instant, event: &Event) {
        self.0.push((now, event.clone()));
    }
}

impl Log {
    /// When something like this first happened.
    pub fn first(&self, wanted: impl Fn(&Event) -> bool) -> Option<Instant> {
        self.0
            .iter()
            .find(|(_, event)| wanted(event))
            .map(|(at, _)| *at)
    }

    /// When all pieces were there.
    pub fn completed(&self) -> Option<Instant> {
        self.first(|event| matches!(event, Event::Completed))
    }
}

pub const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub const fn kbyte(kbyte: u64) -> Rate {
    Rate::from_bytes_per_s(kbyte * 1000)
}

/// A class that downloads a file and stays.
pub fn class(name: &str, population: Population, uplink: Rate) -> Class {
    Class {
        name: name.into(),
        population,
        source: false,
        auxiliary: false,
        asks_server: true,
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

/// A class of sources.
pub fn sources(count: u32, uplink: Rate) -> Class {
    Class {
        source: true,
        ..class("source", Population::Count(count), uplink)
    }
}

/// A file of `pieces` times 16 KiB, 50 ms round trips, everybody at once.
pub fn setup(pieces: u64, viewers: u32, classes: Vec<Class>) -> Setup {
    Setup {
        seed: 1,
        geometry: Geometry::new(pieces * 16_384, 16_384).unwrap(),
        bitrate: None,
        live: None,
        viewers,
        arrival: Arrival::AllAtOnce(Duration::ZERO),
        classes,
        network: NetworkSetup {
            model: NetworkModel::Links,
            rtt: (millis(50), millis(50)),
            tracker_rtt: millis(50),
            congestion: true,
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

/// Runs with one thread, and wants all checks to hold.
pub fn run(setup: &Setup) -> Report<Log> {
    run_with(setup, Options::default())
}

/// Runs, and wants all checks to hold.
pub fn run_with(setup: &Setup, options: Options<'_>) -> Report<Log> {
    let world = World::new(setup, |_| Log::default()).unwrap();
    let report = world.run(options).unwrap();
    assert!(report.checks.violations.is_empty(), "{:?}", report.checks);
    report
}

/// Asserts that one, two and three threads do the same to every peer; comes back with the run's trace hash.
pub fn trace_with_any_threads(setup: &Setup) -> u128 {
    let with = |threads: usize| {
        let options = Options {
            threads,
            // Small, so that each thread has several.
            chunk: Some(8),
            ..Options::default()
        };
        let report = run_with(setup, options);
        assert!(report.peers.len() >= 3 * 8, "{}", report.peers.len());
        report
    };
    let alone = with(1);
    assert!(alone.totals.useful_blocks > 1000, "{:?}", alone.totals);
    for threads in [2, 3] {
        let report = with(threads);
        let mut pairs = alone.peers.iter().zip(&report.peers);
        let differs = pairs.find(|(a, b)| a.trace != b.trace);
        let first = differs.map(|(peer, _)| peer.facts.number);
        assert_eq!(first, None, "{threads} threads: first at that peer");
        assert_eq!(report.trace, alone.trace, "{threads} threads");
        assert_eq!(report.totals, alone.totals, "{threads} threads");
    }
    alone.trace
}
