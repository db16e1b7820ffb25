//! Bytes in any portions → messages, without keeping more than one bounded control message.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::extended;
use super::read::Reader;
use crate::bitfield::Bitfield;
use crate::error::CloseReason;
use crate::geometry::{Block, Geometry, PieceIndex};
use crate::message::{Extended, Message};

/// Longest message of any kind; a bitfield of the most pieces is half of it.
const MESSAGE_MAX: u32 = 1024 * 1024;

/// What came out of the bytes so far.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// A message is complete. For a `Piece`, its payload went before it.
    Message(Message),
    /// Part of a block: its bytes from `offset` on.
    Payload {
        /// The block.
        block: Block,
        /// Where in the block these bytes begin.
        offset: u32,
        /// The bytes, at least one.
        bytes: &'a [u8],
    },
}

/// Reads one connection's bytes after the handshake.
#[derive(Debug)]
pub struct Decoder {
    /// Of the torrent, if they are known.
    pieces: Option<u32>,
    state: State,
    /// The control message under way; shorter than `MESSAGE_MAX`, and grown only by bytes that
    /// came, never by a length that was claimed.
    held: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Length,
    Id { length: u32 },
    Body { id: u8, length: u32 },
    ExtendedId { length: u32 },
    ExtendedBody { id: u8, length: u32 },
    Skip { id: u8, length: u32, left: u32 },
    PieceHeader { payload: u32 },
    Payload { block: Block, offset: u32 },
    Failed(CloseReason),
}

const fn malformed<T>(what: &'static str) -> Result<T, CloseReason> {
    Err(CloseReason::Malformed(what))
}

impl Decoder {
    /// For a torrent of `pieces` pieces: that is how long a bitfield must be.
    #[must_use]
    pub const fn new(pieces: u32) -> Self {
        Self {
            pieces: Some(pieces),
            state: State::Length,
            held: Vec::new(),
        }
    }

    /// For a torrent of which nothing is known but its name (BEP 9): bitfields of any length are
    /// read, with eight pieces in each byte.
    #[must_use]
    pub const fn of_any_torrent() -> Self {
        Self {
            pieces: None,
            state: State::Length,
            held: Vec::new(),
        }
    }

