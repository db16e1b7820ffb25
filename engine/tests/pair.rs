//! Engines talking to each other, with one clock and no network worth the name.

mod support;

use std::time::Duration;

use support::lab::Lab;
use support::{addr, config};
use swarmbed_engine::policy::{
    ChokerConfig, LatePolicy, PlaybackConfig, SelectorConfig, StartRule,
};
use swarmbed_engine::*;

fn geometry() -> Geometry {
    Geometry::new(40 * 65_536 + 20_000, 65_536).unwrap()
}

fn peer(index: usize, full: bool, change: impl FnOnce(&mut Config)) -> Peer {
    let mut config = config(index, geometry());
    change(&mut config);
    let have = full.then(|| Bitfield::full(geometry().pieces()));
    Peer::new(config, Seed::from_number(index as u64), Instant::ZERO, have).unwrap()
}

#[test]
fn a_leecher_gets_everything_from_a_seed() {
    let mut lab = Lab::new(vec![peer(0, true, |_| {}), peer(1, false, |_| {})]);
    lab.introduce(1, &[0]);
    lab.run_until(Instant::from_secs(60));
    assert_eq!(
        lab.count(|index, event| index == 1 && *event == Event::Completed),
        1
    );
    let traffic = lab.peers[1].as_ref().unwrap().traffic();
    assert_eq!(traffic.payload_down, geometry().total());
    assert_eq!(traffic.duplicate, 0);
    assert_eq!(
        lab.peers[0].as_ref().unwrap().traffic().payload_up,
        geometry().total()
    );
    assert_eq!(
        lab.peers[0].as_ref().unwrap().neighbours().count(),
        0,
        "both complete: nothing left to do"
    );
}

#[test]
fn leechers_trade_and_every_policy_finishes() {
    for selector in SelectorConfig::TABLE {
        for choker in ChokerConfig::TABLE {
            let swarm = (0..6)
                .map(|index| {
                    peer(index, index == 0, |config| {
                        config.selector = SelectorConfig::from_name(selector.name).unwrap();
                        config.choker = ChokerConfig::from_name(choker.name).unwrap();
                        config.seed_choker = config.choker.clone();
                        config.bitrate = Some(Rate::from_bytes_per_s(40_000));
                    })
                })
                .collect();
            let mut lab = Lab::new(swarm);
            for index in 1..6 {
                lab.introduce(index, &[0, 1, 2, 3, 4, 5]);
                lab.call(Instant::ZERO, index, |peer, now| {
                    peer.handle(now, Input::Uplink(Rate::from_bytes_per_s(400_000)));
                    peer.play(now).unwrap();
                });
            }
            lab.run_until(Instant::from_secs(200));
            let name = format!("{} + {}", selector.name, choker.name);
            assert_eq!(
                lab.count(|_, event| *event == Event::Completed),
                5,
                "{name}"
            );
            assert_eq!(lab.count(|_, event| *event == Event::Ended), 5, "{name}");
            let traded: u64 = (1..6)
                .map(|index| lab.peers[index].as_ref().unwrap().traffic().payload_up)
                .sum();
            // A seed that serves all of them at once lets them advance in step, with nothing to trade.
            let in_step = matches!(choker.name, "always-unchoke" | "give-to-get-shipped");
            assert!(in_step || traded > geometry().total(), "{name}: {traded}");
            let answers: u64 = (0..6)
                .map(|index| lab.peers[index].as_ref().unwrap().traffic().answers)
                .sum();
            assert_eq!(
                answers > 0,
                matches!(choker.name, "give-to-get" | "receipts"),
                "{name}: {answers} reports"
            );
        }
    }
}

#[test]
fn one_liar_is_named_at_once() {
    let mut lab = Lab::new(vec![
        peer(0, true, |_| {}),
        peer(1, false, |_| {}),
        peer(2, true, |_| {}),
    ]);
    lab.corrupts.push((2, PieceIndex(3), 1));
    lab.introduce(1, &[2]);
    lab.call(Instant::from_secs(20), 1, |peer, now| {
        peer.handle(
            now,
            Input::Addresses {
                source: AddressSource::User,
                peers: vec![addr(0)],
            },
        );
    });
    lab.run_until(Instant::from_secs(90));
    let named = Event::PieceFailed {
        piece: PieceIndex(3),
        culprit: Some(addr(2)),
    };
    assert_eq!(lab.count(|index, event| index == 1 && *event == named), 1);
    assert_eq!(lab.count(|_, event| *event == Event::Completed), 1);
}

