//! What a peer holds: so that it can be shown not to grow, however long a stream is.
//!
//! Counts what the tables have room for, which is what they take of memory. Knows no allocator: the
//! few words that it keeps beside each piece of memory are not counted.

use core::mem::size_of;

use super::neighbour::{Neighbour, Outstanding};
use super::{Link, Peer};

/// What a peer holds at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Pieces that it has: the driver keeps their bytes.
    pub pieces: u32,
    /// Neighbours, also those being dialled.
    pub neighbours: u32,
    /// Bytes of memory of its tables, as far as they grow and shrink; policies' own state, at most a
    /// few words for each neighbour, is left out.
    pub bytes: u64,
}

impl Peer {
    /// What it holds now.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        let neighbours = self.neighbours.iter().flatten();
        let beside: usize = neighbours.map(|one| one.bytes()).sum();
        let live = self.live.as_ref().map_or(0, |live| live.bytes());
        let bytes = size_of::<Self>()
            + self.outbox.bytes()
            + self.links.capacity() * size_of::<Link>()
            + self.tags.capacity() * size_of::<u32>()
            + self.order.capacity() * size_of::<u16>()
            + self.askable.bytes()
            + self.asked.bytes()
            + self.neighbours.capacity() * size_of::<Option<Neighbour>>()
            + self.book.bytes()
            + self.pieces.bytes()
            + live
            + beside;
        Footprint {
            pieces: self.pieces.have().count(),
            neighbours: u32::try_from(self.order.len()).expect("bounded by neighbours_max"),
            bytes: bytes as u64,
        }
    }
}

impl Neighbour {
    fn bytes(&self) -> usize {
        self.requests.capacity() * size_of::<Outstanding>()
            + self.released.bytes()
            + self.uploads_bytes()
            + self.forwards.as_ref().map_or(0, |all| all.bytes())
    }
}
