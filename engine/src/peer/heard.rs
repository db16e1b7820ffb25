//! What neighbours in a live swarm say: their windows, new pieces, pieces that are gone. In which numbers that is
//! written is `numbers`' business.
//!
//! A neighbour's claims fill its own map and nothing else: they move no window and no playhead.

use alloc::boxed::Box;
use core::time::Duration;

use super::live::Live;
use super::{Flag, Peer};
use crate::bitfield::Bitfield;
use crate::error::CloseReason;
use crate::geometry::PieceIndex;
use crate::id::ConnId;
use crate::live::{Expiry, Numbering, PIECES_MAX};
use crate::message::{Extended, LiveWindow, Message};
use crate::time::Instant;

/// Messages that told us nothing are counted over this long,
const NOISE_TIME: Duration = Duration::from_secs(10);
/// and this many close the neighbour. A lagging viewer's announcements, all outside our window,
/// are a few a second.
const NOISE_MAX: u32 = 1000;
/// What one live window counts: it is as much work.
const WINDOW_NOISE: u32 = 50;

/// What a neighbour in a live swarm said of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    /// One more than the newest piece it has had, or where it stands while it had none.
    pub(crate) head: PieceIndex,
    /// It told where it stands; before that it has nothing, and a ring's numbers mean nothing.
    placed: bool,
    /// It has had a piece.
    pub(crate) any: bool,
    /// Pieces before this one it has no longer, as both can tell.
    pub(super) tail: PieceIndex,
    /// It understands `lt_donthave`.
    pub(crate) dont_have: bool,
    /// When its head was last seen to move.
    pub(crate) moved_at: Instant,
    noise: u32,
    noise_since: Instant,
}

const _: () = assert!(size_of::<Option<Heard>>() == 32);

impl Heard {
    pub(crate) const fn new(dont_have: bool, now: Instant) -> Self {
        Self {
            head: PieceIndex(0),
            placed: false,
            any: false,
            tail: PieceIndex(0),
            dont_have,
            moved_at: now,
            noise: 0,
            noise_since: now,
        }
    }

    pub(super) const fn is_placed(&self) -> bool {
        self.placed
    }

    /// It announces a piece, as it has it now or has had it.
    pub(super) fn has_had(&mut self, piece: PieceIndex, now: Instant) {
        self.moves_to(PieceIndex(piece.0 + 1), now);
        self.placed = true;
        self.any = true;
    }

    fn moves_to(&mut self, head: PieceIndex, now: Instant) {
        if head > self.head {
            self.head = head;
            self.moved_at = now;
        }
    }

    fn noise(&mut self, now: Instant, count: u32) -> Result<(), CloseReason> {
        if now.since(self.noise_since) > NOISE_TIME {
            self.noise = 0;
            self.noise_since = now;
        }
        self.noise += count;
        if self.noise > NOISE_MAX {
            return Err(CloseReason::Flood("live announcements"));
        }
        Ok(())
    }
}

impl Peer {
    /// The neighbour's extension handshake came.
    pub(super) fn heard_extensions(
        &mut self,
        conn: ConnId,
        speaks: bool,
        dont_have: bool,
    ) -> Result<(), CloseReason> {
        if self.live.is_none() {
            return Ok(());
        }
        if !speaks {
            return Err(CloseReason::NotLive);
        }
        let now = self.now;
        if let Ok(heard) = self.heard(conn) {
            heard.dont_have = dont_have;
            return heard.noise(now, WINDOW_NOISE);
        }
        let heard = Heard::new(dont_have, now);
        self.live_mut().begin_to_hear(conn.slot(), heard);
        self.links[conn.slot()].set(Flag::Live, true);
        self.send_window(conn, false);
        Ok(())
    }

    /// Tells a neighbour what we have and still announce.
    pub(super) fn send_window(&mut self, conn: ConnId, answer: bool) {
        let window = self.pieces.window();
        let Some(live) = &self.live else { return };
        let first = window.offset(live.announced_from).unwrap_or(0);
        let hidden = |offset: usize| {
            let piece = window.piece(offset);
            live.source.as_ref().is_some_and(|one| one.hides(piece))
        };
        let told = || {
            let have = self.pieces.have().iter();
            have.filter(|&offset| offset >= first && !hidden(offset))
        };
        let (low, high) = (told().next(), told().last());
        let (tail, low, length) = match (low, high) {
            (Some(low), Some(high)) => (window.piece(low), low, high + 1 - low),
            // Nothing to tell but where we stand.
            _ => (self.standing(live), 0, 0),
        };
        let mut map = Bitfield::new(u32::try_from(length).expect("at most the window"));
        for offset in told() {
            map.insert(offset - low);
        }
        let message = LiveWindow { tail, map, answer };
        self.send(
            conn,
            Message::Extended(Box::new(Extended::LiveWindow(Box::new(message)))),
        );
    }