#[test]
fn of_two_contributors_the_liar_is_named() {
    // In-order pickers on two seeds share the blocks of a piece between them.
    let piece = PieceIndex(3);
    let mut lab = Lab::new(vec![
        peer(0, true, |_| {}),
        peer(1, false, |config| config.selector = SelectorConfig::InOrder),
        peer(2, true, |_| {}),
    ]);
    lab.corrupts.extend((0..4).map(|block| (2, piece, block)));
    lab.introduce(1, &[0, 2]);
    lab.run_until(Instant::from_secs(90));
    let unknown = Event::PieceFailed {
        piece,
        culprit: None,
    };
    assert_eq!(
        lab.count(|_, event| *event == unknown),
        1,
        "two contributed, so nobody is closed on suspicion"
    );
    let named = Event::PieceFailed {
        piece,
        culprit: Some(addr(2)),
    };
    assert!(lab.count(|index, event| index == 1 && *event == named) >= 1);
    assert_eq!(lab.count(|_, event| matches!(event, Event::PieceFailed { culprit: Some(one), .. } if *one != addr(2))), 0);
    assert_eq!(lab.count(|_, event| *event == Event::Completed), 1);
}

/// 40 ms a block is 409,600 bytes a second; at 1.25 × that bitrate the start rule must wait.
#[test]
fn the_start_rule_waits_just_long_enough_to_never_stall() {
    let bitrate = 512_000;
    let mut lab = Lab::new(vec![
        peer(0, true, |_| {}),
        peer(1, false, |config| {
            config.selector = SelectorConfig::InOrder;
            config.bitrate = Some(Rate::from_bytes_per_s(bitrate));
            config.playback.start = StartRule::GiveToGet {
                h: Duration::from_millis(500),
            };
        }),
    ]);
    lab.introduce(1, &[0]);
    lab.call(Instant::ZERO, 1, |peer, now| peer.play(now).unwrap());
    lab.run_until(Instant::from_secs(60));
    assert_eq!(lab.count(|_, event| matches!(event, Event::Stalled(_))), 0);
    assert_eq!(lab.count(|_, event| *event == Event::Ended), 1);
}

#[test]
fn a_stall_tells_its_causes_and_they_sum_up() {
    let mut lab = Lab::new(vec![
        peer(0, true, |_| {}),
        peer(1, false, |config| {
            config.selector = SelectorConfig::InOrder;
            config.bitrate = Some(Rate::from_bytes_per_s(1_000_000));
            config.playback = PlaybackConfig {
                start: StartRule::Prebuffer(Duration::from_millis(200)),
                late: LatePolicy::Stall {
                    resume: Duration::from_millis(500),
                },
            };
        }),
    ]);
    lab.introduce(1, &[0]);
    lab.call(Instant::ZERO, 1, |peer, now| peer.play(now).unwrap());
    lab.call(Instant::from_secs(3), 0, |peer, now| peer.leave(now));
    lab.call(Instant::from_secs(10), 1, |peer, now| peer.leave(now));
    lab.run_until(Instant::from_secs(11));
    let stalls: Vec<_> = lab
        .events
        .iter()
        .filter_map(|(_, _, event)| match event {
            Event::Resumed { millis, causes, .. } => Some((*millis, causes.0)),
            _ => None,
        })
        .collect();
    assert!(stalls.len() >= 2, "{stalls:?}");
    for (millis, causes) in &stalls {
        assert_eq!(causes.iter().sum::<u32>(), *millis);
    }
    let nobody = Cause::NobodyHasIt as usize;
    let last = stalls.last().unwrap();
    assert!(last.1[nobody] > 5000, "the seed is gone for 7 s: {last:?}");
}

