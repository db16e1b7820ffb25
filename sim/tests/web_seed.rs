//! A server beside the swarm: what it sends, how much of it, and what that buys.

mod support;

use support::{Log, class, kbyte, run, run_with, secs, setup, sources};
use swarmbed_engine::policy::SelectorConfig;
use swarmbed_engine::{Event, Geometry, Traffic, WebSeedUse};
use swarmbed_sim::{
    Arrival, Departure, Downlink, Draw, Driver, Options, Population, Report, Setup, WebSeedSetup,
    WireMode,
};

/// 20 viewers of a film of 60 s who together have less upload than they need.
fn film(server: Option<WebSeedSetup>) -> Setup {
    let mut viewers = class("viewer", Population::Share(1.0), kbyte(40));
    viewers.departure = Departure::EndOfPlayback;
    viewers.downlink = Downlink::TimesUplink(8.0);
    viewers.selector = SelectorConfig::from_name("in-order").unwrap();
    let mut source = sources(1, kbyte(100));
    source.asks_server = false;
    let mut setup = setup(1, 20, vec![source, viewers]);
    setup.geometry = Geometry::new(3_000_000, 65_536).unwrap();
    setup.bitrate = Some(kbyte(50));
    setup.arrival = Arrival::Poisson(1.0);
    setup.horizon = secs(3600);
    setup.web_seed = server;
    setup
}

const fn server(when: WebSeedUse, budget: Option<u64>) -> Option<WebSeedSetup> {
    Some(WebSeedSetup {
        when,
        rate: kbyte(2000),
        budget,
    })
}

fn sent(report: &Report<Log>) -> u64 {
    let last = |log: &Log| {
        log.0.iter().rev().find_map(|(_, event)| match event {
            Event::Traffic(traffic) => Some(**traffic),
            _ => None,
        })
    };
    let all = report.peers.iter().filter_map(|peer| last(&peer.observer));
    all.map(|traffic: Traffic| traffic.from_web_seed).sum()
}

fn stalls(report: &Report<Log>) -> usize {
    let events = report.peers.iter().flat_map(|peer| &peer.observer.0);
    events
        .filter(|(_, event)| matches!(event, Event::Stalled(_)))
        .count()
}

#[test]
fn the_more_it_may_be_asked_the_more_it_sends_and_the_fewer_stall() {
    let alone = run(&film(None));
    let low = run(&film(server(WebSeedUse::BufferLow(secs(10)), None)));
    let always = run(&film(server(WebSeedUse::Always, None)));
    let prefix = run(&film(server(WebSeedUse::Prefix(secs(5)), None)));
    assert_eq!(sent(&alone), 0);
    // 5 s are 250 kB: four pieces, for 20 viewers at most.
    assert!(
        sent(&prefix) > 0 && sent(&prefix) <= 20 * 4 * 65_536,
        "{}",
        sent(&prefix)
    );
    assert!(
        sent(&low) < sent(&always),
        "{} {}",
        sent(&low),
        sent(&always)
    );
    assert!(
        stalls(&low) < stalls(&alone) / 4,
        "{} {}",
        stalls(&low),
        stalls(&alone)
    );
    for report in [&alone, &low, &always, &prefix] {
        let done = report.peers[1..]
            .iter()
            .filter(|peer| peer.observer.completed().is_some());
        assert_eq!(done.count(), 20);
    }
}

#[test]
fn a_budget_is_kept() {
    let budget = 3_000_000;
    let report = run(&film(server(WebSeedUse::Always, Some(budget))));
    assert!(
        sent(&report) <= budget && sent(&report) > budget - 65_536,
        "{}",
        sent(&report)
    );
}

#[test]
fn it_is_as_fast_as_it_is_said_to_be() {
    // One viewer, no peers worth the name: 3 MB at 100 kB/s take 30 s at least.
    let mut setup = film(server(WebSeedUse::Always, None));
    setup.viewers = 1;
    setup.classes[0].uplink = swarmbed_sim::Draw::Fixed(kbyte(1));
    setup.classes[1].uplink = swarmbed_sim::Draw::Fixed(kbyte(100));
    setup.web_seed = setup.web_seed.map(|one| WebSeedSetup {
        rate: kbyte(100),
        ..one
    });
    let report = run(&setup);
    let peer = &report.peers[1];
    let took = peer.observer.completed().unwrap().since(peer.facts.arrival);
    // With headers and a round trip of 50 ms for each of 46 pieces.
    assert!((30.0..36.0).contains(&took.as_secs_f64()), "{took:?}");
}

#[test]
fn threads_driver_and_codec_leave_the_trace_alone() {
    let mut setup = film(server(WebSeedUse::BufferLow(secs(10)), Some(5_000_000)));
    let expected = run(&setup).trace;
    for (threads, driver) in [(3, Driver::Windows), (1, Driver::Heap)] {
        let options = Options {
            threads,
            driver,
            ..Options::default()
        };
        assert_eq!(run_with(&setup, options).trace, expected, "{driver:?}");
    }
    setup.wire = WireMode::Bytes;
    assert_eq!(run(&setup).trace, expected);
}

/// A server for the beginning leaves the rest to the swarm, and there the source sets the pace: who
/// watches in step asks it for the same next pieces, and new ones enter as fast as it can send
/// divided by how often it sends each. However much upload viewers have, they wait for that.
#[test]
#[expect(clippy::cast_precision_loss, reason = "a pace")]
fn beyond_the_prefix_the_source_sets_the_pace() {
    let [slow, fast] = [100, 200].map(|uplink| {
        let mut setup = film(server(WebSeedUse::Prefix(secs(5)), None));
        setup.classes[1].uplink = Draw::Fixed(kbyte(uplink));
        let report = run(&setup);
        let total = setup.geometry.total() as f64;
        let sent = report.peers[0].bytes_up as f64;
        // Bytes with headers on one uplink of 100 kB/s; the source sends each byte so many times.
        let times = sent / (total * 16_877.0 / 16_384.0);
        let expected = total * times / 100_000.0;
        let viewers = &report.peers[1..];
        let took: f64 = viewers
            .iter()
            .map(|peer| {
                let whole = peer.observer.completed().unwrap();
                whole.as_secs_f64() - peer.facts.arrival.as_secs_f64()
            })
            .sum();
        let took = took / viewers.len() as f64;
        // It is never idle while anybody downloads, and sends each byte over and over.
        assert!(
            (took / expected - 1.0).abs() < 0.1,
            "{took} s, {expected} s"
        );
        assert!(times > 3.0, "{times}");
        took
    });
    // Twice the upload of all viewers buys nothing.
    assert!((fast / slow - 1.0).abs() < 0.05, "{slow} s, {fast} s");
}
