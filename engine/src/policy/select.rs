//! The seam *which piece next from this neighbour?*, and what a selector may look at.

use core::fmt::Debug;
use core::ops::Range;
use core::time::Duration;

use super::crowd::Crowd;
use crate::bitfield::bits;
use crate::id::ConnId;
use crate::peer::{Blocks, Owned, PieceTable, Player};
use crate::rate::Rate;
use crate::seed::Rng;

/// Decides which piece to ask of a neighbour next; the engine takes its first free block.
///
/// An answer that is no candidate is a bug of the policy and panics.
pub trait PieceSelector: Debug + Send {
    /// The offset of a candidate, or `None` to ask nothing now.
    fn select(&mut self, view: &SelectView<'_>, rng: &mut Rng) -> Option<usize>;

    /// Whether nothing at all comes of asking it where the neighbour has no candidate: nothing is taken over, drawn
    /// or remembered. The engine then does not ask, and most of the time there is none.
    fn needs_candidates(&self) -> bool {
        false
    }

    /// Takes a piece over from a slower neighbour: what that one was asked for of it, and has not
    /// sent, is asked of this one. Called before `select`, and once more when that found nothing
    /// (`spare`). The engine checks that there is something to take over.
    fn take_over(
        &mut self,
        _view: &SelectView<'_>,
        _spare: bool,
        _rng: &mut Rng,
    ) -> Option<TakeOver> {
        None
    }
}

/// See [`PieceSelector::take_over`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakeOver {
    /// The piece.
    pub offset: usize,
    /// Who was asked for some of it.
    pub from: ConnId,
}

/// What a selector sees: our pieces, one neighbour's pieces, the playhead. A *candidate* is a
/// missing piece that this neighbour has and of which a block is asked of nobody.
#[derive(Debug)]
pub struct SelectView<'a> {
    pub(crate) table: &'a PieceTable,
    pub(crate) slot: usize,
    pub(crate) playhead: usize,
    pub(crate) player: Option<&'a Player>,
    pub(crate) crowd: Crowd<'a>,
}

