//! `give-to-get-shipped`: upload to those who say they forward most.
//!
//! Source: Tribler 2008–2010, BT1/Choker.py and BT1/Connecter.py, `Tr_G2G_v2` (read in code,
//! swarmplayer.md 4.1 to 4.3; the 2012 choker never chokes, by mistake, and is not followed). Every
//! 5 s, and when interest changes: of the Give-to-Get neighbours that are interested the 6 best by
//! (what they say they forward of ours, what they say they forward), over 20 s and without a
//! minimum; and of the others the 6 that give us most (take most, when we are complete), at least
//! 1,000 B/s and not snubbed; then, in turn, neighbours until 7 are unchoked, and at least one. The
//! turn moves on every 30 s (when complete 30 s × piece length ÷ 200,000, if that is more), to the
//! first that is choked and interested; newcomers enter at random, three times as likely at the
//! head.
//!
//! Left out: uninterested neighbours that stand in the turn are not unchoked on the way, for here
//! whoever becomes interested is judged at once.

use alloc::vec::Vec;
use core::cmp::Reverse;
use core::time::Duration;

use super::choke::{Candidate, ChokeView, Choker, Reporting};
use crate::id::ConnId;
use crate::rate::Rate;
use crate::seed::Rng;
use crate::time::Instant;

/// Time between two decisions.
const RECHECK: Duration = Duration::from_secs(5);
/// `round_robin_period`
const TURN: Duration = Duration::from_secs(30);
/// A turn of a complete peer is 30 s for every so many bytes of a piece.
const TURN_BYTES: u32 = 200_000;
/// An ordinary neighbour that gives less earns nothing.
const RATE_LEAST: Rate = Rate::from_bytes_per_s(1000);

/// See the module.
#[derive(Debug)]
pub(super) struct GiveToGetShipped {
    /// `max_uploads`
    slots: usize,
    turn: Vec<ConnId>,
    turned_at: Option<Instant>,
}

impl GiveToGetShipped {
    pub(super) fn new(slots: u16) -> Self {
        Self {
            slots: usize::from(slots),
            turn: Vec::new(),
            turned_at: None,
        }
    }

    fn preferred(&self, view: &ChokeView<'_>) -> Vec<ConnId> {
        let regular = self.slots.saturating_sub(1).max(1);
        let interested = |one: &&Candidate| one.interested;
        let mut ordinary: Vec<(Reverse<Rate>, ConnId)> = view
            .neighbours
            .iter()
            .filter(interested)
            .filter(|one| !one.g2g && (view.complete || !one.snubbed))
            .map(|one| (if view.complete { one.up } else { one.down }, one.conn))
            .filter(|(rate, _)| *rate >= RATE_LEAST)
            .map(|(rate, conn)| (Reverse(rate), conn))
            .collect();
        ordinary.sort_unstable();
        let mut ranked: Vec<(Reverse<(Rate, Rate)>, ConnId)> = view
            .neighbours
            .iter()
            .filter(interested)
            .filter(|one| one.g2g)
            .map(|one| (Reverse((one.claimed_ours, one.claimed)), one.conn))
            .collect();
        ranked.sort_unstable();
        let ordinary = ordinary.iter().take(regular).map(|(_, conn)| *conn);
        let ranked = ranked.iter().take(regular).map(|(_, conn)| *conn);
        ordinary.chain(ranked).collect()
    }

    /// Moves the turn on to the first neighbour that is choked and interested.
    fn turn(&mut self, view: &ChokeView<'_>) {
        let pieces = TURN * view.piece_length / TURN_BYTES;
        let period = if view.complete {
            TURN.max(pieces)
        } else {
            TURN
        };
        let due = self.turned_at.is_none_or(|at| view.now.since(at) >= period);
        if !due {
            return;
        }
        let waiting = |conn: &ConnId| {
            let mut all = view.neighbours.iter();
            all.any(|one| one.conn == *conn && one.interested && !one.unchoked)
        };
        self.turned_at = Some(view.now);
        if let Some(first) = self.turn.iter().position(waiting) {
            self.turn.rotate_left(first);
        }
    }
}

impl Choker for GiveToGetShipped {
    fn period(&self) -> Duration {
        RECHECK
    }

    fn reporting(&self) -> Reporting {
        Reporting::Itself
    }

    fn early_below(&self) -> u16 {
        u16::MAX
    }

    fn joined(&mut self, conn: ConnId, rng: &mut Rng) {
        let place = rng.index(self.turn.len() + 3).saturating_sub(2);
        self.turn.insert(place, conn);
    }

    fn left(&mut self, conn: ConnId) {
        self.turn.retain(|&one| one != conn);
    }

    fn rechoke(&mut self, view: &ChokeView<'_>, _rng: &mut Rng, unchoked: &mut Vec<ConnId>) {
        self.turn(view);
        unchoked.extend(self.preferred(view));
        let room = self.slots.saturating_sub(unchoked.len()).max(1);
        let waiting = |conn: &&ConnId| {
            let mut all = view.neighbours.iter();
            !unchoked.contains(conn) && all.any(|one| one.conn == **conn && one.interested)
        };
        let tried: Vec<ConnId> = self
            .turn
            .iter()
            .filter(waiting)
            .take(room)
            .copied()
            .collect();
        unchoked.extend(tried);
    }
}
