//! The network model `fluid`: exact where it can be worked out by hand, and close to `links` where
//! it cannot.

mod support;

use support::{Log, class, kbyte, millis, run, secs, setup, sources};
use swarmbed_engine::policy::{ChokerConfig, SelectorConfig};
use swarmbed_engine::{Event, Geometry, Rate};
use swarmbed_sim::scenario::Scenario;
use swarmbed_sim::{
    Arrival, Behaviour, Departure, Downlink, Draw, Fault, Mutant, NetworkModel, Options,
    Population, Report, Setup, SetupError, WebSeedSetup, WireMode, World,
};

const MS: u64 = 1_000_000;

/// One source, and viewers whom nobody can dial. A block takes the source's uplink for 100 ms, a
/// request theirs for 1 ms, as in `transfer.rs`; a block takes a slow downlink for 500 ms.
fn star(slow: u32, fast: u32) -> Setup {
    let rate = Rate::from_bytes_per_s;
    let mut viewer = class("fast", Population::Count(fast), rate(57_000));
    viewer.connectable = 0.0;
    let mut behind = viewer.clone();
    behind.name = "slow".into();
    behind.population = Population::Count(slow);
    behind.downlink = Downlink::Own(Draw::Fixed(rate(33_754)));
    let source = sources(1, rate(168_770));
    let mut setup = setup(60, 0, vec![source, behind, viewer]);
    setup.network.model = NetworkModel::Fluid;
    setup.detailed = (0..=slow + fast).collect();
    setup
}

/// When blocks came to a peer, in nanoseconds.
fn blocks(report: &Report<Log>, peer: usize) -> Vec<u64> {
    let log = &report.peers[peer].observer.0;
    let came = |event: &Event| matches!(event, Event::BlockReceived { useful: true, .. });
    log.iter()
        .filter(|(_, event)| came(event))
        .map(|(at, _)| at.as_nanos())
        .collect()
}

#[test]
fn one_viewer_gets_a_block_every_100_ms() {
    let report = run(&star(0, 1));
    let source = &report.peers[0].observer;
    let unchoked = source
        .first(|event| matches!(event, Event::WeChoke { choked: false, .. }))
        .unwrap()
        .as_nanos();
    let first = unchoked + 266_636 + 25 * MS + MS + 25 * MS + 100 * MS + 25 * MS;
    let expected: Vec<u64> = (0..60).map(|block| first + block * 100 * MS).collect();
    assert_eq!(blocks(&report, 1), expected);
}

/// The slow link is full with 33,754 bytes/s, a fifth of the uplink: 500 ms a block. The other four
/// fifths are the others': 125 ms a block for one, 250 ms for two. An equal share of the uplink, as
/// `links` has it while windows are open, would be 200 ms or 300 ms.
#[test]
fn a_slow_downlink_leaves_the_rest_to_others() {
    let gap = |report: &Report<Log>, peer: usize| {
        let times = blocks(report, peer);
        let gaps: Vec<u64> = times[6..30].windows(2).map(|two| two[1] - two[0]).collect();
        gaps.iter().sum::<u64>() / gaps.len() as u64
    };
    let near = |gap: u64, paper: u64| gap.abs_diff(paper) <= 2;
    let two = run(&star(1, 1));
    let three = run(&star(1, 2));
    for (report, viewer, paper) in [
        (&two, 1, 500 * MS),
        (&two, 2, 125 * MS),
        (&three, 1, 500 * MS),
        (&three, 2, 250 * MS),
        (&three, 3, 250 * MS),
    ] {
        let gap = gap(report, viewer);
        assert!(near(gap, paper), "viewer {viewer}: {gap} ns, not {paper}");
    }
}

