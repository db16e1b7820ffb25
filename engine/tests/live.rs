//! A stream without end: rings that come round, viewers that lag, leave and come back, windows
//! that expire, and neighbours that lie.

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use support::lab::Lab;
use support::{addr, config};
use swarmbed_engine::live::{Expiry, LiveConfig, Numbering, Rejection, Role, SuperSeeding};
use swarmbed_engine::policy::{
    HookInConfig, LatePolicy, PlaybackConfig, SelectorConfig, StartRule,
};
use swarmbed_engine::*;

const PIECE: u32 = 32_768;
/// Two pieces a second, as in the trial of 2008.
const PERIOD: Duration = Duration::from_millis(500);

fn source_role() -> Role {
    Role::Source {
        first: PieceIndex(0),
        auxiliary: Vec::new(),
        super_seeding: None,
    }
}

fn peer(index: usize, numbering: Numbering, change: impl FnOnce(&mut Config)) -> Peer {
    let mut live = LiveConfig::viewer(numbering);
    if index == 0 {
        live.role = source_role();
    }
    let mut config = config(index, live.geometry(PIECE).unwrap());
    config.live = Some(live);
    config.bitrate = Some(Rate::from_bytes_per_s(2 * u64::from(PIECE)));
    config.selector = SelectorConfig::from_name("live-rarest-first").unwrap();
    config.playback = PlaybackConfig {
        start: StartRule::Prebuffer(Duration::from_secs(2)),
        late: LatePolicy::Skip,
    };
    change(&mut config);
    Peer::new(config, Seed::from_number(index as u64), Instant::ZERO, None).unwrap()
}

fn live(config: &mut Config) -> &mut LiveConfig {
    config.live.as_mut().unwrap()
}

fn watch(lab: &mut Lab, index: usize, at: Instant, others: &[usize]) {
    let peers: Vec<SocketAddr> = others.iter().map(|&other| addr(other)).collect();
    lab.call(at, index, move |peer, now| {
        peer.handle(
            now,
            Input::Addresses {
                source: AddressSource::Tracker,
                peers,
            },
        );
        let _ = peer.play(now);
    });
}

/// No neighbour was closed for what it said or sent, and no piece failed.
fn nobody_is_blamed(lab: &Lab) {
    let blamed = lab.events.iter().find(|(_, _, event)| match event {
        Event::Disconnected { reason, .. } => matches!(
            reason,
            CloseReason::Violation(_) | CloseReason::Corrupt | CloseReason::Flood(_)
        ),
        Event::PieceFailed { .. } => true,
        _ => false,
    });
    assert_eq!(blamed, None);
    assert_eq!(lab.live.rejections, []);
}

fn lags(lab: &Lab) -> Vec<Duration> {
    let lag = |event: &Event| match event {
        Event::LiveLag { lag } => Some(*lag),
        _ => None,
    };
    lab.events.iter().filter_map(|one| lag(&one.2)).collect()
}

#[test]
fn a_ring_of_twelve_comes_round_many_times_without_a_wrong_piece() {
    for numbering in [Numbering::Ring(12), Numbering::Absolute { window: 24 }] {
        for expiry in [Expiry::Implied, Expiry::Announced] {
            let swarm = (0..6)
                .map(|index| peer(index, numbering, |config| live(config).expiry = expiry))
                .collect();
            let mut lab = Lab::new(swarm);
            lab.live.last = Some(PieceIndex(599));
            lab.broadcast(0, 0, 600, PERIOD);
            for index in 1..6 {
                let at = Instant::from_secs(3 * index as u64);
                watch(&mut lab, index, at, &[0, 1, 2, 3, 4, 5]);
            }
            lab.run_until(Instant::from_secs(320));
            let name = format!("{numbering:?} {expiry:?}");
            nobody_is_blamed(&lab);
            assert_eq!(lab.count(|_, event| *event == Event::Ended), 5, "{name}");
            let started = lab.count(|_, event| matches!(event, Event::Started { .. }));
            assert_eq!(started, 5, "{name}");
            let skipped = lab.count(|_, event| matches!(event, Event::Skipped(_)));
            assert!(skipped < 50, "{name}: {skipped} of 3000 pieces skipped");
            let worst = lags(&lab).into_iter().max().unwrap();
            assert!(worst < Duration::from_secs(5), "{name}: lag {worst:?}");
            assert!(lags(&lab).len() > 5 * 25, "{name}");
            let donthaves = lab.outputs.iter().filter(|one| one.1.contains("DontHave"));
            assert_eq!(donthaves.count() > 0, expiry == Expiry::Announced, "{name}");
        }
    }
}

