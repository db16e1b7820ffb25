//! Answering requests: who may ask, what is queued, what goes to the transport.

use alloc::vec::Vec;

use super::{Flag, Peer};
use crate::bitfield::Bitfield;
use crate::error::CloseReason;
use crate::event::Event;
use crate::geometry::Block;
use crate::id::ConnId;
use crate::message::Message;
use crate::output::Output;
use crate::policy::Reporting;

impl Peer {
    /// A neighbour asks for a block.
    pub(super) fn requested(&mut self, conn: ConnId, block: Block) -> Result<(), CloseReason> {
        if !self.pieces.geometry().is_servable(block) {
            return Err(CloseReason::Violation(
                "request beyond its piece, or longer than 16 KiB",
            ));
        }
        if self.lies && self.lures() {
            return Ok(());
        }
        let has = self.pieces.has(block.piece);
        let queue_max = self.limits.uploads_queued_max;
        let choked = self.links[conn.slot()].is(Flag::WeChoke);
        let neighbour = self.neighbour(conn).expect("checked by message");
        let full = neighbour.waiting() >= queue_max;
        if choked || !has || full {
            if neighbour.speaks_fast() {
                self.send(conn, Message::Reject(block));
            } else if full {
                return Err(CloseReason::Flood("requests"));
            }
            return Ok(());
        }
        if neighbour.waiting() == 0 && neighbour.credit > 0 {
            self.send_block(conn, block);
        } else {
            neighbour.queue_upload(block);
            self.pump(conn);
        }
        Ok(())
    }

    /// A neighbour no longer wants a block.
    pub(super) fn cancelled(&mut self, conn: ConnId, block: Block) -> Result<(), CloseReason> {
        let neighbour = self.neighbour(conn).expect("checked by message");
        if neighbour.cancel_upload(block) && neighbour.speaks_fast() {
            // BEP 6: every request is answered, a cancelled one too.
            self.send(conn, Message::Reject(block));
        }
        Ok(())
    }

    /// The transport takes more blocks.
    pub(super) fn credit(&mut self, conn: ConnId, blocks: u16) {
        if let Some(neighbour) = self.neighbour(conn) {
            neighbour.credit = neighbour.credit.saturating_add(blocks);
            let again = |link: &mut super::Link| link.set(Flag::Unread, false);
            if self.change_link(conn.slot(), again)
                && self.links[conn.slot()].is(Flag::TheyInterested)
            {
                self.unchoke_early(conn);
            }
            self.pump(conn);
        }
    }

    /// Sends what is asked for, as far as the credit goes.
    fn pump(&mut self, conn: ConnId) {
        while let Some(neighbour) = self.neighbour(conn).filter(|one| one.credit > 0)
            && let Some(block) = neighbour.next_upload()
        {
            self.send_block(conn, block);
        }
    }

    /// Sends a block, for which there is credit.
    fn send_block(&mut self, conn: ConnId, block: Block) {
        let now = self.now;
        let window = self.pieces.window();
        let reports = matches!(
            self.reporting,
            Reporting::Grandchildren | Reporting::Receipts
        );
        let neighbour = self.neighbour(conn).expect("it asked");
        neighbour.credit -= 1;
        neighbour.up.add(now, u64::from(block.length));
        neighbour.served = true;
        if reports {
            let forwards = neighbour.forwards_mut();
            let sent = forwards
                .sent
                .get_or_insert_with(|| Bitfield::new(window.length));
            if let Some(offset) = window.offset(block.piece) {
                sent.insert(offset);
            }
        }
        self.note_forwarded(conn, block);
        self.links[conn.slot()].last_sent = now;
        self.traffic.payload_up += u64::from(block.length);
        self.traffic.control_up += 13;
        self.outbox.push_back(Output::SendBlock(conn, block));
        self.detail(Event::BlockSent { conn, block });
    }

    /// Chokes or unchokes a neighbour. A choked one's queue is dropped: block by block with BEP 6.
    pub(super) fn set_choke(&mut self, conn: ConnId, choke: bool) {
        let now = self.now;
        let before = self.change_link(conn.slot(), |link| link.set(Flag::WeChoke, choke));
        if before == choke {
            return;
        }
        let neighbour = self.neighbour(conn).expect("a neighbour");
        neighbour.unchoked_at = now;
        let fast = neighbour.speaks_fast();
        // And its room: few are served at a time, and sooner or later all.
        let dropped = if choke {
            neighbour.take_uploads()
        } else {
            Vec::new()
        };
        self.send(
            conn,
            if choke {
                Message::Choke
            } else {
                Message::Unchoke
            },
        );
        self.event(Event::WeChoke {
            conn,
            choked: choke,
        });
        for block in dropped.into_iter().filter(|_| fast) {
            self.send(conn, Message::Reject(block));
        }
    }
}
