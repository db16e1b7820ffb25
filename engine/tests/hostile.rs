//! Whatever neighbours, trackers and strangers say: no panic, no growth, and the same again.

mod support;

use std::time::Duration;

use support::{addr, call_or_overhear, config};
use swarmbed_engine::policy::{ChokerConfig, SelectorConfig};
use swarmbed_engine::*;

const PIECES: u32 = 30;

fn victim(number: u64) -> Peer {
    let geometry = Geometry::new(u64::from(PIECES) * 65_536 - 5000, 65_536).unwrap();
    let mut config = config(0, geometry);
    config.bitrate = Some(Rate::from_bytes_per_s(50_000));
    let index = |length: usize| usize::try_from(number).unwrap() % length;
    // Two of five have none of this, as simulated peers mostly have.
    let plain = number % 5 < 2;
    if plain && number.is_multiple_of(2) {
        config.detail = Detail::Summary;
    }
    config.exchange = Exchange {
        metadata: (!plain && number.is_multiple_of(2)).then_some(20_000),
        pex: !plain && number.is_multiple_of(3),
    };
    config.web_seed = match number % 4 {
        _ if plain => None,
        1 => Some(WebSeedUse::Always),
        2 => Some(WebSeedUse::BufferLow(Duration::from_secs(5))),
        3 => Some(WebSeedUse::Prefix(Duration::from_secs(5))),
        _ => None,
    };
    let friends = (1..5).map(|index| Accomplice {
        peer_id: PeerId([index; 20]),
        listen: addr(usize::from(index)),
    });
    config.behaviour = match number % 9 {
        1 => Behaviour::Liar,
        2 => Behaviour::Colluder(friends.collect()),
        3 => Behaviour::Sybil((100..104).map(addr).collect()),
        4 => Behaviour::HaveLiar,
        _ => Behaviour::Honest,
    };
    config.selector =
        SelectorConfig::from_name(SelectorConfig::TABLE[index(SelectorConfig::TABLE.len())].name)
            .unwrap();
    config.choker =
        ChokerConfig::from_name(ChokerConfig::TABLE[index(ChokerConfig::TABLE.len())].name)
            .unwrap();
    Peer::new(config, Seed::from_number(number), Instant::ZERO, None).unwrap()
}

fn block(rng: &mut Rng) -> Block {
    let wild = rng.chance(0.1);
    let piece = PieceIndex(
        u32::try_from(rng.below(if wild { 1 << 32 } else { u64::from(PIECES) })).unwrap(),
    );
    let begin = u32::try_from(if wild {
        rng.below(1 << 32)
    } else {
        rng.below(4) * 16_384
    })
    .unwrap();
    let length = if wild {
        u32::try_from(rng.below(1 << 32)).unwrap()
    } else {
        16_384
    };
    Block {
        piece,
        begin,
        length,
    }
}

fn message(rng: &mut Rng) -> Message {
    match rng.below(17) {
        0 => Message::KeepAlive,
        1 => Message::Choke,
        2 | 3 => Message::Unchoke,
        4 => Message::Interested,
        5 => Message::NotInterested,
        6 | 7 => Message::Have(block(rng).piece),
        8 => {
            let length = if rng.chance(0.9) { PIECES } else { 7 };
            let mut bits = Bitfield::new(length);
            for offset in 0..length as usize {
                if rng.chance(0.5) {
                    bits.insert(offset);
                }
            }
            Message::Bitfield(Box::new(bits))
        }
        9 => Message::Request(block(rng)),
        10 => Message::Piece(block(rng)),
        11 => Message::Cancel(block(rng)),
        12 => Message::HaveAll,
        13 => Message::HaveNone,
        14 => Message::Reject(block(rng)),
        15 => Message::Extended(Box::new(Extended::Handshake(ExtendedHandshake {
            extensions: vec![
                ("sw_g2g_to".into(), 1),
                ("sw_g2g_query".into(), 2),
                ("sw_g2g_report".into(), 3),
                ("Tr_G2G_v2".into(), 4),
                ("sw_receipts".into(), 5),
            ],
            port: Some(u16::try_from(rng.below(65_536)).unwrap()),
            requests_max: Some(u32::try_from(rng.below(1 << 32)).unwrap()),
            ..ExtendedHandshake::default()
        }))),
        _ => Message::Extended(Box::new(match rng.below(7) {
            5 => Extended::Metadata(match rng.below(3) {
                0 => Metadata::Request(u32::try_from(rng.below(4)).unwrap()),
                1 => Metadata::Reject(0),
                _ => Metadata::Data {
                    piece: 0,
                    total: 1,
                    bytes: vec![0],
                },
            }),
            6 => Extended::Pex(Box::new(Pex::new(
                (0..rng.index(60))
                    .map(|index| PexPeer {
                        addr: addr(index),
                        flags: 0,
                    })
                    .collect(),
                Vec::new(),
            ))),
            4 => Extended::Receipts((0..rng.index(40)).map(|_| receipt(rng)).collect()),
            3 => Extended::G2gShares(G2gShares::new(
                (0..rng.index(9)).map(|_| (block(rng).piece, 99)).collect(),
            )),
            0 => Extended::G2gReceivers((0..rng.index(40)).map(addr).collect()),
            1 => Extended::G2gQuery(G2gQuery {
                nonce: rng.word(),
                child: PeerId([3; 20]),
            }),
            _ => Extended::G2gReport(G2gReport {
                nonce: rng.word(),
                child: PeerId([3; 20]),
                received: (0..rng.index(600)).map(|_| (block(rng).piece, 9)).collect(),
            }),
        })),
    }
}