/// A share of `whole`, rounded down.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "pieces are far fewer than 2^53"
)]
pub(super) fn share(whole: usize, share: f64) -> usize {
    (whole as f64 * share.clamp(0.0, 1.0)) as usize
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
    pub fn playing(&self) -> bool {
        self.player.is_some_and(Player::under_way)
    }

    /// How often the picture stood still for want of a piece.
    #[must_use]
    pub fn stalls(&self) -> u32 {
        self.player.map_or(0, Player::stalls)
    }

    /// Pieces we have.
    #[must_use]
    pub const fn had(&self) -> u32 {
        self.table.have().count()
    }

    /// Pieces of which something is asked or here, and not all.
    #[must_use]
    pub fn started(&self) -> usize {
        self.table.started_count()
    }

    /// The neighbours, this one among them.
    #[must_use]
    pub const fn crowd(&self) -> Crowd<'_> {
        self.crowd
    }

    /// This share of all pieces, rounded down.
    #[must_use]
    pub fn share_of_pieces(&self, part: f64) -> usize {
        share(self.pieces(), part)
    }

    /// How many pieces `media` time is, rounded up, at least 1; all of them without a bitrate.
    #[must_use]
    pub fn pieces_in(&self, media: Duration) -> usize {
        let Some(bitrate) = self.bitrate() else {
            return self.pieces();
        };
        let bytes = bitrate.bytes_in(crate::time::nanos(media));
        let pieces = bytes.div_ceil(u64::from(self.table.geometry().piece_length()));
        usize::try_from(pieces).unwrap_or(usize::MAX).max(1)
    }

    /// Where the pieces end that are due within `media` time, if the picture moves from now on; the
    /// end of the window without a bitrate.
    #[must_use]
    pub fn due_within(&self, media: Duration) -> usize {
        let end = self.player.map(|player| {
            let byte = player.byte_after(self.crowd.now, media);
            let end = byte / u64::from(self.table.geometry().piece_length()) + 1;
            end.saturating_sub(u64::from(self.table.window().base.0))
        });
        end.and_then(|end| usize::try_from(end).ok())
            .unwrap_or(usize::MAX)
            .min(self.pieces())
    }

    /// Whether we have the piece.
    #[must_use]
    pub fn has(&self, offset: usize) -> bool {
        self.table.have().contains(offset)
    }

    /// Bytes of a whole piece.
    #[must_use]
    pub fn piece_length(&self) -> u32 {
        self.table.geometry().piece_length()
    }

    /// Started pieces, in no order.
    pub fn started_pieces(&self) -> impl Iterator<Item = usize> + '_ {
        self.table.started()
    }

    fn bitrate(&self) -> Option<Rate> {
        self.player.map(Player::bitrate)
    }

    /// Bytes of a request, as long as a piece is not shorter.
    #[must_use]
    pub fn block_length(&self) -> u64 {
        u64::from(self.table.geometry().block_length())
    }

    /// Bytes of a piece that have not come.
    #[must_use]
    pub fn missing_of(&self, offset: usize) -> u64 {
        self.table.missing_of(offset)
    }

    /// Whether this neighbour has the piece.
    #[must_use]
    pub fn theirs(&self, offset: usize) -> bool {
        self.table.owners().owns(offset, self.slot)
    }

    /// Whether the piece is a candidate.
    #[must_use]
    pub fn is_candidate(&self, offset: usize) -> bool {
        self.table.selectable().contains(offset) && self.theirs(offset)
    }

    /// The candidates of a range, ascending.
    pub fn candidates(&self, range: Range<usize>) -> impl Iterator<Item = usize> + '_ {
        self.words(range)
            .flat_map(|(base, word, _)| bits(word).map(move |bit| base + bit))
    }

    /// The same, 64 at a step: the first piece's offset, a bit for each candidate, and who has them.
    /// Steps without candidates are left out.
    fn words(&self, range: Range<usize>) -> Steps<'_> {
        // From there on, not one map need be read.
        let end = range.end.min(self.table.owners().end());
        let start = range.start.min(end);
        let (first, last) = (start / 64, end.div_ceil(64));
        Steps {
            ours: &self.table.selectable().words()[..last],
            owners: self.table.owners().from(first),
            slot: self.slot,
            next: first,
            within: u64::MAX << (start % 64),
            end,
        }
    }

    /// The first candidate of a range.
    #[must_use]
    pub fn lowest_in(&self, range: Range<usize>) -> Option<usize> {
        let (base, word, _) = self.words(range).next()?;
        Some(base + word.trailing_zeros() as usize)
    }

    /// The rarest candidate of a range; ties are in random order.
    #[must_use]
    pub fn rarest_in(&self, range: Range<usize>) -> Option<usize> {
        let mut least = u32::MAX;
        let mut rarest = None;
        for (base, word, owned) in self.words(range) {
            let (count, rare) = owned.rarest(word);
            if count > least {
                continue;
            }
            if count < least {
                least = count;
                rarest = None;
            }
            for bit in bits(rare) {
                let tie = self.table.tie(base + bit);
                if rarest.is_none_or(|(lowest, _)| tie < lowest) {
                    rarest = Some((tie, base + bit));
                }
            }
        }
        rarest.map(|(_, piece)| piece)
    }

    /// The rarest candidate of a range; the lowest of equally rare ones.
    #[must_use]
    pub fn rarest_lowest_in(&self, range: Range<usize>) -> Option<usize> {
        self.words(range)
            .map(|(base, word, owned)| {
                let (count, rare) = owned.rarest(word);
                (count, base + rare.trailing_zeros() as usize)
            })
            .min()
            .map(|(_, piece)| piece)
    }

    /// A started candidate of a range, or else the rarest.
    #[must_use]
    pub fn started_or_rarest_in(&self, range: Range<usize>) -> Option<usize> {
        self.started_in(range.clone())
            .or_else(|| self.rarest_in(range))
    }

    /// A started piece that is a candidate in the range: finishing it makes a whole piece soonest
    /// (BEP 3's strict priority).
    #[must_use]
    pub fn started_in(&self, range: Range<usize>) -> Option<usize> {
        // One that is begun has nothing left to ask for.
        if self.table.geometry().is_of_single_blocks() {
            return None;
        }
        self.table
            .started()
            .find(|&piece| range.contains(&piece) && self.is_candidate(piece))
    }
}

/// See [`SelectView::words`]: the innermost loop of most selectors, so it is spelled out.
struct Steps<'a> {
    /// What we look for, up to the last step.
    ours: &'a [u64],
    /// Who has what, from the next step on.
    owners: Blocks<'a>,
    slot: usize,
    /// The next step.
    next: usize,
    /// Which pieces of the next step are in the range, as far as its start goes.
    within: u64,
    /// The end of the range.
    end: usize,
}

impl<'a> Iterator for Steps<'a> {
    type Item = (usize, u64, Owned<'a>);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        while let Some(&ours) = self.ours.get(self.next) {
            let owned = self.owners.next()?;
            let base = self.next * 64;
            self.next += 1;
            let ours = ours & core::mem::replace(&mut self.within, u64::MAX);
            if ours == 0 {
                // Who has what of these lies in memory that need not be read.
                continue;
            }
            let mut word = ours & owned.map(self.slot);
            if self.end - base < 64 {
                word &= (1 << (self.end - base)) - 1;
            }
            if word != 0 {
                return Some((base, word, owned));
            }
        }
        None
    }
}
