//! `libtorrent-deadline`: fast neighbours fetch what is due soon, in the order of deadlines.
//!
//! Source: libtorrent (069017e33, August 2026), docs/streaming.rst and src/torrent.cpp,
//! `request_time_critical_pieces`, `pick_time_critical_block`, `remove_time_critical_piece` (read in
//! code). Once a second the neighbours are ranked by *download queue time*, the time until one more
//! block would be here; the slowest 10 % are left out (nobody of fewer than ten), and so is who
//! chokes or snubs us or has more than 2 s queued. A piece is critical if it is the first one, or due
//! within the mean time a critical piece takes + 4 deviations + 1 s; both averages move by a tenth.
//! Critical pieces go by deadline. One whose last free block was asked longer ago than the mean + ½
//! deviation is asked of another neighbour as well.
//!
//! Everybody else picks as always, rarest first; pieces with deadlines have the highest priority
//! then. Which pieces have deadlines is the caller's choice: here those due within `window` (60 s,
//! ours), each when it is due to be played.
//!
//! The client pushes a piece's blocks to the neighbours with the shortest queues; here each
//! neighbour pulls when it has room, which comes to the same while queues are short. As built, the
//! client's 2 s are compared with bytes ÷ rate taken as milliseconds, so the bound hardly ever
//! bites; the documented one is meant here.

use alloc::vec::Vec;
use core::time::Duration;

use super::crowd::{Crowd, Member};
use super::select::{PieceSelector, SelectView, TakeOver};
use crate::id::ConnId;
use crate::rate::Rate;
use crate::seed::Rng;
use crate::time::Instant;

/// Neighbours are ranked this often.
const RANKED_EVERY: Duration = Duration::from_secs(1);
/// Nothing critical is asked of who has more than this queued.
const QUEUE_MAX: Duration = Duration::from_secs(2);
/// What the horizon has to spare, for ranking once a second.
const SPARE: Duration = Duration::from_secs(1);
/// A neighbour that gave fewer blocks is taken to be as fast as the average.
const KNOWN_AFTER: u32 = 2;
/// A rate below this counts as this, in bytes per second.
const RATE_LEAST: u64 = 50;

/// A critical piece that is on its way.
#[derive(Clone, Copy, Debug)]
struct Asked {
    offset: usize,
    first: Instant,
    last: Instant,
}

/// See the module.
#[derive(Debug)]
pub(super) struct LibtorrentDeadline {
    window: Duration,
    asked: Vec<Asked>,
    /// Time a critical piece takes, and how far it strays from that.
    mean: Duration,
    deviation: Duration,
    ranked_at: Option<Instant>,
    /// Who may be asked for critical pieces, with what is known of its rate.
    fit: Vec<(ConnId, Rate)>,
}

impl LibtorrentDeadline {
    pub(super) const fn new(window: Duration) -> Self {
        Self {
            window,
            asked: Vec::new(),
            mean: Duration::ZERO,
            deviation: Duration::ZERO,
            ranked_at: None,
            fit: Vec::new(),
        }
    }

    /// Learns from critical pieces that came, and ranks the neighbours once a second.
    fn look(&mut self, view: &SelectView<'_>) {
        let now = view.crowd().now();
        let (mean, deviation) = (&mut self.mean, &mut self.deviation);
        self.asked.retain(|one| {
            if view.has(one.offset) {
                let took = now.since(one.first);
                if mean.is_zero() {
                    *mean = took;
                } else {
                    let strayed = took.abs_diff(*mean);
                    *deviation = if deviation.is_zero() {
                        strayed
                    } else {
                        (*deviation * 9 + strayed) / 10
                    };
                    *mean = (*mean * 9 + took) / 10;
                }
                return false;
            }
            one.offset >= view.playhead()
        });
        if self
            .ranked_at
            .is_none_or(|at| now.since(at) >= RANKED_EVERY)
        {
            self.ranked_at = Some(now);
            self.rank(view.crowd());
        }
    }

