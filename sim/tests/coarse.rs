//! The coarse mode of long large runs: whole pieces at one go, and shares that are solved in batches.

mod support;

use support::{
    Log, class, kbyte, millis, run, run_with, secs, setup, sources, trace_with_any_threads,
};
use swarmbed_engine::live::{Expiry, LiveConfig, Numbering};
use swarmbed_engine::policy::{
    ChokerConfig, LatePolicy, PlaybackConfig, SelectorConfig, StartRule,
};
use swarmbed_engine::{Event, Geometry, Rate};
use swarmbed_sim::scenario::Scenario;
use swarmbed_sim::{
    Arrival, Departure, Downlink, Draw, Driver, Fault, LiveSetup, Mutant, NetworkModel, Options,
    Population, Report, Setup, SetupError, WireMode, World,
};

const MS: u64 = 1_000_000;
/// A piece of 64 KiB on a link: 65,549 bytes in 45 packets.
const PIECE: u64 = 65_549 + 45 * 40;

fn batches(length: u64) -> NetworkModel {
    NetworkModel::FluidInBatches(millis(length))
}

/// One source that sends a piece in `span` milliseconds, and viewers whom nobody can dial. A request
/// takes their uplinks for 1 ms.
fn star(pieces: u64, span: u64, viewers: u32) -> Setup {
    let rate = Rate::from_bytes_per_s;
    let mut viewer = class("viewer", Population::Count(viewers), rate(57_000));
    viewer.connectable = 0.0;
    let source = sources(1, rate(PIECE * 1000 / span));
    let mut setup = setup(1, 0, vec![source, viewer]);
    let geometry = Geometry::new(pieces * 65_536, 65_536).unwrap();
    setup.geometry = geometry.in_whole_pieces().unwrap();
    setup.network.congestion = false;
    setup.detailed = (0..=viewers).collect();
    setup
}

/// When pieces came to a peer, in nanoseconds.
fn pieces(report: &Report<Log>, peer: usize) -> Vec<u64> {
    let log = &report.peers[peer].observer.0;
    let came = |event: &Event| matches!(event, Event::BlockReceived { useful: true, .. });
    log.iter()
        .filter(|(_, event)| came(event))
        .map(|(at, _)| at.as_nanos())
        .collect()
}

fn gaps(times: &[u64]) -> Vec<u64> {
    times.windows(2).map(|two| two[1] - two[0]).collect()
}

/// A slow link, 50 ms of round trip in four seconds: one piece at a time, each asked for when the last
/// is there, after an acknowledgement of 40 bytes. The link is idle for that long, and no piece is asked
/// for too early.
#[test]
fn a_slow_source_sends_one_piece_after_the_other() {
    for model in [NetworkModel::Links, batches(100)] {
        let mut setup = star(30, 4000, 1);
        setup.network.model = model;
        let report = run(&setup);
        let times = pieces(&report, 1);
        assert_eq!(times.len(), 30);
        let takes = PIECE * 1_000_000_000 / (PIECE / 4);
        let paper = takes + (25 + 1 + 25) * MS + 40 * 1_000_000_000 / 57_000;
        for gap in gaps(&times) {
            assert!(gap.abs_diff(paper) <= 3, "{model:?}: {gap} ns, not {paper}");
        }
        // Blocks of 16 KiB, whatever they come in.
        assert_eq!(report.totals.useful_blocks, 30 * 4);
        assert_eq!(report.totals.useful_bytes, 30 * 65_536);
    }
}

/// A fast one: two are on their way, and the link is never idle.
#[test]
fn a_fast_source_is_busy() {
    for model in [NetworkModel::Links, batches(100)] {
        let mut setup = star(60, 100, 1);
        setup.network.model = model;
        let times = pieces(&run(&setup), 1);
        for gap in &gaps(&times)[10..] {
            assert!(gap.abs_diff(100 * MS) <= 2, "{model:?}: {gap} ns");
        }
    }
}

