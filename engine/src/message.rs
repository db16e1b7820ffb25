//! What neighbours say to each other, typed. Its bytes are made by `wire`.
//!
//! A `Piece` carries no payload: the driver holds it. [`Message::wire_len`] counts it all the same.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;

use crate::bitfield::Bitfield;
use crate::exchange::{Metadata, Pex};
use crate::geometry::{Block, PieceIndex};
use crate::id::PeerId;

/// A message of the peer wire protocol (BEP 3, 6, 10).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Nothing, to hold the connection open.
    KeepAlive,
    /// No more of your requests will be answered.
    Choke,
    /// Your requests will be answered.
    Unchoke,
    /// You have something I want.
    Interested,
    /// You have nothing I want.
    NotInterested,
    /// I have this piece.
    Have(PieceIndex),
    /// I have these pieces; only as first message.
    Bitfield(Box<Bitfield>),
    /// Send me this block.
    Request(Block),
    /// The block itself (its bytes stay with the driver).
    Piece(Block),
    /// I no longer want this block.
    Cancel(Block),
    /// DHT port (BEP 5); noted and otherwise ignored.
    Port(u16),
    /// BEP 6: a piece that would be good to ask for.
    Suggest(PieceIndex),
    /// BEP 6: I have everything.
    HaveAll,
    /// BEP 6: I have nothing.
    HaveNone,
    /// BEP 6: this request will not be answered.
    Reject(Block),
    /// BEP 6: may be asked for while choked.
    AllowedFast(PieceIndex),
    /// BEP 10: a message of an extension.
    Extended(Box<Extended>),
}

/// A message of an extension (BEP 10).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Extended {
    /// The extension handshake.
    Handshake(ExtendedHandshake),
    /// `sw_g2g_to`: the peers I am uploading to, so that you can ask them about me
    /// (Give-to-Get as in the paper). At most [`Extended::RECEIVERS_MAX`].
    G2gReceivers(Vec<SocketAddr>),
    /// `sw_g2g_query`: what did you receive from this child of mine?
    G2gQuery(G2gQuery),
    /// `sw_g2g_report`: the answer.
    G2gReport(G2gReport),
    /// `Tr_G2G_v2`: what I forwarded since I last said so (Give-to-Get as shipped).
    G2gShares(G2gShares),
    /// `sw_receipts`: acknowledgements, from a receiver to whoever sent it blocks, and from there
    /// back to those whom the blocks came from. At most [`Receipt::BATCH`].
    Receipts(Vec<Receipt>),
    /// `sw_live_window`: what I have of a live stream.
    LiveWindow(Box<LiveWindow>),
    /// `lt_donthave` (BEP 54): I have this piece no longer.
    DontHave(PieceIndex),
    /// `ut_metadata` (BEP 9): a piece of the torrent itself, asked for, sent or refused.
    Metadata(Metadata),
    /// `ut_pex` (BEP 11): neighbours that came and went.
    Pex(Box<Pex>),
    /// An extension message we did not offer; noted and otherwise ignored.
    Unknown {
        /// The extended message id.
        id: u8,
        /// Bytes of its body.
        length: u32,
    },
}

impl Extended {
    /// Most receivers in one message.
    pub const RECEIVERS_MAX: usize = 32;
}

/// The name of an extension or of a client: our own need no room, as every connection says them.
pub type Name = Cow<'static, str>;

/// BEP 10's handshake: what we use of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ExtendedHandshake {
    /// Extensions offered, by name, with the sender's id for each.
    pub extensions: Vec<(Name, u8)>,
    /// The sender's listening port (`p`).
    pub port: Option<u16>,
    /// How many outstanding requests the sender accepts (`reqq`).
    pub requests_max: Option<u32>,
    /// The sender's client and version (`v`), cut at 64 bytes.
    pub client: Option<Name>,
    /// `metadata_size` (BEP 9).
    pub metadata_size: Option<u32>,
    /// BEP 21.
    pub upload_only: bool,
}

/// Give-to-Get as in the paper: p asks a grandchild what it received from p's child.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct G2gQuery {
    /// Repeated by the report.
    pub nonce: u64,
    /// The child the question is about.
    pub child: PeerId,
}

/// A grandchild's answer: blocks received from the child in the last δ.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct G2gReport {
    /// The query's.
    pub nonce: u64,
    /// The query's.
    pub child: PeerId,
    /// Pieces and how many of their blocks came from the child, at most [`G2gReport::MAX`].
    pub received: Vec<(PieceIndex, u16)>,
}

