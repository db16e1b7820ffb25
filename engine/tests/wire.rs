//! The codec against bytes written by hand, and against everything a generator thinks of.

use std::net::SocketAddr;

use proptest::collection::vec;
use proptest::prelude::*;
use swarmbed_engine::wire::{
    Decoded, Decoder, Encoder, Handshake, Unsupported, decode_datagram, encode_datagram, round_trip,
};
use swarmbed_engine::{
    Bitfield, Block, CloseReason, Datagram, Extended, ExtendedHandshake, G2gQuery, G2gReport,
    G2gShares, LiveWindow, Message, Metadata, PeerId, Pex, PexPeer, PieceIndex, Receipt, Remote,
    Seal,
};

const PIECES: u32 = 10;

fn block(piece: u32, begin: u32, length: u32) -> Block {
    Block {
        piece: PieceIndex(piece),
        begin,
        length,
    }
}

fn extended(extended: Extended) -> Message {
    Message::Extended(Box::new(extended))
}

/// An encoder for a neighbour with ids unlike ours.
fn encoder() -> Encoder {
    let mut encoder = Encoder::new();
    encoder.learn(&ExtendedHandshake {
        extensions: vec![
            ("sw_g2g_to".into(), 11),
            ("ut_pex".into(), 1),
            ("sw_g2g_query".into(), 12),
            ("sw_g2g_report".into(), 13),
            ("sw_receipts".into(), 15),
        ],
        ..ExtendedHandshake::default()
    });
    encoder
}

fn encode(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    encoder().encode(message, &mut bytes).unwrap();
    bytes
}

/// Everything in `bytes`, fed in portions of these sizes (then the rest at once).
fn decode(
    bytes: &[u8],
    pieces: u32,
    portions: &[usize],
) -> Result<(Vec<Message>, Vec<u8>), CloseReason> {
    let mut decoder = Decoder::new(pieces);
    let (mut messages, mut payload) = (Vec::new(), Vec::new());
    let mut rest = bytes;
    for &size in portions.iter().chain([&usize::MAX]) {
        let (mut portion, tail) = rest.split_at(size.min(rest.len()));
        rest = tail;
        while let Some(decoded) = decoder.decode(&mut portion)? {
            match decoded {
                Decoded::Message(message) => messages.push(message),
                Decoded::Payload { bytes, .. } => payload.extend_from_slice(bytes),
            }
        }
        assert!(portion.is_empty(), "all of a portion is used");
    }
    Ok((messages, payload))
}

#[test]
fn golden_bytes() {
    let mut bits = Bitfield::new(PIECES);
    for piece in [0, 7, 9] {
        bits.insert(piece);
    }
    let golden: [(Message, &[u8]); 17] = [
        (Message::KeepAlive, b"\0\0\0\0"),
        (Message::Choke, b"\0\0\0\x01\0"),
        (Message::Unchoke, b"\0\0\0\x01\x01"),
        (Message::Interested, b"\0\0\0\x01\x02"),
        (Message::NotInterested, b"\0\0\0\x01\x03"),
        (Message::Have(PieceIndex(9)), b"\0\0\0\x05\x04\0\0\0\x09"),
        (Message::Bitfield(Box::new(bits)), b"\0\0\0\x03\x05\x81\x40"),
        (
            Message::Request(block(1, 0x4000, 0x4000)),
            b"\0\0\0\x0d\x06\0\0\0\x01\0\0\x40\0\0\0\x40\0",
        ),
        (
            Message::Cancel(block(1, 0x4000, 0x4000)),
            b"\0\0\0\x0d\x08\0\0\0\x01\0\0\x40\0\0\0\x40\0",
        ),
        (Message::Port(6881), b"\0\0\0\x03\x09\x1a\xe1"),
        (Message::Suggest(PieceIndex(2)), b"\0\0\0\x05\x0d\0\0\0\x02"),
        (Message::HaveAll, b"\0\0\0\x01\x0e"),
        (Message::HaveNone, b"\0\0\0\x01\x0f"),
        (
            Message::Reject(block(3, 0, 5)),
            b"\0\0\0\x0d\x10\0\0\0\x03\0\0\0\0\0\0\0\x05",
        ),
        (
            Message::AllowedFast(PieceIndex(2)),
            b"\0\0\0\x05\x11\0\0\0\x02",
        ),
        (
            extended(Extended::Handshake(ExtendedHandshake {
                extensions: vec![("sw_g2g_to".into(), 1)],
                port: Some(6881),
                requests_max: Some(250),
                client: Some("swarmbed".into()),
                metadata_size: Some(31),
                upload_only: true,
            })),
            b"\0\0\0\x5d\x14\0d1:md9:sw_g2g_toi1ee13:metadata_sizei31e1:pi6881e4:reqqi250e\
              11:upload_onlyi1e1:v8:swarmbede",
        ),
        (
            extended(Extended::Unknown { id: 99, length: 3 }),
            b"\0\0\0\x05\x14\x63\0\0\0",
        ),
    ];
    for (message, bytes) in golden {
        assert_eq!(encode(&message), bytes, "{message:?}");
        assert_eq!(message.wire_len() as usize, bytes.len(), "{message:?}");
        let (decoded, _) = decode(bytes, PIECES, &[]).unwrap();
        assert_eq!(decoded, [message]);
    }
}