#[test]
fn the_source_asks_for_nothing_and_serves_less_than_everybody() {
    let swarm = (0..8)
        .map(|index| {
            peer(index, Numbering::Absolute { window: 200 }, |config| {
                config.playback.start = StartRule::Prebuffer(Duration::from_secs(5));
                if index == 0 {
                    live(config).role = Role::Source {
                        first: PieceIndex(0),
                        auxiliary: Vec::new(),
                        super_seeding: Some(SuperSeeding {
                            k: 2,
                            tau: Duration::from_secs(2),
                        }),
                    };
                }
            })
        })
        .collect();
    let mut lab = Lab::new(swarm);
    lab.broadcast(0, 0, 400, PERIOD);
    for index in 1..8 {
        watch(
            &mut lab,
            index,
            Instant::from_secs(1),
            &[0, 1, 2, 3, 4, 5, 6, 7],
        );
    }
    lab.run_until(Instant::from_secs(200));
    nobody_is_blamed(&lab);
    let source = lab.peers[0].as_ref().unwrap().traffic();
    assert_eq!(source.payload_down, 0);
    let stream = 400 * u64::from(PIECE);
    assert!(source.payload_up >= stream * 95 / 100, "{source:?}");
    assert!(
        source.payload_up < stream * 7 / 2,
        "half of it by viewers: {source:?}"
    );
    for index in 1..8 {
        let played = lab.peers[index]
            .as_ref()
            .unwrap()
            .playback()
            .unwrap()
            .played;
        assert!(
            played > Duration::from_secs(180),
            "viewer {index}: {played:?}"
        );
    }
}

/// Viewers at different positions, lagging, leaving and coming back: in a small ring nobody ever
/// takes a piece for another, and who watches sees the stream.
#[test]
fn whatever_viewers_do_a_ring_stays_in_order() {
    for number in 0..16 {
        let mut rng = Seed::from_number(number).stream("ring", 0);
        let ring = [12, 13, 16, 40][rng.index(4)];
        let expiry = [Expiry::Implied, Expiry::Announced][rng.index(2)];
        let new = |index: usize, seed: u64, rng: &mut Rng| {
            let late = [
                LatePolicy::Skip,
                LatePolicy::Stall {
                    resume: Duration::from_millis(500),
                },
            ][rng.index(2)];
            let rule = HookInConfig::TABLE[rng.index(HookInConfig::TABLE.len())].name;
            peer(index, Numbering::Ring(ring), |config| {
                live(config).expiry = expiry;
                live(config).hook_in = HookInConfig::from_name(rule).unwrap();
                config.playback.late = late;
                config.peer_id.0[1] = u8::try_from(seed).unwrap();
                config.upload = index == 0 || seed % 5 != 1;
            })
        };
        let mut lab = Lab::new((0..7).map(|index| new(index, 0, &mut rng)).collect());
        lab.broadcast(0, 0, 400, PERIOD);
        for index in 1..7 {
            watch(
                &mut lab,
                index,
                Instant::from_secs(rng.below(20)),
                &[0, 1, 2, 3, 4, 5, 6],
            );
        }
        let mut away: Option<usize> = None;
        for round in 1..40_u64 {
            lab.run_until(Instant::from_secs(round * 5));
            let now = lab.now;
            let index = 1 + rng.index(6);
            match (rng.below(4), away) {
                (0, None) => {
                    lab.call(now, index, |peer, now| peer.leave(now));
                    away = Some(index);
                }
                (1, Some(index)) => {
                    let again = new(index, round, &mut rng);
                    lab.replace(index, again);
                    watch(&mut lab, index, now, &[0, 1, 2, 3, 4, 5, 6]);
                    away = None;
                }
                (2, _) => lab.call(now, index, |peer, now| _ = peer.pause(now)),
                _ => {
                    for index in 1..7 {
                        lab.call(now, index, |peer, now| _ = peer.resume(now));
                    }
                }
            }
        }
        nobody_is_blamed(&lab);
        let verified = lab.count(|_, event| matches!(event, Event::PieceVerified(_)));
        assert!(verified > 1200, "seed {number}, ring {ring}: {verified}");
    }
}

