//! The bytes of everything peers say, without IO: handshake, messages, datagrams, bencode,
//! `.torrent` files, and what trackers say over UDP.
//!
//! Owns every byte layout; must not know sockets, and keeps no payload: a `Piece`'s bytes pass
//! through [`Decoder`] to the caller as they arrive. Whatever comes in is hostile: every length
//! is checked against a bound before anything is kept, and nothing panics.

pub mod bencode;
mod datagram;
mod decode;
mod encode;
mod exchange;
mod extended;
mod handshake;
pub mod metainfo;
mod read;
mod sealed;
mod udp_tracker;

use alloc::vec::Vec;

pub use datagram::{decode_datagram, encode_datagram};
pub use decode::{Decoded, Decoder};
pub use encode::{Encoder, Unsupported, encode_piece_header};
pub(crate) use exchange::pex_len;
pub use extended::{
    EXTENSIONS, LT_DONTHAVE, SW_G2G_QUERY, SW_G2G_REPORT, SW_G2G_TO, SW_LIVE_WINDOW, SW_RECEIPTS,
    TR_G2G_V2, UT_METADATA, UT_PEX,
};
pub use handshake::Handshake;
pub use sealed::SealedEnd;
pub use udp_tracker::{UdpAnnounce, UdpAnswer, UdpRequest};

use crate::message::Message;

/// Writes `message` as bytes (a `Piece` with a payload of zeros) and reads it back: the identity,
/// which the simulator's `wire = "bytes"` mode relies on.
///
/// # Panics
/// If the codec disagrees with itself, or the message is one that no peer of ours sends (a
/// bound exceeded, an unknown extension under one of our own ids).
#[must_use]
pub fn round_trip(message: &Message) -> Message {
    let pieces = match message {
        Message::Bitfield(bits) => bits.length(),
        _ => 0,
    };
    let mut bytes = Vec::with_capacity(message.wire_len() as usize);
    Encoder::own()
        .encode(message, &mut bytes)
        .expect("an encoder with our own ids knows all our extensions");
    if let Message::Piece(block) = message {
        bytes.resize(bytes.len() + block.length as usize, 0);
    }
    assert_eq!(bytes.len(), message.wire_len() as usize, "{message:?}");
    let mut decoder = Decoder::new(pieces);
    let mut input = bytes.as_slice();
    loop {
        match decoder.decode(&mut input) {
            Ok(Some(Decoded::Message(decoded))) => return decoded,
            Ok(Some(Decoded::Payload { .. })) => {}
            other => panic!("{message:?} came back as {other:?}"),
        }
    }
}
