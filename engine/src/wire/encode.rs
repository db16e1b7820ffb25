//! Messages → bytes.

use alloc::vec::Vec;

use thiserror::Error;

use super::extended::{self, EXTENSIONS};
use crate::bitfield::Bitfield;
use crate::geometry::Block;
use crate::message::{Extended, ExtendedHandshake, Message};

/// The other side did not offer this extension, so it has no id to be sent under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the other side does not speak {0}")]
pub struct Unsupported(pub &'static str);

/// Writes one connection's messages. Extension messages go under the ids that the *receiver*
/// chose (BEP 10), so it must be shown every extension handshake that arrives.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    /// Ids for [`EXTENSIONS`], in order; 0 is "not offered".
    ids: [u8; EXTENSIONS.len()],
}

impl Encoder {
    /// For a connection whose extension handshake has not come yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            ids: [0; EXTENSIONS.len()],
        }
    }

    /// As if we spoke to ourselves.
    pub(super) fn own() -> Self {
        Self {
            ids: EXTENSIONS.map(|(_, id)| id),
        }
    }

    /// The other side's extension handshake came. A later one adds and takes away (id 0).
    pub fn learn(&mut self, handshake: &ExtendedHandshake) {
        for (name, id) in &handshake.extensions {
            if let Some(at) = EXTENSIONS.iter().position(|(known, _)| *known == &**name) {
                self.ids[at] = *id;
            }
        }
    }

    /// Appends the message to `out`. Of a `Piece` only the head (see [`encode_piece_header`]):
    /// the payload is to follow at once.
    ///
    /// # Errors
    /// If it is an extension message that the other side did not offer; `out` is untouched.
    pub fn encode(&self, message: &Message, out: &mut Vec<u8>) -> Result<(), Unsupported> {
        if let Message::Extended(extended) = message {
            return self.extended(extended, message.wire_len(), out);
        }
        out.extend_from_slice(&(message.wire_len() - 4).to_be_bytes());
        match message {
            Message::KeepAlive | Message::Extended(_) => {}
            Message::Choke => out.push(0),
            Message::Unchoke => out.push(1),
            Message::Interested => out.push(2),
            Message::NotInterested => out.push(3),
            Message::Have(piece) => number(out, 4, piece.0),
            Message::Bitfield(bits) => {
                out.push(5);
                bitfield(bits, out);
            }
            Message::Request(wanted) => block(out, 6, *wanted),
            Message::Piece(sent) => {
                number(out, 7, sent.piece.0);
                out.extend_from_slice(&sent.begin.to_be_bytes());
            }
            Message::Cancel(unwanted) => block(out, 8, *unwanted),
            Message::Port(port) => {
                out.push(9);
                out.extend_from_slice(&port.to_be_bytes());
            }
            Message::Suggest(piece) => number(out, 13, piece.0),
            Message::HaveAll => out.push(14),
            Message::HaveNone => out.push(15),
            Message::Reject(refused) => block(out, 16, *refused),
            Message::AllowedFast(piece) => number(out, 17, piece.0),
        }
        Ok(())
    }

    fn extended(
        &self,
        extended: &Extended,
        wire_len: u32,
        out: &mut Vec<u8>,
    ) -> Result<(), Unsupported> {
        let known = |at: usize| match self.ids[at] {
            0 => Err(Unsupported(EXTENSIONS[at].0)),
            id => Ok(id),
        };
        let id = match extended {
            Extended::Handshake(_) => 0,
            Extended::G2gReceivers(_) => known(0)?,
            Extended::G2gQuery(_) => known(1)?,
            Extended::G2gReport(_) => known(2)?,
            Extended::G2gShares(_) => known(3)?,
            Extended::LiveWindow(_) => known(4)?,
            Extended::DontHave(_) => known(5)?,
            Extended::Receipts(_) => known(6)?,
            Extended::Metadata(_) => known(7)?,
            Extended::Pex(_) => known(8)?,
            Extended::Unknown { id, .. } => *id,
        };
        out.extend_from_slice(&(wire_len - 4).to_be_bytes());
        out.extend_from_slice(&[20, id]);
        extended::encode(extended, out);
        Ok(())
    }
}

/// The 13 bytes before a block's payload.
#[must_use]
pub fn encode_piece_header(block: Block) -> [u8; 13] {
    let mut head = [0; 13];
    head[..4].copy_from_slice(&(block.length + 9).to_be_bytes());
    head[4] = 7;
    head[5..9].copy_from_slice(&block.piece.0.to_be_bytes());
    head[9..].copy_from_slice(&block.begin.to_be_bytes());
    head
}

fn number(out: &mut Vec<u8>, id: u8, value: u32) {
    out.push(id);
    out.extend_from_slice(&value.to_be_bytes());
}

fn block(out: &mut Vec<u8>, id: u8, block: Block) {
    number(out, id, block.piece.0);
    out.extend_from_slice(&block.begin.to_be_bytes());
    out.extend_from_slice(&block.length.to_be_bytes());
}

/// Most significant bit first, spare bits zero (BEP 3).
pub(super) fn bitfield(bits: &Bitfield, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + bits.length().div_ceil(8) as usize, 0);
    for offset in bits.iter() {
        out[start + offset / 8] |= 0x80 >> (offset % 8);
    }
}
