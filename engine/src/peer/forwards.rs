//! What is known of one neighbour's forwarding: what we sent it, whom it serves, and what they say of it.
//!
//! Kept for chokers that ask for reports, claims or receipts; others' neighbours have none of it.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::claims::Claims;
use crate::bitfield::Bitfield;
use crate::geometry::PieceIndex;
use crate::time::Instant;

/// Blocks received that a Give-to-Get report can speak of.
const RECENT_MAX: usize = 2048;

/// What this neighbour's receivers said it forwarded in this round (Give-to-Get).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Forwarded {
    /// Blocks of pieces that it got from us.
    pub(crate) ours: u32,
    /// Blocks of all pieces.
    pub(crate) total: u32,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Forwards {
    /// Pieces we sent it blocks of; made when the first is sent.
    pub(crate) sent: Option<Bitfield>,
    /// Whom it says it uploads to.
    pub(crate) receivers: Vec<SocketAddr>,
    pub(crate) forwarded: Forwarded,
    /// What it says it forwards, once it or we have said or sent something.
    pub(crate) claims: Option<Box<Claims>>,
    /// Blocks it sent us, newest last.
    pub(crate) recent: VecDeque<(Instant, PieceIndex)>,
}

impl Forwards {
    /// Bytes of memory, its own and beside.
    pub(crate) fn bytes(&self) -> usize {
        let sent = self.sent.as_ref().map_or(0, |map| size_of_val(map.words()));
        size_of::<Self>()
            + self.receivers.capacity() * size_of::<SocketAddr>()
            + self.recent.capacity() * size_of::<(Instant, PieceIndex)>()
            + self.claims.as_ref().map_or(0, |claims| claims.bytes())
            + sent
    }

    /// Its receivers said that it forwarded so many blocks of a piece; `offset`: which one, if we know it.
    pub(crate) fn credit(&mut self, offset: Option<usize>, blocks: u16) {
        let add = |sum: &mut u32| *sum = sum.saturating_add(u32::from(blocks));
        add(&mut self.forwarded.total);
        let sent = self.sent.as_ref().zip(offset);
        if sent.is_some_and(|(sent, offset)| sent.contains(offset)) {
            add(&mut self.forwarded.ours);
        }
    }

    /// Pieces of the blocks that it sent us within `period`, in the order they came.
    pub(crate) fn recent_since(
        &self,
        now: Instant,
        period: Duration,
    ) -> impl ExactSizeIterator<Item = PieceIndex> + '_ {
        let older = |(at, _): &(Instant, PieceIndex)| now.since(*at) > period;
        let from = self.recent.partition_point(older);
        self.recent.range(from..).map(|&(_, piece)| piece)
    }

    /// Logs a block it sent us, for Give-to-Get reports of the last `keep`.
    pub(crate) fn remember_recent(&mut self, now: Instant, piece: PieceIndex, keep: Duration) {
        while self
            .recent
            .front()
            .is_some_and(|(at, _)| now.since(*at) > keep)
            || self.recent.len() >= RECENT_MAX
        {
            self.recent.pop_front();
        }
        self.recent.push_back((now, piece));
    }
}
