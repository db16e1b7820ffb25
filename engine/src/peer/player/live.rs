//! The player of a stream without end: where it hooked in, jumps forward, the end that the source
//! announces.
//!
//! A late piece is skipped only if a later one is here; when nothing is, the buffer has run dry
//! and the picture stands still, whatever the policy.

use core::time::Duration;

use super::{PlayState, Player};
use crate::bitfield::Bitfield;
use crate::geometry::PieceIndex;
use crate::peer::pieces::PieceTable;
use crate::time::{Instant, nanos};

/// While late pieces are skipped, a buffer that ran dry plays again when it holds half of the
/// client's player buffer of 5 s (papers.md 2.2, `refill_buffer`).
const RESUME: Duration = Duration::from_millis(2500);

/// What a player of a live stream knows more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LiveState {
    /// A place to begin at is found.
    hooked: bool,
    /// The window ahead holds no longer prebuffer than this, in bytes.
    prebuffer_max: u64,
}

impl Player {
    /// The stream has no end yet, and a place to begin must be found.
    pub(crate) fn go_live(&mut self, prebuffer_max: u64) {
        self.total = u64::MAX;
        self.live = Some(LiveState {
            hooked: false,
            prebuffer_max,
        });
    }

    pub(crate) fn is_hooked(&self) -> bool {
        self.live.is_some_and(|live| live.hooked)
    }

    /// Play was pressed, and no frame has been shown.
    pub(crate) const fn is_starting(&self) -> bool {
        !self.started
            && (matches!(self.state, PlayState::Buffering)
                || matches!(self.state, PlayState::Paused))
    }

    /// The picture moves now.
    pub(crate) const fn is_playing(&self) -> bool {
        matches!(self.state, PlayState::Playing)
    }

    pub(crate) fn stalled_since(&self) -> Option<Instant> {
        self.stall.as_ref().map(|stall| stall.since)
    }

    /// The piece under the playhead.
    pub(crate) fn piece(&self, now: Instant, table: &PieceTable) -> PieceIndex {
        table.geometry().piece_at(self.position(now))
    }

    /// The playhead, in bytes of the stream.
    pub(crate) fn byte(&self, now: Instant) -> u64 {
        self.position(now)
    }

    /// Playback begins, or goes on, with this piece. Media that is jumped over is returned.
    pub(crate) fn hook_in(
        &mut self,
        now: Instant,
        piece: PieceIndex,
        table: &PieceTable,
    ) -> Duration {
        self.settle(now);
        let byte = table.geometry().start_of(piece);
        let skipped = byte.saturating_sub(self.anchor_byte);
        self.anchor_byte = byte;
        self.find_frontier(table.offset(piece).unwrap_or(0), table);
        if let Some(stall) = &mut self.stall {
            stall.piece = table.window().piece(self.frontier);
        }
        if let Some(live) = &mut self.live {
            live.hooked = true;
        }
        Duration::from_nanos(self.bitrate.nanos_for(skipped))
    }

    /// The window's base is `by` pieces higher.
    pub(crate) fn slid(&mut self, by: u32) {
        self.frontier = self.frontier.saturating_sub(by as usize);
    }

    /// No piece follows this one.
    pub(crate) fn end_after(&mut self, piece: PieceIndex, table: &PieceTable) {
        self.total = table.geometry().start_of(PieceIndex(piece.0 + 1));
    }

    /// What must be here before a live stream's picture moves.
    pub(super) fn live_may_start(
        &self,
        prebuffer: Duration,
        skips: bool,
        table: &PieceTable,
    ) -> bool {
        let Some(live) = self.live.filter(|live| live.hooked) else {
            return false;
        };
        let end = self.frontier_byte(table);
        let ahead = end.saturating_sub(self.anchor_byte);
        let needed = self
            .bitrate
            .bytes_in(nanos(prebuffer))
            .min(live.prebuffer_max);
        if ahead > 0 && (end >= self.total || ahead >= needed) {
            return true;
        }
        // The client's forced start: a tenth of the prebuffer may be missing (papers.md 2.2).
        skips && ahead > 0 && self.held_within(needed, table) * 10 >= needed * 9
    }

    pub(super) fn live_may_resume(&self, resume: Option<Duration>, table: &PieceTable) -> bool {
        let Some(live) = self.live else {
            return false;
        };
        let end = self.frontier_byte(table);
        let ahead = end.saturating_sub(self.anchor_byte);
        let needed = self
            .bitrate
            .bytes_in(nanos(resume.unwrap_or(RESUME)))
            .clamp(1, live.prebuffer_max);
        // While late pieces are skipped, what is held beyond a gap counts too.
        end >= self.total
            || ahead >= needed
            || resume.is_none() && self.held_within(2 * needed, table) >= needed
    }

    /// Whether something after the first missing piece is here.
    pub(super) fn something_follows(&self, table: &PieceTable) -> bool {
        first_from(table.have(), self.frontier + 1).is_some()
    }

    /// Bytes that are here of the next `span` bytes.
    fn held_within(&self, span: u64, table: &PieceTable) -> u64 {
        let length = u64::from(table.geometry().piece_length());
        let from = table.offset(table.geometry().piece_at(self.anchor_byte));
        let pieces = usize::try_from(span.div_ceil(length)).unwrap_or(usize::MAX);
        let from = from.unwrap_or(0);
        let end = from
            .saturating_add(pieces)
            .min(table.window().length as usize);
        let held = (from..end).filter(|&offset| table.have().contains(offset));
        held.count() as u64 * length
    }
}

/// The lowest offset at or after `from` that is in.
fn first_from(set: &Bitfield, from: usize) -> Option<usize> {
    let words = set.words();
    let mut mask = u64::MAX << (from % 64);
    for (index, word) in words.iter().enumerate().skip(from / 64) {
        let found = word & mask;
        if found != 0 {
            return Some(index * 64 + found.trailing_zeros() as usize);
        }
        mask = u64::MAX;
    }
    None
}
