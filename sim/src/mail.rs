//! What goes from one peer to another: small records, ordered by a key that does not depend on who
//! was handled first.

use swarmbed_engine::{Announce, Block, ConnId, Datagram, Message, PieceIndex};

use crate::links::{DATAGRAM_HEADER, HEADER, charged};
use crate::network::Arriving;

/// The tracker, as sender and receiver.
pub(crate) const TRACKER: u32 = u32::MAX;

/// Bytes a HAVE costs on each link it passes.
pub(crate) const HAVE_BYTES: u64 = charged(9);

/// Bytes of a BEP 3 handshake.
const HANDSHAKE: u64 = 68;
/// Bytes of an announce: an HTTP GET with its headers.
const ANNOUNCE: u64 = 200;
/// Bytes of an HTTP request or of an answer's headers.
const HTTP: u64 = 200;
/// Bytes of a tracker's answer before its addresses.
const ANSWER: u64 = 100;
/// Bytes of an address in a compact answer (BEP 23).
const ADDRESS: u64 = 6;

/// A connection's name at one end, as the other end writes it on its mail. Packed: it shares 16 bytes with what a
/// handshake says besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(Rust, packed(2))]
pub(crate) struct Door {
    pub(crate) serial: u32,
    pub(crate) slot: u16,
}

impl Door {
    /// For mail that belongs to no connection.
    pub(crate) const NONE: Self = Self {
        serial: u32::MAX,
        slot: u16::MAX,
    };
}

impl Door {
    /// For a datagram: which of the hosts' addresses it goes between, 0 of all but adversaries.
    pub(crate) const fn between(from: u16, to: u16) -> Self {
        Self {
            serial: (from as u32) << 16 | to as u32,
            slot: u16::MAX,
        }
    }

    /// The opposite.
    #[expect(clippy::cast_possible_truncation, reason = "two halves of a word")]
    pub(crate) const fn addresses(self) -> (u16, u16) {
        ((self.serial >> 16) as u16, self.serial as u16)
    }
}

impl From<ConnId> for Door {
    fn from(conn: ConnId) -> Self {
        Self {
            serial: conn.serial(),
            slot: u16::try_from(conn.slot()).expect("a slot has 16 bits"),
        }
    }
}

/// A tracker's answer: boxed whole, since a record has room for one pointer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) peers: Vec<u32>,
}

/// One record.
#[derive(Debug)]
pub(crate) struct Mail {
    /// When its last byte arrives.
    pub(crate) at: u64,
    pub(crate) from: u32,
    pub(crate) to: u32,
    /// The sender's own count.
    pub(crate) seq: u32,
    /// The receiver's name of the connection: serial, and below, slot.
    serial: u32,
    slot: u16,
    /// It brings a block, and that block is corrupt.
    pub(crate) corrupt: bool,
    /// Nanoseconds between its first byte and its last; longer ones count as 4.29 s, which matters
    /// only to downlinks slower than 4 kB/s.
    span: u32,
    pub(crate) body: Body,
}

/// What it says.
#[derive(Debug)]
pub(crate) enum Body {
    /// A message; a `Piece` brings its block.
    Message(Message),
    /// A block came; it had left the sender at this time.
    Ack { left: u64 },
    /// A connection is wanted; the dialler's name of it, and how far apart the two are: drawn once.
    Syn { dialler: Door, latency: u32 },
    /// Somebody listens.
    SynAck,
    /// The dialler's handshake, for how many-th time it came under another name, and how far away it is.
    Hello {
        dialler: Door,
        alias: u16,
        latency: u32,
    },
    /// The other handshake; the listener's name of the connection.
    HelloBack { listener: Door, alias: u16 },
    /// Not let in.
    Refused,
    /// Nobody listens.
    Reset,
    /// Closed.
    Fin,
    /// To no neighbour; see [`Door::between`].
    Datagram(Box<Datagram>),
    /// To the tracker.
    Announce { kind: Announce, number: u32 },
    /// From the tracker.
    Answer(Box<Answer>),
    /// To the web seed, which is where the tracker is: a piece is wanted.
    Fetch { piece: PieceIndex },
    /// From it: all of the piece, so many bytes.
    Fetched { piece: PieceIndex, bytes: u32 },
    /// From it: not this piece, nor any other; its budget is spent.
    Spent { piece: PieceIndex },
    /// Moved out.
    Taken,
}

