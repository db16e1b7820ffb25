//! Viewers that pause, jump and lose patience: none of it is a stall, and none of it moves others.

mod support;

use std::time::Duration;

use support::{Log, class, kbyte, run, run_with, secs, setup, sources};
use swarmbed_engine::policy::SelectorConfig;
use swarmbed_engine::{Event, Geometry, Instant};
use swarmbed_sim::{
    Arrival, Departure, Downlink, Driver, Ending, Options, Population, Report, Setup, Viewing,
};

/// 20 viewers of a film of 120 s, with bandwidth to spare.
fn film(viewing: Viewing) -> Setup {
    let mut viewers = class("viewer", Population::Share(1.0), kbyte(120));
    viewers.departure = Departure::EndOfPlayback;
    viewers.downlink = Downlink::TimesUplink(4.0);
    viewers.selector = SelectorConfig::from_name("give-to-get").unwrap();
    viewers.viewing = viewing;
    let mut setup = setup(1, 20, vec![sources(1, kbyte(500)), viewers]);
    setup.geometry = Geometry::new(6_000_000, 65_536).unwrap();
    setup.bitrate = Some(kbyte(50));
    setup.arrival = Arrival::Poisson(0.5);
    setup.horizon = secs(3600);
    setup
}

fn count(report: &Report<Log>, wanted: impl Fn(&Event) -> bool) -> usize {
    let events = report.peers[1..].iter().flat_map(|peer| &peer.observer.0);
    events.filter(|(_, event)| wanted(event)).count()
}

/// From the first frame to the end, or to the viewer's leaving.
fn watched(log: &Log) -> Option<Duration> {
    let started = log.first(|event| matches!(event, Event::Started { .. }))?;
    let ended = log.first(|event| matches!(event, Event::Ended))?;
    Some(ended.since(started))
}

#[test]
fn a_pause_takes_time_and_is_no_stall() {
    let viewing = Viewing {
        pause: Some((secs(40), secs(20))),
        ..Viewing::default()
    };
    let (plain, paused) = (run(&film(Viewing::default())), run(&film(viewing)));
    assert_eq!(count(&plain, |event| matches!(event, Event::Paused)), 0);
    let pauses = count(&paused, |event| matches!(event, Event::Paused));
    assert!(pauses > 20, "{pauses}");
    let stalls = |report: &Report<Log>| count(report, |event| matches!(event, Event::Stalled(_)));
    assert!(
        stalls(&paused) <= stalls(&plain),
        "{} {}",
        stalls(&paused),
        stalls(&plain)
    );
    let total = |report: &Report<Log>| -> Duration {
        report.peers[1..]
            .iter()
            .filter_map(|peer| watched(&peer.observer))
            .sum()
    };
    assert!(total(&paused) > total(&plain) + 10 * secs(20));
    // Everybody saw all of it.
    assert_eq!(count(&paused, |event| matches!(event, Event::Ended)), 20);
}

#[test]
fn a_jump_has_a_latency_and_is_no_stall() {
    let viewing = Viewing {
        seek: Some(secs(30)),
        ..Viewing::default()
    };
    let report = run(&film(viewing));
    let sought = count(&report, |event| matches!(event, Event::SeekStarted { .. }));
    let done = count(&report, |event| matches!(event, Event::SeekDone { .. }));
    assert!(
        sought > 20 && done > 10 && done <= sought,
        "{sought} {done}"
    );
    for peer in &report.peers[1..] {
        let mut standing: Option<Instant> = None;
        for (at, event) in &peer.observer.0 {
            match event {
                Event::SeekStarted { .. } => standing = Some(*at),
                Event::SeekDone { latency } => {
                    assert_eq!(standing.take().map(|since| at.since(since)), Some(*latency));
                }
                // While the picture waits after a jump, it does not stall.
                Event::Stalled(_) => assert_eq!(standing, None),
                _ => {}
            }
        }
    }
}

#[test]
fn who_sees_nothing_for_long_leaves_before_the_start() {
    let mut setup = film(Viewing {
        patience: Some(secs(2)),
        ..Viewing::default()
    });
    setup.classes[0].uplink = swarmbed_sim::Draw::Fixed(kbyte(30));
    let report = run(&setup);
    let gone = report.peers[1..].iter().filter(|peer| {
        let started = peer
            .observer
            .first(|event| matches!(event, Event::Started { .. }));
        peer.ending == Ending::Left && started.is_none()
    });
    assert!(gone.count() > 10);
}

#[test]
fn whims_are_drawn_by_name_and_the_driver_does_not_matter() {
    let viewing = Viewing {
        pause: Some((secs(30), secs(10))),
        seek: Some(secs(45)),
        patience: Some(secs(60)),
    };
    let setup = film(viewing);
    let expected = run(&setup);
    let options = Options {
        driver: Driver::Heap,
        ..Options::default()
    };
    assert_eq!(run_with(&setup, options).trace, expected.trace);
    // Jumps do not move pauses: the first pause of each is where it was.
    let only = run(&film(Viewing {
        seek: None,
        patience: None,
        ..viewing
    }));
    let first = |report: &Report<Log>| -> Vec<Option<Instant>> {
        let paused = |event: &Event| matches!(event, Event::Paused);
        let logs = report.peers[1..].iter();
        logs.map(|peer| peer.observer.first(paused)).collect()
    };
    let (with, without) = (first(&expected), first(&only));
    let same = with.iter().zip(&without).filter(|(a, b)| a == b).count();
    assert!(same >= 10, "{with:?} {without:?}");
}
