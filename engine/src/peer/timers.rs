//! What a peer does by the clock, and when it must be woken. Each part keeps its own time; the first
//! of them is known at hand.

use core::time::Duration;

use super::{Peer, Player};
use crate::output::Announce;
use crate::time::Instant;

/// How often late blocks, silent neighbours and the start rule are looked after.
pub(super) const TICK: Duration = Duration::from_secs(1);

impl Peer {
    /// When to call `handle(_, Input::Timeout)` at the latest.
    #[inline]
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.left {
            return None;
        }
        let player = self
            .player
            .as_deref()
            .and_then(|player| player.next(&self.pieces));
        let tick = self.needs_tick().then_some(self.tick_at);
        let talk = self.talks.as_ref().map(|talks| talks.next());
        Some(
            self.due
                .min(self.reveal_at())
                .min(player.unwrap_or(Instant::FAR))
                .min(tick.unwrap_or(Instant::FAR))
                .min(talk.unwrap_or(Instant::FAR)),
        )
    }

    /// Looks after the clock once a second only while there is something to look after.
    pub(super) fn needs_tick(&self) -> bool {
        self.player.as_deref().is_some_and(Player::is_waiting)
            || self.live.is_some()
            || self.web_seed.is_some() && !self.pieces.is_complete()
            || !self.pieces.is_complete() && !self.order.is_empty()
    }

    /// One of the times that `due` is the first of has changed. They lie far apart in memory, and
    /// every call asks.
    pub(super) fn reschedule(&mut self) {
        self.due = self.next_due();
    }

    pub(super) fn next_due(&self) -> Instant {
        self.choke_at
            .min(self.book.next())
            .min(self.reports.next())
            .min(self.forwarding.next())
    }

    /// Does what is due: at most calls, nothing.
    #[inline]
    pub(super) fn timers(&mut self) {
        self.reveal_due();
        debug_assert_eq!(self.due, self.next_due(), "a time changed unnoticed");
        if self.now >= self.due.min(self.tick_at) || self.talks.is_some() {
            self.keep_time();
        }
    }

    /// Something is due.
    #[inline(never)]
    fn keep_time(&mut self) {
        let now = self.now;
        if self.reports.is_due(now) {
            self.query_grandchildren();
        }
        if self.forwarding.next() <= now {
            self.tell_forwarded();
        }
        if self.choke_at <= now {
            self.rechoke();
        }
        if self.book.next() <= now {
            self.announce(Announce::Periodic);
        }
        if self.talks.is_some() {
            self.tell_of_neighbours();
        }
        if self.tick_at <= now {
            self.tick_at = now + TICK;
            if self.needs_tick() {
                self.look_after_requests();
                self.dial();
                self.look_after_live();
            }
        }
    }
}
