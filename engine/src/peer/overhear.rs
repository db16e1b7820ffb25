//! The commonest things that neighbours say, of which nothing follows, or that we are interested: that they have
//! one piece more, or that they want something now, or nothing any more, while no slot is free. And that the transport takes
//! more blocks for somebody who waits for none.
//!
//! Nine messages of ten are such. They are noted with a look at what they can touch, and that is
//! all; whatever else might follow from it is left to `handle`, which does the same and more. So this
//! file decides nothing of its own: with it and without it, a peer says the same at the same times.

use super::{Flag, Neighbour, Peer, Player};
use crate::geometry::PieceIndex;
use crate::id::ConnId;
use crate::live::{Numbering, PIECES_MAX};
use crate::message::Message;
use crate::time::Instant;

/// Bytes of a HAVE.
pub(super) const HAVE: u64 = 9;
/// Bytes of a message that is nothing but its number.
const SHORT: u64 = 5;

/// What came of [`Peer::overhear`].
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overheard {
    /// Nothing was done: it is for [`Peer::handle`].
    Not,
    /// It is noted.
    Noted,
    /// It is noted, and [`Message::Interested`] is to be sent where it came from.
    Interests,
}

/// What a HAVE says, once it is known that nothing follows but that we may become interested.
#[derive(Clone, Copy)]
struct News {
    offset: usize,
    /// We lack the piece.
    missing: bool,
    /// It is the first that its sender has and we lack.
    interests: bool,
    /// In a live stream: the piece itself.
    piece: PieceIndex,
}

impl Peer {
    /// Notes what a neighbour says, if it [may be overheard](Message::is_brief) and nothing else follows from it than
    /// what is returned: there is no output to drain, and [`poll_timeout`](Self::poll_timeout) stays what it was.
    ///
    /// A driver of many peers may ask this first; `handle` alone does the same, at more cost.
    pub fn overhear(&mut self, now: Instant, conn: ConnId, message: &Message) -> Overheard {
        match self.may_overhear(now) {
            None => Overheard::Not,
            Some(false) => self.note(now, conn, message),
            Some(true) => self.note_while_stalled(now, conn, message),
        }
    }

    /// A picture that stands still may do so for another reason then.
    #[inline(never)]
    fn note_while_stalled(&mut self, now: Instant, conn: ConnId, message: &Message) -> Overheard {
        let heard = self.note(now, conn, message);
        if heard != Overheard::Not {
            self.explain_stall();
        }
        heard
    }

    /// Notes it, if nothing else follows from it. It may be overheard.
    #[inline(always)]
    fn note(&mut self, now: Instant, conn: ConnId, message: &Message) -> Overheard {
        let slot = conn.slot();
        let Some(link) = self.links.get(slot) else {
            return Overheard::Not;
        };
        if link.conn() != conn || !link.is(Flag::Open) {
            return Overheard::Not;
        }
        debug_assert!(self.outbox.is_empty(), "drained after every call");
        match *message {
            Message::Have(piece) => self.overhear_have(now, slot, piece),
            Message::Interested => self.overhear_interest(now, slot, true),
            Message::NotInterested => self.overhear_interest(now, slot, false),
            _ => Overheard::Not,
        }
    }

    /// Notes that the transport takes `blocks` more for a neighbour, if nothing follows from it: none waits for it, and
    /// it did not stop reading. That is [`Input::Credit`](crate::Input::Credit), to which the same applies as to what is
    /// [overheard](Self::overhear), but that outputs of the call before may wait to be drained.
    #[must_use]
    pub fn overhear_credit(&mut self, now: Instant, conn: ConnId, blocks: u16) -> bool {
        let Some(stands) = self.may_overhear(now) else {
            return false;
        };
        let link = self.links.get(conn.slot());
        if link.is_none_or(|link| link.is(Flag::Unread)) {
            return false;
        }
        let waits_for_none = |one: &&mut Neighbour| one.waiting() == 0;
        let Some(neighbour) = self.neighbour(conn).filter(waits_for_none) else {
            return false;
        };
        neighbour.credit = neighbour.credit.saturating_add(blocks);
        self.now = now;
        if stands {
            self.explain_stall();
        }
        true
    }

    /// Nothing is due, and nothing else would be said at a call. If so, whether the picture stands still: then each call
    /// finds out anew why.
    #[inline(always)]
    fn may_overhear(&self, now: Instant) -> Option<bool> {
        let busy = self.left
            || now >= self.due.min(self.tick_at)
            || self.talks.is_some()
            || self.web_seed.is_some();
        if busy {
            return None;
        }
        match self.player.as_deref() {
            Some(player) if !player.is_quiet(now) => player.only_waits().then_some(true),
            _ => Some(false),
        }
    }

