//! The trace hash is a function of the setup alone: not of threads, chunks, driver, codec, nor of
//! a peer that does nothing.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use support::{
    Log, class, kbyte, millis, run, run_with, secs, setup, sources, trace_with_any_threads,
};
use swarmbed_engine::Event;
use swarmbed_engine::policy::{ChokerConfig, SelectorConfig, StartRule};
use swarmbed_sim::{
    Arrival, Behaviour, Departure, Downlink, Draw, Driver, Fault, Options, Population, Report,
    Setup, WireMode, World,
};

/// A swarm with a little of everything.
fn mixed() -> Setup {
    let give_to_get = |mut class: swarmbed_sim::Class| {
        class.selector = SelectorConfig::from_name("give-to-get").unwrap();
        class.choker = ChokerConfig::from_name("give-to-get").unwrap();
        class.uplink = Draw::Uniform(kbyte(60), kbyte(120));
        class.downlink = Downlink::TimesUplink(4.0);
        class.connectable = 0.6;
        class
    };
    let mut honest = give_to_get(class("honest", Population::Share(0.7), kbyte(80)));
    honest.departure = Departure::EndOfPlayback;
    let mut riders = give_to_get(class("rider", Population::Share(0.2), kbyte(80)));
    riders.behaviour = Behaviour::FreeRider;
    // They begin too soon, and stall.
    riders.playback.start = StartRule::Prebuffer(secs(2));
    let mut restless = give_to_get(class("restless", Population::Share(0.1), kbyte(80)));
    restless.departure = Departure::Weibull {
        scale: secs(40),
        shape: 0.6,
    };
    let mut setup = setup(
        120,
        40,
        vec![sources(2, kbyte(200)), honest, riders, restless],
    );
    setup.geometry = swarmbed_engine::Geometry::new(4_000_000, 65_536).unwrap();
    setup.bitrate = Some(kbyte(60));
    setup.arrival = Arrival::Poisson(1.0);
    setup.network.rtt = (millis(20), millis(300));
    setup.network.hash_picos_per_byte = 2000;
    setup.tracker.interval = secs(60);
    setup.horizon = Duration::from_millis(150_007);
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
        (
            secs(60),
            Fault::UplinkStep {
                class: 1,
                percent: 120,
            },
        ),
    ];
    setup
}

#[test]
fn threads_chunks_and_driver_leave_the_trace_alone() {
    let setup = mixed();
    let expected = run(&setup);
    assert!(
        expected.totals.useful_blocks > 1000,
        "{:?}",
        expected.totals
    );
    assert_eq!(trace_with_any_threads(&setup), expected.trace);
    // What is told of a viewer is no call of its engine: why its picture stood is in no trace.
    let seen = |report: &Report<Log>| -> Vec<Log> {
        let logs = report.peers.iter().map(|peer| peer.observer.clone());
        logs.collect()
    };
    let expected_events = seen(&expected);
    let events = expected_events.iter().flat_map(|log| &log.0);
    let stalls = events.filter(|(_, event)| matches!(event, Event::Resumed { .. }));
    assert!(stalls.count() > 10, "hardly anybody stalls");
    let variants = [
        (1, Some(1), Driver::Windows),
        (1, Some(64), Driver::Windows),
        (3, None, Driver::Windows),
        (1, None, Driver::Heap),
    ];
    for (threads, chunk, driver) in variants {
        let options = Options {
            threads,
            chunk,
            driver,
            ..Options::default()
        };
        let report = run_with(&setup, options);
        let differs = expected
            .peers
            .iter()
            .zip(&report.peers)
            .find(|(a, b)| a.trace != b.trace);
        assert!(
            differs.is_none(),
            "{threads} threads, chunks of {chunk:?}, {driver:?}: first at peer {:?}",
            differs.map(|(peer, _)| peer.facts.number)
        );
        assert_eq!(report.trace, expected.trace);
        assert!(seen(&report) == expected_events, "told otherwise");
        assert_eq!(report.end, expected.end);
        assert_eq!(report.totals.calls, expected.totals.calls);
        assert_eq!(report.checks, expected.checks);
    }
}

#[test]
fn an_idle_peer_moves_nothing() {
    let setup = mixed();
    let without = run(&setup);
    let mut with = setup;
    let mut idle = class("idle", Population::Count(1), kbyte(100));
    idle.behaviour = Behaviour::Idle;
    with.classes.push(idle);
    let with = run(&with);
    assert_eq!(with.peers.len(), without.peers.len() + 1);
    for (a, b) in without.peers.iter().zip(&with.peers) {
        assert_eq!(a.trace, b.trace, "peer {}", a.facts.number);
        assert_eq!(a.facts, b.facts);
    }
}

#[test]
fn the_codec_moves_nothing() {
    let setup = mixed();
    let typed = run(&setup);
    let bytes = run(&Setup {
        wire: WireMode::Bytes,
        ..setup
    });
    assert_eq!(typed.trace, bytes.trace);
}

#[test]
fn another_seed_is_another_run() {
    let setup = mixed();
    let one = run(&setup);
    let other = run(&Setup { seed: 2, ..setup });
    assert_ne!(one.trace, other.trace);
}

#[test]
fn overlay_progress_and_abort() {
    let mut setup = mixed();
    setup.overlay_every = Some(secs(50));
    let mut told = 0;
    let mut progress = |_| told += 1;
    let options = Options {
        progress: Some(&mut progress),
        ..Options::default()
    };
    let report = run_with(&setup, options);
    assert!(told > 5, "{told}");
    assert!((3..=4).contains(&report.overlay.len()));
    assert!(report.overlay[1].edges.len() > 40);
    assert!(report.overlay[1].edges.is_sorted_by(|a, b| a < b));

    let abort = AtomicBool::new(false);
    let mut stop = |_| abort.store(true, Ordering::Relaxed);
    let options = Options {
        progress: Some(&mut stop),
        abort: Some(&abort),
        ..Options::default()
    };
    assert!(World::new(&setup, |_| ()).unwrap().run(options).is_err());
}