#[test]
fn golden_give_to_get() {
    let to = extended(Extended::G2gReceivers(vec![
        "1.2.3.4:258".parse().unwrap(),
        "[::1]:3".parse().unwrap(),
    ]));
    assert_eq!(
        encode(&to),
        b"\0\0\0\x1d\x14\x0b\x02\x04\x01\x02\x03\x04\x01\x02\
          \x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x03"
    );
    let query = G2gQuery {
        nonce: 0x0102_0304_0506_0708,
        child: PeerId(*b"-SB0100-abcdefghijkl"),
    };
    assert_eq!(
        encode(&extended(Extended::G2gQuery(query.clone()))),
        b"\0\0\0\x1e\x14\x0c\x01\x02\x03\x04\x05\x06\x07\x08-SB0100-abcdefghijkl"
    );
    let report = G2gReport {
        nonce: 1,
        child: query.child,
        received: vec![(PieceIndex(7), 2)],
    };
    assert_eq!(
        encode(&extended(Extended::G2gReport(report.clone()))),
        b"\0\0\0\x26\x14\x0d\0\0\0\0\0\0\0\x01-SB0100-abcdefghijkl\0\x01\0\0\0\x07\0\x02"
    );
    assert_eq!(
        encode_datagram(&Datagram::Query(query)),
        b"\xb7\x01\x01\x02\x03\x04\x05\x06\x07\x08-SB0100-abcdefghijkl"
    );
    assert_eq!(
        encode_datagram(&Datagram::Report(report)),
        b"\xb7\x02\0\0\0\0\0\0\0\x01-SB0100-abcdefghijkl\0\x01\0\0\0\x07\0\x02"
    );
    let mut out = Vec::new();
    assert_eq!(
        Encoder::new().encode(&to, &mut out),
        Err(Unsupported("sw_g2g_to"))
    );
    assert!(out.is_empty());
}

