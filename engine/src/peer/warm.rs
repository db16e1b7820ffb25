//! Reading ahead: among thousands of peers, what a message touches lies in no cache, and one line waits for the other.
//! A driver that knows whose turn comes next has the lines of several peers fetched at the same time.
//!
//! Nothing here changes anything, or decides anything.

use super::{Link, Peer};
use crate::geometry::PieceIndex;

impl Peer {
    /// Reads a word of each line that every call reads. What it returns means nothing, but that it was read.
    #[must_use]
    pub fn warm(&self) -> u64 {
        self.now.as_nanos()
            ^ self.links.as_ptr().addr() as u64
            ^ self.traffic.control_down
            ^ u64::from(self.unstored)
            ^ u64::from(self.pieces.window().length)
            ^ u64::from(self.player.is_some())
    }

    /// The same of those that most calls read, but not the commonest, that of a HAVE.
    #[must_use]
    pub fn warm_more(&self) -> u64 {
        self.neighbours.as_ptr().addr() as u64 ^ self.choke_at.as_nanos()
    }

    /// The same for a HAVE of this piece.
    #[must_use]
    #[inline]
    pub fn warm_have(&self, slot: usize, piece: PieceIndex) -> u64 {
        let link = self.links.get(slot);
        link.map_or(0, Link::warm) ^ self.pieces.warm_have(slot, piece)
    }

    /// The same of a connection's slot, and of a piece that its message speaks of, once [`warm`](Self::warm) was read.
    #[must_use]
    pub fn warm_slot(&self, slot: usize, piece: PieceIndex) -> u64 {
        let Some(link) = self.links.get(slot) else {
            return 0;
        };
        link.warm() ^ self.pieces.warm(slot, piece)
    }

    /// The same of what waits for the neighbour, and of the piece's blocks, once [`warm_neighbour`](Self::warm_neighbour) was read.
    #[must_use]
    pub fn warm_queues(&self, slot: usize, piece: PieceIndex) -> u64 {
        let neighbour = self.neighbours.get(slot).and_then(Option::as_ref);
        neighbour.map_or(0, |one| one.warm_queues()) ^ self.pieces.warm_blocks(piece)
    }

    /// The same of the neighbour there, once [`warm_slot`](Self::warm_slot) was read.
    #[must_use]
    pub fn warm_neighbour(&self, slot: usize) -> u64 {
        let neighbour = self.neighbours.get(slot).and_then(Option::as_ref);
        neighbour.map_or(0, |one| one.warm())
    }
}
