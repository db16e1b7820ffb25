//! What neighbours say: every message is checked here before it changes anything.

use core::num::NonZeroU16;

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{Flag, Peer};
use crate::bitfield::Bitfield;
use crate::error::CloseReason;
use crate::event::Event;
use crate::geometry::PieceIndex;
use crate::id::ConnId;
use crate::message::{Extended, ExtendedHandshake, Message};
use crate::policy::Reporting;
use crate::wire::{LT_DONTHAVE, SW_LIVE_WINDOW, UT_PEX};

/// What is there is said once, and before any HAVE.
const TOLD_AGAIN: CloseReason = CloseReason::Violation("bitfield after a bitfield or have");

impl Peer {
    pub(super) fn message(&mut self, conn: ConnId, message: Message) {
        let now = self.now;
        let Some(link) = self.link(conn).filter(|link| link.is(Flag::Open)) else {
            return;
        };
        link.last_received = now;
        let wire_len = u64::from(message.wire_len());
        if !matches!(message, Message::Piece(_)) {
            self.traffic.control_down += wire_len;
        }
        let message = match self.read_numbers(conn, message) {
            Ok(Some(message)) => message,
            Ok(None) => return,
            Err(reason) => {
                self.close(conn, reason);
                return self.dial();
            }
        };
        let link = &mut self.links[conn.slot()];
        // BEP 3 wants the bitfield first of all, but libtorrent sends BEP 10's handshake before it:
        // what matters is that HAVE ALL and HAVE NONE come once, and before any HAVE.
        let of_pieces = matches!(
            message,
            Message::Have(_) | Message::Bitfield(_) | Message::HaveAll | Message::HaveNone
        );
        let spoke = link.is(Flag::Spoke);
        link.set(Flag::Spoke, spoke || of_pieces);
        let first = !spoke;
        let done = match message {
            Message::KeepAlive
            | Message::Port(_)
            | Message::Suggest(_)
            | Message::AllowedFast(_) => Ok(()),
            Message::Choke => self.they_choke(conn),
            Message::Unchoke => self.they_unchoke(conn),
            Message::Interested => self.they_are_interested(conn, true),
            Message::NotInterested => self.they_are_interested(conn, false),
            Message::Have(piece) if self.live.is_some() => self.live_have(conn, piece),
            Message::Have(piece) => self.have(conn, piece),
            Message::Bitfield(theirs) if !first => self.bitfield_again(conn, &theirs),
            Message::Bitfield(theirs) => self.bitfield(conn, *theirs, first),
            Message::HaveAll => {
                self.bitfield(conn, Bitfield::full(self.pieces.window().length), first)
            }
            Message::HaveNone if first => Ok(()),
            Message::HaveNone => Err(TOLD_AGAIN),
            Message::Request(block) => self.requested(conn, block),
            Message::Cancel(block) => self.cancelled(conn, block),
            Message::Piece(block) => self.piece(conn, block),
            Message::Reject(block) => self.rejected(conn, block),
            Message::Extended(extended) => self.extended(conn, *extended),
        };
        if let Err(reason) = done {
            self.close(conn, reason);
            self.dial();
        }
    }

    fn they_choke(&mut self, conn: ConnId) -> Result<(), CloseReason> {
        if self.links[conn.slot()].set(Flag::TheyChoke, true) {
            return Ok(());
        }
        self.askable.remove(conn.slot());
        let neighbour = self.neighbour(conn).expect("checked by message");
        // Without BEP 6 a choke drops all requests; with it each is answered or rejected by itself.
        let requests: Vec<_> = if neighbour.speaks_fast() {
            Vec::new()
        } else {
            neighbour.requests.drain(..).collect()
        };
        neighbour.shed_requests();
        for request in &requests {
            neighbour.remember_released(request.block());
        }
        let released = requests.iter().any(|request| !request.given_up);
        for request in requests.iter().filter(|request| !request.given_up) {
            self.pieces.release(request.block());
        }
        self.event(Event::TheyChoke { conn, choked: true });
        if released {
            self.ask_everybody();
        }
        Ok(())
    }