#[test]
fn golden_metadata_and_peer_exchange() {
    let mut encoder = Encoder::new();
    encoder.learn(&ExtendedHandshake {
        extensions: vec![("ut_metadata".into(), 3), ("ut_pex".into(), 1)],
        ..ExtendedHandshake::default()
    });
    // What comes to us comes under our own ids.
    let ours = |bytes: &[u8], id: u8| {
        let mut bytes = bytes.to_vec();
        bytes[5] = id;
        decode(&bytes, PIECES, &[]).map(|(messages, _)| messages)
    };
    let v6 = |text: &str| -> SocketAddr { text.parse().unwrap() };
    let peer = |addr: &str, flags| PexPeer {
        addr: addr.parse().unwrap(),
        flags,
    };
    // The first three are BEP 9's own examples, but for the size.
    let golden: [(Extended, &[u8], u8); 5] = [
        (
            Extended::Metadata(Metadata::Request(0)),
            b"\0\0\0\x1b\x14\x03d8:msg_typei0e5:piecei0ee",
            16,
        ),
        (
            Extended::Metadata(Metadata::Data {
                piece: 1,
                total: 34256,
                bytes: b"xyz".to_vec(),
            }),
            b"\0\0\0\x32\x14\x03d8:msg_typei1e5:piecei1e10:total_sizei34256eexyz",
            16,
        ),
        (
            Extended::Metadata(Metadata::Reject(12)),
            b"\0\0\0\x1c\x14\x03d8:msg_typei2e5:piecei12ee",
            16,
        ),
        (
            Extended::Pex(Box::new(Pex::new(
                vec![peer("[::1]:3", 2), peer("1.2.3.4:258", 0x12)],
                vec![v6("[::2]:4"), v6("5.6.7.8:1")],
            ))),
            b"\0\0\0\x79\x14\x01d5:added6:\x01\x02\x03\x04\x01\x027:added.f1:\x12\
              6:added618:\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x038:added6.f1:\x02\
              7:dropped6:\x05\x06\x07\x08\0\x018:dropped618:\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\0\x04e",
            17,
        ),
        (
            Extended::Pex(Box::default()),
            b"\0\0\0\x45\x14\x01d5:added0:7:added.f0:6:added60:8:added6.f0:7:dropped0:8:dropped60:e",
            17,
        ),
    ];
    for (message, bytes, id) in golden {
        let message = extended(message);
        let mut out = Vec::new();
        encoder.encode(&message, &mut out).unwrap();
        assert_eq!(out, bytes, "{message:?}");
        assert_eq!(message.wire_len() as usize, bytes.len(), "{message:?}");
        assert_eq!(ours(bytes, id), Ok(vec![message]));
    }
    let say = |id: u8, body: &[u8]| {
        let mut bytes = u32::try_from(body.len() + 2)
            .unwrap()
            .to_be_bytes()
            .to_vec();
        bytes.extend_from_slice(&[20, id]);
        bytes.extend_from_slice(body);
        decode(&bytes, PIECES, &[]).map(|(messages, _)| messages)
    };
    // A kind that is not known is passed over (BEP 9); so are keys that clients add.
    assert_eq!(
        say(16, b"d8:msg_typei3e5:piecei0ee"),
        Ok(vec![extended(Extended::Unknown { id: 16, length: 25 })])
    );
    assert_eq!(
        say(17, b"d5:added6:\x01\x02\x03\x04\0\x051:xi1ee"),
        Ok(vec![extended(Extended::Pex(Box::new(Pex::new(
            vec![peer("1.2.3.4:5", 0)],
            Vec::new()
        ))))])
    );
    for bad in [
        &b"d8:msg_typei0e5:piecei0eex"[..],
        b"d8:msg_typei1e5:piecei0e10:total_sizei9ee",
        b"d8:msg_typei1e5:piecei0eexyz",
        b"d8:msg_typei0e5:piecei-1ee",
        b"d8:msg_typei0ee",
        b"5:piece",
        b"",
    ] {
        assert_eq!(say(16, bad), Err(CloseReason::Malformed("ut_metadata")));
    }
    let long = [
        b"d8:msg_typei1e5:piecei0e10:total_sizei99999ee".to_vec(),
        vec![0; 16_385],
    ]
    .concat();
    assert_eq!(say(16, &long), Err(CloseReason::Malformed("ut_metadata")));
    let crowd = [b"d5:added1206:".to_vec(), vec![1; 1206], b"e".to_vec()].concat();
    for bad in [
        &b"d5:added5:12345e"[..],
        b"d5:addedi1ee",
        b"d7:droppedlee",
        b"le",
        &crowd,
    ] {
        assert_eq!(say(17, bad), Err(CloseReason::Malformed("ut_pex")));
    }
    let oversized = CloseReason::Malformed("oversized extension message");
    assert_eq!(say(16, &vec![0; 17_000]), Err(oversized));
    assert_eq!(say(17, &vec![0; 11_000]), Err(oversized));
}

