//! The seam *which piece next from this neighbour?*, and what a selector may look at.

use core::fmt::Debug;
use core::ops::Range;
use core::time::Duration;

use crate::bitfield::{Bitfield, bits};
use crate::peer::PieceTable;
use crate::rate::Rate;
use crate::seed::Rng;

/// Decides which piece to ask of a neighbour next; the engine takes its first free block.
///
/// An answer that is no candidate is a bug of the policy and panics.
pub trait PieceSelector: Debug + Send {
    /// The offset of a candidate, or `None` to ask nothing now.
    fn select(&mut self, view: &SelectView<'_>, rng: &mut Rng) -> Option<usize>;
}

/// What a selector sees: our pieces, one neighbour's pieces, the playhead. A *candidate* is a
/// missing piece that this neighbour has and of which a block is asked of nobody.
#[derive(Debug)]
pub struct SelectView<'a> {
    pub(crate) table: &'a PieceTable,
    pub(crate) theirs: &'a Bitfield,
    pub(crate) playhead: usize,
    pub(crate) playing: bool,
    pub(crate) bitrate: Option<Rate>,
}

impl SelectView<'_> {
    /// Pieces in the window.
    #[must_use]
    pub fn pieces(&self) -> usize {
        self.table.window().length as usize
    }

    /// The lowest piece that playback still needs; 0 if nothing plays.
    #[must_use]
    pub const fn playhead(&self) -> usize {
        self.playhead
    }

    /// Playback has started (it may stand still for want of a piece).
    #[must_use]
    pub const fn playing(&self) -> bool {
        self.playing
    }

    /// How many pieces `media` time is, rounded up, at least 1; all of them without a bitrate.
    #[must_use]
    pub fn pieces_in(&self, media: Duration) -> usize {
        let Some(bitrate) = self.bitrate else {
            return self.pieces();
        };
        let bytes = bitrate.bytes_in(crate::time::nanos(media));
        let pieces = bytes.div_ceil(u64::from(self.table.geometry().piece_length()));
        usize::try_from(pieces).unwrap_or(usize::MAX).max(1)
    }

    /// Whether the piece is a candidate.
    #[must_use]
    pub fn is_candidate(&self, offset: usize) -> bool {
        self.table.selectable().contains(offset) && self.theirs.contains(offset)
    }

    /// The candidates of a range, ascending.
    pub fn candidates(&self, range: Range<usize>) -> impl Iterator<Item = usize> + '_ {
        let end = range.end.min(self.pieces());
        let start = range.start.min(end);
        let words = start / 64..end.div_ceil(64);
        let ours = &self.table.selectable().words()[words.clone()];
        let theirs = &self.theirs.words()[words.clone()];
        words
            .zip(ours.iter().zip(theirs))
            .flat_map(move |(index, (ours, theirs))| {
                let base = index * 64;
                let mut word = ours & theirs;
                if base < start {
                    word &= u64::MAX << (start - base);
                }
                if end - base < 64 {
                    word &= (1 << (end - base)) - 1;
                }
                bits(word).map(move |bit| base + bit)
            })
    }

    /// The first candidate of a range.
    #[must_use]
    pub fn lowest_in(&self, range: Range<usize>) -> Option<usize> {
        self.candidates(range).next()
    }

    /// The rarest candidate of a range; ties are in random order.
    #[must_use]
    pub fn rarest_in(&self, range: Range<usize>) -> Option<usize> {
        let end = range.end.min(self.pieces());
        let span = end.saturating_sub(range.start);
        // A neighbour's candidates are many or few. Many: the next in order of rarity is soon one.
        // Few: compare them all.
        let rarest = self.table.rarest();
        if span * 2 > self.pieces() {
            let count: usize = self
                .table
                .selectable()
                .words()
                .iter()
                .zip(self.theirs.words())
                .map(|(ours, theirs)| (ours & theirs).count_ones() as usize)
                .sum();
            if count * count > rarest.len() {
                return rarest.iter().map(|&piece| piece as usize).find(|&piece| {
                    piece >= range.start && piece < end && self.is_candidate(piece)
                });
            }
        }
        self.candidates(range.start..end)
            .min_by_key(|&piece| self.table.place(piece))
    }

    /// The oldest started piece that is a candidate in the range: finishing it makes a whole piece
    /// soonest (BEP 3's strict priority).
    #[must_use]
    pub fn started_in(&self, range: Range<usize>) -> Option<usize> {
        self.table
            .started()
            .find(|&piece| range.contains(&piece) && self.is_candidate(piece))
    }
}
