//! Pieces, blocks, and the window of piece numbers that is valid.
//!
//! A movie has base 0 and all its pieces; a live stream moves its base. Everything that is kept
//! per piece covers one [`Window`], so both share one geometry.

use crate::error::ConfigError;

/// A piece's number, as on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PieceIndex(pub u32);

/// A block as BEP 3 names it: bytes `begin..begin + length` of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block {
    /// The piece.
    pub piece: PieceIndex,
    /// First byte within the piece.
    pub begin: u32,
    /// Bytes; at most [`Geometry::block_length`].
    pub length: u32,
}

/// A block of our own request grid: the `index`-th of its piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockRef {
    /// The piece.
    pub piece: PieceIndex,
    /// Which block of it, counted from 0.
    pub index: u16,
}

/// The piece numbers that are valid now: `base..base + length`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// The lowest valid piece.
    pub base: PieceIndex,
    /// How many pieces.
    pub length: u32,
}

impl Window {
    /// Where `piece` stands in the window, if it does.
    #[must_use]
    pub const fn offset(self, piece: PieceIndex) -> Option<usize> {
        match piece.0.checked_sub(self.base.0) {
            Some(offset) if offset < self.length => Some(offset as usize),
            _ => None,
        }
    }

    /// The piece at `offset`.
    #[must_use]
    pub fn piece(self, offset: usize) -> PieceIndex {
        PieceIndex(self.base.0 + u32::try_from(offset).expect("an offset is within the window"))
    }
}

/// How a torrent's bytes are cut. All arithmetic on pieces and blocks is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Geometry {
    piece_length: u32,
    /// Bytes of every block of a piece but the last.
    block_length: u32,
    /// Bytes in all; for a live stream, of one window.
    total: u64,
    /// A live stream: every piece number is whole, and none is the last.
    endless: bool,
}

impl Geometry {
    /// The block everybody asks for (BEP 3: "all current implementations use 2^14").
    pub const BLOCK: u32 = 16 * 1024;
    /// Longest piece that may be asked for whole: 256 KiB. See [`in_whole_pieces`](Self::in_whole_pieces).
    pub const WHOLE_PIECE_MAX: u32 = 256 * 1024;
    /// Longest piece we accept: 64 MiB, so that a block's index fits 16 bits.
    pub const PIECE_LENGTH_MAX: u32 = 64 * 1024 * 1024;
    /// Most pieces we accept: 4 Mi, half a mebibyte of bitfield.
    pub const PIECES_MAX: u64 = 4 * 1024 * 1024;

    /// A torrent of `total` bytes in pieces of `piece_length`.
    ///
    /// # Errors
    /// If either is zero or beyond its bound.
    pub fn new(total: u64, piece_length: u32) -> Result<Self, ConfigError> {
        if piece_length == 0 || piece_length > Self::PIECE_LENGTH_MAX {
            return Err(ConfigError::PieceLength(piece_length));
        }
        if total == 0 || total.div_ceil(u64::from(piece_length)) > Self::PIECES_MAX {
            return Err(ConfigError::TotalLength(total));
        }
        Ok(Self {
            piece_length,
            block_length: Self::BLOCK,
            total,
            endless: false,
        })
    }

    /// A live stream in whole pieces of `piece_length`, of which a window of `pieces` is kept.
    ///
    /// # Errors
    /// If either is zero or beyond its bound.
    pub fn live(piece_length: u32, pieces: u32) -> Result<Self, ConfigError> {
        let total = u64::from(piece_length) * u64::from(pieces);
        Ok(Self {
            endless: true,
            ..Self::new(total, piece_length)?
        })
    }

    /// The same content with a request grid of whole pieces: each is asked for, sent and received at
    /// one go. No client on the wire does so (BEP 3 drops who asks for more than 16 KiB at once); it
    /// serves long simulations.
    ///
    /// Whatever happens between two blocks of a piece is lost: a piece comes from one neighbour, so
    /// one that fails names its sender; end-game, cancels and late requests are of whole pieces; what
    /// was begun goes on through a choke.
    ///
    /// # Errors
    /// If pieces are longer than [`WHOLE_PIECE_MAX`](Self::WHOLE_PIECE_MAX): rates are measured by what has
    /// come whole, so between two choke rounds some must.
    pub const fn in_whole_pieces(self) -> Result<Self, ConfigError> {
        if self.piece_length > Self::WHOLE_PIECE_MAX {
            return Err(ConfigError::WholePiece(self.piece_length));
        }
        let block_length = if self.piece_length > Self::BLOCK {
            self.piece_length
        } else {
            Self::BLOCK
        };
        Ok(Self {
            block_length,
            ..self
        })
    }

    /// Whether a block is a piece, though pieces are longer than [`BLOCK`](Self::BLOCK).
    #[must_use]
    pub const fn is_of_whole_pieces(&self) -> bool {
        self.block_length > Self::BLOCK
    }

    /// Whether no piece has more than one block.
    #[must_use]
    pub const fn is_of_single_blocks(&self) -> bool {
        self.piece_length <= self.block_length
    }

    /// Bytes of every block of a piece but the last: [`BLOCK`](Self::BLOCK), or a whole piece's.
    #[must_use]
    pub const fn block_length(&self) -> u32 {
        self.block_length
    }

    /// Whether it is a live stream: no piece is the last.
    #[must_use]
    pub const fn is_endless(&self) -> bool {
        self.endless
    }

    /// Bytes of every piece but the last.
    #[must_use]
    pub const fn piece_length(&self) -> u32 {
        self.piece_length
    }