#[test]
fn of_a_torrent_that_is_not_known_yet_all_is_read() {
    let mut bytes = b"\0\0\0\x04\x05\x80\0\x01".to_vec();
    bytes.extend_from_slice(b"\0\0\0\x1b\x14\x10d8:msg_typei0e5:piecei0ee");
    let mut decoder = Decoder::of_any_torrent();
    let mut input = bytes.as_slice();
    let mut bits = Bitfield::new(24);
    bits.insert(0);
    bits.insert(23);
    assert_eq!(
        decoder.decode(&mut input),
        Ok(Some(Decoded::Message(Message::Bitfield(Box::new(bits)))))
    );
    assert_eq!(
        decoder.decode(&mut input),
        Ok(Some(Decoded::Message(extended(Extended::Metadata(
            Metadata::Request(0)
        )))))
    );
}

#[test]
fn golden_receipts() {
    let mut seal = Seal::default();
    (seal.0[0], seal.0[95]) = (0xaa, 0xbb);
    let receipt = Receipt {
        receiver: "10.1.2.3:258".parse().unwrap(),
        receiver_id: PeerId(*b"-SB0100-receiverreci"),
        forwarder: PeerId(*b"-SB0100-forwarderfor"),
        received: vec![(PieceIndex(7), 2), (PieceIndex(256), 1)],
        seal,
    };
    let message = extended(Extended::Receipts(vec![receipt]));
    let mut bytes = b"\0\0\0\xa0\x14\x0f\x01\x04\x0a\x01\x02\x03\x01\x02-SB0100-receiverreci-SB0100-forwarderfor\xaa".to_vec();
    bytes.resize(bytes.len() + 94, 0);
    bytes.extend_from_slice(b"\xbb\0\x02\0\0\0\x07\0\x02\0\0\x01\0\0\x01");
    assert_eq!(encode(&message), bytes);
    assert_eq!(message.wire_len() as usize, bytes.len());
    assert_eq!(round_trip(&message), message);
    let (decoded, _) = decode(&bytes, PIECES, &[]).unwrap();
    assert_eq!(decoded, [message]);
    let end = bytes.len();
    let spoilt: [(usize, u8); 8] = [
        (6, 0),         // no receipt
        (6, 2),         // one more than there is
        (6, 33),        // too many
        (7, 5),         // an unknown family
        (end - 13, 0),  // no piece
        (end - 13, 3),  // one more than there is
        (end - 9, 255), // not ascending: 255 stands before 256, so move the other
        (end - 1, 0),   // no block
    ];
    for (at, byte) in spoilt {
        let mut hostile = bytes.clone();
        hostile[at] = byte;
        if at == end - 9 {
            hostile[end - 12] = 1;
        }
        assert_eq!(
            decode(&hostile, PIECES, &[]),
            Err(CloseReason::Malformed("sw_receipts")),
            "{at} {byte}"
        );
    }
    let mut longer = bytes.clone();
    longer.push(0);
    longer[3] += 1;
    assert_eq!(
        decode(&longer, PIECES, &[]),
        Err(CloseReason::Malformed("sw_receipts"))
    );
    // A port of zero is nobody's.
    let mut nowhere = bytes;
    nowhere[12..14].fill(0);
    assert_eq!(
        decode(&nowhere, PIECES, &[]),
        Err(CloseReason::Malformed("sw_receipts"))
    );
}

