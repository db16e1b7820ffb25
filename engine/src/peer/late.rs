//! Requests that are taken back: of who is silent or late, of what came from another, of what no reader
//! wants any more.

use alloc::vec::Vec;
use core::time::Duration;

use super::{Flag, Peer};
use crate::geometry::BlockRef;
use crate::message::Message;

/// The blocks of a neighbour that owes some and is silent this long are asked of others (the 2008 client's piece timeout, papers.md 1.2).
const SILENT: Duration = Duration::from_secs(10);
/// BEP 3 anti-snubbing.
const SNUBBED: Duration = Duration::from_secs(60);
/// A block due within this time, and asked for longer ago than this, is asked of another too.
const URGENT: Duration = Duration::from_secs(5);

impl Peer {
    /// Once a second: silent neighbours, urgent blocks, neighbours that found nothing to ask.
    pub(super) fn look_after_requests(&mut self) {
        let now = self.now;
        debug_assert!(self.lists_are_right(), "a flag changed unnoticed");
        let mut place = 0;
        while let Some(slot) = self.asked.get(place) {
            let neighbour = self.at_mut(slot);
            let Some(since) = neighbour.silent_since() else {
                let link = &mut self.links[usize::from(slot)];
                link.set(Flag::Asked, false);
                if link.is(Flag::TheyChoke) {
                    self.at_mut(slot).shed_requests();
                }
                self.asked.remove(usize::from(slot));
                continue;
            };
            place += 1;
            let silent = now.since(since);
            neighbour.snubbed |= silent >= SNUBBED;
            if silent >= SILENT {
                let late: Vec<BlockRef> = neighbour
                    .requests
                    .iter_mut()
                    .filter(|one| !one.given_up)
                    .map(|one| {
                        one.given_up = true;
                        one.block()
                    })
                    .collect();
                for block in late {
                    self.pieces.release(block);
                }
            } else if self.player.is_some() {
                self.hurry(slot);
            }
        }
        // What was given up goes to those who are not late, if they have room.
        for late in [false, true] {
            for place in 0..self.askable.len() {
                let Some(slot) = self.askable.get(place) else {
                    break;
                };
                let at = usize::from(slot);
                if self.links[at].wanted == 0 || self.has_no_offer(at) {
                    continue;
                }
                let neighbour = self.at(slot);
                if neighbour.requests.iter().any(|one| one.given_up) == late {
                    let conn = neighbour.conn;
                    self.ask(conn);
                }
            }
        }
    }

    /// Who may be asked and who was asked is listed as the links have it.
    fn lists_are_right(&self) -> bool {
        let all = || self.order.iter().map(|&slot| usize::from(slot));
        let chokes = |slot: &usize| self.links[*slot].is(Flag::TheyChoke);
        let asked = |slot: &usize| self.links[*slot].is(Flag::Asked);
        self.askable.iter().eq(all().filter(|slot| !chokes(slot)))
            && self.asked.iter().eq(all().filter(asked))
    }

    /// Frees blocks that are due soon and asked for long ago, so that others are asked too.
    fn hurry(&mut self, slot: u16) {
        let now = self.now;
        let Some(player) = &self.player else { return };
        let neighbour = self.neighbours[slot as usize]
            .as_mut()
            .expect("slots in order are in use");
        for request in &mut neighbour.requests {
            if request.given_up || now.since(request.at) < URGENT {
                continue;
            }
            let Some(offset) = self.pieces.offset(request.block().piece) else {
                continue;
            };
            if player
                .time_to(now, offset, &self.pieces)
                .is_some_and(|left| left < URGENT)
            {
                request.given_up = true;
                self.pieces.release(request.block());
            }
        }
    }

    /// The block is here: nobody else need send it.
    pub(super) fn cancel_elsewhere(&mut self, block: BlockRef) {
        for index in 0..self.order.len() {
            let neighbour = self.at_mut(self.order[index]);
            if neighbour.take_request(block).is_some() {
                neighbour.remember_released(block);
                let conn = neighbour.conn;
                let message = Message::Cancel(self.pieces.geometry().block(block));
                self.send(conn, message);
                self.ask(conn);
            }
        }
    }

    /// A reader has jumped to where nobody is asked yet: requests for what no reader wants are taken
    /// back, for they would be answered first.
    pub(super) fn make_way(&mut self, wanted: core::ops::Range<usize>) {
        let window = self.pieces.window();
        let mut missing = wanted.filter(|&offset| !self.pieces.have().contains(offset));
        let Some(first) = missing.next().map(|offset| window.piece(offset)) else {
            return;
        };
        let asked = |block: &BlockRef| block.piece == first;
        let mut useless = Vec::new();
        for &slot in &self.order {
            let neighbour = self.at(slot);
            for request in &neighbour.requests {
                if asked(&request.block()) {
                    return;
                }
                let offset = self.pieces.offset(request.block().piece);
                let is_wanted = |offset| self.wants.iter().any(|range| range.contains(&offset));
                if !offset.is_some_and(is_wanted) {
                    useless.push((slot, request.block()));
                }
            }
        }
        for (slot, block) in useless {
            let neighbour = self.at_mut(slot);
            let request = neighbour.take_request(block);
            neighbour.remember_released(block);
            let conn = neighbour.conn;
            if request.is_some_and(|request| !request.given_up) {
                self.pieces.release(block);
            }
            let message = Message::Cancel(self.pieces.geometry().block(block));
            self.send(conn, message);
        }
    }
}
