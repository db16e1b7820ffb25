//! `webtorrent-critical`: in order, and what is critical is taken from slow neighbours.
//!
//! Source: WebTorrent 3.0.21 (c1686751, July 2026), lib/torrent.js, `_updateWire`, `_hotswap`,
//! `_request`, and lib/file-iterator.js (read in code; `strategy` is `sequential` by default). From
//! the reader on, in order. A neighbour slower than 3 blocks/s leaves alone a piece that faster ones
//! (above 3 blocks/s) have, and would fetch before its own queue is done; it does so for at most ten
//! pieces a look. A neighbour that has given nothing yet gets one request, for the last piece it has.
//! *Hotswap*: when a critical piece, or, if nothing else is left, any piece, has no free block, one
//! that gives at least a block/s takes over the blocks of the slowest neighbour below 3 blocks/s
//! that is at most half as fast. Critical are the piece the reader waits for and the next
//! min(2, 1 MiB ÷ piece length).
//!
//! A critical piece stays so for ever in the client; here it moves with the reader.

use super::crowd::Member;
use super::select::{PieceSelector, SelectView, TakeOver};
use crate::geometry::Geometry;
use crate::seed::Rng;

/// A block a second.
const BLOCK: u64 = Geometry::BLOCK as u64;
/// `SPEED_THRESHOLD`
const FAST: u64 = 3 * BLOCK;
/// Pieces that a slow neighbour leaves alone.
const TRIES: u32 = 10;
/// Pieces after the one waited for that are critical too, at most, and within so many bytes.
const CRITICAL_PIECES: usize = 2;
const CRITICAL_BYTES: usize = 1024 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct WebtorrentCritical {
    /// Whether slow neighbours' blocks are taken over.
    pub(super) hotswap: bool,
}

/// `speedRanker`: whether a slow neighbour may take a piece.
#[derive(Debug)]
struct Ranker<'a> {
    view: &'a SelectView<'a>,
    speed: u64,
    /// Time until its queue is done, as bytes of a neighbour that gives a byte a second.
    queue: u64,
    tries: u32,
    /// How many of the others were looked at: each is counted on for one piece.
    seen: usize,
}

impl<'a> Ranker<'a> {
    fn new(view: &'a SelectView<'a>, me: &Member<'_>) -> Self {
        Self {
            view,
            speed: me.down().bytes_per_s().max(1),
            queue: u64::try_from(me.outstanding().max(1)).unwrap_or(u64::MAX) * view.block_length(),
            tries: TRIES,
            seen: 0,
        }
    }

    fn may_take(&mut self, offset: usize) -> bool {
        if self.speed > FAST || self.tries == 0 {
            return true;
        }
        let mut missing = self.view.missing_of(offset);
        for other in self.view.crowd().members().skip(self.seen) {
            let speed = other.down().bytes_per_s();
            if speed >= FAST && speed > self.speed && other.has(offset) {
                let fetched = u128::from(speed) * u128::from(self.queue) / u128::from(self.speed);
                missing = missing.saturating_sub(u64::try_from(fetched).unwrap_or(u64::MAX));
                if missing == 0 {
                    self.tries -= 1;
                    return false;
                }
            }
            self.seen += 1;
        }
        true
    }
}

fn hotswap(view: &SelectView<'_>, me: &Member<'_>, offset: usize) -> Option<TakeOver> {
    let speed = me.down().bytes_per_s();
    if speed < BLOCK || me.asked_of(offset) > 0 || me.is_late_with(offset) {
        return None;
    }
    view.crowd()
        .others()
        .filter(|one| one.asked_of(offset) > 0)
        .map(|one| (one.down().bytes_per_s(), one.conn()))
        .filter(|(other, _)| *other < FAST && 2 * other <= speed)
        .min()
        .map(|(_, from)| TakeOver { offset, from })
}

impl PieceSelector for WebtorrentCritical {
    fn select(&mut self, view: &SelectView<'_>, _rng: &mut Rng) -> Option<usize> {
        let m = view.playhead();
        let end = view.pieces();
        let me = view.crowd().member(view.crowd().me())?;
        if me.blocks_in() == 0 {
            let last = || {
                view.candidates(m..end)
                    .last()
                    .or_else(|| view.lowest_in(0..m))
            };
            return (me.outstanding() == 0).then(last).flatten();
        }
        let mut ranker = Ranker::new(view, &me);
        view.candidates(m..end)
            .find(|&offset| ranker.may_take(offset))
            .or_else(|| view.lowest_in(0..m))
    }

    fn take_over(
        &mut self,
        view: &SelectView<'_>,
        spare: bool,
        _rng: &mut Rng,
    ) -> Option<TakeOver> {
        if !self.hotswap {
            return None;
        }
        let m = view.playhead();
        let me = view.crowd().member(view.crowd().me())?;
        if me.blocks_in() == 0 {
            return None;
        }
        if spare {
            return view
                .started_pieces()
                .filter(|&offset| me.has(offset))
                .filter_map(|offset| hotswap(view, &me, offset))
                .min_by_key(|one| (one.offset < m, one.offset));
        }
        let critical = CRITICAL_PIECES.min(CRITICAL_BYTES / view.piece_length() as usize);
        let end = m.saturating_add(critical + 1).min(view.pieces());
        (m..end)
            .take_while(|&offset| !view.is_candidate(offset))
            .filter(|&offset| me.has(offset) && !view.has(offset))
            .find_map(|offset| hotswap(view, &me, offset))
    }
}