fn receipt(rng: &mut Rng) -> Receipt {
    let id = |rng: &mut Rng| PeerId([u8::try_from(rng.below(6)).unwrap(); 20]);
    let wild = rng.chance(0.05);
    Receipt {
        receiver: addr(rng.index(200)),
        receiver_id: id(rng),
        forwarder: id(rng),
        received: (0..rng.index(150))
            .map(|_| {
                let last = if wild { 1 << 32 } else { u64::from(PIECES) };
                let piece = PieceIndex(u32::try_from(rng.below(last)).unwrap());
                (piece, u16::try_from(rng.below(5)).unwrap())
            })
            .collect(),
        seal: Seal::default(),
    }
}

/// A random call, made of what the peer said before, so that it is often to the point.
fn call(rng: &mut Rng, conns: &[ConnId], asked: &[Output]) -> Call {
    let remote = Remote {
        peer_id: PeerId([u8::try_from(rng.below(60)).unwrap(); 20]),
        fast: rng.chance(0.5),
        extended: true,
    };
    let conn = conns.get(rng.index(conns.len())).copied();
    if rng.chance(0.3)
        && let Some(output) = asked.get(rng.index(asked.len()))
    {
        match output {
            Output::Dial { conn, .. } => {
                return Call::Input(Input::Connected {
                    conn: *conn,
                    remote,
                });
            }
            Output::Send(conn, Message::Request(block)) => {
                return Call::Input(Input::Message(*conn, Message::Piece(*block)));
            }
            Output::Store(block) => {
                let result = if rng.chance(0.9) {
                    StoreResult::Done
                } else {
                    StoreResult::Failed
                };
                return Call::Input(Input::Stored {
                    block: *block,
                    result,
                });
            }
            Output::Fetch(piece) => {
                let result = if rng.chance(0.7) {
                    FetchResult::Done
                } else {
                    FetchResult::Failed {
                        retry_after: Duration::from_secs(rng.below(1 << 40)),
                    }
                };
                let piece = *piece;
                return Call::Input(Input::Fetched { piece, result });
            }
            Output::Verify(piece) => {
                let verdict = match rng.below(6) {
                    0 => Verdict::Bad,
                    1 => Verdict::GoodAfterBad {
                        differing: vec![0, 2, 99],
                    },
                    _ => Verdict::Good,
                };
                return Call::Input(Input::Verified {
                    piece: *piece,
                    verdict,
                });
            }
            _ => {}
        }
    }
    match (rng.below(20), conn) {
        (0, _) => Call::Accept {
            addr: addr(rng.index(200)),
            remote,
        },
        (1, _) => Call::Input(Input::Addresses {
            source: AddressSource::Tracker,
            peers: (0..rng.index(99)).map(addr).collect(),
        }),
        (2, _) => Call::Seek(rng.below(3_000_000)),
        (3, _) => {
            if rng.chance(0.5) {
                Call::Pause
            } else {
                Call::Resume
            }
        }
        (4, _) if rng.chance(0.2) => Call::Unwant {
            from: rng.below(3_000_000),
            length: rng.word(),
        },
        (4, _) => Call::Want {
            from: rng.below(3_000_000),
            length: rng.word(),
        },
        (5, _) => Call::Input(Input::Datagram {
            from: addr(rng.index(200)),
            datagram: Box::new(Datagram::Query(G2gQuery {
                nonce: rng.word(),
                child: PeerId([1; 20]),
            })),
        }),
        (6, Some(conn)) if rng.chance(0.3) => Call::Input(Input::Closed {
            conn,
            reason: CloseReason::Remote,
        }),
        (7, _) => Call::Input(if rng.chance(0.5) {
            Input::AnnounceFailed
        } else {
            Input::Announced {
                interval: Duration::ZERO,
            }
        }),
        (8, Some(conn)) => Call::Input(Input::Credit {
            conn,
            blocks: u16::try_from(rng.below(65_536)).unwrap(),
        }),
        (9, Some(conn)) => Call::Input(Input::Progress {
            conn,
            bytes: u32::try_from(rng.below(1 << 32)).unwrap(),
        }),
        (10, _) if rng.chance(0.1) => Call::Rename {
            peer_id: PeerId([u8::try_from(rng.below(60)).unwrap(); 20]),
            listen: Some(addr(rng.index(200))),
        },
        (10, _) => Call::Play,
        (_, Some(conn)) => Call::Input(Input::Message(conn, message(rng))),
        (_, None) => Call::Input(Input::Timeout),
    }
}

