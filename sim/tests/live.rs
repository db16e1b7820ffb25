//! Channels: viewers see them, a little behind the source; numbering, codec and threads change
//! nothing they should not.

mod support;

use std::time::Duration;

use support::{Log, trace_with_any_threads};
use swarmbed_engine::{CloseReason, Event};
use swarmbed_sim::scenario::Scenario;
use swarmbed_sim::{Driver, Options, Report, Setup, World};

const CHANNEL: &str = include_str!("../../scenarios/test/live.toml");

fn setup(sets: &[&str]) -> Setup {
    let sets: Vec<String> = sets.iter().map(|&set| set.into()).collect();
    let scenario = Scenario::read(CHANNEL, &sets).unwrap();
    let mut setup = scenario.variants[0].setup.clone();
    setup.seed = 1;
    setup
}

fn play(setup: &Setup, options: Options<'_>) -> Report<Log> {
    let world = World::new(setup, |_| Log::default()).unwrap();
    let report = world.run(options).unwrap();
    assert!(report.checks.violations.is_empty(), "{:?}", report.checks);
    report
}

fn count(report: &Report<Log>, wanted: impl Fn(&Event) -> bool) -> usize {
    let events = report.peers.iter().flat_map(|peer| &peer.observer.0);
    events.filter(|(_, event)| wanted(event)).count()
}

#[test]
fn every_kind_of_channel_plays() {
    for numbering in ["absolute", "ring"] {
        for expiry in ["implied", "announced"] {
            for choker in ["tit-for-tat", "give-to-get"] {
                let name = format!("{numbering} {expiry} {choker}");
                let report = play(
                    &setup(&[
                        &format!("live.numbering={numbering}"),
                        &format!("live.expiry={expiry}"),
                        &format!("policy.tit-for-tat.choker={choker}"),
                    ]),
                    Options::default(),
                );
                let started = count(&report, |event| matches!(event, Event::Started { .. }));
                assert!(started >= 30, "{name}: {started}");
                let failed = count(&report, |event| matches!(event, Event::PieceFailed { .. }));
                assert_eq!(failed, 0, "{name}");
                let blamed = count(&report, |event| {
                    matches!(
                        event,
                        Event::Disconnected {
                            reason: CloseReason::Violation(_) | CloseReason::Flood(_),
                            ..
                        }
                    )
                });
                assert_eq!(blamed, 0, "{name}");
                let skipped = count(&report, |event| matches!(event, Event::Skipped(_)));
                let verified = count(&report, |event| matches!(event, Event::PieceVerified(_)));
                assert!(skipped * 10 < verified, "{name}: {skipped} of {verified}");
                let mut lags: Vec<Duration> = report
                    .peers
                    .iter()
                    .flat_map(|peer| &peer.observer.0)
                    .filter_map(|(_, event)| match event {
                        Event::LiveLag { lag } => Some(*lag),
                        _ => None,
                    })
                    .collect();
                lags.sort_unstable();
                assert!(lags.len() > 100, "{name}");
                let worst = lags[lags.len() * 95 / 100];
                assert!(worst < Duration::from_secs(12), "{name}: {worst:?}");
            }
        }
    }
}

#[test]
fn threads_codec_and_driver_change_nothing() {
    let plain = trace_with_any_threads(&setup(&[]));
    let heap = Options {
        driver: Driver::Heap,
        ..Options::default()
    };
    assert_eq!(play(&setup(&[]), heap).trace, plain);
    let bytes = play(&setup(&["network.wire=bytes"]), Options::default());
    assert_eq!(bytes.trace, plain);
}

#[test]
fn a_broadcast_that_ends_ends_for_its_viewers() {
    let setup = setup(&[
        "content.duration=60 s",
        "swarm.arrival={all-at-once=\"10 s\"}",
    ]);
    let report = play(&setup, Options::default());
    let made = count(&report, |event| matches!(event, Event::Produced(_)));
    assert_eq!(made, 115);
    let ended = count(&report, |event| *event == Event::Ended);
    let left = count(&report, |event| matches!(event, Event::Left { .. }));
    assert_eq!(left, 42);
    assert!(ended >= 12, "{ended} were there to the end and saw it");
}

/// A neighbour that was asked for little of late has a low rate. Were that taken for what it can give, the
/// second half of a piece would seem to come too late from it, and it would be asked for nothing at all:
/// viewers then skip pieces that most of their neighbours have and would give them.
#[test]
fn with_uplinks_to_spare_next_to_nothing_is_skipped() {
    let text = include_str!("../../scenarios/coarse/channel.toml");
    let sets = [
        "swarm.viewers=100",
        "swarm.arrival.poisson=4 /s",
        "run.horizon=110 s",
        "network.overlay_every=0 s",
    ];
    let scenario = Scenario::read(text, &sets.map(String::from)).unwrap();
    let mut setup = scenario.variants[0].setup.clone();
    setup.seed = 1;
    let report = play(&setup, Options::default());
    let skipped = count(&report, |event| matches!(event, Event::Skipped(_)));
    let verified = count(&report, |event| matches!(event, Event::PieceVerified(_)));
    assert!(verified > 10_000, "{verified}");
    assert!(skipped * 1000 < verified, "{skipped} of {verified}");
}

