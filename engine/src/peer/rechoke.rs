//! Choke rounds: asks the choker, and does what it says.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use super::forwards::Forwarded;
use super::{Flag, Link, Neighbour, Peer};
use crate::error::CloseReason;
use crate::event::Event;
use crate::message::Message;
use crate::policy::{Candidate, ChokeView, Reporting};
use crate::rate::Rate;
use crate::time::Instant;

/// Neighbours that want nothing and give nothing are let go after this long (BEP 3).
const IDLE: Duration = Duration::from_secs(150);
/// Something is sent at least this often.
const KEEP_ALIVE: Duration = Duration::from_secs(100);
/// Between rounds, slots that fall idle are refilled at most this often.
const EARLY_PAUSE: Duration = Duration::from_millis(200);

impl Peer {
    /// The round is over.
    pub(super) fn rechoke(&mut self) {
        self.close_idle();
        self.ask_choker(None);
        if self.reporting != Reporting::None {
            for index in 0..self.order.len() {
                if let Some(forwards) = &mut self.at_mut(self.order[index]).forwards {
                    forwards.forwarded = Forwarded::default();
                }
            }
        }
        if self.reporting == Reporting::Grandchildren {
            self.tell_parents();
            for index in 0..self.order.len() {
                self.at_mut(self.order[index]).served = false;
            }
        }
        if self.reporting == Reporting::Receipts {
            self.acknowledge();
            self.carry_receipts();
        }
        let period = self.choker.period();
        self.choke_at = self.now + period;
        if self.reporting == Reporting::Grandchildren {
            self.reports.schedule(self.choke_at);
        }
        self.reschedule();
        self.dial();
        self.event(Event::Traffic(Box::new(self.traffic)));
    }

    /// A neighbour became interested: while few are unchoked, it need not wait for the round.
    pub(super) fn unchoke_early(&mut self, conn: crate::ConnId) {
        if self.link(conn).is_some_and(|one| one.is(Flag::WeChoke)) {
            let idle = self.idle_slots();
            if idle > 0 {
                self.ask_choker(Some(idle));
            }
        }
    }

    /// An unchoked neighbour wants nothing any more: its slot need not lie idle until the round.
    pub(super) fn refill_slot(&mut self, conn: crate::ConnId) {
        if self.may_refill(self.now) && self.link(conn).is_some_and(|one| !one.is(Flag::WeChoke)) {
            let idle = self.idle_slots();
            if idle > 0 {
                self.ask_choker(Some(idle));
            }
        }
    }

    /// Whether the choker was left alone for long enough.
    pub(super) fn may_refill(&self, now: Instant) -> bool {
        now >= self.choker_asked_at + EARLY_PAUSE
    }

    /// A neighbour does not read: a slot that it holds serves nobody. As many such as there are slots
    /// would keep everybody else from being served, for a seed knows no other merit than to take.
    pub(super) fn unread(&mut self, conn: crate::ConnId) {
        if self.neighbour(conn).is_none() {
            return;
        }
        self.change_link(conn.slot(), |link| link.set(Flag::Unread, true));
        if self.links[conn.slot()].is(Flag::WeChoke) || self.is_auxiliary(conn) {
            return;
        }
        self.set_choke(conn, true);
        let idle = self.idle_slots();
        if idle > 0 {
            self.ask_choker(Some(idle));
        }
    }

    /// How many more may be unchoked before the round.
    pub(super) fn idle_slots(&self) -> usize {
        debug_assert_eq!(usize::from(self.busy_slots), self.count_busy_slots());
        self.idle_beside(self.busy_slots)
    }

    /// The same, were this neighbour to want nothing.
    pub(super) fn idle_slots_without(&self, slot: usize) -> usize {
        self.idle_beside(self.busy_slots - u16::from(self.links[slot].is_served()))
    }

    fn idle_beside(&self, busy: u16) -> usize {
        let seeds = self.pieces.is_complete() || self.is_source();
        let below = self.early_below[usize::from(seeds)];
        usize::from(below.saturating_sub(busy))
    }

    fn count_busy_slots(&self) -> usize {
        let links = self
            .order
            .iter()
            .map(|&slot| &self.links[usize::from(slot)]);
        links.filter(|one| one.is_served()).count()
    }

    /// Changes what makes a slot busy, and keeps count: their number is asked for whenever somebody's
    /// interest changes.
    pub(super) fn change_link<T>(&mut self, slot: usize, change: impl FnOnce(&mut Link) -> T) -> T {
        let link = &mut self.links[slot];
        let before = link.is_served();
        let done = change(link);
        let busy = self.busy_slots + u16::from(link.is_served());
        self.busy_slots = busy - u16::from(before);
        done
    }