#[test]
fn golden_live() {
    let mut map = Bitfield::new(10);
    for offset in [0, 7, 9] {
        map.insert(offset);
    }
    let window = extended(Extended::LiveWindow(Box::new(LiveWindow {
        tail: PieceIndex(0x0102_0304),
        map,
        answer: true,
    })));
    let nothing = extended(Extended::LiveWindow(Box::new(LiveWindow {
        tail: PieceIndex(7),
        map: Bitfield::new(0),
        answer: false,
    })));
    let gone = extended(Extended::DontHave(PieceIndex(258)));
    let golden: [(Message, &[u8]); 3] = [
        (
            window,
            b"\0\0\0\x0d\x14\x0d\x01\x01\x02\x03\x04\x01\x02\x03\x0e\x81\x40",
        ),
        (nothing, b"\0\0\0\x0b\x14\x0d\0\0\0\0\x07\0\0\0\x07"),
        (gone, b"\0\0\0\x06\x14\x0e\0\0\x01\x02"),
    ];
    for (message, bytes) in golden {
        assert_eq!(message.wire_len() as usize, bytes.len());
        assert_eq!(round_trip(&message), message);
        let (decoded, _) = decode(bytes, PIECES, &[]).unwrap();
        assert_eq!(decoded, [message]);
    }
    let hostile: [(&[u8], &str); 6] = [
        // The head before the tail; a map too short, too long, with spare bits; unknown flags.
        (
            b"\0\0\0\x0b\x14\x0d\0\0\0\0\x07\0\0\0\x06",
            "sw_live_window",
        ),
        (
            b"\0\0\0\x0b\x14\x0d\0\0\0\0\x07\0\0\0\x08",
            "sw_live_window",
        ),
        (
            b"\0\0\0\x0c\x14\x0d\0\0\0\0\x07\0\0\0\x07\0",
            "sw_live_window",
        ),
        (
            b"\0\0\0\x0c\x14\x0d\0\0\0\0\x07\0\0\0\x08\xc0",
            "sw_live_window",
        ),
        (
            b"\0\0\0\x0b\x14\x0d\x02\0\0\0\x07\0\0\0\x07",
            "sw_live_window",
        ),
        (b"\0\0\0\x05\x14\x0e\0\0\x01", "lt_donthave"),
    ];
    for (bytes, what) in hostile {
        assert_eq!(
            decode(bytes, PIECES, &[]),
            Err(CloseReason::Malformed(what)),
            "{bytes:?}"
        );
    }
}

#[test]
fn golden_handshake() {
    let handshake = Handshake {
        info_hash: *b"01234567890123456789",
        remote: Remote {
            peer_id: PeerId(*b"-SB0100-abcdefghijkl"),
            fast: true,
            extended: true,
        },
    };
    let bytes = handshake.encode();
    assert_eq!(
        bytes.as_slice(),
        b"\x13BitTorrent protocol\0\0\0\0\0\x10\0\x0401234567890123456789-SB0100-abcdefghijkl"
    );
    assert_eq!(Handshake::decode(&bytes), Ok(handshake));
    assert!(Handshake::decode(&[0; 68]).is_err());
    assert!(Handshake::may_begin(b"\x13Bit") && !Handshake::may_begin(b"GET /"));
}

#[test]
fn hostile_bytes_are_named() {
    let cases: [(&[u8], &str); 12] = [
        (b"\xff\xff\xff\xff", "oversized message"),
        (b"GET / HTTP/1.1\r\n", "oversized message"),
        (b"\0\0\0\x02\0\0", "message of a wrong length"),
        (b"\0\0\0\x04\x05", "message of a wrong length"),
        (b"\0\0\0\x03\x05\0\x20", "bitfield with spare bits set"),
        (b"\0\0\x40\x0a\x07", "piece longer than a block"),
        (b"\0\0\0\x09\x07", "piece without payload"),
        (b"\0\0\0\x01\x14", "extension message without id"),
        (b"\0\x0f\0\0\x14\0", "oversized extension message"),
        (b"\0\0\0\x04\x14\0d5", "extension handshake"),
        (b"\0\0\0\x03\x14\x0a\x21", "sw_g2g_to"),
        (b"\0\0\0\x01\x63", "unknown message id"),
    ];
    for (bytes, what) in cases {
        assert_eq!(
            decode(bytes, PIECES, &[]),
            Err(CloseReason::Malformed(what)),
            "{bytes:?}"
        );
    }
    let mut decoder = Decoder::new(PIECES);
    let error = decoder.decode(&mut [0xff_u8; 4].as_slice());
    assert_eq!(decoder.decode(&mut [0_u8; 4].as_slice()), error);
}

#[test]
fn an_odd_extension_handshake_counts_as_far_as_it_makes_sense() {
    let body =
        b"d1:md6:ut_pexi1e3:bigi300e3:badle4:\xff\xff\xff\xffi1ee1:pi70000e4:reqq3:abc1:v70:\
        0123456789012345678901234567890123456789012345678901234567890123456789e";
    let mut bytes = u32::try_from(body.len() + 2)
        .unwrap()
        .to_be_bytes()
        .to_vec();
    bytes.extend_from_slice(&[20, 0]);
    bytes.extend_from_slice(body);
    let (decoded, _) = decode(&bytes, PIECES, &[]).unwrap();
    let expected = ExtendedHandshake {
        extensions: vec![("ut_pex".into(), 1)],
        client: Some("0123456789012345678901234567890123456789012345678901234567890123".into()),
        ..ExtendedHandshake::default()
    };
    assert_eq!(decoded, [extended(Extended::Handshake(expected))]);
}

