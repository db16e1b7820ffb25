//! The messages of BEP 3, 6 and 10, byte by byte, and what is no message.

use swarmbed_engine::wire::{Decoder, Handshake};
use swarmbed_engine::{
    Bitfield, CloseReason, Extended, ExtendedHandshake, Message, PeerId, PieceIndex, Remote,
};

use super::{PIECES, block, decode, encode, extended};

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
