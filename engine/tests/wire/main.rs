//! The codec against bytes written by hand, and against everything a generator thinks of.

mod extensions;
mod generated;
mod golden;

use swarmbed_engine::wire::{Decoded, Decoder, Encoder};
use swarmbed_engine::{Block, CloseReason, Extended, ExtendedHandshake, Message, PieceIndex};

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
