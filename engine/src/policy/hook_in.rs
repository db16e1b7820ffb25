//! The seam *where does a viewer of a live stream begin?*, and what a rule may look at.

use core::fmt::Debug;
use core::time::Duration;

use crate::geometry::PieceIndex;
use crate::peer::PieceTable;
use crate::rate::Rate;

/// Decides where playback begins. Asked once a second until it has begun, and again when the
/// viewer has fallen behind.
pub trait HookIn: Debug + Send {
    /// The newest piece that counts; playback begins [`distance`](Self::distance) before it.
    /// `None` if too little is known.
    fn newest(&self, view: &HookInView<'_>) -> Option<PieceIndex>;

    /// How many pieces before the newest playback begins: the prebuffer, unless the rule says
    /// otherwise. The engine caps it to what the window ahead holds.
    fn distance(&self, view: &HookInView<'_>) -> u32 {
        view.prebuffer()
    }

    /// Before playback has begun, the position is moved if it would move by at least this much;
    /// `None` if it stays where it is.
    fn moves_by(&self) -> Option<Duration>;
}

/// What a hook-in rule sees.
#[derive(Debug)]
pub struct HookInView<'a> {
    pub(crate) table: &'a PieceTable,
    pub(crate) neighbours: u32,
    pub(crate) source_newest: Option<PieceIndex>,
    pub(crate) prebuffer: Duration,
    pub(crate) bitrate: Rate,
}

impl HookInView<'_> {
    /// Neighbours that have at least one piece.
    #[must_use]
    pub const fn neighbours(&self) -> u32 {
        self.neighbours
    }

    /// The newest piece that at least this many neighbours have.
    #[must_use]
    pub fn newest_at(&self, neighbours: u32) -> Option<PieceIndex> {
        let newest = self.table.owners().highest_at(neighbours.max(1));
        newest.map(|offset| self.table.window().piece(offset))
    }

    /// The newest piece of the source, if we are its neighbour.
    #[must_use]
    pub const fn source_newest(&self) -> Option<PieceIndex> {
        self.source_newest
    }

    /// The prebuffer, in pieces.
    #[must_use]
    pub fn prebuffer(&self) -> u32 {
        self.pieces_in(self.prebuffer)
    }

    /// How many pieces `media` is, rounded up, at least 1.
    #[must_use]
    pub fn pieces_in(&self, media: Duration) -> u32 {
        let bytes = self.bitrate.bytes_in(crate::time::nanos(media));
        let pieces = bytes.div_ceil(u64::from(self.table.geometry().piece_length()));
        u32::try_from(pieces).unwrap_or(u32::MAX).max(1)
    }
}