impl G2gReport {
    /// Most pieces in a report: 10 s at 6 Mbit/s in 16 KiB pieces.
    pub const MAX: usize = 512;
}

/// What a peer says it uploaded, to whomever, since it last said so: pieces and how much of each,
/// in per cent. Source: Tribler, BT1/Connecter.py, `Tr_G2G_v2` (swarmplayer.md 4.1, read in code).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct G2gShares(Vec<(PieceIndex, u8)>);

impl G2gShares {
    /// Most pieces in a message: 4 s at 128 Mbit/s in 16 KiB pieces.
    pub const MAX: usize = 4096;

    /// Of pieces that each stand there once, in any order; shares above 100 are cut.
    #[must_use]
    pub fn new(mut shares: Vec<(PieceIndex, u8)>) -> Self {
        for (_, share) in &mut shares {
            *share = (*share).min(100);
        }
        // In the order of the wire: a dictionary's keys are sorted as text (BEP 3).
        shares.sort_by_cached_key(|(piece, _)| (leading(piece.0), digits(u64::from(piece.0))));
        shares.truncate(Self::MAX);
        Self(shares)
    }

    /// In the order of the wire, each piece once, at most 100 per cent.
    #[must_use]
    pub fn shares(&self) -> &[(PieceIndex, u8)] {
        &self.0
    }

    /// A dictionary of the piece in decimal and a string of one byte.
    fn body_len(&self) -> u32 {
        let entry = |piece: u32| {
            let key = digits(u64::from(piece));
            digits(u64::from(key)) + 1 + key + 3
        };
        2 + self.0.iter().map(|(piece, _)| entry(piece.0)).sum::<u32>()
    }
}

/// A receiver's acknowledgement of blocks that a forwarder sent it, which only the receiver can
/// make. It travels back through the forwarder, so nobody has to contact a stranger.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Receipt {
    /// Where the receiver listens.
    pub receiver: SocketAddr,
    /// The receiver's name.
    pub receiver_id: PeerId,
    /// Who sent the blocks.
    pub forwarder: PeerId,
    /// Pieces, ascending, and how many of their blocks came, at least one of each; from 1 to
    /// [`Receipt::MAX`] pieces.
    pub received: Vec<(PieceIndex, u16)>,
    /// The receiver's key and its signature of all the rest. It is the driver's business: it seals
    /// what it sends in its own name, and gives the engine only receipts whose seal is good and
    /// whose key is the one that `receiver_id` stands for.
    pub seal: Seal,
}

impl Receipt {
    /// Most pieces in one: 10 s at 1.7 Mbit/s from one neighbour, in 16 KiB pieces.
    pub const MAX: usize = 128;
    /// Most receipts in one message.
    pub const BATCH: usize = 32;
    /// Of an IPv6 receiver, with all pieces there can be.
    pub(crate) const LENGTH_MAX: usize = 19 + 20 + 20 + Seal::LENGTH + 2 + 6 * Self::MAX;

    fn length(&self) -> u32 {
        let address = if self.receiver.is_ipv4() { 7 } else { 19 };
        let pieces = u32::try_from(self.received.len()).expect("bounded by MAX");
        let seal = u32::try_from(Seal::LENGTH).expect("96");
        address + 20 + 20 + seal + 2 + 6 * pieces
    }
}

/// An Ed25519 public key (32 bytes) and signature (64 bytes), as the driver made or checked it;
/// the engine carries it unread. All zero where nothing signs, as in a simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seal(pub [u8; Self::LENGTH]);

impl Seal {
    /// Bytes of key and signature.
    pub const LENGTH: usize = 96;
}

impl Default for Seal {
    fn default() -> Self {
        Self([0; Self::LENGTH])
    }
}

/// The number with its digits moved to the front of ten: what orders decimal texts.
const fn leading(piece: u32) -> u64 {
    piece as u64 * 10_u64.pow(10 - digits(piece as u64))
}

/// What a peer of a live swarm has: sent once instead of a HAVE for every piece, when a neighbour
/// joins, and again when it asks. Piece numbers are absolute, whatever the numbering.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LiveWindow {
    /// The first piece that `map` speaks of.
    pub tail: PieceIndex,
    /// Pieces from `tail` on, at most [`LiveWindow::MAX`]; its length is the head's distance.
    pub map: Bitfield,
    /// Tell me yours.
    pub answer: bool,
}