    /// Takes bytes from the front of `input` until something is complete; call again until it
    /// says `None`, which means that all of `input` is used and more is needed.
    ///
    /// # Errors
    /// If the bytes are no message; every later call says the same.
    pub fn decode<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Decoded<'a>>, CloseReason> {
        let result = self.step(input);
        if let Err(reason) = result {
            self.state = State::Failed(reason);
            self.held = Vec::new();
        }
        result
    }

    fn step<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Decoded<'a>>, CloseReason> {
        loop {
            let message = match self.state {
                State::Failed(reason) => return Err(reason),
                State::Payload { block, offset } if offset < block.length => {
                    return Ok(self.payload(block, offset, input));
                }
                State::Payload { block, .. } => Message::Piece(block),
                State::Skip { id, length, left } => {
                    let taken = take(input, left as usize);
                    let left = left - u32::try_from(taken.len()).expect("at most left");
                    self.state = State::Skip { id, length, left };
                    if left > 0 {
                        return Ok(None);
                    }
                    Message::Extended(Box::new(Extended::Unknown { id, length }))
                }
                _ => {
                    if !self.gather(input) {
                        return Ok(None);
                    }
                    match self.advance()? {
                        Some(message) => message,
                        None => continue,
                    }
                }
            };
            self.state = State::Length;
            self.held.clear();
            return Ok(Some(Decoded::Message(message)));
        }
    }

    /// Moves bytes to `held` until the current state has what it needs.
    fn gather(&mut self, input: &mut &[u8]) -> bool {
        let need = match self.state {
            State::Length => 4,
            State::Id { .. } | State::ExtendedId { .. } => 1,
            State::Body { length, .. } | State::ExtendedBody { length, .. } => length as usize,
            State::PieceHeader { .. } => 8,
            State::Skip { .. } | State::Payload { .. } | State::Failed(_) => 0,
        };
        let taken = take(input, need - self.held.len());
        self.held.extend_from_slice(taken);
        self.held.len() == need
    }

    /// The current state has its bytes: the next state, or a message.
    fn advance(&mut self) -> Result<Option<Message>, CloseReason> {
        let mut held = Reader(&self.held);
        let message = match self.state {
            State::Length => match held.u32().unwrap_or(0) {
                0 => Some(Message::KeepAlive),
                length if length > MESSAGE_MAX => return malformed("oversized message"),
                length => {
                    self.state = State::Id { length: length - 1 };
                    None
                }
            },
            State::Id { length } => {
                self.state = self.begin(held.u8().unwrap_or(0), length)?;
                None
            }
            State::ExtendedId { length } => {
                let id = held.u8().unwrap_or(0);
                self.state = match extended::body_max(id) {
                    Some(max) if length > max => return malformed("oversized extension message"),
                    Some(_) => State::ExtendedBody { id, length },
                    None => State::Skip {
                        id,
                        length,
                        left: length,
                    },
                };
                None
            }
            State::PieceHeader { payload } => {
                let (Some(piece), Some(begin)) = (held.u32(), held.u32()) else {
                    return malformed("piece header");
                };
                let block = Block {
                    piece: PieceIndex(piece),
                    begin,
                    length: payload,
                };
                self.state = State::Payload { block, offset: 0 };
                None
            }
            State::Body { id, .. } => Some(self.body(id)?),
            State::ExtendedBody { id, .. } => Some(Message::Extended(Box::new(extended::decode(
                id, &self.held,
            )?))),
            State::Skip { .. } | State::Payload { .. } | State::Failed(_) => None,
        };
        if message.is_none() {
            self.held.clear();
        }
        Ok(message)
    }

    /// A message of this id and `length` bytes after the id begins.
    fn begin(&self, id: u8, length: u32) -> Result<State, CloseReason> {
        let expected = match id {
            0..=3 | 14 | 15 => 0,
            4 | 13 | 17 => 4,
            5 => self.pieces.map_or(length, |pieces| pieces.div_ceil(8)),
            6 | 8 | 16 => 12,
            7 if length <= 8 => return malformed("piece without payload"),
            7 if length - 8 > Geometry::BLOCK => return malformed("piece longer than a block"),
            7 => {
                return Ok(State::PieceHeader {
                    payload: length - 8,
                });
            }
            9 => 2,
            20 if length == 0 => return malformed("extension message without id"),
            20 => return Ok(State::ExtendedId { length: length - 1 }),
            _ => return malformed("unknown message id"),
        };
        if length != expected {
            return malformed("message of a wrong length");
        }
        Ok(State::Body { id, length })
    }

    fn body(&self, id: u8) -> Result<Message, CloseReason> {
        let mut held = Reader(&self.held);
        let message = match id {
            0 => Some(Message::Choke),
            1 => Some(Message::Unchoke),
            2 => Some(Message::Interested),
            3 => Some(Message::NotInterested),
            4 => piece(&mut held).map(Message::Have),
            5 => Some(Message::Bitfield(Box::new(bitfield(
                &self.held,
                self.pieces.unwrap_or(8 * held_len(&self.held)),
            )?))),
            6 => block(&mut held).map(Message::Request),
            8 => block(&mut held).map(Message::Cancel),
            9 => held.u16().map(Message::Port),
            13 => piece(&mut held).map(Message::Suggest),
            14 => Some(Message::HaveAll),
            15 => Some(Message::HaveNone),
            16 => block(&mut held).map(Message::Reject),
            17 => piece(&mut held).map(Message::AllowedFast),
            _ => None,
        };
        message.ok_or(CloseReason::Malformed("message body"))
    }

    fn payload<'a>(
        &mut self,
        block: Block,
        offset: u32,
        input: &mut &'a [u8],
    ) -> Option<Decoded<'a>> {
        let bytes = take(input, (block.length - offset) as usize);
        if bytes.is_empty() {
            return None;
        }
        self.state = State::Payload {
            block,
            offset: offset + u32::try_from(bytes.len()).expect("at most a block"),
        };
        Some(Decoded::Payload {
            block,
            offset,
            bytes,
        })
    }
}

/// At most `MESSAGE_MAX`.
fn held_len(held: &[u8]) -> u32 {
    u32::try_from(held.len()).expect("bounded by MESSAGE_MAX")
}

/// Up to `most` bytes from the front.
fn take<'a>(input: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (head, tail) = input.split_at(most.min(input.len()));
    *input = tail;
    head
}

fn piece(held: &mut Reader<'_>) -> Option<PieceIndex> {
    held.u32().map(PieceIndex)
}

fn block(held: &mut Reader<'_>) -> Option<Block> {
    Some(Block {
        piece: piece(held)?,
        begin: held.u32()?,
        length: held.u32()?,
    })
}

/// Most significant bit first, spare bits zero (BEP 3).
pub(super) fn bitfield(bytes: &[u8], pieces: u32) -> Result<Bitfield, CloseReason> {
    let mut bits = Bitfield::new(pieces);
    for (index, &byte) in bytes.iter().enumerate() {
        for bit in 0..8 {
            if byte & 0x80 >> bit == 0 {
                continue;
            }
            let offset = index * 8 + bit;
            if offset >= pieces as usize {
                return malformed("bitfield with spare bits set");
            }
            bits.insert(offset);
        }
    }
    Ok(bits)
}
