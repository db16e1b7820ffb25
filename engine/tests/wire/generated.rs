//! Whatever a generator thinks of: it comes back as it went, and garbage never panics.

use std::net::SocketAddr;

use proptest::collection::vec;
use proptest::prelude::*;
use swarmbed_engine::wire::{Encoder, decode_datagram, encode_datagram, round_trip};
use swarmbed_engine::{
    Bitfield, Block, Datagram, Extended, ExtendedHandshake, G2gQuery, G2gReport, G2gShares,
    LiveWindow, Message, Metadata, PeerId, Pex, PexPeer, PieceIndex,
};

use super::{PIECES, block, decode};

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
