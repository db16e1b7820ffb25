//! The torrent itself (BEP 9) and each other's neighbours (BEP 11), between engines.

mod support;

use std::time::Duration;

use support::lab::Lab;
use support::{addr, config};
use swarmbed_engine::*;

const SIZE: u32 = 2 * Metadata::PIECE + 5;

fn geometry() -> Geometry {
    Geometry::new(40 * 65_536 + 20_000, 65_536).unwrap()
}

fn peer(index: usize, pex: bool) -> Peer {
    let mut config = config(index, geometry());
    config.exchange = Exchange {
        metadata: Some(SIZE),
        pex,
    };
    Peer::new(config, Seed::from_number(index as u64), Instant::ZERO, None).unwrap()
}

/// A peer and a neighbour that is us; what it said until then is drained.
fn victim(pex: bool) -> (Peer, ConnId) {
    let mut victim = peer(0, pex);
    let conn = stranger(&mut victim, Instant::ZERO, 1);
    let _ = drain(&mut victim);
    (victim, conn)
}

fn stranger(peer: &mut Peer, now: Instant, index: usize) -> ConnId {
    let mut id = [9; 20];
    id[0] = u8::try_from(index).unwrap();
    let remote = Remote {
        peer_id: PeerId(id),
        fast: true,
        extended: true,
    };
    let conn = peer.accept(now, addr(index), remote).unwrap();
    let handshake = ExtendedHandshake {
        extensions: vec![("ut_metadata".into(), 3), ("ut_pex".into(), 1)],
        port: Some(addr(index).port()),
        ..ExtendedHandshake::default()
    };
    say(peer, now, conn, Extended::Handshake(handshake));
    conn
}

fn say(peer: &mut Peer, now: Instant, conn: ConnId, extended: Extended) {
    peer.handle(
        now,
        Input::Message(conn, Message::Extended(Box::new(extended))),
    );
}

fn drain(peer: &mut Peer) -> Vec<Output> {
    std::iter::from_fn(|| peer.poll_output()).collect()
}

fn closed(outputs: &[Output]) -> Option<CloseReason> {
    outputs.iter().find_map(|output| match output {
        Output::Close(_, reason) => Some(*reason),
        _ => None,
    })
}

/// The peer exchange messages among the outputs.
fn told(outputs: Vec<Output>) -> Vec<(ConnId, Pex)> {
    let one = |output| match output {
        Output::Send(conn, Message::Extended(extended)) => match *extended {
            Extended::Pex(pex) => Some((conn, *pex)),
            _ => None,
        },
        _ => None,
    };
    outputs.into_iter().filter_map(one).collect()
}

fn crowd(from: usize, count: usize) -> Extended {
    let added = (from..from + count).map(|index| PexPeer {
        addr: std::net::SocketAddr::from((
            [
                10,
                7,
                u8::try_from(index / 250).unwrap(),
                u8::try_from(index % 250).unwrap(),
            ],
            1,
        )),
        flags: 0,
    });
    Extended::Pex(Box::new(Pex::new(added.collect(), Vec::new())))
}

/// One knows two others, who are never told of each other but by peer exchange.
fn who_meets_whom(pex: [bool; 3]) -> usize {
    let mut lab = Lab::new((0..3).map(|index| peer(index, pex[index])).collect());
    lab.introduce(1, &[0]);
    lab.introduce(2, &[0]);
    lab.run_until(Instant::from_secs(100));
    lab.count(|index, event| {
        matches!(event, Event::Connected { addr: other, .. } if index == 1 && *other == addr(2))
    })
}

#[test]
fn neighbours_of_neighbours_meet_unless_that_is_off() {
    assert!(who_meets_whom([true, true, true]) > 0);
    for off in 0..2 {
        let mut pex = [true; 3];
        pex[off] = false;
        pex[2] = false;
        assert_eq!(who_meets_whom(pex), 0, "{pex:?}");
    }
}

#[test]
fn once_a_minute_and_only_what_is_new() {
    let (mut peer, first) = victim(true);
    let at = Instant::from_secs;
    // Nobody to tell of.
    peer.handle(at(6), Input::Timeout);
    assert!(told(drain(&mut peer)).is_empty());
    let second = stranger(&mut peer, at(7), 2);
    let mut heard = Vec::new();
    for now in 8..200 {
        if now == 100 {
            let reason = CloseReason::Remote;
            peer.handle(
                at(now),
                Input::Closed {
                    conn: second,
                    reason,
                },
            );
        }
        peer.handle(at(now), Input::Timeout);
        heard.extend(
            told(drain(&mut peer))
                .into_iter()
                .map(|(conn, pex)| (now, conn, pex)),
        );
    }
    let pex = |index: usize| {
        let peer = PexPeer {
            addr: addr(index),
            flags: 0,
        };
        vec![peer]
    };
    let expected = [
        (11, first, Pex::new(pex(2), Vec::new())),
        (12, second, Pex::new(pex(1), Vec::new())),
        (101, first, Pex::new(Vec::new(), vec![addr(2)])),
    ];
    assert_eq!(heard, expected);
}