fn any_block() -> impl Strategy<Value = Block> {
    (any::<u32>(), any::<u32>(), any::<u32>()).prop_map(|(p, b, l)| block(p, b, l))
}

fn any_addr() -> impl Strategy<Value = SocketAddr> {
    prop_oneof![
        (any::<[u8; 4]>(), any::<u16>()).prop_map(SocketAddr::from),
        (any::<[u8; 16]>(), any::<u16>()).prop_map(SocketAddr::from),
    ]
}

fn any_handshake() -> impl Strategy<Value = ExtendedHandshake> {
    let names = vec(("[a-z_]{1,20}", any::<u8>()), 0..6);
    let options = (
        any::<Option<u16>>(),
        any::<Option<u32>>(),
        proptest::option::of("[ -~é]{0,30}"),
        any::<Option<u32>>(),
        any::<bool>(),
    );
    (names, options).prop_map(|(names, (port, requests_max, client, size, upload_only))| {
        let names: std::collections::BTreeMap<_, _> = names.into_iter().collect();
        ExtendedHandshake {
            extensions: names.into_iter().map(|(n, id)| (n.into(), id)).collect(),
            port,
            requests_max,
            client: client.map(Into::into),
            metadata_size: size,
            upload_only,
        }
    })
}

fn any_query() -> impl Strategy<Value = G2gQuery> {
    (any::<u64>(), any::<[u8; 20]>()).prop_map(|(nonce, child)| G2gQuery {
        nonce,
        child: PeerId(child),
    })
}

fn any_report() -> impl Strategy<Value = G2gReport> {
    let received = vec((any::<u32>(), any::<u16>()), 0..=G2gReport::MAX);
    (any_query(), received).prop_map(|(query, received)| G2gReport {
        nonce: query.nonce,
        child: query.child,
        received: received
            .into_iter()
            .map(|(p, n)| (PieceIndex(p), n))
            .collect(),
    })
}

fn any_extended() -> impl Strategy<Value = Extended> {
    prop_oneof![
        any_handshake().prop_map(Extended::Handshake),
        vec(any_addr(), 0..=Extended::RECEIVERS_MAX).prop_map(Extended::G2gReceivers),
        any_query().prop_map(Extended::G2gQuery),
        any_report().prop_map(Extended::G2gReport),
        vec((any::<u32>(), 0..=100_u8), 0..9).prop_map(|mut shares| {
            shares.sort_unstable();
            shares.dedup_by_key(|(piece, _)| *piece);
            let shares = shares.into_iter().map(|(p, share)| (PieceIndex(p), share));
            Extended::G2gShares(G2gShares::new(shares.collect()))
        }),
        (20..=234_u8, 0..5000_u32).prop_map(|(id, length)| Extended::Unknown { id, length }),
        (
            0..=0x7fff_ffff_u32 - 100,
            vec(any::<bool>(), 0..100),
            any::<bool>()
        )
            .prop_map(|(tail, bits, answer)| {
                let mut map = Bitfield::new(u32::try_from(bits.len()).unwrap());
                for (offset, _) in bits.iter().enumerate().filter(|one| *one.1) {
                    map.insert(offset);
                }
                Extended::LiveWindow(Box::new(LiveWindow {
                    tail: PieceIndex(tail),
                    map,
                    answer,
                }))
            }),
        any::<u32>().prop_map(|piece| Extended::DontHave(PieceIndex(piece))),
        any::<u32>().prop_map(|piece| Extended::Metadata(Metadata::Request(piece))),
        any::<u32>().prop_map(|piece| Extended::Metadata(Metadata::Reject(piece))),
        (any::<u32>(), any::<u32>(), vec(any::<u8>(), 1..2000)).prop_map(
            |(piece, total, bytes)| {
                Extended::Metadata(Metadata::Data {
                    piece,
                    total,
                    bytes,
                })
            }
        ),
        (
            vec((any_addr(), any::<u8>()), 0..60),
            vec(any_addr(), 0..60)
        )
            .prop_map(|(added, dropped)| {
                let added = added
                    .into_iter()
                    .map(|(addr, flags)| PexPeer { addr, flags });
                Extended::Pex(Box::new(Pex::new(added.collect(), dropped)))
            }),
    ]
}