    /// Bytes in all; of a live stream, of one window.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// How many pieces; of a live stream, in one window.
    #[must_use]
    pub fn pieces(&self) -> u32 {
        u32::try_from(self.total.div_ceil(u64::from(self.piece_length))).expect("bounded in new")
    }

    /// Bytes of this piece; the last may be short.
    #[must_use]
    pub fn length_of(&self, piece: PieceIndex) -> u32 {
        if self.endless {
            return self.piece_length;
        }
        let start = self.start_of(piece);
        let rest = self.total.saturating_sub(start);
        u32::try_from(rest.min(u64::from(self.piece_length))).expect("at most a piece")
    }

    fn is_piece(&self, piece: PieceIndex) -> bool {
        self.endless || piece.0 < self.pieces()
    }

    /// Where the piece begins in the content.
    #[must_use]
    pub const fn start_of(&self, piece: PieceIndex) -> u64 {
        piece.0 as u64 * self.piece_length as u64
    }

    /// The piece that holds byte `offset` of the content.
    #[must_use]
    pub fn piece_at(&self, offset: u64) -> PieceIndex {
        PieceIndex(u32::try_from(offset / u64::from(self.piece_length)).unwrap_or(u32::MAX))
    }

    /// How many blocks of the request grid this piece has.
    #[must_use]
    pub fn blocks_in(&self, piece: PieceIndex) -> u16 {
        u16::try_from(self.length_of(piece).div_ceil(self.block_length)).expect("bounded in new")
    }

    /// The block of the grid, spelled out.
    #[must_use]
    pub fn block(&self, block: BlockRef) -> Block {
        let begin = u32::from(block.index) * self.block_length;
        let length = (self.length_of(block.piece).saturating_sub(begin)).min(self.block_length);
        Block {
            piece: block.piece,
            begin,
            length,
        }
    }

    /// The grid's name for `block`, if it is one of the grid.
    #[must_use]
    pub fn block_ref(&self, block: Block) -> Option<BlockRef> {
        if !block.begin.is_multiple_of(self.block_length) || !self.is_piece(block.piece) {
            return None;
        }
        let index = u16::try_from(block.begin / self.block_length).ok()?;
        let known = BlockRef {
            piece: block.piece,
            index,
        };
        (block.length > 0 && self.block(known) == block).then_some(known)
    }

    /// Whether a neighbour may ask for `block`: within its piece, and no longer than a block.
    #[must_use]
    pub fn is_servable(&self, block: Block) -> bool {
        self.is_piece(block.piece)
            && block.length > 0
            && block.length <= self.block_length
            && u64::from(block.begin) + u64::from(block.length)
                <= u64::from(self.length_of(block.piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_piece_and_block_are_short() {
        let geometry = Geometry::new(100_000, 65_536).unwrap();
        assert_eq!(geometry.pieces(), 2);
        assert_eq!(geometry.length_of(PieceIndex(1)), 34_464);
        assert_eq!(geometry.blocks_in(PieceIndex(1)), 3);
        let last = geometry.block(BlockRef {
            piece: PieceIndex(1),
            index: 2,
        });
        assert_eq!((last.begin, last.length), (32_768, 1_696));
        assert_eq!(geometry.block_ref(last).unwrap().index, 2);
        assert_eq!(
            geometry.block_ref(Block {
                length: 1_695,
                ..last
            }),
            None
        );
        assert!(geometry.is_servable(Block {
            begin: 100,
            length: 16_384,
            piece: PieceIndex(1)
        }));
        assert!(!geometry.is_servable(Block {
            begin: 32_768,
            length: 16_384,
            piece: PieceIndex(1)
        }));
        assert!(!geometry.is_servable(Block {
            begin: 0,
            length: 1,
            piece: PieceIndex(2)
        }));
    }

    #[test]
    fn a_live_stream_has_no_last_piece() {
        let geometry = Geometry::live(30_000, 100).unwrap();
        let far = PieceIndex(4_000_000_000);
        assert_eq!(geometry.length_of(far), 30_000);
        assert_eq!(geometry.blocks_in(far), 2);
        assert_eq!(geometry.piece_at(geometry.start_of(far)), far);
        let last = geometry.block(BlockRef {
            piece: far,
            index: 1,
        });
        assert_eq!(last.length, 30_000 - 16_384);
        assert!(geometry.block_ref(last).is_some() && geometry.is_servable(last));
    }

    #[test]
    fn a_whole_piece_is_one_block() {
        let geometry = Geometry::new(100_000, 65_536).unwrap();
        assert!(!geometry.is_of_whole_pieces());
        let whole = geometry.in_whole_pieces().unwrap();
        assert!(whole.is_of_whole_pieces());
        for (piece, length) in [(0, 65_536), (1, 34_464)] {
            let piece = PieceIndex(piece);
            assert_eq!(whole.blocks_in(piece), 1);
            let block = whole.block(BlockRef { piece, index: 0 });
            assert_eq!((block.begin, block.length), (0, length));
            assert!(whole.is_servable(block) && whole.block_ref(block).is_some());
            assert!(!geometry.is_servable(block) && geometry.block_ref(block).is_none());
        }
        // Pieces that are no longer than a block are what they were.
        let short = Geometry::live(10_000, 100).unwrap();
        assert_eq!(short.in_whole_pieces(), Ok(short));
        let long = Geometry::new(1 << 20, 512 * 1024).unwrap();
        assert_eq!(
            long.in_whole_pieces(),
            Err(ConfigError::WholePiece(512 * 1024))
        );
    }

    #[test]
    fn bounds_are_refused() {
        assert!(Geometry::new(0, 1).is_err());
        assert!(Geometry::new(1, 0).is_err());
        assert!(Geometry::new(u64::MAX, 16_384).is_err());
    }
}