impl LiveWindow {
    /// Most pieces in one: 8 KiB of map.
    pub const MAX: u32 = 64 * 1024;

    /// One more than the newest piece it speaks of.
    #[must_use]
    pub const fn head(&self) -> PieceIndex {
        PieceIndex(self.tail.0 + self.map.length())
    }

    fn length(&self) -> u32 {
        1 + 4 + 4 + self.map.length().div_ceil(8)
    }
}

/// What is said to a peer that is no neighbour. Lost without a word by NATs and networks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Datagram {
    /// See [`G2gQuery`].
    Query(G2gQuery),
    /// See [`G2gReport`].
    Report(G2gReport),
}

impl G2gQuery {
    const LENGTH: u32 = 8 + 20;
}

impl G2gReport {
    fn length(&self) -> u32 {
        8 + 20 + 2 + 6 * u32::try_from(self.received.len()).expect("bounded by MAX")
    }
}

impl Datagram {
    /// Bytes of UDP body: a magic byte, a kind byte, the message.
    #[must_use]
    pub fn wire_len(&self) -> u32 {
        2 + match self {
            Self::Query(_) => G2gQuery::LENGTH,
            Self::Report(report) => report.length(),
        }
    }
}

impl Message {
    /// It is one of those of which nothing follows most times: see [`Peer::overhear`](crate::Peer::overhear).
    #[inline]
    #[must_use]
    pub const fn is_brief(&self) -> bool {
        matches!(self, Self::Have(_) | Self::Interested | Self::NotInterested)
    }

    /// Bytes on the wire, length prefix and payload included. Equals what `wire` writes.
    #[inline]
    #[must_use]
    pub fn wire_len(&self) -> u32 {
        match self {
            Self::KeepAlive => 4,
            Self::Choke
            | Self::Unchoke
            | Self::Interested
            | Self::NotInterested
            | Self::HaveAll
            | Self::HaveNone => 5,
            Self::Have(_) | Self::Suggest(_) | Self::AllowedFast(_) => 9,
            Self::Bitfield(bits) => 5 + bits.length().div_ceil(8),
            Self::Request(_) | Self::Cancel(_) | Self::Reject(_) => 17,
            Self::Piece(block) => 13 + block.length,
            Self::Port(_) => 7,
            Self::Extended(extended) => 6 + extended.body_len(),
        }
    }
}

impl Extended {
    /// Bytes of the body, after the extended message id.
    #[must_use]
    pub fn body_len(&self) -> u32 {
        match self {
            Self::Handshake(handshake) => handshake.body_len(),
            // 1 byte of count, then family byte, address and port of each.
            Self::G2gReceivers(to) => {
                1 + to
                    .iter()
                    .map(|addr| if addr.is_ipv4() { 7 } else { 19 })
                    .sum::<u32>()
            }
            Self::G2gQuery(_) => G2gQuery::LENGTH,
            Self::G2gReport(report) => report.length(),
            Self::G2gShares(shares) => shares.body_len(),
            Self::Receipts(receipts) => 1 + receipts.iter().map(Receipt::length).sum::<u32>(),
            Self::LiveWindow(window) => window.length(),
            Self::DontHave(_) => 4,
            Self::Metadata(metadata) => metadata.body_len(),
            Self::Pex(pex) => crate::wire::pex_len(pex),
            Self::Unknown { length, .. } => *length,
        }
    }
}

impl ExtendedHandshake {
    /// Bytes of the bencoded dictionary, keys in order, absent ones left out, `upload_only` only
    /// when true.
    #[must_use]
    pub fn body_len(&self) -> u32 {
        let string =
            |length: usize| digits(length as u64) + 1 + u32::try_from(length).expect("short");
        let number = |value: u64| digits(value) + 2;
        let mut length = 2;
        // "m" is always there.
        length += string(1) + 2;
        for (name, id) in &self.extensions {
            length += string(name.len()) + number(u64::from(*id));
        }
        length += self
            .metadata_size
            .map_or(0, |size| string(13) + number(u64::from(size)));
        length += self
            .port
            .map_or(0, |port| string(1) + number(u64::from(port)));
        length += self
            .requests_max
            .map_or(0, |max| string(4) + number(u64::from(max)));
        length += if self.upload_only { string(11) + 3 } else { 0 };
        length += self
            .client
            .as_ref()
            .map_or(0, |client| string(1) + string(client.len()));
        length
    }
}

const fn digits(value: u64) -> u32 {
    match value.checked_ilog10() {
        Some(log) => log + 1,
        None => 1,
    }
}
