//! The source of a live stream: makes the pieces, asks for none.
//!
//! Owns the next piece's number and, with bounded super-seeding, which neighbours know of which
//! new piece: k of them, until it is seen elsewhere or τ has passed (BEP 16 with a clock: without
//! one, a piece that the chosen neighbours are slow to spread would miss its deadline).

use alloc::vec::Vec;

use super::{Flag, Peer};
use crate::error::CallError;
use crate::event::Event;
use crate::geometry::PieceIndex;
use crate::id::ConnId;
use crate::live::{Role, SuperSeeding};
use crate::message::Message;
use crate::time::Instant;

/// A new piece that not everybody is told of.
#[derive(Debug)]
struct Hidden {
    piece: PieceIndex,
    until: Instant,
    told: Vec<ConnId>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Source {
    next: PieceIndex,
    ended: bool,
    /// Oldest first; at most the window's length, for older ones are announced to all.
    hidden: Vec<Hidden>,
}

impl Source {
    pub(super) const fn new(first: PieceIndex) -> Self {
        Self {
            next: first,
            ended: false,
            hidden: Vec::new(),
        }
    }

    /// Bytes of memory beside its own.
    pub(super) fn bytes(&self) -> usize {
        let told = self.hidden.iter().map(|one| one.told.capacity());
        self.hidden.capacity() * size_of::<Hidden>() + told.sum::<usize>() * size_of::<ConnId>()
    }

    /// The number of the next piece to be made.
    pub(super) const fn next(&self) -> PieceIndex {
        self.next
    }

    pub(super) fn hides(&self, piece: PieceIndex) -> bool {
        self.hidden.iter().any(|hidden| hidden.piece == piece)
    }
}

impl Peer {
    /// The source made a piece: the driver has signed and stored it. It is had at once, and
    /// announced; the oldest is dropped. After the `last` there is none.
    ///
    /// # Errors
    /// If we are no source, or `piece` is not the next.
    pub fn produce(
        &mut self,
        now: Instant,
        piece: PieceIndex,
        last: bool,
    ) -> Result<(), CallError> {
        self.clock(now);
        if self.left {
            return Err(CallError::Left);
        }
        let source = self.live.as_mut().and_then(|live| live.source.as_mut());
        let source = source.ok_or(CallError::Produce(0))?;
        if piece != source.next || source.ended || piece.0 + 1 >= crate::live::PIECES_MAX {
            return Err(CallError::Produce(source.next.0));
        }
        source.next = PieceIndex(piece.0 + 1);
        source.ended = last;
        let offset = self.pieces.offset(piece).expect("the window is ahead");
        self.pieces.made(offset);
        self.event(Event::Produced(piece));
        self.tell_of(piece);
        self.follow_playhead();
        self.timers();
        Ok(())
    }

    fn super_seeding(&self) -> Option<SuperSeeding> {
        match self.config.live.as_ref()?.role {
            Role::Source { super_seeding, .. } => super_seeding,
            Role::Viewer => None,
        }
    }

    /// Announces a new piece: to all, or to a few first.
    fn tell_of(&mut self, piece: PieceIndex) {
        let mut conns: Vec<(bool, ConnId)> = self
            .order
            .iter()
            .map(|&slot| &self.links[usize::from(slot)])
            .filter(|link| link.is(Flag::Live))
            .map(|link| (link.is(Flag::WeChoke), link.conn()))
            .collect();
        if let Some(SuperSeeding { k, tau }) = self.super_seeding()
            && conns.len() > usize::from(k)
        {
            // Those who may fetch it at once first; among them at random.
            self.choke_rng.shuffle(&mut conns);
            conns.sort_by_key(|(choked, _)| *choked);
            conns.truncate(usize::from(k));
            let hidden = Hidden {
                piece,
                until: self.now + tau,
                told: conns.iter().map(|(_, conn)| *conn).collect(),
            };
            if let Some(source) = self.live.as_mut().and_then(|live| live.source.as_mut()) {
                source.hidden.push(hidden);
            }
        }
        for (_, conn) in conns {
            self.send(conn, Message::Have(piece));
        }
    }

    /// A neighbour has the piece: if it was not told of it, the piece has spread.
    pub(super) fn seen(&mut self, conn: ConnId, piece: PieceIndex) {
        let Some(source) = self.live.as_ref().and_then(|live| live.source.as_ref()) else {
            return;
        };
        let spread = source
            .hidden
            .iter()
            .position(|hidden| hidden.piece == piece && !hidden.told.contains(&conn));
        if let Some(index) = spread {
            self.reveal(index);
        }
    }

    /// Tells all the others.
    fn reveal(&mut self, index: usize) {
        let Some(source) = self.live.as_mut().and_then(|live| live.source.as_mut()) else {
            return;
        };
        let hidden = source.hidden.remove(index);
        for index in 0..self.order.len() {
            let link = self.links[usize::from(self.order[index])];
            let conn = link.conn();
            let offset = self.pieces.offset(hidden.piece);
            let has = offset.is_some_and(|offset| self.pieces.owners().owns(offset, conn.slot()));
            let useful = !has || self.is_ring();
            if link.is(Flag::Live) && useful && !hidden.told.contains(&conn) {
                self.send(conn, Message::Have(hidden.piece));
            }
        }
    }

    /// When the next hidden piece must be told of.
    #[inline]
    pub(super) fn reveal_at(&self) -> Instant {
        self.live
            .as_ref()
            .and_then(|live| live.source.as_ref()?.hidden.first())
            .map_or(Instant::FAR, |hidden| hidden.until)
    }

    #[inline]
    pub(super) fn reveal_due(&mut self) {
        while self.reveal_at() <= self.now {
            self.reveal(0);
        }
    }

    /// Whether this neighbour is one of our auxiliary seeders.
    pub(super) fn is_auxiliary(&self, conn: ConnId) -> bool {
        let Some(Role::Source { auxiliary, .. }) = self.config.live.as_ref().map(|live| &live.role)
        else {
            return false;
        };
        let neighbour = self.neighbours[conn.slot()].as_ref();
        neighbour.is_some_and(|one| {
            let addr = one.listen().unwrap_or(one.addr());
            auxiliary.iter().any(|known| {
                known.ip() == addr.ip() && (known.port() == 0 || known.port() == addr.port())
            })
        })
    }
}