/// Any message for a torrent of `PIECES` pieces.
fn any_message() -> impl Strategy<Value = Message> {
    let piece = || any::<u32>().prop_map(PieceIndex);
    prop_oneof![
        Just(Message::KeepAlive),
        Just(Message::Choke),
        Just(Message::Unchoke),
        Just(Message::Interested),
        Just(Message::NotInterested),
        Just(Message::HaveAll),
        Just(Message::HaveNone),
        piece().prop_map(Message::Have),
        piece().prop_map(Message::Suggest),
        piece().prop_map(Message::AllowedFast),
        vec(0..PIECES as usize, 0..10).prop_map(|pieces| {
            let mut bits = Bitfield::new(PIECES);
            for piece in pieces {
                bits.insert(piece);
            }
            Message::Bitfield(Box::new(bits))
        }),
        any_block().prop_map(Message::Request),
        any_block().prop_map(Message::Cancel),
        any_block().prop_map(Message::Reject),
        (any_block(), 1..=16384_u32)
            .prop_map(|(block, length)| Message::Piece(Block { length, ..block })),
        any::<u16>().prop_map(Message::Port),
        any_extended().prop_map(|message| Message::Extended(Box::new(message))),
    ]
}

proptest! {
    #[test]
    fn a_message_comes_back_as_it_went(message in any_message()) {
        prop_assert_eq!(round_trip(&message), message);
    }

    #[test]
    fn however_the_bytes_are_split(
        messages in vec(any_message(), 0..12),
        portions in vec(0..600_usize, 0..60),
    ) {
        let mut own = Encoder::new();
        own.learn(&ExtendedHandshake {
            extensions: swarmbed_engine::wire::EXTENSIONS
                .map(|(name, id)| (name.into(), id))
                .to_vec(),
            ..ExtendedHandshake::default()
        });
        let (mut bytes, mut payload) = (Vec::new(), Vec::new());
        for message in &messages {
            let start = bytes.len();
            own.encode(message, &mut bytes).unwrap();
            if let Message::Piece(block) = message {
                let data: Vec<u8> = (0..block.length).map(|at| at.to_le_bytes()[0]).collect();
                bytes.extend_from_slice(&data);
                payload.extend_from_slice(&data);
            }
            prop_assert_eq!(bytes.len() - start, message.wire_len() as usize);
        }
        prop_assert_eq!(decode(&bytes, PIECES, &portions), Ok((messages.clone(), payload.clone())));
        let single = vec![1; bytes.len()];
        prop_assert_eq!(decode(&bytes, PIECES, &single), Ok((messages, payload)));
    }

    #[test]
    fn garbage_never_panics(bytes in vec(any::<u8>(), 0..300), portions in vec(0..40_usize, 0..9)) {
        let _ = decode(&bytes, PIECES, &portions);
        let _ = decode_datagram(&bytes);
    }

    #[test]
    fn garbage_after_a_plausible_head_never_panics(
        id in 0..21_u8,
        length in 0..40_u8,
        body in vec(any::<u8>(), 0..40),
    ) {
        let mut bytes = vec![0, 0, 0, length, id];
        bytes.extend_from_slice(&body);
        let _ = decode(&bytes, PIECES, &[]);
    }

    #[test]
    fn a_datagram_comes_back_as_it_went(query in any_query(), report in any_report()) {
        for datagram in [Datagram::Query(query), Datagram::Report(report)] {
            let bytes = encode_datagram(&datagram);
            prop_assert_eq!(bytes.len(), datagram.wire_len() as usize);
            prop_assert_eq!(decode_datagram(&bytes), Some(datagram));
        }
    }
}
