//! What must hold of swarms as wholes: capacity is used and never beaten, faults are survived.

mod support;

use support::{class, kbyte, run, secs, setup, sources};
use swarmbed_engine::{Event, Instant};
use swarmbed_sim::{
    Behaviour, Departure, Downlink, Draw, Ending, Fault, Options, Population, SetupError, World,
    address_of,
};

#[test]
#[expect(clippy::cast_precision_loss, reason = "a ratio")]
fn most_of_the_upload_capacity_is_used() {
    // 50 viewers of 100 kB/s and a source of 200 kB/s; 1,000 pieces; nobody leaves.
    let mut viewers = class("viewer", Population::Share(1.0), kbyte(100));
    viewers.downlink = Downlink::Own(Draw::Fixed(kbyte(1000)));
    let mut setup = setup(1000, 50, vec![sources(1, kbyte(200)), viewers]);
    setup.detailed = (0..=50).collect();
    let report = run(&setup);
    let end = report.end.as_nanos();
    let (from, to) = (end / 5, end * 4 / 5);
    let mut bytes = 0;
    for peer in &report.peers {
        for (at, event) in &peer.observer.0 {
            if let Event::BlockReceived { block, .. } = event
                && (from..to).contains(&at.as_nanos())
            {
                // With headers: 16,877 bytes on the link for 16,384.
                bytes += u64::from(block.length) * 16_877 / 16_384;
            }
        }
    }
    let capacity = (50 * 100_000 + 200_000) * (to - from) / 1_000_000_000;
    let used = bytes as f64 / capacity as f64;
    assert!(used > 0.9, "{used} of the capacity was used");
    assert!(used <= 1.0, "{used} of the capacity was used");
    // Minimum distribution time (Kumar & Ross 2006): all copies through all uplinks.
    let bound = 50.0 * 1000.0 * 16_384.0 / 5_200_000.0;
    let took = end as f64 / 1e9;
    assert!(took > bound, "{took} s beats the bound of {bound} s");
    assert!(took < 1.35 * bound, "{took} s for a bound of {bound} s");
}

#[test]
fn a_slow_downlink_is_the_limit() {
    let mut viewers = class("viewer", Population::Share(1.0), kbyte(50));
    viewers.downlink = Downlink::Own(Draw::Fixed(kbyte(100)));
    let report = run(&setup(200, 1, vec![sources(4, kbyte(400)), viewers]));
    // 200 blocks of 16,877 bytes at 100 kB/s: 33.75 s.
    let took = report.peers[4].observer.completed().unwrap().as_secs_f64();
    assert!((33.7..50.0).contains(&took), "{took}");
    assert_eq!(report.peers[4].ending, Ending::Cut);
}

#[test]
fn everybody_who_can_finish_finishes_after_faults() {
    let viewers = class("viewer", Population::Share(1.0), kbyte(100));
    let mut setup = setup(200, 20, vec![sources(2, kbyte(200)), viewers]);
    setup.geometry = swarmbed_engine::Geometry::new(200 * 65_536, 65_536).unwrap();
    setup.faults = vec![
        (secs(30), Fault::CorruptBlock { peer: 5 }),
        (secs(31), Fault::CorruptBlock { peer: 6 }),
        (secs(40), Fault::CorruptBlock { peer: 0 }),
        (secs(35), Fault::Crash { peer: 4 }),
        (secs(45), Fault::Crash { peer: 1 }),
    ];
    let report = run(&setup);
    let mut blamed = Vec::new();
    for peer in &report.peers[2..] {
        if peer.facts.number == 4 {
            assert_eq!(peer.ending, Ending::Crashed);
            assert_eq!(peer.left_at.unwrap().as_secs_f64(), 35.0);
            continue;
        }
        assert!(
            peer.observer.completed().is_some(),
            "peer {}",
            peer.facts.number
        );
        for (_, event) in &peer.observer.0 {
            if let Event::PieceFailed {
                culprit: Some(culprit),
                ..
            } = event
            {
                blamed.push(*culprit);
            }
        }
    }
    blamed.sort_unstable();
    assert_eq!(blamed, [0, 5, 6].map(address_of));
}

#[test]
fn all_is_lost_when_the_source_goes_before_it_gave_everything() {
    let viewers = class("viewer", Population::Share(1.0), kbyte(100));
    let mut setup = setup(200, 5, vec![sources(1, kbyte(100)), viewers]);
    setup.horizon = secs(300);
    setup.faults = vec![(secs(15), Fault::SourceGone)];
    let report = run(&setup);
    assert_eq!(report.end.as_secs_f64(), 300.0);
    for peer in &report.peers[1..] {
        assert!(peer.observer.completed().is_none());
        assert!(peer.cut_by_horizon);
        assert!(matches!(
            peer.observer.0.last().unwrap().1,
            Event::Left { .. }
        ));
    }
}