// The mailboxes are the biggest thing that moves (DESIGN 5).
const _: () = assert!(size_of::<Mail>() <= 48);

impl Mail {
    /// A record.
    pub(crate) const fn new(
        at: u64,
        (from, seq): (u32, u32),
        to: u32,
        door: Door,
        body: Body,
    ) -> Self {
        Self {
            at,
            from,
            to,
            seq,
            serial: door.serial,
            slot: door.slot,
            corrupt: false,
            span: 0,
            body,
        }
    }

    /// Its bytes take `span` nanoseconds to leave the sender, and to arrive.
    pub(crate) fn spanning(self, span: u64, corrupt: bool) -> Self {
        Self {
            corrupt,
            span: u32::try_from(span).unwrap_or(u32::MAX),
            ..self
        }
    }

    /// When its first byte arrives.
    fn first(&self) -> u64 {
        self.at - u64::from(self.span)
    }

    /// As a downlink sees it.
    #[inline]
    pub(crate) fn arriving(&self) -> Arriving {
        Arriving {
            at: self.at,
            first: self.first(),
            bytes: self.body.bytes(),
            block: matches!(self.body, Body::Message(Message::Piece(_))),
        }
    }

    /// Which connection of the receiver it is about.
    pub(crate) const fn door(&self) -> Door {
        Door {
            serial: self.serial,
            slot: self.slot,
        }
    }

    /// Its place among the mail of one receiver.
    pub(crate) const fn key(&self) -> (u64, u32, u32) {
        (self.at, self.from, self.seq)
    }

    /// What is left of a record.
    const TAKEN: Self = Self::new(0, (0, 0), 0, Door::NONE, Body::Taken);

    /// The record, as a whole: what is put together field by field is slow to read as one while it is new.
    pub(crate) const fn take(&mut self) -> Self {
        std::mem::replace(self, Self::TAKEN)
    }
}

impl Body {
    /// The message, if it is one of which nothing follows most times.
    #[inline]
    pub(crate) fn brief(&self) -> Option<&Message> {
        match self {
            Self::Message(message) if message.is_brief() => Some(message),
            _ => None,
        }
    }

    /// Bytes it costs on each link it passes. Asked of every record, most of which are messages and acknowledgements:
    /// where it is asked, only these are looked at.
    #[inline]
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Message(message) => message_bytes(message),
            Self::Ack { .. } => HEADER,
            other => other.bytes_of_any(),
        }
    }

    /// The same, whatever it is.
    fn bytes_of_any(&self) -> u64 {
        match self {
            Self::Message(message) => message_bytes(message),
            Self::Ack { .. } | Self::Syn { .. } | Self::SynAck | Self::Reset | Self::Fin => HEADER,
            // The acknowledgement of the other side's packet rides along.
            Self::Hello { .. } | Self::HelloBack { .. } => charged(HANDSHAKE) + HEADER,
            Self::Refused => HEADER,
            Self::Datagram(datagram) => DATAGRAM_HEADER + u64::from(datagram.wire_len()),
            Self::Announce { .. } => charged(ANNOUNCE),
            Self::Answer(answer) => charged(ANSWER + ADDRESS * answer.peers.len() as u64),
            Self::Fetch { .. } => charged(HTTP),
            Self::Fetched { bytes, .. } => charged(HTTP + u64::from(*bytes)),
            Self::Spent { .. } => charged(HTTP),
            Self::Taken => 0,
        }
    }
}

/// Bytes a message costs on a link.
#[inline]
pub(crate) fn message_bytes(message: &Message) -> u64 {
    match message {
        Message::Have(_) => HAVE_BYTES,
        message => charged(u64::from(message.wire_len())),
    }
}

/// Bytes a `Piece` message with a block of `length` costs on a link.
pub(crate) fn block_bytes(length: u32) -> u64 {
    charged(u64::from(
        Message::Piece(Block {
            piece: PieceIndex(0),
            begin: 0,
            length,
        })
        .wire_len(),
    ))
}