#[test]
fn floods_of_addresses_fill_half_the_book_and_close() {
    let (mut peer, conn) = victim(true);
    let dialled = |outputs: &[Output]| {
        outputs
            .iter()
            .filter(|output| matches!(output, Output::Dial { .. }))
            .count()
    };
    say(&mut peer, Instant::from_secs(1), conn, crowd(0, 200));
    let mut outputs = drain(&mut peer);
    assert!(dialled(&outputs) > 0);
    // Of a minute's messages one is heard; the others are counted.
    for round in 1..=20 {
        say(
            &mut peer,
            Instant::from_secs(2),
            conn,
            crowd(200 * round, 200),
        );
        outputs = drain(&mut peer);
        assert_eq!((dialled(&outputs), closed(&outputs)), (0, None));
    }
    say(&mut peer, Instant::from_secs(3), conn, crowd(0, 1));
    assert_eq!(
        closed(&drain(&mut peer)),
        Some(CloseReason::Flood("peer exchange"))
    );
    // At a pace that is allowed, one neighbour's crowds leave room for a tracker's addresses.
    let (mut peer, conn) = victim(true);
    let mut unreachable = 0;
    for minute in 1..30 {
        let now = Instant::from_secs(60 * minute);
        say(
            &mut peer,
            now,
            conn,
            crowd(50 * usize::try_from(minute).unwrap(), 50),
        );
        for output in drain(&mut peer) {
            if let Output::Dial { conn, .. } = output {
                unreachable += 1;
                let reason = CloseReason::Unreachable;
                peer.handle(now, Input::Closed { conn, reason });
            }
        }
    }
    assert!(unreachable > 10);
    let now = Instant::from_secs(60 * 40);
    let source = AddressSource::Tracker;
    let peers = vec!["10.9.9.9:99".parse().unwrap()];
    peer.handle(now, Input::Addresses { source, peers });
    let mut asked = false;
    for second in 0..600 {
        let now = now + Duration::from_secs(second);
        peer.handle(now, Input::Timeout);
        for output in drain(&mut peer) {
            if let Output::Dial { conn, addr } = output {
                asked |= addr.port() == 99;
                let reason = CloseReason::Unreachable;
                peer.handle(now, Input::Closed { conn, reason });
            }
        }
    }
    assert!(asked, "the tracker's address was crowded out");
}

#[test]
fn private_torrents_neither_tell_nor_hear() {
    let (mut peer, conn) = victim(false);
    let _ = stranger(&mut peer, Instant::ZERO, 2);
    say(&mut peer, Instant::from_secs(1), conn, crowd(0, 50));
    peer.handle(Instant::from_secs(90), Input::Timeout);
    let outputs = drain(&mut peer);
    assert!(
        !outputs
            .iter()
            .any(|output| matches!(output, Output::Dial { .. }))
    );
    assert!(told(outputs).is_empty());
}

#[test]
fn metadata_is_served_twice_then_refused_then_closed() {
    let (mut peer, conn) = victim(false);
    let ask = |peer: &mut Peer, piece| {
        say(
            peer,
            Instant::from_secs(1),
            conn,
            Extended::Metadata(Metadata::Request(piece)),
        );
        drain(peer)
    };
    let refused = |piece| {
        let refusal = Extended::Metadata(Metadata::Reject(piece));
        vec![Output::Send(conn, Message::Extended(Box::new(refusal)))]
    };
    for piece in [0, 1, 2, 0, 1] {
        assert_eq!(ask(&mut peer, piece), [Output::SendMetadata(conn, piece)]);
    }
    assert_eq!(ask(&mut peer, 3), refused(3), "there are three");
    for _ in 0..1000 {
        assert_eq!(ask(&mut peer, 0), refused(0));
    }
    let flood = CloseReason::Flood("requests for metadata");
    assert_eq!(closed(&ask(&mut peer, 0)), Some(flood));
    // What was never asked for says nothing.
    let (mut peer, conn) = victim(true);
    let data = Metadata::Data {
        piece: 0,
        total: SIZE,
        bytes: vec![0; 16_384],
    };
    say(
        &mut peer,
        Instant::from_secs(1),
        conn,
        Extended::Metadata(data),
    );
    assert_eq!(drain(&mut peer), []);
}

