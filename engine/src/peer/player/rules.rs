//! When the picture may begin, and go on after a stall: the start and resume rules, asked of what is here.
//!
//! Source: papers.md 1.2 (as recalled) for Give-to-Get's (a) and (b). Decides nothing of a stream without end but whom
//! to ask: that is `live`.

use super::{PlayState, Player};
use crate::peer::pieces::PieceTable;
use crate::policy::{LatePolicy, StartRule};
use crate::time::{Instant, nanos};

impl Player {
    pub(super) fn may_start(&self, now: Instant, table: &PieceTable) -> bool {
        if self.live.is_some() {
            return self.live_may_start(table);
        }
        if self.frontier_byte(table) == self.total {
            return true;
        }
        // All rules want this much to be here (Give-to-Get: (a), the first h).
        self.has_first_media(table)
            && match self.rules.start {
                StartRule::Prebuffer(_) | StartRule::SwarmPlayer2008(_) => true,
                StartRule::GiveToGet { .. } => {
                    // (b) left / rate <= to play / bitrate.
                    let to_play = u128::from(self.total - self.anchor_byte);
                    let left = u128::from(table.missing_bytes());
                    let rate = u128::from(self.rate.rate(now).bytes_per_s());
                    left * u128::from(self.bitrate.bytes_per_s()) <= to_play * rate
                }
            }
    }

    /// What the start rule wants to be here is here, without a gap.
    fn has_first_media(&self, table: &PieceTable) -> bool {
        let media = nanos(self.rules.start.prebuffer());
        let ahead = self.frontier_byte(table).saturating_sub(self.anchor_byte);
        ahead >= self.bitrate.bytes_in(media)
    }

    /// Only a piece at the frontier can let a film start.
    pub(super) fn is_far_from_start(&self, table: &PieceTable) -> bool {
        self.state == PlayState::Buffering && self.live.is_none() && !self.has_first_media(table)
    }

    pub(super) fn may_resume(&self, table: &PieceTable) -> bool {
        let resume = match self.rules.late {
            LatePolicy::Stall { resume } => resume,
            LatePolicy::Skip if self.live.is_some() => return self.live_may_resume(None, table),
            LatePolicy::Skip => return true,
        };
        if self.live.is_some() {
            return self.live_may_resume(Some(resume), table);
        }
        let end = self.frontier_byte(table);
        let ahead = end.saturating_sub(self.anchor_byte);
        end == self.total || (ahead > 0 && ahead >= self.bitrate.bytes_in(nanos(resume)))
    }
}