#[test]
fn classes_are_exact_and_nested() {
    let classes = |riders: f64| {
        let mut rider = class("rider", Population::Share(riders), kbyte(50));
        rider.behaviour = Behaviour::FreeRider;
        rider.connectable = 0.5;
        vec![
            sources(1, kbyte(100)),
            class("honest", Population::Share(1.0 - riders), kbyte(50)),
            rider,
        ]
    };
    let riders = |share: f64| -> Vec<u32> {
        let world = World::new(&setup(10, 50, classes(share)), |_| ()).unwrap();
        let riders = world.peers().iter().filter(|peer| peer.class == 2);
        riders.map(|peer| peer.number).collect()
    };
    let (few, many) = (riders(0.1), riders(0.2));
    assert_eq!((few.len(), many.len()), (5, 10));
    assert!(few.iter().all(|number| many.contains(number)));
    let world = World::new(&setup(10, 50, classes(0.2)), |_| ()).unwrap();
    let open = world
        .peers()
        .iter()
        .filter(|peer| peer.class == 2 && peer.connectable);
    assert_eq!(open.count(), 5);
}

#[test]
fn viewers_leave_when_they_are_done() {
    let mut viewers = class("viewer", Population::Share(1.0), kbyte(100));
    viewers.departure = Departure::EndOfDownload;
    let report = run(&setup(100, 10, vec![sources(1, kbyte(200)), viewers]));
    for peer in &report.peers[1..] {
        assert_eq!(peer.ending, Ending::Left);
        assert_eq!(peer.left_at, peer.observer.completed());
        assert!(!peer.cut_by_horizon);
    }
    assert!(report.peers[0].cut_by_horizon);
}

/// An exponential time as a seed; with all latencies equal, dials cross too.
#[test]
#[expect(clippy::cast_precision_loss, reason = "a mean")]
fn seeds_stay_as_long_as_they_are_told() {
    let mut viewers = class("viewer", Population::Share(1.0), kbyte(200));
    viewers.departure = Departure::SeedsFor(secs(40));
    let mut setup = setup(64, 200, vec![sources(1, kbyte(400)), viewers]);
    setup.arrival = swarmbed_sim::Arrival::Poisson(0.5);
    setup.horizon = secs(2000);
    let report = run(&setup);
    // The run ends with the last download.
    let left = report.peers[1..180].iter();
    let stays: Vec<f64> = left
        .filter(|peer| peer.ending == Ending::Left)
        .map(|peer| {
            let left = peer.left_at.unwrap().as_secs_f64();
            left - peer.observer.completed().unwrap().as_secs_f64()
        })
        .collect();
    let mean = stays.iter().sum::<f64>() / stays.len() as f64;
    assert!(stays.len() > 165, "{} left", stays.len());
    assert!((mean - 40.0).abs() < 8.0, "{mean} s");
    assert!(stays.iter().any(|stay| *stay < 20.0) && stays.iter().any(|stay| *stay > 80.0));
}

#[test]
fn setups_that_cannot_be_played_are_refused() {
    let good = setup(
        10,
        5,
        vec![
            sources(1, kbyte(10)),
            class("v", Population::Share(1.0), kbyte(10)),
        ],
    );
    let error = |change: &dyn Fn(&mut swarmbed_sim::Setup)| {
        let mut bad = good.clone();
        change(&mut bad);
        World::new(&bad, |_| ()).err().expect("refused")
    };
    let near = error(&|setup| setup.network.rtt.0 = std::time::Duration::from_millis(8));
    assert!(matches!(near, SetupError::Latency(_)));
    assert!(near.to_string().contains("5 ms"), "{near}");
    let shares = error(&|setup| setup.classes[1].population = Population::Share(0.5));
    assert!(matches!(shares, SetupError::Shares(_)));
    let missing = error(&|setup| setup.faults = vec![(secs(1), Fault::Crash { peer: 6 })]);
    assert!(matches!(missing, SetupError::Missing { number: 6, .. }));
}

#[test]
fn a_day_has_its_rush_and_its_night() {
    let mut setup = setup(
        1,
        4000,
        vec![class("viewer", Population::Share(1.0), kbyte(100))],
    );
    setup.arrival = swarmbed_sim::Arrival::Day {
        mean: 0.04,
        low_at: secs(4 * 3600),
        depth: 0.8,
    };
    setup.horizon = secs(1);
    let report = World::new(&setup, |_| ()).unwrap().run(Options::default());
    let peers = report.unwrap().peers;
    let within = |from: u64, to: u64| {
        let at = |hour: u64| Instant::from_secs(hour * 3600);
        let some = peers.iter().map(|peer| peer.facts.arrival);
        some.filter(|arrival| (at(from)..at(to)).contains(arrival))
            .count()
    };
    // 3,456 a day; in the two hours around the low 288 (1 - 0.8 x 0.989), around the high 515.
    assert!(within(0, 24).abs_diff(3456) < 180, "{}", within(0, 24));
    assert!(within(3, 5).abs_diff(60) < 25, "{}", within(3, 5));
    assert!(within(15, 17).abs_diff(516) < 70, "{}", within(15, 17));
}
