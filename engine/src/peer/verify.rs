//! From stored blocks to a verified piece, and blame for what fails.
//!
//! A failed piece that came from one neighbour closes it. One from several is fetched again from
//! one; the block that then differs names the culprit. Nobody is closed on suspicion.

use alloc::vec::Vec;
use core::net::SocketAddr;

use super::overhear::HAVE;
use super::web_seed::SERVER;
use super::{Flag, Peer};
use crate::error::CloseReason;
use crate::event::Event;
use crate::geometry::{Block, PieceIndex};
use crate::id::ConnId;
use crate::input::{StoreResult, Verdict};
use crate::message::Message;
use crate::output::{Announce, Output};

/// A piece that failed and is being fetched again.
#[derive(Debug)]
pub(super) struct Suspect {
    pub(super) offset: usize,
    /// Who sent each block of the bad copy, if it is still known.
    senders: Vec<Option<(ConnId, SocketAddr)>>,
    /// The one neighbour that is asked for all of it.
    only: Option<ConnId>,
}

impl Peer {
    /// The driver dealt with a block.
    pub(super) fn stored(&mut self, block: Block, result: StoreResult) {
        let Some(known) = self.pieces.geometry().block_ref(block) else {
            return;
        };
        self.unstored = self.unstored.saturating_sub(1);
        match result {
            StoreResult::Done => {
                if self.pieces.stored(known) {
                    self.outbox.push_back(Output::Verify(block.piece));
                }
            }
            StoreResult::Failed => {
                self.pieces.lost(known);
            }
        }
        if self.unstored + 1 == self.limits.unstored_max {
            self.ask_everybody();
        }
    }

    /// The driver judged a piece.
    pub(super) fn verified(&mut self, piece: PieceIndex, verdict: Verdict) {
        let Some(offset) = self.pieces.offset(piece) else {
            return;
        };
        if !self.pieces.is_unverified(offset) {
            return;
        }
        match verdict {
            Verdict::Good => self.good(piece, offset),
            Verdict::GoodAfterBad { differing } => {
                self.name_culprits(piece, offset, &differing);
                self.good(piece, offset);
            }
            Verdict::GoodLive {
                produced_at,
                last,
                differing,
            } => {
                self.name_culprits(piece, offset, &differing);
                self.live_verified(piece, produced_at, last);
                self.good(piece, offset);
            }
            Verdict::Bad => self.bad(piece, offset),
        }
    }

    fn good(&mut self, piece: PieceIndex, offset: usize) {
        let now = self.now;
        self.pieces.verified(offset);
        self.suspects.retain(|suspect| suspect.offset != offset);
        self.event(Event::PieceVerified(piece));
        self.tell_neighbours(piece, offset);
        let have = self.pieces.have();
        self.wants
            .retain(|range| have.first_missing(range.start) < range.end);
        if let Some(player) = &mut self.player {
            player.verified(now, offset, &self.pieces);
        }
        if self.pieces.is_complete() {
            self.complete();
        }
    }

    /// Who lacks the piece is told of it, and who has the last that we wanted of it, that we want no more.
    fn tell_neighbours(&mut self, piece: PieceIndex, offset: usize) {
        let now = self.now;
        let live = self.live.is_some();
        let ring = self.is_ring();
        let written = self.written_piece(piece);
        let knows = self.pieces.owners().of(offset);
        let mut told = Vec::new();
        for &slot in &self.order {
            let link = &mut self.links[usize::from(slot)];
            if !link.is(Flag::Open) || live && !link.is(Flag::Live) {
                continue;
            }
            // Who has the piece is told nothing it can use, but in a ring: which lap we are in.
            let knows = knows(slot.into());
            if knows {
                link.wanted -= 1;
                if link.wanted == 0 && link.set(Flag::WeInterested, false) {
                    let no_more = Message::NotInterested;
                    link.last_sent = now;
                    self.traffic.control_up += u64::from(no_more.wire_len());
                    if !told.is_empty() {
                        let told = core::mem::take(&mut told);
                        self.outbox.push_back(Output::SendHave(written, told));
                    }
                    self.outbox.push_back(Output::Send(link.conn(), no_more));
                }
            }
            if !knows || ring {
                link.last_sent = now;
                self.traffic.control_up += HAVE;
                if told.is_empty() {
                    told.reserve_exact(self.order.len());
                }
                told.push(link.conn());
            }
        }
        if !told.is_empty() {
            self.outbox.push_back(Output::SendHave(written, told));
        }
    }

