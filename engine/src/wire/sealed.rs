//! The end of a live piece: which it is, when the source made it, how much of it is content, and
//! the source's signature.
//!
//! The layout follows the trailers of 2008 (swarmplayer.md 3.2): sequence number and source time,
//! then the signature. New are the length, so that the last piece may be short, and two flags.
//! Big-endian:
//!
//! | from the end | bytes | field |
//! |---|---|---|
//! | -85 | 8 | sequence number |
//! | -77 | 8 | source time, microseconds since 1970 |
//! | -69 | 4 | bytes of content; zeros follow up to the trailer |
//! | -65 | 1 | flags: 1 no piece follows, 2 the source was restarted before it |
//! | -64 | 64 | Ed25519 signature over the info-hash and all of the piece before the signature |
//!
//! The info-hash is signed too, so that a key may serve several streams: a piece of one is none of
//! another's. Owns the layout; signing and checking are the driver's.

use alloc::vec::Vec;

use super::read::Reader;

/// What stands at the end of a live piece, without its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SealedEnd {
    /// The piece's absolute number.
    pub sequence: u64,
    /// The source's clock, in microseconds since the Unix epoch.
    pub source_micros: u64,
    /// Bytes of content at the front of the piece.
    pub content: u32,
    /// No piece follows.
    pub last: bool,
    /// The source was restarted before it: what came before may end anywhere.
    pub restarted: bool,
}

const LAST: u8 = 1;
const RESTARTED: u8 = 2;

impl SealedEnd {
    /// Bytes of the trailer.
    pub const LENGTH: u32 = 8 + 8 + 4 + 1 + Self::SIGNATURE;
    /// Bytes of the signature, the piece's last.
    pub const SIGNATURE: u32 = 64;
    /// Shortest piece: half of it, at least, is content.
    pub const PIECE_LENGTH_MIN: u32 = 256;

    /// Bytes of content that a piece of this length can hold.
    #[must_use]
    pub const fn capacity(piece_length: u32) -> u32 {
        piece_length.saturating_sub(Self::LENGTH)
    }

    /// What is to be signed of a piece with this content: the info-hash, the content, zeros up to
    /// the trailer, the trailer. The piece is all of it but the info-hash, and then the signature.
    ///
    /// # Panics
    /// If the content is longer than the piece's capacity.
    #[must_use]
    pub fn to_sign(&self, info_hash: &[u8; 20], content: &[u8], piece_length: u32) -> Vec<u8> {
        let capacity = Self::capacity(piece_length) as usize;
        assert!(content.len() <= capacity, "more than a piece holds");
        let mut bytes = Vec::with_capacity(20 + piece_length as usize);
        bytes.extend_from_slice(info_hash);
        bytes.extend_from_slice(content);
        bytes.resize(20 + capacity, 0);
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&self.source_micros.to_be_bytes());
        bytes.extend_from_slice(&self.content.to_be_bytes());
        let last = if self.last { LAST } else { 0 };
        bytes.push(last | if self.restarted { RESTARTED } else { 0 });
        bytes
    }

    /// Reads a whole piece's end, and the signature; `None` if it is none, or contradicts itself.
    #[must_use]
    pub fn read(piece: &[u8]) -> Option<(Self, [u8; Self::SIGNATURE as usize])> {
        let capacity = piece.len().checked_sub(Self::LENGTH as usize)?;
        let mut reader = Reader(&piece[capacity..]);
        let (sequence, source_micros) = (reader.u64()?, reader.u64()?);
        let (content, flags) = (reader.u32()?, reader.u8()?);
        let end = Self {
            sequence,
            source_micros,
            content,
            last: flags & LAST != 0,
            restarted: flags & RESTARTED != 0,
        };
        let fits = usize::try_from(content).is_ok_and(|content| content <= capacity);
        let known = flags <= LAST | RESTARTED;
        Some((end, reader.array()?)).filter(|_| fits && known)
    }
}