    fn rank(&mut self, crowd: Crowd<'_>) {
        let sum: u64 = crowd.members().map(|one| one.down().bytes_per_s()).sum();
        let busy = crowd.members().filter(|one| one.outstanding() > 0).count();
        let average = sum / u64::try_from(busy.max(1)).expect("a count");
        let rate = |one: &Member<'_>| {
            let rate = if one.blocks_in() < KNOWN_AFTER {
                average
            } else {
                one.down().bytes_per_s()
            };
            Rate::from_bytes_per_s(rate.max(RATE_LEAST))
        };
        let mut ranked: Vec<(Duration, ConnId, Rate)> = crowd
            .members()
            .filter(Member::answers)
            .map(|one| (one.queue_time(rate(&one)), one.conn(), rate(&one)))
            .collect();
        ranked.sort_unstable();
        ranked.truncate((ranked.len() * 9).div_ceil(10));
        self.fit.clear();
        self.fit
            .extend(ranked.iter().map(|&(_, conn, rate)| (conn, rate)));
    }

    fn is_fit(&self, crowd: Crowd<'_>) -> bool {
        let me = crowd.me();
        let rate = match self.fit.iter().find(|(conn, _)| *conn == me) {
            Some((_, rate)) => *rate,
            // It let us ask since the last ranking: nothing is queued there.
            None if self.ranked_at == Some(crowd.now()) => return false,
            None => return crowd.member(me).is_some_and(|one| one.outstanding() == 0),
        };
        crowd
            .member(me)
            .is_some_and(|one| one.answers() && one.queue_time(rate) <= QUEUE_MAX)
    }

    /// The end of the critical pieces.
    fn horizon(&self, view: &SelectView<'_>) -> usize {
        let first = view.playhead().saturating_add(1);
        let due = view.due_within(self.mean + self.deviation * 4 + SPARE);
        due.max(first).min(view.pieces())
    }

    fn note(&mut self, offset: usize, now: Instant) {
        match self.asked.iter_mut().find(|one| one.offset == offset) {
            Some(one) => one.last = now,
            None => self.asked.push(Asked {
                offset,
                first: now,
                last: now,
            }),
        }
    }
}

impl PieceSelector for LibtorrentDeadline {
    fn select(&mut self, view: &SelectView<'_>, _rng: &mut Rng) -> Option<usize> {
        self.look(view);
        let crowd = view.crowd();
        let m = view.playhead();
        if self.is_fit(crowd)
            && let Some(offset) = view.lowest_in(m..self.horizon(view))
        {
            self.note(offset, crowd.now());
            return Some(offset);
        }
        let window = view.due_within(self.window).max(m);
        view.rarest_in(m..window)
            .or_else(|| view.rarest_in(window..view.pieces()))
            .or_else(|| view.rarest_in(0..m))
    }

    fn take_over(
        &mut self,
        view: &SelectView<'_>,
        spare: bool,
        _rng: &mut Rng,
    ) -> Option<TakeOver> {
        let crowd = view.crowd();
        let patience = self.mean + self.deviation / 2;
        if spare || self.mean.is_zero() || self.asked.is_empty() {
            return None;
        }
        let now = crowd.now();
        let me = crowd.member(crowd.me())?;
        let late = self
            .asked
            .iter()
            .filter(|one| {
                now.since(one.last) > patience && me.has(one.offset) && !view.has(one.offset)
            })
            .min_by_key(|one| one.offset)
            .copied()?;
        // An earlier piece with a free block goes first; this one must have none.
        let free = view.lowest_in(view.playhead()..late.offset + 1);
        if free.is_some() || !self.is_fit(crowd) || me.is_late_with(late.offset) {
            return None;
        }
        let from = crowd
            .others()
            .find(|one| one.asked_of(late.offset) > 0)?
            .conn();
        (me.asked_of(late.offset) == 0).then(|| {
            self.note(late.offset, now);
            TakeOver {
                offset: late.offset,
                from,
            }
        })
    }
}