fn drain(peer: &mut Peer, log: &mut Vec<Output>) {
    while let Some(output) = peer.poll_output() {
        log.push(output);
    }
}

#[test]
fn nonsense_neither_panics_nor_grows_and_replays_to_the_letter() {
    // Of pieces, of pieces that make us interested, of interest, and of credit.
    let mut overheard = [0; 4];
    for number in 0..40 {
        let mut rng = Seed::from_number(number).stream("hostile", 0);
        let mut peer = victim(number);
        let mut now = Instant::ZERO;
        let mut calls = Vec::new();
        let mut timeouts = Vec::new();
        let mut outputs = Vec::new();
        drain(&mut peer, &mut outputs);
        for _ in 0..4000 {
            now += Duration::from_nanos(rng.below(300_000_000));
            let conns: Vec<ConnId> = peer.neighbours().map(|neighbour| neighbour.conn).collect();
            let recent = &outputs[outputs.len().saturating_sub(60)..];
            let call = call(&mut rng, &conns, recent);
            peer.call(now, call.clone());
            calls.push((now, call));
            drain(&mut peer, &mut outputs);
            timeouts.push(peer.poll_timeout());
            let limits = peer.config().limits;
            assert!(peer.neighbours().count() <= usize::from(limits.neighbours_max));
            assert!(
                peer.neighbours()
                    .all(|one| one.outstanding <= limits.requests_max)
            );
        }
        let mut again = victim(number);
        let mut replayed = Vec::new();
        drain(&mut again, &mut replayed);
        for ((now, call), timeout) in calls.into_iter().zip(timeouts) {
            let piece = matches!(&call, Call::Input(Input::Message(_, Message::Have(_))));
            let credit = matches!(&call, Call::Input(Input::Credit { .. }));
            match call_or_overhear(&mut again, now, call, &mut replayed) {
                Overheard::Not => {}
                Overheard::Noted if piece => overheard[0] += 1,
                Overheard::Noted if credit => overheard[3] += 1,
                Overheard::Interests => overheard[1] += 1,
                Overheard::Noted => overheard[2] += 1,
            }
            assert_eq!(again.poll_timeout(), timeout, "seed {number}");
        }
        assert!(outputs == replayed, "seed {number} does not replay");
    }
    assert!(
        overheard.iter().all(|&count| count > 50),
        "only {overheard:?} of the messages were overheard"
    );
}

/// It lets whoever is interested ask, however few its slots: so a word of interest is never a matter of no consequence.
#[test]
fn who_lures_lets_everybody_ask_that_is_interested() {
    let geometry = Geometry::new(u64::from(PIECES) * 65_536, 65_536).unwrap();
    for behaviour in [Behaviour::HaveLiar, Behaviour::Honest] {
        let lures = behaviour == Behaviour::HaveLiar;
        let config = Config {
            behaviour,
            detail: Detail::Summary,
            ..config(0, geometry)
        };
        let mut peer = Peer::new(config, Seed::from_number(1), Instant::ZERO, None).unwrap();
        let mut said = Vec::new();
        drain(&mut peer, &mut said);
        for index in 1..=9 {
            let remote = Remote {
                peer_id: PeerId([index; 20]),
                fast: true,
                extended: false,
            };
            let conn = peer.accept(Instant::ZERO, addr(usize::from(index)), remote);
            drain(&mut peer, &mut said);
            let input = Input::Message(conn.unwrap(), Message::Interested);
            let heard = call_or_overhear(&mut peer, Instant::ZERO, Call::Input(input), &mut said);
            let slots_busy = !lures && index > 4;
            assert_eq!(heard == Overheard::Noted, slots_busy);
        }
        let unchoked = peer.neighbours().filter(|one| !one.we_choke).count();
        assert_eq!(unchoked, if lures { 9 } else { 4 });
    }
}

/// Who reads again after a while may have a place that is free: that is for `handle` to see to.
#[test]
fn credit_of_one_that_reads_again_is_not_overheard() {
    let geometry = Geometry::new(u64::from(PIECES) * 65_536, 65_536).unwrap();
    let (now, mut said) = (Instant::ZERO, Vec::new());
    let mut peer = Peer::new(config(0, geometry), Seed::from_number(1), now, None).unwrap();
    let remote = Remote {
        peer_id: PeerId([1; 20]),
        fast: true,
        extended: false,
    };
    let conn = peer.accept(now, addr(1), remote).unwrap();
    drain(&mut peer, &mut said);
    assert!(peer.overhear_credit(now, conn, 1));
    peer.call(now, Call::Input(Input::Unread { conn }));
    assert!(!peer.overhear_credit(now, conn, 1));
    let again = Input::Credit { conn, blocks: 1 };
    peer.call(now, Call::Input(again));
    drain(&mut peer, &mut said);
    assert!(peer.overhear_credit(now, conn, 1));
}