#[test]
fn what_is_off_is_not_offered() {
    for (exchange, offered) in [
        (Exchange::default(), &[][..]),
        (
            Exchange {
                metadata: Some(SIZE),
                pex: true,
            },
            &["lt_donthave", "ut_metadata", "ut_pex"][..],
        ),
    ] {
        let mut config = config(0, geometry());
        config.exchange = exchange;
        let mut peer = Peer::new(config, Seed::from_number(1), Instant::ZERO, None).unwrap();
        let _ = stranger(&mut peer, Instant::ZERO, 1);
        let handshake = drain(&mut peer)
            .into_iter()
            .find_map(|output| match output {
                Output::Send(_, Message::Extended(extended)) => match *extended {
                    Extended::Handshake(handshake) => Some(handshake),
                    _ => None,
                },
                _ => None,
            });
        let handshake = handshake.unwrap();
        let names: Vec<&str> = handshake
            .extensions
            .iter()
            .map(|(name, _)| &**name)
            .collect();
        assert_eq!(names, offered);
        assert_eq!(handshake.metadata_size, exchange.metadata);
    }
}

/// Of a film, too, a neighbour may have a piece no longer (BEP 54).
#[test]
fn a_neighbour_may_lose_a_piece() {
    let (mut peer, conn) = victim(true);
    let now = Instant::ZERO;
    peer.handle(now, Input::Message(conn, Message::HaveAll));
    let pieces = |peer: &Peer| peer.neighbours().next().map(|view| view.pieces);
    assert_eq!(pieces(&peer), Some(geometry().pieces()));
    say(&mut peer, now, conn, Extended::DontHave(PieceIndex(3)));
    say(&mut peer, now, conn, Extended::DontHave(PieceIndex(3)));
    assert_eq!(pieces(&peer), Some(geometry().pieces() - 1));
    peer.handle(now, Input::Message(conn, Message::Unchoke));
    let asked = drain(&mut peer).into_iter().any(|output| {
        matches!(output, Output::Send(_, Message::Request(block)) if block.piece == PieceIndex(3))
    });
    assert!(!asked);
    peer.handle(now, Input::Message(conn, Message::Have(PieceIndex(3))));
    assert_eq!(pieces(&peer), Some(geometry().pieces()));
    let beyond = PieceIndex(geometry().pieces());
    say(&mut peer, now, conn, Extended::DontHave(beyond));
    assert_eq!(pieces(&peer), None);
}

/// Who has everything says so at once (BEP 21), and lets those go who want nothing, whatever they have.
#[test]
fn those_who_want_nothing_part() {
    let seed = || {
        let mut config = config(0, geometry());
        let have = Bitfield::full(geometry().pieces());
        config.exchange.metadata = Some(SIZE);
        Peer::new(config, Seed::from_number(1), Instant::ZERO, Some(have)).unwrap()
    };
    let says = |peer: &mut Peer, now, conn, upload_only| {
        let handshake = ExtendedHandshake {
            upload_only,
            ..ExtendedHandshake::default()
        };
        say(peer, now, conn, Extended::Handshake(handshake));
        drain(peer)
    };
    let said = |outputs: Vec<Output>| {
        outputs.into_iter().find_map(|output| match output {
            Output::Send(_, Message::Extended(extended)) => match *extended {
                Extended::Handshake(handshake) => Some(handshake.upload_only),
                _ => None,
            },
            _ => None,
        })
    };
    let now = Instant::ZERO;
    let both = Some(CloseReason::BothComplete);
    let mut one = seed();
    let conn = stranger(&mut one, now, 1);
    assert_eq!(said(drain(&mut one)), Some(true));
    assert_eq!(closed(&says(&mut one, now, conn, false)), None);
    assert_eq!(closed(&says(&mut one, now, conn, true)), both);
    // Who asked for something is believed that.
    let conn = stranger(&mut one, now, 2);
    one.handle(now, Input::Message(conn, Message::Interested));
    assert_eq!(closed(&says(&mut one, now, conn, true)), None);

    // To who lacks something they are worth having, and to others peer exchange tells what they are.
    let mut one = peer(0, true);
    let conn = stranger(&mut one, now, 1);
    assert_eq!(said(drain(&mut one)), Some(false));
    let handshake = ExtendedHandshake {
        extensions: vec![("ut_pex".into(), 1)],
        port: Some(addr(1).port()),
        upload_only: true,
        ..ExtendedHandshake::default()
    };
    say(&mut one, now, conn, Extended::Handshake(handshake));
    let other = stranger(&mut one, now, 2);
    assert_eq!(closed(&drain(&mut one)), None);
    one.handle(Instant::from_secs(6), Input::Timeout);
    let heard = told(drain(&mut one));
    let (_, pex) = heard.iter().find(|(conn, _)| *conn == other).unwrap();
    assert_eq!(pex.added()[0].flags, PexPeer::SEED);
}
