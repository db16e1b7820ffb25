//! Adversaries: each does what its name says, the honest finish all the same, and the trace is a
//! function of the setup with them too.

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use support::{Log, class, kbyte, run, run_with, secs, setup, sources, trace_with_any_threads};
use swarmbed_engine::policy::{ChokerConfig, SelectorConfig};
use swarmbed_engine::{ConnId, Event, Instant, Traffic};
use swarmbed_sim::{
    Arrival, Behaviour, Class, Downlink, Draw, Driver, Options, PeerOutcome, Population, Report,
    Setup, WireMode, address_of,
};

const ALL: [Behaviour; 7] = [
    Behaviour::Liar,
    Behaviour::Colluder,
    Behaviour::Sybil { identities: 8 },
    Behaviour::HaveLiar,
    Behaviour::Polluter,
    Behaviour::LateServer { lateness: secs(10) },
    Behaviour::Whitewasher,
];

fn with_choker(class: Class, choker: &str) -> Class {
    let choker = ChokerConfig::from_name(choker).unwrap();
    Class {
        choker: choker.clone(),
        seed_choker: choker,
        selector: SelectorConfig::from_name("give-to-get").unwrap(),
        downlink: Downlink::TimesUplink(4.0),
        ..class
    }
}

/// 30 honest viewers and 10 others, of a film at 60 kB/s in pieces of four blocks.
fn swarm(behaviour: Behaviour, choker: &str) -> Setup {
    let honest = with_choker(class("honest", Population::Share(0.75), kbyte(80)), choker);
    let mut others = with_choker(class("others", Population::Share(0.25), kbyte(80)), choker);
    others.behaviour = behaviour;
    let source = with_choker(sources(1, kbyte(150)), choker);
    let mut setup = setup(1, 40, vec![source, honest, others]);
    setup.geometry = swarmbed_engine::Geometry::new(6_000_000, 65_536).unwrap();
    setup.bitrate = Some(kbyte(60));
    setup.arrival = Arrival::Poisson(2.0);
    setup.horizon = secs(1200);
    setup
}

fn of(report: &Report<Log>, class: u16) -> impl Iterator<Item = &PeerOutcome<Log>> {
    report
        .peers
        .iter()
        .filter(move |peer| peer.facts.class == class)
}

fn traffic(peer: &PeerOutcome<Log>) -> Traffic {
    let told = peer.observer.0.iter().rev();
    told.into_iter()
        .find_map(|(_, event)| match event {
            Event::Traffic(traffic) => Some(**traffic),
            _ => None,
        })
        .unwrap_or_default()
}

#[test]
fn the_honest_finish_whatever_the_others_do() {
    for behaviour in ALL {
        for choker in [
            "give-to-get",
            "give-to-get-shipped",
            "receipts",
            "tit-for-tat",
        ] {
            let report = run(&swarm(behaviour, choker));
            let unfinished = of(&report, 1).filter(|peer| peer.observer.completed().is_none());
            assert_eq!(unfinished.count(), 0, "{behaviour:?} with {choker}");
        }
    }
}

#[test]
fn threads_driver_and_codec_leave_the_trace_alone() {
    let mut setup = swarm(Behaviour::Honest, "give-to-get");
    let template = setup.classes.pop().unwrap();
    setup.classes[1].population = Population::Share(0.3);
    for behaviour in ALL {
        setup.classes.push(Class {
            name: behaviour.misbehaves().into(),
            population: Population::Share(0.1),
            connectable: 0.5,
            behaviour,
            ..template.clone()
        });
    }
    let expected = trace_with_any_threads(&setup);
    let heap = Options {
        driver: Driver::Heap,
        ..Options::default()
    };
    assert_eq!(run_with(&setup, heap).trace, expected, "heap");
    setup.wire = WireMode::Bytes;
    assert_eq!(run(&setup).trace, expected, "through the codec");
}

/// What the others got in 100 s, over what the honest got, when there is too little for all.
fn advantage(behaviour: Behaviour, choker: &str) -> f64 {
    let got = |report: &Report<Log>, class: u16| -> u64 {
        of(report, class)
            .map(|peer| traffic(peer).payload_down)
            .sum()
    };
    let (mut others, mut honest) = (0, 0);
    for seed in 1..=3 {
        let mut setup = swarm(behaviour, choker);
        setup.seed = seed;
        setup.classes[0].uplink = Draw::Fixed(kbyte(300));
        setup.geometry = swarmbed_engine::Geometry::new(12_000_000, 65_536).unwrap();
        setup.arrival = Arrival::AllAtOnce(secs(0));
        setup.horizon = secs(100);
        // So that receivers are named.
        setup.tracker.interval = secs(20);
        for class in &mut setup.classes[1..] {
            class.population = Population::Share(0.5);
            class.uplink = Draw::Fixed(kbyte(60));
        }
        let report = run(&setup);
        others += got(&report, 2);
        honest += got(&report, 1);
        assert!(behaviour.uploads() || of(&report, 2).all(|peer| traffic(peer).payload_up == 0));
    }
    others as f64 / honest as f64
}