#[test]
fn a_channel_needs_one_source() {
    let two = setup(&["class.source.count=2"]);
    assert!(World::new(&two, |_| ()).is_err());
}

/// Who jumps to where it knows nothing yet has no piece any more, and serves no request for one.
#[test]
fn a_channel_beyond_its_capacity_serves_nothing_it_has_forgotten() {
    let mut setup = setup(&[
        "class.open.uplink=200 kbit/s",
        "class.firewalled.uplink=200 kbit/s",
        "class.open.departure=never",
        "class.firewalled.departure=never",
        "live.numbering=absolute",
        "live.window=24 s",
        "live.lag_max=30 s",
        "policy.tit-for-tat.choker=always-unchoke",
    ]);
    setup.seed = 2;
    let report = play(&setup, Options::default());
    let jumps = count(&report, |event| matches!(event, Event::Rehooked { .. }));
    assert!(jumps > 100, "{jumps}");
}

#[test]
fn a_ring_of_twelve_pieces_comes_round_without_a_wrong_piece() {
    for expiry in ["implied", "announced"] {
        // 12 pieces of half a second, of which four are kept on either side.
        let setup = setup(&[
            "content.duration=4 min",
            "run.horizon=4 min",
            "live.numbering=ring",
            "live.ring=6.3 s",
            &format!("live.expiry={expiry}"),
            "live.lag_max=2 s",
            "playback.start={prebuffer=\"1 s\"}",
        ]);
        assert_eq!(
            setup.live.as_ref().unwrap().numbering,
            swarmbed_engine::live::Numbering::Ring(12)
        );
        let report = play(&setup, Options::default());
        let made = count(&report, |event| matches!(event, Event::Produced(_)));
        assert!(made > 18 * 12, "it wraps {} times", made / 12);
        let failed = count(&report, |event| matches!(event, Event::PieceFailed { .. }));
        assert_eq!(failed, 0, "{expiry}");
        let blamed = count(&report, |event| {
            let Event::Disconnected { reason, .. } = event else {
                return false;
            };
            matches!(reason, CloseReason::Violation(_) | CloseReason::Flood(_))
        });
        assert_eq!(blamed, 0, "{expiry}");
        let verified = count(&report, |event| matches!(event, Event::PieceVerified(_)));
        assert!(verified > 20 * made / 10, "{expiry}: {verified}");
    }
}

#[test]
fn servers_feed_those_who_may_ask_them_and_their_cost_is_counted() {
    let from_server = |sets: &[&str]| {
        let mut setup = setup(sets);
        setup.web_seed = Some(swarmbed_sim::WebSeedSetup {
            when: swarmbed_engine::WebSeedUse::Always,
            rate: swarmbed_engine::Rate::from_bytes_per_s(5_000_000),
            budget: None,
        });
        for class in &mut setup.classes {
            class.asks_server = class.name == "open";
        }
        let report = play(&setup, Options::default());
        let failed = count(&report, |event| matches!(event, Event::PieceFailed { .. }));
        assert_eq!(failed, 0);
        let mut bytes = [0; 2];
        for peer in &report.peers {
            let class = &setup.classes[usize::from(peer.facts.class)];
            let last = peer
                .observer
                .0
                .iter()
                .rev()
                .find_map(|(_, event)| match event {
                    Event::Traffic(traffic) => Some(traffic.from_web_seed),
                    _ => None,
                });
            bytes[usize::from(class.asks_server)] += last.unwrap_or(0);
        }
        bytes
    };
    for numbering in ["absolute", "ring"] {
        let [others, served] = from_server(&[&format!("live.numbering={numbering}")]);
        assert_eq!(others, 0, "{numbering}");
        assert!(served > 5_000_000, "{numbering}: {served}");
    }
}

#[test]
fn what_peers_hold_does_not_grow_with_the_stream() {
    for (numbering, choker) in [("absolute", "give-to-get-shipped"), ("ring", "receipts")] {
        let setup = setup(&[
            "content.duration=6 min",
            "run.horizon=6 min",
            "network.overlay_every=10 s",
            "class.firewalled.departure=never",
            "class.open.departure=never",
            &format!("live.numbering={numbering}"),
            &format!("policy.tit-for-tat.choker={choker}"),
        ]);
        let report = play(&setup, Options::default());
        let most = |from: usize, to: usize| {
            let some = &report.overlay[from..to];
            let held = some.iter().flat_map(|one| &one.held);
            let pieces = held.clone().map(|one| one.pieces).max().unwrap();
            (held.map(|one| one.bytes).max().unwrap(), pieces)
        };
        let (early, late) = (most(6, 18), most(24, 36));
        assert!(
            late.0 <= early.0 * 5 / 4,
            "{numbering} {choker}: {early:?} {late:?}"
        );
        assert!(
            late.1 <= early.1 + 8,
            "{numbering} {choker}: {early:?} {late:?}"
        );
    }
}
