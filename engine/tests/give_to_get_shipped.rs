//! Give-to-Get as shipped: its message byte by byte, what is told, what is believed, and the lie.

mod support;

use support::lab::Lab;
use support::{addr, config};
use swarmbed_engine::policy::{ChokerConfig, ParamValue};
use swarmbed_engine::wire::{Decoded, Decoder, Encoder};
use swarmbed_engine::*;

const PIECES: u32 = 40;

fn geometry() -> Geometry {
    Geometry::new(u64::from(PIECES) * 65_536, 65_536).unwrap()
}

fn shipped(slots: u16) -> ChokerConfig {
    let mut choker = ChokerConfig::from_name("give-to-get-shipped").unwrap();
    choker
        .set("slots", &ParamValue::Number(f64::from(slots)))
        .unwrap();
    choker
}

fn shares(shares: &[(u32, u8)]) -> Message {
    let shares = shares
        .iter()
        .map(|&(piece, share)| (PieceIndex(piece), share));
    Message::Extended(Box::new(Extended::G2gShares(G2gShares::new(
        shares.collect(),
    ))))
}

fn decode(body: &[u8]) -> Result<Option<Decoded<'static>>, CloseReason> {
    let mut bytes = u32::try_from(body.len() + 2)
        .unwrap()
        .to_be_bytes()
        .to_vec();
    bytes.extend_from_slice(&[20, 235]);
    bytes.extend_from_slice(body);
    match Decoder::new(PIECES).decode(&mut bytes.as_slice())? {
        Some(Decoded::Message(message)) => Ok(Some(Decoded::Message(message))),
        other => panic!("{other:?}"),
    }
}

#[test]
fn golden_bytes() {
    let message = shares(&[(7, 100), (30, 25), (123, 0)]);
    let mut encoder = Encoder::new();
    encoder.learn(&ExtendedHandshake {
        extensions: vec![("Tr_G2G_v2".into(), 235)],
        ..ExtendedHandshake::default()
    });
    let mut bytes = Vec::new();
    encoder.encode(&message, &mut bytes).unwrap();
    // Keys in the order of their text; the value is one byte, not a digit.
    assert_eq!(bytes, b"\0\0\0\x19\x14\xebd3:1231:\x002:301:\x191:71:de");
    assert_eq!(bytes.len(), message.wire_len() as usize);
    assert_eq!(decode(&bytes[6..]), Ok(Some(Decoded::Message(message))));
    // Keys out of order are read all the same.
    assert_eq!(
        decode(b"d1:71:d2:301:\x19e"),
        Ok(Some(Decoded::Message(shares(&[(7, 100), (30, 25)]))))
    );
}

#[test]
fn what_the_client_closed_for_is_malformed() {
    let bodies: [&[u8]; 12] = [
        b"",
        b"de_",
        b"le",
        b"i5e",
        b"d1:xi5ee",
        b"d1:x1:de",
        b"d0:1:de",
        b"d2:-11:de",
        b"d1:7i100ee",
        b"d1:70:e",
        b"d1:72:dde",
        b"d1:71:ee",
    ];
    for body in bodies {
        assert_eq!(
            decode(body),
            Err(CloseReason::Malformed("Tr_G2G_v2")),
            "{body:?}"
        );
    }
}

/// A seed with neighbours that are interested, `speakers` of them in Give-to-Get.
fn seed(slots: u16, neighbours: usize, speakers: usize) -> (Peer, Vec<ConnId>) {
    let mut config = config(0, geometry());
    config.choker = shipped(slots);
    config.seed_choker = shipped(slots);
    let have = Some(Bitfield::full(PIECES));
    let mut peer = Peer::new(config, Seed::from_number(1), Instant::ZERO, have).unwrap();
    let conns = (1..=neighbours)
        .map(|index| {
            let remote = Remote {
                peer_id: PeerId([u8::try_from(index).unwrap(); 20]),
                fast: true,
                extended: true,
            };
            let conn = peer.accept(Instant::ZERO, addr(index), remote).unwrap();
            let name = if index <= speakers {
                "Tr_G2G_v2"
            } else {
                "ut_pex"
            };
            let handshake = ExtendedHandshake {
                extensions: vec![(name.into(), 9)],
                ..ExtendedHandshake::default()
            };
            let handshake = Message::Extended(Box::new(Extended::Handshake(handshake)));
            say(&mut peer, Instant::ZERO, conn, handshake);
            say(&mut peer, Instant::ZERO, conn, Message::Interested);
            conn
        })
        .collect();
    (peer, conns)
}