    /// Where we stand: the playhead's piece, or the next to be made, and at least 1; 0 if nowhere
    /// yet.
    fn standing(&self, live: &Live) -> PieceIndex {
        let place = match (&live.source, &self.player) {
            (Some(source), _) => source.next(),
            (None, Some(player)) if player.is_hooked() => player.piece(self.now, &self.pieces),
            _ => live.standing,
        };
        place.max(PieceIndex(u32::from(live.anchored)))
    }

    /// A neighbour says what it has.
    pub(super) fn live_window(
        &mut self,
        conn: ConnId,
        theirs: &LiveWindow,
    ) -> Result<(), CloseReason> {
        let now = self.now;
        let made = self.made();
        let heard = self.heard(conn)?;
        heard.noise(now, WINDOW_NOISE)?;
        let length = theirs.map.length();
        if length > LiveWindow::MAX || theirs.tail.0 > PIECES_MAX - length {
            return Err(CloseReason::Violation("a live window beyond its bounds"));
        }
        let head = theirs.head();
        if made.is_some_and(|next| length > 0 && head > next) {
            return Err(CloseReason::Violation("has a piece that was not made yet"));
        }
        heard.moves_to(head, now);
        heard.head = head;
        heard.tail = theirs.tail;
        heard.placed = head.0 > 0;
        heard.any |= length > 0;
        self.links[conn.slot()].set(Flag::Missed, false);
        self.hears(head);
        if theirs.answer {
            self.send_window(conn, false);
        }
        self.anchor(conn);
        self.replace_map(conn, theirs);
        self.hook_in();
        self.tell_interest(conn);
        self.ask(conn);
        Ok(())
    }

    fn replace_map(&mut self, conn: ConnId, theirs: &LiveWindow) {
        let window = self.pieces.window();
        let mut map = Bitfield::new(window.length);
        for offset in theirs.map.iter() {
            if let Some(offset) = window.offset(PieceIndex(theirs.tail.0 + to_u32(offset))) {
                map.insert(offset);
            }
        }
        self.pieces.replace_owner(&map, conn.slot());
        let wanted = map.iter().filter(|&offset| self.wants_piece(offset));
        let wanted = to_u32(wanted.count());
        let link = &mut self.links[conn.slot()];
        link.pieces = map.count();
        link.wanted = wanted;
    }

    /// The next piece, if we are the source.
    fn made(&self) -> Option<PieceIndex> {
        let live = self.live.as_ref()?;
        Some(live.source.as_ref()?.next())
    }

    fn heard(&mut self, conn: ConnId) -> Result<&mut Heard, CloseReason> {
        let heard = self.live_mut().heard_mut(conn.slot());
        heard.ok_or(CloseReason::Violation(
            "a live message before the extension handshake",
        ))
    }

    /// A neighbour announces a piece of the live stream.
    pub(super) fn live_have(&mut self, conn: ConnId, wire: PieceIndex) -> Result<(), CloseReason> {
        let now = self.now;
        let numbering = self.numbering().expect("checked by message");
        let made = self.made();
        let heard = self.heard(conn)?;
        if !numbering.is_written(wire) {
            return Err(CloseReason::Violation("a piece number beyond the stream's"));
        }
        // Its own newest piece tells which lap of the ring it speaks of: it downloads near it.
        let piece = if let (Some(next), Numbering::Ring(_)) = (made, numbering) {
            // Nobody has what we have not made.
            match numbering.last_before(wire, next) {
                Some(piece) => piece,
                None => {
                    return Err(CloseReason::Violation("has a piece that was not made yet"));
                }
            }
        } else if heard.placed || matches!(numbering, Numbering::Absolute { .. }) {
            numbering.nearest(wire, PieceIndex(heard.head.0.saturating_sub(1)))
        } else {
            return heard.noise(now, 1);
        };
        if made.is_some_and(|next| piece >= next) || piece.0 >= PIECES_MAX {
            return Err(CloseReason::Violation("has a piece that was not made yet"));
        }
        heard.has_had(piece, now);
        let told_before = piece < heard.tail;
        self.hears(PieceIndex(piece.0 + 1));
        self.anchor(conn);
        self.expire_implied(conn);
        match self.pieces.offset(piece) {
            Some(offset) if !told_before => {
                if self.pieces.owners().owns(offset, conn.slot()) {
                    return self.heard(conn)?.noise(now, 1);
                }
                self.seen(conn, piece);
                self.have_at(conn, offset)
            }
            _ => {
                let window = self.pieces.window();
                if piece.0 >= window.base.0 + window.length {
                    self.links[conn.slot()].set(Flag::Missed, true);
                }
                self.heard(conn)?.noise(now, 1)
            }
        }
    }