/// A swarm with a little of everything that control, links and departures can do.
fn rough() -> Setup {
    let mut viewer = class("viewer", Population::Share(0.8), kbyte(80));
    viewer.selector = SelectorConfig::from_name("give-to-get").unwrap();
    viewer.choker = ChokerConfig::from_name("give-to-get").unwrap();
    viewer.uplink = Draw::Uniform(kbyte(60), kbyte(120));
    viewer.downlink = Downlink::TimesUplink(1.5);
    viewer.connectable = 0.6;
    viewer.departure = Departure::EndOfPlayback;
    let mut restless = viewer.clone();
    restless.name = "restless".into();
    restless.population = Population::Share(0.2);
    restless.departure = Departure::Weibull {
        scale: secs(40),
        shape: 0.6,
    };
    let mut setup = setup(1, 24, vec![sources(2, kbyte(200)), viewer, restless]);
    setup.geometry = Geometry::new(2_000_000, 65_536).unwrap();
    setup.bitrate = Some(kbyte(60));
    setup.arrival = Arrival::Poisson(1.0);
    setup.network.model = NetworkModel::Fluid;
    setup.network.rtt = (millis(20), millis(300));
    setup.tracker.interval = secs(60);
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

#[test]
fn it_is_a_function_of_the_setup() {
    let setup = rough();
    // `run` wants bytes conserved, links kept to and nothing unverified played.
    let first = run(&setup);
    assert!(first.totals.useful_blocks > 500, "{:?}", first.totals);
    assert!(first.checks.received > 0 && first.checks.lost > 0);
    let again = run(&setup);
    assert_eq!(first.trace, again.trace);
    assert_eq!(first.checks, again.checks);
    let mut bytes = setup.clone();
    bytes.wire = WireMode::Bytes;
    assert_eq!(run(&bytes).trace, first.trace);
    let mut with_idle = setup.clone();
    let mut idle = class("idle", Population::Count(1), kbyte(100));
    idle.behaviour = Behaviour::Idle;
    with_idle.classes.push(idle);
    let with_idle = run(&with_idle);
    for (a, b) in first.peers.iter().zip(&with_idle.peers) {
        assert_eq!(a.trace, b.trace, "peer {}", a.facts.number);
    }
    // And it is another network than `links`.
    let mut links = setup;
    links.network.model = NetworkModel::Links;
    assert_ne!(run(&links).trace, first.trace);
}

#[test]
fn links_that_are_too_fast_are_found() {
    let mut setup = star(0, 1);
    setup.geometry = Geometry::new(1000 * 16_384, 16_384).unwrap();
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

/// A film of 40 s for 60 viewers, with 1.2 times the upload it takes.
fn film(model: NetworkModel, seed: u64) -> Setup {
    let mut viewer = class("viewer", Population::Share(1.0), kbyte(55));
    viewer.selector = SelectorConfig::from_name("give-to-get").unwrap();
    viewer.choker = ChokerConfig::from_name("give-to-get").unwrap();
    viewer.downlink = Downlink::TimesUplink(4.0);
    let mut setup = setup(1, 60, vec![sources(2, kbyte(150)), viewer]);
    setup.geometry = Geometry::new(2_000_000, 65_536).unwrap();
    setup.bitrate = Some(kbyte(50));
    setup.arrival = Arrival::Poisson(2.0);
    setup.network.model = model;
    setup.network.rtt = (millis(50), millis(150));
    setup.limits.dial_below = 10;
    setup.limits.neighbours_max = 20;
    setup.seed = seed;
    setup
}

/// Seconds from arrival to the whole film, and the share of time that the picture stood still, in
/// the mean over viewers.
#[expect(clippy::cast_precision_loss, reason = "means")]
fn felt(report: &Report<Log>) -> (f64, f64) {
    let viewers: Vec<_> = report.peers.iter().filter(|p| !p.facts.source).collect();
    let download = |log: &Log, arrival: f64| log.completed().unwrap().as_secs_f64() - arrival;
    let stalled = |log: &Log| {
        let stalls = log.0.iter().map(|(_, event)| match event {
            Event::Resumed { millis, .. } => *millis,
            _ => 0,
        });
        let stalls = f64::from(stalls.sum::<u32>()) / 1000.0;
        stalls / (stalls + 40.0)
    };
    let count = viewers.len() as f64;
    let times = viewers
        .iter()
        .map(|p| download(&p.observer, p.facts.arrival.as_secs_f64()));
    let shares = viewers.iter().map(|p| stalled(&p.observer));
    (times.sum::<f64>() / count, shares.sum::<f64>() / count)
}

/// Two networks built on different ideas: windows, queues and equal shares of uplinks, or max-min
/// fair rates. What viewers feel is nearly the same.
#[test]
fn links_and_fluid_agree_on_what_viewers_feel() {
    let both = [NetworkModel::Links, NetworkModel::Fluid].map(|model| {
        let runs = (1..=3).map(|seed| felt(&run(&film(model, seed))));
        let sum = runs.fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        (sum.0 / 3.0, sum.1 / 3.0)
    });
    let [links, fluid] = both;
    println!("(download in s, stalled share): links {links:?}, fluid {fluid:?}");
    assert!((fluid.0 / links.0 - 1.0).abs() < 0.05, "{both:?}");
    assert!((fluid.1 - links.1).abs() < 0.02, "{both:?}");
    assert_ne!(fluid, links);
}

#[test]
fn what_it_cannot_carry_is_refused() {
    let refused = |setup: &Setup| World::new(setup, |_| Log::default()).err();
    let mut many = rough();
    many.viewers = 98;
    assert_eq!(refused(&many), None);
    many.viewers = 99;
    assert_eq!(refused(&many), Some(SetupError::FluidPeers(101)));
    let mut server = rough();
    server.web_seed = Some(WebSeedSetup {
        when: swarmbed_engine::WebSeedUse::Always,
        rate: kbyte(100),
        budget: None,
    });
    assert_eq!(refused(&server), Some(SetupError::FluidServer));
}

#[test]
fn a_scenario_asks_for_it_by_name() {
    let text = r#"
        [content]
        duration = "30 s"
        bitrate = "400 kbit/s"
        piece_length = "32 KiB"
        [swarm]
        viewers = 60
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
        uplink = "500 kbit/s"
        downlink = "2 Mbit/s"
        [network]
        model = "fluid"
        [run]
        horizon = "5 min"
    "#;
    let read = |sets: &[&str]| {
        let sets: Vec<String> = sets.iter().map(|&set| set.into()).collect();
        Scenario::read(text, &sets)
    };
    let network = &read(&[]).unwrap().variants[0].setup.network;
    assert_eq!(network.model, NetworkModel::Fluid);
    let error = read(&["swarm.viewers=99"]).unwrap_err();
    assert!(error.message.contains("101 peers"), "{error}");
    assert!(error.help.unwrap().contains("links"));
    assert_eq!(&error.text.unwrap()[error.span.unwrap()], "\"fluid\"");
    let error = read(&["network.congestion=false"]).unwrap_err();
    assert!(error.message.contains("no windows"), "{error}");
    let sets = ["web_seed.rate=1 Mbit/s", "web_seed.when=always"];
    let error = read(&sets).unwrap_err();
    assert!(error.message.contains("web seed"), "{error}");
}