fn say(peer: &mut Peer, now: Instant, conn: ConnId, message: Message) {
    peer.handle(now, Input::Message(conn, message));
}

fn drain(peer: &mut Peer) -> Vec<Output> {
    std::iter::from_fn(|| peer.poll_output()).collect()
}

fn unchoked(peer: &Peer) -> Vec<ConnId> {
    peer.neighbours()
        .filter(|one| !one.we_choke)
        .map(|one| one.conn)
        .collect()
}

#[test]
fn it_offers_the_extension_and_tells_what_it_uploaded() {
    let (mut peer, conns) = seed(7, 3, 2);
    let offered = drain(&mut peer)
        .into_iter()
        .find_map(|output| match output {
            Output::Send(_, Message::Extended(extended)) => match *extended {
                Extended::Handshake(handshake) => Some(handshake.extensions),
                _ => None,
            },
            _ => None,
        });
    assert_eq!(offered, Some(vec![("Tr_G2G_v2".into(), 235)]));
    assert_eq!(unchoked(&peer).len(), 3);

    let at = Instant::from_secs(6);
    peer.handle(
        at,
        Input::Credit {
            conn: conns[2],
            blocks: 9,
        },
    );
    for (piece, begin) in [(3, 0), (3, 16_384), (12, 0)] {
        let block = Block {
            piece: PieceIndex(piece),
            begin,
            length: 16_384,
        };
        say(&mut peer, at, conns[2], Message::Request(block));
    }
    drain(&mut peer);
    peer.handle(Instant::from_secs(9), Input::Timeout);
    assert!(!drain(&mut peer).iter().any(is_shares), "not before 4 s");
    peer.handle(Instant::from_secs(10), Input::Timeout);
    let told: Vec<Output> = drain(&mut peer).into_iter().filter(is_shares).collect();
    let message = shares(&[(12, 25), (3, 50)]);
    assert_eq!(
        told,
        [
            Output::Send(conns[0], message.clone()),
            Output::Send(conns[1], message)
        ],
        "to those who speak it"
    );
    peer.handle(Instant::from_secs(20), Input::Timeout);
    assert!(!drain(&mut peer).iter().any(is_shares), "once");
}

fn is_shares(output: &Output) -> bool {
    matches!(output, Output::Send(_, Message::Extended(extended))
        if matches!(**extended, Extended::G2gShares(_)))
}

#[test]
fn claims_are_believed() {
    // Three slots: two by claims, two by rate, and at least one in turn.
    let (mut peer, conns) = seed(3, 10, 6);
    let (giver, claimant, liar) = (conns[0], conns[3], conns[5]);
    for second in 1..30 {
        let now = Instant::from_secs(second);
        say(&mut peer, now, claimant, shares(&[(1, 50), (2, 50)]));
        // It was sent nothing and forwards nothing: saying so is enough.
        let all: Vec<(u32, u8)> = (0..PIECES).map(|piece| (piece, 100)).collect();
        say(&mut peer, now, liar, shares(&all));
        say(&mut peer, now, giver, shares(&[(1, 10)]));
        peer.handle(now, Input::Timeout);
    }
    let unchoked = unchoked(&peer);
    assert!(
        unchoked.contains(&liar) && unchoked.contains(&claimant),
        "{unchoked:?}"
    );
    assert!(unchoked.len() <= 5 && unchoked.len() >= 3, "{unchoked:?}");
}

