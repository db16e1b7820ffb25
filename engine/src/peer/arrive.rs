//! What comes of a request: a part, the block, or a refusal.

use super::{Flag, Peer};
use crate::error::CloseReason;
use crate::event::Event;
use crate::geometry::Block;
use crate::id::ConnId;
use crate::output::Output;
use crate::policy::Reporting;

impl Peer {
    /// Part of a block came in.
    pub(super) fn progress(&mut self, conn: ConnId, bytes: u32) {
        let now = self.now;
        if self.neighbour(conn).is_none() {
            return;
        }
        self.links[conn.slot()].last_received = now;
        let block = self.pieces.geometry().block_length();
        let neighbour = self.neighbour(conn).expect("checked above");
        neighbour.counted = neighbour.counted.saturating_add(bytes).min(block);
        neighbour.down.add(now, u64::from(bytes));
        neighbour.last_block = now;
        neighbour.snubbed = false;
    }

    /// A block came in: store or discard it.
    pub(super) fn piece(&mut self, conn: ConnId, block: Block) -> Result<(), CloseReason> {
        let now = self.now;
        self.traffic.payload_down += u64::from(block.length);
        self.traffic.control_down += 13;
        let reported = self.reporting != Reporting::None;
        let Some(known) = self.pieces.geometry().block_ref(block) else {
            self.outbox.push_back(Output::Discard(block));
            return Err(CloseReason::Violation(
                "a block that is not of the request grid",
            ));
        };
        let keep = reported.then(|| self.choker.period());
        let neighbour = self.neighbour(conn).expect("checked by message");
        let request = neighbour.take_request(known);
        if request.is_none() && !neighbour.take_released(known) {
            self.outbox.push_back(Output::Discard(block));
            return Err(CloseReason::Violation("a block that was not asked for"));
        }
        let counted = core::mem::take(&mut neighbour.counted);
        neighbour
            .down
            .add(now, u64::from(block.length.saturating_sub(counted)));
        neighbour.last_block = now;
        neighbour.blocks_in = neighbour.blocks_in.saturating_add(1);
        neighbour.snubbed = false;
        if let Some(request) = request {
            neighbour.answered(request, now);
        }
        if let Some(keep) = keep {
            neighbour
                .forwards_mut()
                .remember_recent(now, block.piece, keep);
        }
        if self.lies && self.reporting == Reporting::Itself {
            self.forwarding.received(now);
            self.reschedule();
        }

        let useful = self.pieces.wants(known);
        self.detail(Event::BlockReceived {
            conn,
            block,
            useful,
        });
        if useful {
            let others = self.pieces.times_asked(known)
                > u8::from(request.is_some_and(|request| !request.given_up));
            self.pieces.arrived(known, conn);
            self.unstored += 1;
            if let Some(player) = &mut self.player {
                player.received(now, block.length);
            }
            if others {
                self.cancel_elsewhere(known);
            }
            self.outbox.push_back(Output::Store(block));
        } else {
            self.traffic.duplicate += u64::from(block.length);
            self.outbox.push_back(Output::Discard(block));
        }
        self.ask(conn);
        Ok(())
    }

    /// BEP 6: the request will not be answered.
    pub(super) fn rejected(&mut self, conn: ConnId, block: Block) -> Result<(), CloseReason> {
        let Some(known) = self.pieces.geometry().block_ref(block) else {
            return Err(CloseReason::Violation(
                "reject of a block that is not of the request grid",
            ));
        };
        let neighbour = self.neighbour(conn).expect("checked by message");
        match neighbour.take_request(known) {
            Some(request) => {
                let choked = self.links[conn.slot()].is(Flag::TheyChoke);
                if !request.given_up {
                    self.pieces.release(known);
                }
                if self.live.is_some() && !choked {
                    // It let us ask, so what it refuses has left its window.
                    self.has_no_longer(conn, known.piece);
                }
                self.ask_everybody();
            }
            None => {
                // It may answer a cancel with a reject (BEP 6).
                if !neighbour.take_released(known) {
                    return Err(CloseReason::Violation("reject of a request never made"));
                }
            }
        }
        Ok(())
    }
}