    fn complete(&mut self) {
        self.event(Event::Completed);
        self.announce(Announce::Completed);
        let seeds: Vec<ConnId> = self
            .order
            .iter()
            .map(|&slot| &self.links[usize::from(slot)])
            .filter(|one| one.pieces == self.pieces.window().length || one.wants_nothing())
            .filter(|one| one.is(Flag::Open))
            .map(|one| one.conn())
            .collect();
        for conn in seeds {
            self.close(conn, CloseReason::BothComplete);
        }
    }

    fn bad(&mut self, piece: PieceIndex, offset: usize) {
        self.traffic.corrupt += u64::from(self.pieces.geometry().length_of(piece));
        let conns = self.pieces.failed(offset);
        if conns.iter().all(|conn| *conn == SERVER) {
            self.give_up_server();
        }
        let senders: Vec<Option<(ConnId, SocketAddr)>> = conns
            .into_iter()
            .map(|conn| self.neighbour(conn).map(|one| (conn, one.addr())))
            .collect();
        let first = senders[0];
        self.suspects.retain(|suspect| suspect.offset != offset);
        match first {
            Some((conn, addr)) if senders.iter().all(|&sender| sender == first) => {
                self.event(Event::PieceFailed {
                    piece,
                    culprit: Some(addr),
                });
                self.condemn(conn, addr);
            }
            _ => self.event(Event::PieceFailed {
                piece,
                culprit: None,
            }),
        }
        self.suspects.push(Suspect {
            offset,
            senders,
            only: None,
        });
        self.ask_everybody();
    }

    fn name_culprits(&mut self, piece: PieceIndex, offset: usize, differing: &[u16]) {
        let Some(suspect) = self
            .suspects
            .iter()
            .find(|suspect| suspect.offset == offset)
        else {
            return;
        };
        let mut culprits: Vec<(ConnId, SocketAddr)> = differing
            .iter()
            .filter_map(|&index| *suspect.senders.get(usize::from(index))?)
            .collect();
        culprits.sort_unstable();
        culprits.dedup();
        for (conn, addr) in culprits {
            if !self.book.is_banned(addr) {
                self.event(Event::PieceFailed {
                    piece,
                    culprit: Some(addr),
                });
                self.condemn(conn, addr);
            }
        }
    }

    /// It sent corrupt data: never again.
    fn condemn(&mut self, conn: ConnId, addr: SocketAddr) {
        let listen = self.neighbour(conn).and_then(|one| one.listen());
        self.book.ban(addr, self.now);
        if let Some(listen) = listen {
            self.book.ban(listen, self.now);
        }
        self.close(conn, CloseReason::Corrupt);
    }

    /// A suspect piece that this neighbour may be asked for.
    pub(super) fn suspect_for(&mut self, conn: ConnId) -> Option<usize> {
        if self.suspects.is_empty() {
            return None;
        }
        let pieces = &self.pieces;
        let suspect = self.suspects.iter_mut().find(|suspect| {
            suspect.only.is_none_or(|only| only == conn)
                && pieces.owners().owns(suspect.offset, conn.slot())
                && pieces.selectable().contains(suspect.offset)
        })?;
        suspect.only = Some(conn);
        Some(suspect.offset)
    }

    /// The neighbour is gone: what it alone was asked for may be asked of another.
    pub(super) fn forget_suspicions_of(&mut self, conn: ConnId) {
        for suspect in self
            .suspects
            .iter_mut()
            .filter(|suspect| suspect.only == Some(conn))
        {
            suspect.only = None;
        }
    }
}