    /// Asks the choker. Between rounds (`idle` slots to fill) it may only unchoke: whoever is being
    /// served keeps its slot until the round, or each toggle of interest would shuffle them all.
    fn ask_choker(&mut self, idle: Option<usize>) {
        if !self.config.upload {
            return;
        }
        let now = self.now;
        self.choker_asked_at = now;
        let choker = if self.pieces.is_complete() || self.is_source() {
            &self.seed_choker
        } else {
            &self.choker
        };
        // A source has servers of its own, whom it serves always.
        let all = choker.minds_idle() || self.is_source();
        let link = |slot: &u16| (*slot, &self.links[usize::from(*slot)]);
        let open = self.order.iter().map(link).filter(|(_, link)| {
            link.is(Flag::Open) && (all || link.takes() || !link.is(Flag::WeChoke))
        });
        let mut candidates = Vec::with_capacity(self.order.len());
        candidates.extend(open.map(|(slot, link)| {
            let one = self.at(slot);
            let forwards = one.forwards.as_deref();
            let forwarded = forwards.map(|all| all.forwarded).unwrap_or_default();
            let claims = forwards.and_then(|all| all.claims.as_deref());
            Candidate {
                conn: one.conn,
                interested: link.takes(),
                inbound: !one.outbound,
                unchoked: !link.is(Flag::WeChoke),
                since: one.unchoked_at,
                connected_at: one.connected_at,
                down: one.down.rate(now),
                up: one.up.rate(now),
                snubbed: one.snubbed,
                g2g: one.g2g,
                forwarded_ours: forwarded.ours,
                forwarded: forwarded.total,
                claimed_ours: claims.map_or(Rate::ZERO, |all| all.ours(now)),
                claimed: claims.map_or(Rate::ZERO, |all| all.total(now)),
            }
        }));
        let view = ChokeView {
            now,
            uplink: self.uplink,
            complete: self.pieces.is_complete(),
            piece_length: self.pieces.geometry().piece_length(),
            neighbours: &candidates,
        };
        let mut unchoked = Vec::new();
        let choker = if self.pieces.is_complete() || self.is_source() {
            &mut self.seed_choker
        } else {
            &mut self.choker
        };
        choker.rechoke(&view, &mut self.choke_rng, &mut unchoked);
        if let Some(idle) = idle {
            let waiting = |conn: &crate::ConnId| {
                candidates
                    .iter()
                    .any(|one| one.conn == *conn && !one.unchoked)
            };
            for conn in unchoked.into_iter().filter(waiting).take(idle) {
                self.set_choke(conn, false);
            }
            return;
        }
        for candidate in &candidates {
            if self.is_auxiliary(candidate.conn) && !unchoked.contains(&candidate.conn) {
                unchoked.push(candidate.conn);
            }
        }
        for candidate in &candidates {
            self.set_choke(candidate.conn, !unchoked.contains(&candidate.conn));
        }
    }

    fn close_idle(&mut self) {
        let now = self.now;
        let mut place = 0;
        while let Some(&slot) = self.order.get(place) {
            let link = self.links[usize::from(slot)];
            let idle = now.since(link.last_received) > IDLE;
            if idle && link.is(Flag::Open) {
                // The next takes its place.
                self.close(link.conn(), CloseReason::Idle);
                continue;
            }
            if now.since(link.last_sent) >= KEEP_ALIVE && link.is(Flag::Open) {
                self.send(link.conn(), Message::KeepAlive);
            }
            place += 1;
        }
    }

    /// Tells those who give us blocks whom we gave blocks to, so that they can ask them.
    fn tell_parents(&mut self) {
        let now = self.now;
        let period = self.choker.period();
        let receivers: Vec<_> = if self.lies {
            self.false_receivers()
        } else {
            self.receivers()
        };
        for slot in self.order.clone() {
            let one = self.at(slot);
            let parent = one.g2g
                && one
                    .recent()
                    .next_back()
                    .is_some_and(|(at, _)| now.since(at) <= period);
            if parent {
                let conn = one.conn;
                let message = crate::Extended::G2gReceivers(receivers.clone());
                self.send(conn, Message::Extended(Box::new(message)));
            }
        }
    }

    /// Whom we gave blocks since the last round.
    fn receivers(&self) -> Vec<core::net::SocketAddr> {
        self.order
            .iter()
            .map(|&slot| self.at(slot))
            .filter(|one| one.served)
            .filter_map(Neighbour::listen)
            .take(crate::Extended::RECEIVERS_MAX)
            .collect()
    }
}
