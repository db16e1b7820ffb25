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
use crate::policy::{LatePolicy, StartRule};
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

    /// Something was done to the playhead: nothing is known of how long it rests.
    pub(super) fn unrest(&mut self) {
        self.quiet_until = Instant::ZERO;
        if self.live.is_some() {
            self.same_piece_until = Instant::ZERO;
        }
    }

    /// The window has followed the playhead as it is now.
    pub(crate) fn followed(&mut self, now: Instant, table: &PieceTable) {
        if self.live.is_some() && self.state == PlayState::Playing {
            let next = PieceIndex(self.piece(now, table).0 + 1);
            self.same_piece_until = self.due(table.geometry().start_of(next));
        }
    }

    /// The piece under the playhead.
    pub(crate) fn piece(&self, now: Instant, table: &PieceTable) -> PieceIndex {
        table.geometry().piece_at(self.position(now))
    }

    /// The playhead, in bytes of the stream.
    pub(crate) fn byte(&self, now: Instant) -> u64 {
        self.position(now)
    }

    /// Playback begins, or goes on, with this piece. Media that is jumped over is returned: none
    /// before the first frame, for nobody missed it.
    pub(crate) fn hook_in(
        &mut self,
        now: Instant,
        piece: PieceIndex,
        table: &PieceTable,
    ) -> Duration {
        self.settle(now);
        let byte = table.geometry().start_of(piece);
        let skipped = if self.started {
            byte.saturating_sub(self.anchor_byte)
        } else {
            0
        };
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
        self.unrest();
        self.frontier = self.frontier.saturating_sub(by as usize);
    }

    /// No piece follows this one.
    pub(crate) fn end_after(&mut self, piece: PieceIndex, table: &PieceTable) {
        self.unrest();
        self.total = table.geometry().start_of(PieceIndex(piece.0 + 1));
    }

    /// What must be here before a live stream's picture moves.
    pub(super) fn live_may_start(&self, table: &PieceTable) -> bool {
        let Some(live) = self.live.filter(|live| live.hooked) else {
            return false;
        };
        let end = self.frontier_byte(table);
        let ahead = end.saturating_sub(self.anchor_byte);
        let needed = self
            .bitrate
            .bytes_in(nanos(self.rules.start.prebuffer()))
            .min(live.prebuffer_max);
        if ahead == 0 {
            return false;
        }
        if end >= self.total || ahead >= needed {
            return true;
        }
        if self.rules.late != LatePolicy::Skip {
            return false;
        }
        let held = self.held_within(needed, table);
        if let StartRule::SwarmPlayer2008(_) = self.rules.start {
            let length = u64::from(table.geometry().piece_length());
            let pieces = needed.div_ceil(length);
            let missing = pieces.saturating_sub(held / length);
            let gathered = u64::from(self.gathered);
            return gathered > pieces && (missing * 10 < pieces || gathered > 2 * missing);
        }
        // A part of the client's forced start: a tenth of the prebuffer may be missing.
        held * 10 >= needed * 9
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

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::geometry::Geometry;
    use crate::policy::PlaybackConfig;
    use crate::rate::Rate;
    use crate::seed::Seed;

    /// With a piece a second, and 10 of them wanted before the picture moves: how many must come.
    fn moves_after(start: StartRule, late: LatePolicy, order: &[usize]) -> Option<usize> {
        let geometry = Geometry::live(Geometry::BLOCK, 200).unwrap();
        let mut rng = Seed::from_number(1).stream("order", 0);
        let mut table = PieceTable::new(geometry, Bitfield::new(200), 8, &mut rng);
        let rules = PlaybackConfig { start, late };
        let bitrate = Rate::from_bytes_per_s(u64::from(Geometry::BLOCK));
        let now = Instant::from_secs(1);
        let mut player = Player::new(rules, bitrate, geometry.total(), now);
        player.go_live(u64::MAX);
        player.play(now, &table).unwrap();
        player.hook_in(now, PieceIndex(0), &table);
        let mut gather = |offset: usize| {
            while table.selectable().contains(offset) {
                table.ask(offset);
            }
            table.verified(offset);
            player.verified(now, offset, &table);
            player.is_playing()
        };
        let place = order.iter().position(|&offset| gather(offset));
        place.map(|place| place + 1)
    }

    #[test]
    fn the_trial_client_starts_with_gaps_and_waits_for_news() {
        let ten = Duration::from_secs(10);
        let skip = LatePolicy::Skip;
        let stall = LatePolicy::Stall { resume: ten };
        let in_order: Vec<usize> = (0..20).collect();
        let gaps: Vec<usize> = (0..40).step_by(2).collect();
        let headless: Vec<usize> = (1..40).collect();
        let (plain, trial) = (StartRule::Prebuffer(ten), StartRule::SwarmPlayer2008(ten));
        for (start, late, order, wanted) in [
            (plain, stall, &in_order, Some(10)),
            (plain, skip, &in_order, Some(9)),
            (plain, skip, &gaps, None),
            (trial, stall, &in_order, Some(10)),
            // Nine of ten are not yet more than it holds.
            (trial, skip, &in_order, Some(10)),
            // Five are missing: the eleventh that comes is more than ten, and than twice five.
            (trial, skip, &gaps, Some(11)),
            (trial, stall, &gaps, None),
            (trial, skip, &headless, None),
        ] {
            assert_eq!(
                moves_after(start, late, order),
                wanted,
                "{start:?} {late:?}"
            );
        }
    }

    #[test]
    fn nothing_is_skipped_before_the_first_frame() {
        let geometry = Geometry::live(Geometry::BLOCK, 200).unwrap();
        let mut rng = Seed::from_number(1).stream("order", 0);
        let mut table = PieceTable::new(geometry, Bitfield::new(200), 8, &mut rng);
        let rules = PlaybackConfig {
            start: StartRule::Prebuffer(Duration::from_secs(1)),
            late: LatePolicy::Skip,
        };
        let bitrate = Rate::from_bytes_per_s(u64::from(Geometry::BLOCK));
        let now = Instant::from_secs(1);
        let mut player = Player::new(rules, bitrate, geometry.total(), now);
        player.go_live(u64::MAX);
        player.play(now, &table).unwrap();
        assert_eq!(player.hook_in(now, PieceIndex(5), &table), Duration::ZERO);
        assert_eq!(player.hook_in(now, PieceIndex(9), &table), Duration::ZERO);
        while table.selectable().contains(9) {
            table.ask(9);
        }
        table.verified(9);
        player.verified(now, 9, &table);
        assert!(player.is_playing());
        let jumped = player.hook_in(now, PieceIndex(12), &table);
        assert_eq!(jumped, Duration::from_secs(3));
    }
}