/// Four of them have a quarter each, to the nanosecond but for rounding.
#[test]
fn viewers_share_the_uplink() {
    for model in [NetworkModel::Links, batches(100)] {
        let mut setup = star(60, 25, 4);
        setup.network.model = model;
        let report = run(&setup);
        for viewer in 1..=4 {
            let times = pieces(&report, viewer);
            assert_eq!(times.len(), 60);
            for gap in &gaps(&times)[10..50] {
                assert!(gap.abs_diff(100 * MS) <= 4, "{model:?}, {viewer}: {gap} ns");
            }
        }
    }
}

/// A slow downlink is full with a fifth of the uplink: 500 ms a block. The other four fifths are the
/// others', as with the exact model, once a border has come.
#[test]
fn in_batches_a_slow_downlink_leaves_the_rest_to_others() {
    let rate = Rate::from_bytes_per_s;
    let mut fast = class("fast", Population::Count(2), rate(57_000));
    fast.connectable = 0.0;
    let mut slow = fast.clone();
    slow.name = "slow".into();
    slow.population = Population::Count(1);
    slow.downlink = Downlink::Own(Draw::Fixed(rate(33_754)));
    let mut setup = setup(200, 0, vec![sources(1, rate(168_770)), slow, fast]);
    setup.network.model = batches(50);
    setup.detailed = (0..=3).collect();
    let report = run(&setup);
    let gap = |peer: usize| {
        let gaps = gaps(&pieces(&report, peer)[6..30]);
        gaps.iter().sum::<u64>() / gaps.len() as u64
    };
    for (peer, paper) in [(1, 500 * MS), (2, 250 * MS), (3, 250 * MS)] {
        let gap = gap(peer);
        assert!(
            gap.abs_diff(paper) < paper / 50,
            "{peer}: {gap} ns, not {paper}"
        );
    }
}

/// A film with a little of everything that links, control and departures can do.
fn film(model: NetworkModel, whole: bool) -> Setup {
    let mut viewer = class("viewer", Population::Share(1.0), kbyte(80));
    viewer.selector = SelectorConfig::from_name("give-to-get").unwrap();
    viewer.choker = ChokerConfig::from_name("give-to-get").unwrap();
    viewer.uplink = Draw::Uniform(kbyte(60), kbyte(120));
    viewer.downlink = Downlink::TimesUplink(1.5);
    viewer.connectable = 0.6;
    viewer.departure = Departure::EndOfPlayback;
    let mut setup = setup(1, 30, vec![sources(2, kbyte(200)), viewer]);
    let geometry = Geometry::new(2_000_000, 65_536).unwrap();
    setup.geometry = if whole {
        geometry.in_whole_pieces().unwrap()
    } else {
        geometry
    };
    setup.bitrate = Some(kbyte(60));
    setup.arrival = Arrival::Poisson(1.0);
    setup.network.model = model;
    setup.network.rtt = (millis(20), millis(300));
    setup.tracker.interval = secs(60);
    setup.limits.dial_below = 10;
    setup.horizon = secs(200);
    setup.faults = vec![
        (secs(20), Fault::CorruptBlock { peer: 0 }),
        (secs(30), Fault::Crash { peer: 7 }),
        (
            secs(40),
            Fault::UplinkStep {
                class: 1,
                percent: 50,
            },
        ),
    ];
    setup
}

/// A channel whose numbers come round.
fn channel(model: NetworkModel) -> Setup {
    let numbering = Numbering::Ring(120);
    let mut viewer = class("viewer", Population::Share(1.0), kbyte(90));
    viewer.selector = SelectorConfig::from_name("live-rarest-first").unwrap();
    viewer.downlink = Downlink::TimesUplink(4.0);
    viewer.playback = PlaybackConfig {
        start: StartRule::Prebuffer(secs(5)),
        late: LatePolicy::Skip,
    };
    let mut setup = setup(1, 30, vec![sources(1, kbyte(300)), viewer]);
    let geometry = LiveConfig::viewer(numbering).geometry(32_768).unwrap();
    setup.geometry = geometry.in_whole_pieces().unwrap();
    setup.bitrate = Some(kbyte(60));
    setup.live = Some(LiveSetup {
        numbering,
        expiry: Expiry::Implied,
        hook_in: swarmbed_engine::policy::HookInConfig::NewestAtHalf,
        lag_max: secs(30),
        super_seeding: None,
        pieces: 160,
    });
    setup.network.model = model;
    setup.horizon = secs(100);
    setup
}