#[test]
fn a_polluter_and_a_replayer_are_named_and_nobody_else() {
    for replay in [false, true] {
        let ring = Numbering::Ring(40);
        let mut lab = Lab::new((0..6).map(|index| peer(index, ring, |_| {})).collect());
        if replay {
            lab.live.replayers.push((2, 40));
        } else {
            lab.live.polluters.push(2);
        }
        lab.broadcast(0, 0, 240, PERIOD);
        for index in 1..6 {
            let at = Instant::from_secs(if index == 2 { 1 } else { 25 });
            // Only the bad one is near the source at first.
            watch(&mut lab, index, at, &[2, 3, 4, 5, 0]);
        }
        lab.run_until(Instant::from_secs(120));
        let mut named = 0;
        for (_, index, event) in &lab.events {
            if let Event::PieceFailed {
                culprit: Some(culprit),
                ..
            } = event
            {
                assert_eq!(*culprit, addr(2), "by {index}");
                named += 1;
            }
        }
        assert!(named >= 1, "replay {replay}");
        let wanted = if replay {
            |one: &Rejection| {
                matches!(
                    one,
                    Rejection::Old | Rejection::Sequence(_) | Rejection::Signature
                )
            }
        } else {
            |one: &Rejection| *one == Rejection::Signature
        };
        assert!(lab.live.rejections.iter().all(|one| wanted(&one.2)));
        for index in [1, 3, 4, 5] {
            let played = lab.peers[index]
                .as_ref()
                .unwrap()
                .playback()
                .unwrap()
                .played;
            assert!(
                played > Duration::from_secs(75),
                "viewer {index}: {played:?}"
            );
        }
    }
}

#[test]
fn who_stalls_jumps_forward_and_the_lag_stays_bounded() {
    let window = Numbering::Absolute { window: 240 };
    let swarm = (0..3)
        .map(|index| {
            peer(index, window, |config| {
                config.playback.late = LatePolicy::Stall {
                    resume: Duration::from_secs(1),
                };
                live(config).lag_max = Duration::from_secs(15);
            })
        })
        .collect();
    let mut lab = Lab::new(swarm);
    lab.broadcast(0, 0, 400, PERIOD);
    watch(&mut lab, 1, Instant::from_secs(5), &[0]);
    watch(&mut lab, 2, Instant::from_secs(5), &[0, 1]);
    // One pauses for a time, and goes on a minute behind the others.
    lab.call(Instant::from_secs(40), 2, |peer, now| {
        peer.pause(now).unwrap()
    });
    lab.call(Instant::from_secs(100), 2, |peer, now| {
        peer.resume(now).unwrap()
    });
    lab.run_until(Instant::from_secs(180));
    nobody_is_blamed(&lab);
    let jumps: Vec<Duration> = lab
        .events
        .iter()
        .filter_map(|(_, index, event)| match event {
            Event::Rehooked { skipped, .. } if *index == 2 => Some(*skipped),
            _ => None,
        })
        .collect();
    assert!(!jumps.is_empty());
    let skipped: Duration = jumps.iter().sum();
    assert!((45..75).contains(&skipped.as_secs()), "{jumps:?}");
    let late = lab
        .events
        .iter()
        .filter(|one| one.0 > Instant::from_secs(115));
    let worst = late
        .filter_map(|one| match one.2 {
            Event::LiveLag { lag } => Some(lag),
            _ => None,
        })
        .max();
    assert!(worst.unwrap() < Duration::from_secs(16), "{worst:?}");
    assert_eq!(
        lab.count(|index, event| index == 1 && matches!(event, Event::Rehooked { .. })),
        0
    );
}

#[test]
fn a_source_that_comes_back_goes_on_where_it_was() {
    let ring = Numbering::Ring(100);
    let mut lab = Lab::new((0..3).map(|index| peer(index, ring, |_| {})).collect());
    lab.broadcast(0, 0, 100, PERIOD);
    for index in 1..3 {
        watch(&mut lab, index, Instant::from_secs(10), &[0, 1, 2]);
    }
    lab.call(Instant::from_millis(50_200), 0, |peer, now| peer.leave(now));
    lab.run_until(Instant::from_secs(55));
    let again = peer(0, ring, |config| {
        config.peer_id.0[1] = 9;
        // One number is left out, as the 2010 client does.
        live(config).role = Role::Source {
            first: PieceIndex(101),
            auxiliary: Vec::new(),
            super_seeding: None,
        };
    });
    lab.replace(0, again);
    lab.introduce(0, &[1, 2]);
    lab.broadcast(0, 101, 200, PERIOD);
    lab.run_until(Instant::from_secs(150));
    nobody_is_blamed(&lab);
    for index in 1..3 {
        let resumed = lab.events.iter().find(|one| {
            one.0 > Instant::from_secs(55)
                && one.1 == index
                && one.2 == Event::PieceVerified(PieceIndex(110))
        });
        assert!(
            resumed.unwrap().0 < Instant::from_secs(75),
            "viewer {index}"
        );
        let played = lab.peers[index]
            .as_ref()
            .unwrap()
            .playback()
            .unwrap()
            .played;
        assert!(
            played > Duration::from_secs(120),
            "viewer {index}: {played:?}"
        );
    }
}