#[test]
fn skipping_never_stalls_and_counts_what_it_jumps_over() {
    let mut lab = Lab::new(vec![
        peer(0, true, |_| {}),
        peer(1, false, |config| {
            config.selector = SelectorConfig::InOrder;
            config.bitrate = Some(Rate::from_bytes_per_s(800_000));
            config.playback = PlaybackConfig {
                start: StartRule::Prebuffer(Duration::from_millis(200)),
                late: LatePolicy::Skip,
            };
        }),
    ]);
    lab.introduce(1, &[0]);
    lab.call(Instant::ZERO, 1, |peer, now| peer.play(now).unwrap());
    lab.run_until(Instant::from_secs(60));
    assert_eq!(lab.count(|_, event| matches!(event, Event::Stalled(_))), 0);
    let skipped = lab.count(|_, event| matches!(event, Event::Skipped(_)));
    assert!((10..35).contains(&skipped), "{skipped}");
    assert_eq!(lab.count(|_, event| *event == Event::Ended), 1);
    assert_eq!(
        lab.count(|_, event| *event == Event::Completed),
        1,
        "what was skipped is still fetched"
    );
}

#[test]
fn pause_and_seek_are_no_stalls() {
    let mut lab = Lab::new(vec![
        peer(0, true, |_| {}),
        peer(1, false, |config| {
            config.selector = SelectorConfig::InOrder;
            config.bitrate = Some(Rate::from_bytes_per_s(100_000));
            config.playback.start = StartRule::Prebuffer(Duration::from_millis(700));
        }),
    ]);
    lab.introduce(1, &[0]);
    lab.call(Instant::ZERO, 1, |peer, now| peer.play(now).unwrap());
    lab.call(Instant::from_secs(2), 1, |peer, now| {
        peer.pause(now).unwrap()
    });
    lab.call(Instant::from_secs(3), 1, |peer, now| {
        assert_eq!(peer.pause(now), Err(CallError::State("paused already")));
        peer.resume(now).unwrap();
    });
    lab.call(Instant::from_secs(4), 1, |peer, now| {
        assert!(peer.seek(now, 1 << 40).is_err());
        peer.seek(now, 2_000_000).unwrap();
    });
    lab.run_until(Instant::from_secs(60));
    assert_eq!(lab.count(|_, event| matches!(event, Event::Stalled(_))), 0);
    assert_eq!(
        lab.count(|_, event| matches!(event, Event::SeekDone { .. })),
        1
    );
    let ended = lab
        .events
        .iter()
        .find(|(_, _, event)| *event == Event::Ended)
        .unwrap()
        .0;
    let seek_done = lab
        .events
        .iter()
        .find(|(_, _, event)| matches!(event, Event::SeekDone { .. }))
        .unwrap()
        .0;
    let rest = Rate::from_bytes_per_s(100_000).nanos_for(geometry().total() - 2_000_000);
    assert_eq!(ended, seek_done + Duration::from_nanos(rest));
}

#[test]
fn unasked_blocks_and_lies_close_the_neighbour() {
    let mut lab = Lab::new(vec![peer(0, true, |_| {}), peer(1, false, |_| {})]);
    lab.introduce(1, &[0]);
    lab.run_until(Instant::from_millis(300));
    let conn = lab.peers[1]
        .as_ref()
        .unwrap()
        .neighbours()
        .next()
        .unwrap()
        .conn;
    let block = Block {
        piece: PieceIndex(0),
        begin: 5,
        length: 10,
    };
    lab.input(1, Input::Message(conn, Message::Piece(block)), None);
    let closed = |reason| {
        move |index: usize, event: &Event| {
            index == 1 && *event == Event::Disconnected { conn, reason }
        }
    };
    assert_eq!(
        lab.count(closed(CloseReason::Violation(
            "a block that is not of the request grid"
        ))),
        1
    );
    // A late event about the closed connection finds nothing.
    lab.input(
        1,
        Input::Message(conn, Message::Have(PieceIndex(9999))),
        None,
    );
    lab.input(
        1,
        Input::Closed {
            conn,
            reason: CloseReason::Remote,
        },
        None,
    );
    assert_eq!(lab.peers[1].as_ref().unwrap().neighbours().count(), 0);
}
