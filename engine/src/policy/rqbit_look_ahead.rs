//! `rqbit-look-ahead`: the 32 MiB before the reader in order, each piece whole from one neighbour.
//!
//! Source: rqbit (a499d2f2, August 2026), crates/librqbit/src/torrent_state/streaming.rs
//! (`PER_STREAM_BUF_DEFAULT`) and crates/librqbit/src/piece_tracker.rs, `acquire_piece` (read in
//! code). A neighbour that has room first steals the piece that another has had longest, if that is
//! 10 times what a piece takes itself; else it reserves the first free piece of the look-ahead, else
//! of the file: its first piece, its last, then in order; else it steals at 3 times. A piece belongs
//! to one neighbour until it is stolen or that one is gone. Thieves send no CANCEL.
//!
//! What a piece takes is measured there piece by piece; here it is piece length ÷ the rate of the
//! last 20 s (derived). A neighbour that chokes us, or whose block the engine asked of others, loses
//! its piece. With one reader, the client's shuffle of readers does nothing.

use alloc::vec::Vec;
use core::time::Duration;

use super::select::{PieceSelector, SelectView, TakeOver};
use crate::id::ConnId;
use crate::seed::Rng;
use crate::time::Instant;

/// Steals from who takes so many times longer: before looking for a free piece, and after.
const THEFT: [u32; 2] = [10, 3];

/// A piece that is on its way.
#[derive(Clone, Copy, Debug)]
struct Owned {
    offset: usize,
    by: ConnId,
    since: Instant,
}

/// See the module.
#[derive(Debug)]
pub(super) struct RqbitLookAhead {
    /// Bytes.
    look_ahead: u64,
    owned: Vec<Owned>,
}

impl RqbitLookAhead {
    pub(super) const fn new(look_ahead: u64) -> Self {
        Self {
            look_ahead,
            owned: Vec::new(),
        }
    }

    fn forget_lost(&mut self, view: &SelectView<'_>) {
        let crowd = view.crowd();
        self.owned.retain(|one| {
            !view.has(one.offset)
                && crowd
                    .member(one.by)
                    .is_some_and(|by| !by.chokes_us() && !by.is_late_with(one.offset))
        });
    }

    fn owner(&self, offset: usize) -> Option<ConnId> {
        let owned = self.owned.iter().find(|one| one.offset == offset);
        owned.map(|one| one.by)
    }
}

impl PieceSelector for RqbitLookAhead {
    fn select(&mut self, view: &SelectView<'_>, _rng: &mut Rng) -> Option<usize> {
        let me = view.crowd().me();
        self.forget_lost(view);
        let mine = self
            .owned
            .iter()
            .find(|one| one.by == me && view.is_candidate(one.offset));
        if let Some(mine) = mine {
            return Some(mine.offset);
        }
        let m = view.playhead();
        let all = view.pieces();
        let ahead = self.look_ahead.div_ceil(u64::from(view.piece_length()));
        let ahead = m.saturating_add(usize::try_from(ahead).unwrap_or(usize::MAX));
        let free = |offset: &usize| self.owner(*offset).is_none();
        let offset = [m..ahead, 0..1, all.saturating_sub(1)..all, 0..all]
            .into_iter()
            .find_map(|range| view.candidates(range).find(free))?;
        self.owned.push(Owned {
            offset,
            by: me,
            since: view.crowd().now(),
        });
        Some(offset)
    }

    fn take_over(
        &mut self,
        view: &SelectView<'_>,
        spare: bool,
        _rng: &mut Rng,
    ) -> Option<TakeOver> {
        let crowd = view.crowd();
        if self.owned.iter().all(|one| one.by == crowd.me()) {
            return None;
        }
        let me = crowd.member(crowd.me())?;
        let piece = me.down().nanos_for(u64::from(view.piece_length()));
        let patience = Duration::from_nanos(piece).saturating_mul(THEFT[usize::from(spare)]);
        let now = crowd.now();
        let late = self
            .owned
            .iter_mut()
            .filter(|one| one.by != me.conn() && now.since(one.since) >= patience)
            .filter(|one| me.has(one.offset) && !me.is_late_with(one.offset))
            .filter(|one| {
                let by = crowd.member(one.by);
                by.is_some_and(|by| by.asked_of(one.offset) > 0)
            })
            .min_by_key(|one| one.since)?;
        let from = core::mem::replace(&mut late.by, me.conn());
        late.since = now;
        Some(TakeOver {
            offset: late.offset,
            from,
        })
    }
}