    fn they_unchoke(&mut self, conn: ConnId) -> Result<(), CloseReason> {
        let now = self.now;
        if self.links[conn.slot()].set(Flag::TheyChoke, false) {
            self.askable.insert(conn.slot(), &self.links);
            let neighbour = self.neighbour(conn).expect("checked by message");
            // Patience is counted from here, not from before we might ask.
            neighbour.last_block = now;
            self.event(Event::TheyChoke {
                conn,
                choked: false,
            });
        }
        self.ask(conn);
        Ok(())
    }

    fn they_are_interested(&mut self, conn: ConnId, interested: bool) -> Result<(), CloseReason> {
        self.change_link(conn.slot(), |link| {
            link.set(Flag::TheyInterested, interested)
        });
        if interested {
            if self.lies {
                self.lure(conn);
            }
            self.unchoke_early(conn);
        } else {
            self.refill_slot(conn);
        }
        Ok(())
    }

    fn have(&mut self, conn: ConnId, piece: PieceIndex) -> Result<(), CloseReason> {
        let Some(offset) = self.pieces.offset(piece) else {
            return Err(CloseReason::Violation("have of a piece beyond the torrent"));
        };
        self.have_at(conn, offset)
    }

    pub(super) fn have_at(&mut self, conn: ConnId, offset: usize) -> Result<(), CloseReason> {
        let piece = self.pieces.window().piece(offset);
        let missing = self.wants_piece(offset);
        let known = !self.tells_blocks || self.pieces.owners().anybody(offset);
        if !self.pieces.insert_owner(offset, conn.slot()) {
            return Ok(());
        }
        let link = &mut self.links[conn.slot()];
        link.pieces += 1;
        link.wanted += u32::from(missing);
        let (complete, unchoked) = (
            link.pieces == self.pieces.window().length,
            !link.is(Flag::TheyChoke),
        );
        if missing && !known {
            self.detail(Event::PieceKnown(piece));
        }
        if missing {
            self.tell_interest(conn);
            if unchoked
                && self
                    .neighbour(conn)
                    .is_some_and(|one| one.requests.is_empty())
            {
                self.ask(conn);
            }
        }
        if complete && self.live.is_none() {
            self.is_complete(conn)
        } else {
            Ok(())
        }
    }

    fn bitfield(&mut self, conn: ConnId, theirs: Bitfield, first: bool) -> Result<(), CloseReason> {
        if !first {
            return Err(TOLD_AGAIN);
        }
        if theirs.length() != self.pieces.window().length {
            return Err(CloseReason::Violation("bitfield of another length"));
        }
        let seed = theirs.is_full();
        let wanted = theirs.besides(self.pieces.have());
        if self.tells_blocks {
            let have = self.pieces.have();
            let new =
                |offset: &usize| !have.contains(*offset) && !self.pieces.owners().anybody(*offset);
            let new: Vec<usize> = theirs.iter().filter(new).collect();
            for offset in new {
                self.detail(Event::PieceKnown(self.pieces.window().piece(offset)));
            }
        }
        self.pieces.set_owner(&theirs, conn.slot());
        let link = &mut self.links[conn.slot()];
        link.pieces = theirs.count();
        link.wanted = wanted;
        self.tell_interest(conn);
        if seed { self.is_complete(conn) } else { Ok(()) }
    }

    /// aria2 sends its bitfield again where it would have to send many HAVEs; libtorrent bears it at
    /// any time, too. What it has besides counts.
    fn bitfield_again(&mut self, conn: ConnId, theirs: &Bitfield) -> Result<(), CloseReason> {
        if theirs.length() != self.pieces.window().length {
            return Err(CloseReason::Violation("bitfield of another length"));
        }
        for offset in theirs.iter() {
            self.have_at(conn, offset)?;
        }
        Ok(())
    }

    /// The neighbour has everything, or all that it wants.
    fn is_complete(&mut self, conn: ConnId) -> Result<(), CloseReason> {
        let neighbour = self.neighbour(conn).expect("checked by message");
        let addr = neighbour.listen().unwrap_or(neighbour.addr());
        self.book.is_seed(addr);
        if self.pieces.is_complete() {
            Err(CloseReason::BothComplete)
        } else {
            Ok(())
        }
    }