#[test]
fn threads_and_drivers_change_nothing() {
    let links = NetworkModel::Links;
    let setups = [
        film(links, true),
        film(batches(100), true),
        film(batches(30), false),
        channel(links),
        channel(batches(100)),
    ];
    let mut seen = Vec::new();
    for setup in &setups {
        let trace = trace_with_any_threads(setup);
        let heap = Options {
            driver: Driver::Heap,
            ..Options::default()
        };
        // `run_with` wants bytes conserved, links kept to and nothing unverified played.
        assert_eq!(run_with(setup, heap).trace, trace);
        seen.push(trace);
    }
    // And all of them are different.
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), setups.len());
}

/// What a corrupt piece costs: its sender, who alone sent it.
#[test]
fn a_corrupt_piece_closes_who_sent_it() {
    let mut setup = star(30, 200, 2);
    setup.faults = vec![(secs(3), Fault::CorruptBlock { peer: 0 })];
    let report = run(&setup);
    let closed = report.peers[1..].iter().filter(|peer| {
        let told = |event: &Event| matches!(event, Event::PieceFailed { .. });
        peer.observer.first(told).is_some()
    });
    assert_eq!(closed.count(), 1);
}

#[test]
fn links_that_are_too_fast_are_found() {
    let mut setup = star(300, 100, 1);
    setup.network.model = batches(100);
    let world = World::new(&setup, |_| Log::default()).unwrap();
    let report = world
        .mutated(Mutant::FastLinks)
        .run(Options::default())
        .unwrap();
    let violations = &report.checks.violations;
    assert!(
        violations.iter().any(|one| one.contains("uplink allows")),
        "{violations:?}"
    );
}

#[test]
fn what_cannot_be_is_refused() {
    let refused = |setup: &Setup| World::new(setup, |_| Log::default()).err();
    let mut bytes = film(NetworkModel::Links, true);
    bytes.wire = WireMode::Bytes;
    assert_eq!(refused(&bytes), Some(SetupError::WholePieces));
    let short = film(batches(5), false);
    assert_eq!(refused(&short), Some(SetupError::Batch(millis(5))));
}

#[test]
fn a_scenario_asks_for_it_by_name() {
    let text = r#"
        [content]
        duration = "30 s"
        bitrate = "400 kbit/s"
        piece_length = "64 KiB"
        [swarm]
        viewers = 200
        arrival = { all-at-once = "0 s" }
        [[class]]
        name = "source"
        count = 2
        source = true
        uplink = "2 Mbit/s"
        downlink = "unlimited"
        [[class]]
        name = "viewer"
        share = 1.0
        uplink = ["500 kbit/s", "1 Mbit/s"]
        downlink = "2 Mbit/s"
        [network]
        granularity = "piece"
        model = { fluid = { batch = "100 ms" } }
        [run]
        horizon = "5 min"
    "#;
    let read = |sets: &[&str]| {
        let sets: Vec<String> = sets.iter().map(|&set| set.into()).collect();
        Scenario::read(text, &sets)
    };
    let setup = &read(&[]).unwrap().variants[0].setup;
    assert_eq!(setup.network.model, batches(100));
    assert_eq!(setup.geometry.block_length(), 65_536);
    let wrong = |set: &str, says: &str| {
        let error = read(&[set]).unwrap_err();
        assert!(error.message.contains(says), "{set}: {error}");
        assert!(error.help.is_some() && error.span.is_some(), "{set}");
    };
    wrong("network.wire=bytes", "passes the codec");
    wrong("content.piece_length=1 MiB", "at most 256 KiB");
    // A fifth of 500 kbit/s in ten seconds.
    wrong("content.piece_length=128 KiB", "carries 125000 bytes");
    wrong("network.model.fluid.batch=5 ms", "every 10 ms to 10 s");
    wrong("network.congestion=false", "no windows");
    // Without batches it is exact, and for few.
    wrong("network.model=fluid", "202 peers");
    let error = read(&["network.model=solid"]).unwrap_err();
    assert!(error.message.contains("batch = \"100 ms\""), "{error}");
}