    /// Our window has moved: neighbours who announced pieces that are in it now, and were not when
    /// they said so, are asked again. Without this, who stalls long enough for the news to run
    /// past its window would not know whom to ask, and stall for good.
    pub(super) fn ask_for_missed(&mut self) {
        for index in 0..self.order.len() {
            let slot = self.order[index];
            if !self.links[usize::from(slot)].is(Flag::Missed) {
                continue;
            }
            let window = self.pieces.window();
            let now = self.now;
            let conn = self.links[usize::from(slot)].conn();
            let live = self.live_mut();
            let Some(heard) = live.heard_of(slot.into()) else {
                continue;
            };
            let newest = PieceIndex(heard.head.0.saturating_sub(1));
            if window.offset(newest).is_some() && live.may_ask_again(slot.into(), now) {
                self.links[usize::from(slot)].set(Flag::Missed, false);
                self.send_window(conn, true);
            }
        }
    }

    /// Forgets what the neighbour cannot have any more: it keeps a window's length at most.
    fn expire_implied(&mut self, conn: ConnId) {
        let window = self.pieces.window();
        let heard = self.live_mut().heard_mut(conn.slot());
        let heard = *heard.expect("checked by live_have");
        let tail = PieceIndex(heard.head.0.saturating_sub(window.length));
        if tail <= heard.tail {
            return;
        }
        let from = heard.tail.max(window.base).0;
        for piece in from..tail.0.min(window.base.0 + window.length) {
            self.has_no_longer(conn, PieceIndex(piece));
        }
        if let Some(heard) = self.live_mut().heard_mut(conn.slot()) {
            heard.tail = tail;
        }
    }

    /// `lt_donthave`: a neighbour has a piece no longer.
    pub(super) fn dont_have(&mut self, conn: ConnId, wire: PieceIndex) -> Result<(), CloseReason> {
        let now = self.now;
        let Some(numbering) = self.numbering() else {
            return Ok(());
        };
        let heard = self.heard(conn)?;
        if !numbering.is_written(wire) {
            return Err(CloseReason::Violation("a piece number beyond the stream's"));
        }
        let piece = numbering.last_before(wire, heard.head);
        if !piece.is_some_and(|piece| self.has_no_longer(conn, piece)) {
            return self.heard(conn)?.noise(now, 1);
        }
        Ok(())
    }

    /// A neighbour has had the pieces before this one.
    pub(super) fn hears(&mut self, head: PieceIndex) {
        if let Some(live) = &mut self.live {
            live.hears(head);
        }
    }

    /// Takes a piece out of a neighbour's map; true if it was in.
    pub(super) fn has_no_longer(&mut self, conn: ConnId, piece: PieceIndex) -> bool {
        let Some(offset) = self.pieces.offset(piece) else {
            return false;
        };
        let wanted = self.wants_piece(offset);
        if !self.pieces.remove_owner(offset, conn.slot()) {
            return false;
        }
        let link = &mut self.links[conn.slot()];
        link.pieces -= 1;
        link.wanted -= u32::from(wanted);
        self.tell_interest(conn);
        true
    }

    /// Pieces that will fall out of our window soon are announced no longer; with
    /// [`Expiry::Announced`] neighbours are told so. `base` is where our window will begin.
    pub(super) fn expire_before(&mut self, base: PieceIndex) {
        let Some(live) = &mut self.live else { return };
        let until = PieceIndex(base.0 + live.config.grace().max(1));
        let from = live.announced_from;
        live.announced_from = until.max(from);
        if live.config.expiry == Expiry::Implied {
            return;
        }
        for piece in (from.0..until.0).map(PieceIndex) {
            if !self.pieces.has(piece) {
                continue;
            }
            for index in 0..self.order.len() {
                let slot = usize::from(self.order[index]);
                let conn = self.links[slot].conn();
                let heard = self.live_mut().heard_mut(slot);
                if heard.is_some_and(|heard| heard.dont_have) {
                    let message = Extended::DontHave(piece);
                    self.send(conn, Message::Extended(Box::new(message)));
                }
            }
        }
    }
}

fn to_u32(offset: usize) -> u32 {
    u32::try_from(offset).expect("within a window")
}
