//! Extension messages (BEP 9, BEP 11, Give-to-Get, receipts) and those of live streams, byte by byte.

use std::net::SocketAddr;

use swarmbed_engine::wire::{Decoded, Decoder, Encoder, Unsupported, encode_datagram, round_trip};
use swarmbed_engine::{
    Bitfield, CloseReason, Datagram, Extended, ExtendedHandshake, G2gQuery, G2gReport, LiveWindow,
    Message, Metadata, PeerId, Pex, PexPeer, PieceIndex, Receipt, Seal,
};

use super::{PIECES, decode, encode, extended};

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
