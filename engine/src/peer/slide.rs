//! A live window that follows the playhead: what falls out of it is asked for, served and told of no
//! more.

use alloc::vec::Vec;

use super::{Flag, Peer};
use crate::geometry::{Block, BlockRef, PieceIndex};
use crate::message::Message;

/// The window moves by at least this part of its length at once.
const STEP: u32 = 64;

impl Peer {
    /// Lets the window follow the playhead, or what the source makes.
    pub(super) fn follow_playhead(&mut self) {
        let now = self.now;
        let Some(live) = &self.live else { return };
        let position = match (&live.source, &self.player) {
            (Some(source), _) => source.next(),
            (None, Some(player)) if player.is_hooked() => player.piece(now, &self.pieces),
            _ => return,
        };
        let base = self.pieces.window().base;
        let behind = live.config.numbering.behind();
        let target = position.0.saturating_sub(behind);
        let floor = position.0.saturating_sub(base.0) as usize;
        if self.pieces.floor() < floor && !self.is_source() {
            self.give_up_before(floor);
        }
        let step = (self.pieces.window().length / STEP).max(1);
        if target >= base.0.saturating_add(step) {
            self.expire_before(PieceIndex(target));
            self.slide(target - base.0);
        }
    }

    /// Playback has passed these: what is missing of them is wanted no more.
    pub(super) fn give_up_before(&mut self, floor: usize) {
        let window = self.pieces.window();
        let given_up = self.pieces.raise_floor(floor);
        if let Some(live) = &mut self.live {
            let first = window.piece(floor.min(window.length as usize));
            live.made.forget_before(first);
        }
        if given_up.is_empty() {
            return;
        }
        self.suspects
            .retain(|suspect| !given_up.contains(&suspect.offset));
        for index in 0..self.order.len() {
            let slot = self.order[index];
            self.drop_requests(slot, window.piece(floor));
        }
        for &offset in &given_up {
            for slot in self.pieces.owners().slots(offset) {
                self.links[slot].wanted -= 1;
            }
        }
        self.tell_all_interest();
    }

    /// Takes back what was asked of a neighbour of pieces before `first`.
    pub(super) fn drop_requests(&mut self, slot: u16, first: PieceIndex) {
        let neighbour = self.at_mut(slot);
        let conn = neighbour.conn;
        let mut dropped: Vec<BlockRef> = Vec::new();
        neighbour.requests.retain(|request| {
            let old = request.block().piece < first;
            if old {
                dropped.push(request.block());
            }
            !old
        });
        for block in dropped {
            self.at_mut(slot).remember_released(block);
            let cancel = Message::Cancel(self.pieces.geometry().block(block));
            self.send(conn, cancel);
        }
    }

    /// The window's base becomes `by` pieces higher.
    pub(super) fn slide(&mut self, by: u32) {
        let first = PieceIndex(self.pieces.window().base.0 + by);
        if !self.is_source() {
            self.give_up_before(by as usize);
        }
        for index in 0..self.order.len() {
            let slot = self.order[index];
            self.drop_requests(slot, first);
            self.refuse_before(slot, first);
            let neighbour = self.at_mut(slot);
            if let Some(sent) = neighbour.sent_mut() {
                sent.shift_down(by);
            }
        }
        self.suspects
            .retain_mut(|suspect| match suspect.offset.checked_sub(by as usize) {
                Some(offset) => {
                    suspect.offset = offset;
                    true
                }
                None => false,
            });
        for offset in 0..(by as usize).min(self.pieces.window().length as usize) {
            for slot in self.pieces.owners().slots(offset) {
                self.links[slot].pieces -= 1;
            }
        }
        self.pieces.advance(by);
        if let Some(player) = &mut self.player {
            player.slid(by);
        }
    }

    pub(super) fn tell_all_interest(&mut self) {
        for index in 0..self.order.len() {
            let link = &self.links[usize::from(self.order[index])];
            if link.is(Flag::Open) {
                self.tell_interest(link.conn());
            }
        }
    }

    /// Requests that wait with us, of pieces before `first`, will not be answered.
    pub(super) fn refuse_before(&mut self, slot: u16, first: PieceIndex) {
        let neighbour = self.at_mut(slot);
        let conn = neighbour.conn;
        let mut refused: Vec<Block> = Vec::new();
        neighbour.retain_uploads(|block| {
            let old = block.piece < first;
            if old {
                refused.push(*block);
            }
            !old
        });
        for block in refused {
            self.send(conn, Message::Reject(block));
        }
    }
}