#[test]
fn lies_pay_where_reports_are_believed() {
    for (behaviour, choker) in [
        (Behaviour::Liar, "give-to-get-shipped"),
        (Behaviour::Colluder, "give-to-get"),
        (Behaviour::Sybil { identities: 8 }, "give-to-get"),
    ] {
        let rider = advantage(Behaviour::FreeRider, choker);
        let liar = advantage(behaviour, choker);
        assert!(
            liar > rider * 1.1,
            "{behaviour:?} with {choker}: {liar} of the honest, a free-rider {rider}"
        );
    }
}

#[test]
fn receipts_leave_liars_and_sybils_as_free_riders() {
    let rider = advantage(Behaviour::FreeRider, "receipts");
    assert!(rider < 1.0, "{rider}");
    for behaviour in [Behaviour::Liar, Behaviour::Sybil { identities: 8 }] {
        let liar = advantage(behaviour, "receipts");
        assert!(
            liar < rider * 1.1,
            "{behaviour:?}: {liar} of the honest, a free-rider {rider}"
        );
    }
    let colluder = advantage(Behaviour::Colluder, "receipts");
    assert!(
        colluder > rider * 1.1,
        "{colluder}: they lend each other their names"
    );
}

#[test]
fn a_polluter_is_found_out() {
    let report = run(&swarm(Behaviour::Polluter, "give-to-get"));
    let blamed = |event: &Event| match event {
        Event::PieceFailed { culprit, .. } => *culprit,
        _ => None,
    };
    let events = of(&report, 1).flat_map(|peer| &peer.observer.0);
    let culprits: Vec<_> = events.filter_map(|(_, event)| blamed(event)).collect();
    assert!(culprits.len() > 20, "{}", culprits.len());
    let polluters: Vec<_> = of(&report, 2)
        .map(|peer| address_of(peer.facts.number))
        .collect();
    assert!(culprits.iter().all(|one| polluters.contains(one)));
    assert!(of(&report, 1).any(|peer| traffic(peer).corrupt > 0));
}

/// Of a peer all of whose blocks are told: for each block it asked a class for, how long that took;
/// `None` if it never came.
fn waits(report: &Report<Log>, number: usize, class: u16) -> Vec<Option<Duration>> {
    let log = &report.peers[number].observer.0;
    let addresses: Vec<SocketAddr> = of(report, class)
        .map(|peer| address_of(peer.facts.number))
        .collect();
    let theirs = |event: &Event| match event {
        Event::Connected { conn, addr, .. } => addresses.contains(addr).then_some(*conn),
        _ => None,
    };
    let conns: Vec<ConnId> = log.iter().filter_map(|(_, event)| theirs(event)).collect();
    let mut waits = Vec::new();
    for (place, (asked_at, event)) in log.iter().enumerate() {
        let Event::Requested { conn, block } = event else {
            continue;
        };
        if conns.contains(conn) {
            let came = |(at, event): &(Instant, Event)| match event {
                Event::BlockReceived {
                    conn: from,
                    block: got,
                    ..
                } => (from == conn && got == block).then_some(*at),
                _ => None,
            };
            let came_at = log[place..].iter().find_map(came);
            waits.push(came_at.map(|at| at.since(*asked_at)));
        }
    }
    waits
}

#[test]
fn a_have_liar_announces_everything_and_gives_nothing() {
    let mut setup = swarm(Behaviour::HaveLiar, "tit-for-tat");
    setup.detailed = vec![1, 2, 3, 4, 5];
    let report = run(&setup);
    assert!(of(&report, 2).all(|peer| traffic(peer).payload_up == 0));
    let waits: Vec<_> = (1..=5).flat_map(|one| waits(&report, one, 2)).collect();
    assert!(
        waits.len() > 10 && waits.iter().all(Option::is_none),
        "{waits:?}"
    );
}

#[test]
fn a_late_server_is_late_with_every_block() {
    let lateness = secs(10);
    let mut setup = swarm(Behaviour::LateServer { lateness }, "give-to-get");
    setup.detailed = vec![1, 2, 3, 4, 5];
    let report = run(&setup);
    let waits = (1..=5).flat_map(|one| waits(&report, one, 2));
    let came: Vec<Duration> = waits.flatten().collect();
    assert!(
        came.len() > 10 && came.iter().all(|wait| *wait >= lateness),
        "{came:?}"
    );
}

#[test]
fn a_whitewasher_comes_back_under_another_name() {
    let report = run(&swarm(Behaviour::Whitewasher, "give-to-get"));
    let again = |event: &Event| match event {
        Event::Connected { addr, .. } => addr.port() != address_of(0).port(),
        _ => false,
    };
    let events = of(&report, 1).flat_map(|peer| &peer.observer.0);
    let seen = events.filter(|(_, event)| again(event)).count();
    assert!(seen > 10, "seen {seen} times");
}
