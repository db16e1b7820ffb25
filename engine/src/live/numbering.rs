//! How piece numbers are written on the wire.

use crate::geometry::{PieceIndex, Window};

/// How piece numbers are written on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Numbering {
    /// As they are: sequence numbers that never come round.
    Absolute {
        /// Pieces that are valid around the own position: half behind, half ahead.
        window: u32,
    },
    /// Modulo this many: the torrent of the 2008 client (swarmplayer.md 3.4), whose pieces are
    /// used again. The window is max(4, N/8) on either side of the own position.
    Ring(u32),
}

impl Numbering {
    /// The smallest ring. In the 8 pieces that the rule needs, one that lags by a piece would take
    /// a lap for another; the original's own test used 12.
    pub const RING_MIN: u32 = 12;

    /// Pieces kept behind the own position.
    #[must_use]
    pub const fn behind(self) -> u32 {
        match self {
            Self::Absolute { window } => window / 2,
            Self::Ring(pieces) => delta(pieces),
        }
    }

    /// Pieces known ahead of the own position. A ring knows further than it may download, so that
    /// what a neighbour ahead of us announces is not forgotten; half of it can be told apart.
    #[must_use]
    pub const fn ahead(self) -> u32 {
        match self {
            Self::Absolute { window } => window - window / 2,
            Self::Ring(pieces) => {
                let twice = 2 * delta(pieces);
                if twice < pieces / 2 {
                    twice
                } else {
                    pieces / 2
                }
            }
        }
    }

    /// How a piece is written.
    #[must_use]
    pub const fn wire(self, piece: PieceIndex) -> PieceIndex {
        match self {
            Self::Absolute { .. } => piece,
            Self::Ring(pieces) => PieceIndex(piece.0 % pieces),
        }
    }

    /// Whether anybody may write this number.
    #[must_use]
    pub const fn is_written(self, wire: PieceIndex) -> bool {
        match self {
            Self::Absolute { .. } => wire.0 < super::PIECES_MAX,
            Self::Ring(pieces) => wire.0 < pieces,
        }
    }

    /// The piece of our window that is written so, if there is one.
    #[must_use]
    pub const fn within(self, wire: PieceIndex, window: Window) -> Option<PieceIndex> {
        let Self::Ring(pieces) = self else {
            return match window.offset(wire) {
                Some(_) => Some(wire),
                None => None,
            };
        };
        let offset = (wire.0 + (pieces - window.base.0 % pieces)) % pieces;
        if offset < window.length {
            Some(PieceIndex(window.base.0 + offset))
        } else {
            None
        }
    }

    /// The piece written so that is nearest to `to`: within half a ring on either side.
    #[must_use]
    pub const fn nearest(self, wire: PieceIndex, to: PieceIndex) -> PieceIndex {
        let Self::Ring(pieces) = self else {
            return wire;
        };
        let ahead = (wire.0 + (pieces - to.0 % pieces)) % pieces;
        let behind = pieces - ahead;
        if ahead <= pieces / 2 || behind > to.0 {
            PieceIndex(to.0 + ahead)
        } else {
            PieceIndex(to.0 - behind)
        }
    }

    /// The newest piece before `head` that is written so.
    #[must_use]
    pub const fn last_before(self, wire: PieceIndex, head: PieceIndex) -> Option<PieceIndex> {
        let Self::Ring(pieces) = self else {
            return if wire.0 < head.0 { Some(wire) } else { None };
        };
        if head.0 == 0 {
            return None;
        }
        let newest = head.0 - 1;
        match newest.checked_sub((newest % pieces + pieces - wire.0) % pieces) {
            Some(piece) => Some(PieceIndex(piece)),
            None => None,
        }
    }
}

const fn delta(pieces: u32) -> u32 {
    if pieces / 8 > 4 { pieces / 8 } else { 4 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_has_one_piece_for_each_number_in_the_window() {
        for pieces in [12, 13, 100, 7200] {
            let ring = Numbering::Ring(pieces);
            let length = ring.behind() + ring.ahead();
            assert!(length <= pieces);
            for base in [0, 1, pieces - 1, pieces, 5 * pieces + 3] {
                let window = Window {
                    base: PieceIndex(base),
                    length,
                };
                for offset in 0..length as usize {
                    let piece = window.piece(offset);
                    assert_eq!(ring.within(ring.wire(piece), window), Some(piece));
                }
                let strangers = (0..pieces)
                    .filter(|&wire| ring.within(PieceIndex(wire), window).is_none())
                    .count();
                assert_eq!(strangers, (pieces - length) as usize);
            }
        }
    }

    #[test]
    fn the_nearest_is_within_half_a_ring() {
        let ring = Numbering::Ring(12);
        for to in 12..60 {
            for piece in to - 5..=to + 6 {
                let wire = ring.wire(PieceIndex(piece));
                assert_eq!(ring.nearest(wire, PieceIndex(to)), PieceIndex(piece));
            }
        }
        assert_eq!(ring.nearest(PieceIndex(11), PieceIndex(0)), PieceIndex(11));
    }
}