    /// The neighbour wants nothing, though it may not have everything (BEP 21), or does so again.
    fn gives_only(&mut self, conn: ConnId, says: bool) -> Result<(), CloseReason> {
        self.links[conn.slot()].set(Flag::GivesOnly, says);
        if self.links[conn.slot()].wants_nothing() && self.live.is_none() {
            self.is_complete(conn)
        } else {
            Ok(())
        }
    }

    /// Tells a neighbour whether it has something we want, if that changed.
    pub(super) fn tell_interest(&mut self, conn: ConnId) {
        let link = &mut self.links[conn.slot()];
        let interested = link.wanted > 0;
        if link.set(Flag::WeInterested, interested) != interested {
            self.send(
                conn,
                if interested {
                    Message::Interested
                } else {
                    Message::NotInterested
                },
            );
        }
    }

    fn extended(&mut self, conn: ConnId, extended: Extended) -> Result<(), CloseReason> {
        match extended {
            Extended::Handshake(handshake) => {
                self.learn_extensions(conn, &handshake);
                let speaks = |wanted| offers(&handshake, wanted);
                self.speaks_pex(conn, speaks(UT_PEX));
                self.heard_extensions(conn, speaks(SW_LIVE_WINDOW), speaks(LT_DONTHAVE))?;
                self.gives_only(conn, handshake.upload_only)?;
            }
            Extended::LiveWindow(window) if self.live.is_some() => {
                self.live_window(conn, &window)?;
            }
            Extended::DontHave(piece) if self.live.is_some() => self.dont_have(conn, piece)?,
            Extended::DontHave(piece) => {
                if self.pieces.offset(piece).is_none() {
                    let what = "a piece beyond the torrent that it has no longer";
                    return Err(CloseReason::Violation(what));
                }
                self.has_no_longer(conn, piece);
            }
            // Not offered for a movie.
            Extended::LiveWindow(_) => {}
            Extended::G2gReceivers(receivers) => {
                if receivers.len() > Extended::RECEIVERS_MAX {
                    return Err(CloseReason::Violation("too many receivers"));
                }
                if self.reporting == Reporting::Grandchildren {
                    let neighbour = self.neighbour(conn).expect("checked by message");
                    neighbour.forwards_mut().receivers = receivers;
                }
            }
            Extended::G2gQuery(query) => {
                if let Some(report) = self.report_for(&query) {
                    let report = Extended::G2gReport(report);
                    self.send(conn, Message::Extended(Box::new(report)));
                }
            }
            Extended::G2gReport(report) => {
                let from = self
                    .neighbour(conn)
                    .and_then(|one| one.listen().or(Some(one.addr())));
                self.reported(from.expect("checked by message"), &report)?;
            }
            Extended::G2gShares(shares) => self.claimed(conn, &shares)?,
            Extended::Receipts(receipts) => self.acknowledged(conn, receipts)?,
            Extended::Metadata(said) => self.metadata(conn, &said)?,
            Extended::Pex(pex) => self.heard_pex(conn, &pex)?,
            Extended::Unknown { .. } => {}
        }
        Ok(())
    }

    fn learn_extensions(&mut self, conn: ConnId, handshake: &ExtendedHandshake) {
        // It must speak all that we offered of Give-to-Get, and we something.
        let mut ours = super::connect::offered(self.reporting).peekable();
        let g2g = ours.peek().is_some() && ours.all(|(name, _)| offers(handshake, name));
        let neighbour = self.neighbour(conn).expect("checked by message");
        neighbour.g2g = g2g;
        if let Some(port) = handshake
            .port
            .filter(|&port| port != 0 && !neighbour.outbound)
        {
            let mut listen = neighbour.addr();
            listen.set_port(port);
            neighbour.listen_port = NonZeroU16::new(port);
            self.book.connected(listen);
        }
        let neighbour = self.neighbour(conn).expect("checked by message");
        if let Some(max) = handshake.requests_max {
            neighbour.requests_max = u16::try_from(max).unwrap_or(u16::MAX).max(1);
        }
    }
}

fn offers(handshake: &ExtendedHandshake, wanted: &str) -> bool {
    handshake
        .extensions
        .iter()
        .any(|(name, id)| &**name == wanted && *id != 0)
}
