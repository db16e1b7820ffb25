//! What neighbours exchange besides the content: the torrent itself (BEP 9), and each other's
//! neighbours (BEP 11). Its bytes are in `wire/exchange.rs`.

use alloc::vec::Vec;
use core::net::SocketAddr;

/// Which of it a peer takes part in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Exchange {
    /// Bytes of the torrent's `info`, which neighbours may ask for; `None` serves nobody.
    pub metadata: Option<u32>,
    /// Tell neighbours of each other, and hear of theirs. Never in a private torrent (BEP 27).
    pub pex: bool,
}

/// `ut_metadata` (BEP 9): a piece of the torrent's `info`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Metadata {
    /// Send me this piece.
    Request(u32),
    /// The piece.
    Data {
        /// Which.
        piece: u32,
        /// Bytes of all of `info`, as the sender says.
        total: u32,
        /// At most [`Metadata::PIECE`] bytes.
        bytes: Vec<u8>,
    },
    /// I do not send it.
    Reject(u32),
}

impl Metadata {
    /// Bytes of each piece but the last.
    pub const PIECE: u32 = 16 * 1024;
    /// Largest `info` that is asked for or served: the hashes of some 400,000 pieces.
    pub const SIZE_MAX: u32 = 8 * 1024 * 1024;

    /// Pieces of an `info` of so many bytes.
    #[must_use]
    pub const fn pieces(size: u32) -> u32 {
        size.div_ceil(Self::PIECE)
    }

    /// Bytes of the bencoded dictionary, and of what follows it.
    #[must_use]
    pub(crate) fn body_len(&self) -> u32 {
        let digits = |number: u32| number.checked_ilog10().map_or(1, |log| log + 1);
        // d8:msg_typei0e5:piecei…ee
        let head = |piece: u32| 24 + digits(piece);
        match self {
            Self::Request(piece) | Self::Reject(piece) => head(*piece),
            // 10:total_sizei…e
            Self::Data {
                piece,
                total,
                bytes,
            } => head(*piece) + 15 + digits(*total) + u32::try_from(bytes.len()).expect("a piece"),
        }
    }
}

/// A neighbour as peer exchange tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PexPeer {
    /// Where it listens.
    pub addr: SocketAddr,
    /// Bits as in BEP 11.
    pub flags: u8,
}

impl PexPeer {
    /// It has everything, or wants nothing.
    pub const SEED: u8 = 0x02;
    /// We connected to it: it can be reached.
    pub const REACHABLE: u8 = 0x10;
}

/// `ut_pex` (BEP 11): neighbours that came and went since the last such message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pex {
    added: Vec<PexPeer>,
    dropped: Vec<SocketAddr>,
}

impl Pex {
    /// In each list of a message, as BEP 11 has it.
    pub const MAX: usize = 50;
    /// Heard of at most in each list: some clients' first message is longer.
    pub const HEARD_MAX: usize = 200;

    /// In the order of the wire: IPv4 first.
    #[must_use]
    pub fn new(mut added: Vec<PexPeer>, mut dropped: Vec<SocketAddr>) -> Self {
        added.sort_by_key(|peer| peer.addr.is_ipv6());
        dropped.sort_by_key(SocketAddr::is_ipv6);
        Self { added, dropped }
    }

    /// Who came.
    #[must_use]
    pub fn added(&self) -> &[PexPeer] {
        &self.added
    }

    /// Who went.
    #[must_use]
    pub fn dropped(&self) -> &[SocketAddr] {
        &self.dropped
    }

    /// Nobody came or went.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.added.is_empty() && self.dropped.is_empty()
    }
}