    #[inline]
    fn overhear_have(&mut self, now: Instant, slot: usize, piece: PieceIndex) -> Overheard {
        let news = if self.live.is_some() {
            self.live_news(slot, piece)
        } else {
            self.news(slot, piece)
        };
        let Some(news) = news else {
            return Overheard::Not;
        };
        // Who says again what is known has that counted, too, by `handle`.
        if !self.pieces.insert_owner(news.offset, slot) {
            return Overheard::Not;
        }
        self.now = now;
        self.traffic.control_down += HAVE;
        let link = &mut self.links[slot];
        link.last_received = now;
        link.set(Flag::Spoke, true);
        link.pieces += 1;
        link.wanted += u32::from(news.missing);
        if news.interests {
            link.set(Flag::WeInterested, true);
            link.last_sent = now;
            self.traffic.control_up += SHORT;
        }
        if self.live.is_some() {
            self.note_head(slot, news.piece);
        }
        if news.interests {
            Overheard::Interests
        } else {
            Overheard::Noted
        }
    }

    /// It wants something, or nothing; that makes nobody's place free, and there is none for it.
    #[inline]
    fn overhear_interest(&mut self, now: Instant, slot: usize, interested: bool) -> Overheard {
        let choked = self.links[slot].is(Flag::WeChoke);
        let silent = if interested {
            !self.lies && (!choked || self.idle_slots() == 0)
        } else {
            choked || !self.may_refill(now) || self.idle_slots_without(slot) == 0
        };
        if !silent {
            return Overheard::Not;
        }
        self.now = now;
        self.traffic.control_down += SHORT;
        self.change_link(slot, |link| {
            link.last_received = now;
            link.set(Flag::TheyInterested, interested);
        });
        Overheard::Noted
    }

    /// Of a movie's piece.
    #[inline]
    fn news(&self, slot: usize, piece: PieceIndex) -> Option<News> {
        let offset = self.pieces.offset(piece)?;
        let complete = self.links[slot].pieces + 1 >= self.pieces.window().length;
        let missing = self.pieces.lacks(offset);
        let silent = !complete && self.is_no_offer(slot, offset, missing);
        silent.then_some(News {
            offset,
            missing,
            interests: missing && !self.links[slot].is(Flag::WeInterested),
            piece,
        })
    }

    /// It does not find us waiting for something to ask, nor is it the first we hear of a piece, where that is told.
    #[inline]
    fn is_no_offer(&self, slot: usize, offset: usize, missing: bool) -> bool {
        if !missing {
            return true;
        }
        if self.tells_blocks && !self.pieces.owners().anybody(offset) {
            return false;
        }
        let link = &self.links[slot];
        // It can be asked for nothing, with this piece or without it.
        let nothing = || self.has_no_offer(slot) && !self.pieces.selectable().contains(offset);
        link.is(Flag::TheyChoke) || nothing() || {
            let neighbour = self.neighbours[slot].as_ref();
            neighbour.is_some_and(|one| !one.requests.is_empty())
        }
    }

    /// Of a live stream's piece, to a viewer that has its place in it.
    fn live_news(&self, slot: usize, wire: PieceIndex) -> Option<News> {
        let live = self.live.as_ref()?;
        let settled = live.anchored && self.player.as_deref().is_some_and(Player::is_hooked);
        if live.is_source() || !settled {
            return None;
        }
        let numbering = live.config.numbering;
        let heard = live.heard_of(slot)?;
        let placed = heard.is_placed() || matches!(numbering, Numbering::Absolute { .. });
        if !placed || !numbering.is_written(wire) {
            return None;
        }
        let piece = numbering.nearest(wire, PieceIndex(heard.head.0.saturating_sub(1)));
        let window = self.pieces.window();
        let offset = window.offset(piece)?;
        // What it has no longer is before our window.
        let head = heard.head.0.max(piece.0 + 1);
        let forgets = head.saturating_sub(window.length) > window.base.0.max(heard.tail.0);
        if forgets || piece < heard.tail || piece.0 >= PIECES_MAX {
            return None;
        }
        let missing = self.pieces.lacks(offset);
        self.is_no_offer(slot, offset, missing).then_some(News {
            offset,
            missing,
            interests: missing && !self.links[slot].is(Flag::WeInterested),
            piece,
        })
    }

    /// The neighbour of a live swarm has had this piece.
    fn note_head(&mut self, slot: usize, piece: PieceIndex) {
        let (now, length) = (self.now, self.pieces.window().length);
        if let Some(heard) = self.live_mut().heard_mut(slot) {
            heard.has_had(piece, now);
            heard.tail = heard
                .tail
                .max(PieceIndex(heard.head.0.saturating_sub(length)));
        }
        self.hears(PieceIndex(piece.0 + 1));
    }
}