/// A neighbour that never reports has its turn once, takes, and keeps a slot by that, whatever the
/// others claim.
#[test]
fn who_never_reports_keeps_a_slot_by_its_rate() {
    let (mut peer, conns) = seed(3, 10, 6);
    let stranger = conns[7];
    let mut since = None;
    for second in 1..400 {
        let now = Instant::from_secs(second);
        for &speaker in &conns[..6] {
            say(&mut peer, now, speaker, shares(&[(1, 100), (2, 100)]));
        }
        for &other in &conns[6..] {
            say(&mut peer, now, other, Message::KeepAlive);
        }
        peer.handle(now, Input::Timeout);
        if unchoked(&peer).contains(&stranger) {
            since = since.or(Some(second));
            // It takes 16 KiB a second.
            let credit = Input::Credit {
                conn: stranger,
                blocks: 1,
            };
            peer.handle(now, credit);
            let block = Block {
                piece: PieceIndex(1),
                begin: 0,
                length: 16_384,
            };
            say(&mut peer, now, stranger, Message::Request(block));
        } else {
            assert_eq!(since, None, "choked again at {second} s");
        }
        drain(&mut peer);
    }
    let since = since.expect("it had its turn");
    assert!(since < 300, "only after {since} s");
}

#[test]
fn what_we_gave_counts_before_what_others_gave() {
    let (mut peer, conns) = seed(2, 8, 8);
    let at = Instant::from_secs(1);
    // Whoever has a slot is given a block of piece 5, and says it forwarded a little of it.
    let child = unchoked(&peer)[0];
    peer.handle(
        at,
        Input::Credit {
            conn: child,
            blocks: 4,
        },
    );
    for begin in [0, 16_384] {
        let block = Block {
            piece: PieceIndex(5),
            begin,
            length: 16_384,
        };
        say(&mut peer, at, child, Message::Request(block));
    }
    say(&mut peer, at, child, shares(&[(5, 10)]));
    for &other in conns.iter().filter(|&&conn| conn != child) {
        say(&mut peer, at, other, shares(&[(5, 100), (6, 100)]));
    }
    for second in 2..15 {
        peer.handle(Instant::from_secs(second), Input::Timeout);
        assert!(unchoked(&peer).contains(&child), "at {second} s");
    }
}

#[test]
fn a_piece_beyond_the_torrent_closes() {
    let (mut peer, conns) = seed(7, 2, 2);
    drain(&mut peer);
    say(&mut peer, Instant::ZERO, conns[0], shares(&[(PIECES, 1)]));
    let reason = CloseReason::Violation("share of a piece beyond the torrent");
    assert!(drain(&mut peer).contains(&Output::Close(conns[0], reason)));
}

/// What a free-rider got in 100 s, among eight who each hold an eighth: uplinks are short.
fn free_rider_got(lies: bool) -> u64 {
    const RIDER: usize = 8;
    let pieces = 1200;
    let geometry = Geometry::new(u64::from(pieces) * 65_536, 65_536).unwrap();
    let swarm = (0..=RIDER)
        .map(|index| {
            let mut config = config(index, geometry);
            config.choker = shipped(2);
            if lies && index == RIDER {
                config.behaviour = Behaviour::Liar;
            }
            config.seed_choker = config.choker.clone();
            config.upload = index != RIDER;
            let mut have = Bitfield::new(pieces);
            for piece in (index..pieces as usize).step_by(RIDER) {
                have.insert(piece);
            }
            let have = (index != RIDER).then_some(have);
            Peer::new(config, Seed::from_number(index as u64), Instant::ZERO, have).unwrap()
        })
        .collect();
    let mut lab = Lab::new(swarm);
    let all: Vec<usize> = (0..=RIDER).collect();
    for index in 0..=RIDER {
        lab.introduce(index, &all);
    }
    lab.run_until(Instant::from_secs(100));
    lab.peers[RIDER].as_ref().unwrap().traffic().payload_down
}

#[test]
fn lying_pays() {
    let (honest, liar) = (free_rider_got(false), free_rider_got(true));
    assert!(liar > honest * 5 / 4, "{liar} with lies, {honest} without");
}
