//! Asking for blocks: the pipeline, late blocks, end-game, and blocks that come.

use alloc::vec::Vec;
use core::time::Duration;

use super::Peer;
use crate::error::CloseReason;
use crate::event::Event;
use crate::geometry::{Block, BlockRef, Geometry};
use crate::id::ConnId;
use crate::message::Message;
use crate::output::Output;
use crate::policy::{Crowd, Reporting, SelectView, TakeOver};
use crate::time::nanos;

/// The blocks of a neighbour that owes some and is silent this long are asked of others (the 2008 client's piece timeout, papers.md 1.2).
const SILENT: Duration = Duration::from_secs(10);
/// BEP 3 anti-snubbing.
const SNUBBED: Duration = Duration::from_secs(60);
/// A block due within this time, and asked for longer ago than this, is asked of another too.
const URGENT: Duration = Duration::from_secs(5);
/// Requests beyond what a round trip at the current rate needs.
const PIPELINE_SPARE: u64 = 2;
/// The pipeline of a fast neighbour covers at least this long: its own processing is not free.
const PIPELINE_LEAST: Duration = Duration::from_millis(50);

/// How many requests are on their way to a neighbour that gives so many bytes in a round trip.
///
/// Of whole pieces, the spare blocks are one piece, and there are more where the link would else be
/// idle for a quarter of the time: two pieces at a slow neighbour would be asked for far too early.
fn pipeline(covered: u64, geometry: &Geometry) -> u64 {
    let block = u64::from(geometry.block_length());
    if geometry.is_of_whole_pieces() {
        1 + (covered + block * 3 / 4) / block
    } else {
        PIPELINE_SPARE + covered / block
    }
}

impl Peer {
    /// Fills the pipeline of every neighbour that lets us ask.
    pub(super) fn ask_everybody(&mut self) {
        for index in 0..self.order.len() {
            let conn = self.at(self.order[index]).conn;
            self.ask(conn);
        }
    }

    /// Fills one neighbour's pipeline.
    pub(super) fn ask(&mut self, conn: ConnId) {
        let now = self.now;
        let limits = self.config.limits;
        if self.link(conn).is_none() || !self.may_ask() {
            return;
        }
        let link = self.links[conn.slot()];
        if link.they_choke || link.wanted == 0 {
            return;
        }
        let geometry = *self.pieces.geometry();
        let neighbour = self.neighbour(conn).expect("its link is there");
        if neighbour.snubbed && !neighbour.requests.is_empty() {
            return;
        }
        // Sized by the smallest round trip seen, never by the queue it makes itself.
        let mut rate = neighbour.down.rate(now);
        if limits.quick_pipeline {
            rate = rate.max(neighbour.rate_of_requests(geometry.block_length()));
        }
        let covered = rate.bytes_in(nanos(neighbour.rtt.max(PIPELINE_LEAST)));
        let depth = pipeline(covered, &geometry);
        let depth = depth.min(u64::from(limits.requests_max.min(neighbour.requests_max)));
        let mut room = usize::try_from(depth)
            .expect("bounded by a u16")
            .saturating_sub(neighbour.requests.len());
        if limits.quick_pipeline && !neighbour.requests.is_empty() {
            // Two for each that came: it doubles in a round trip at most.
            room = room.min(2);
        }
        while room > 0 && self.unstored < limits.unstored_max {
            let Some(block) = self.choose(conn) else {
                break;
            };
            let neighbour = self.neighbour(conn).expect("checked above");
            if let Some(owed) = neighbour.requests.iter_mut().find(|one| one.block == block) {
                // It is late with this block, and nobody else has taken it: it still owes it.
                owed.given_up = false;
                continue;
            }
            self.request(conn, block);
            room = room.saturating_sub(1 + self.request_rest(conn, block));
        }
    }

    fn request(&mut self, conn: ConnId, block: BlockRef) {
        let now = self.now;
        let spelled = self.pieces.geometry().block(block);
        self.links[conn.slot()].asked = true;
        let neighbour = self.neighbour(conn).expect("checked by ask");
        neighbour.push_request(block, now);
        self.detail(Event::Requested {
            conn,
            block: spelled,
        });
        self.send(conn, Message::Request(spelled));
    }

    /// A live piece that is begun is asked whole of one neighbour: whoever sends another's instead
    /// is then known. Returns how many blocks that were.
    fn request_rest(&mut self, conn: ConnId, first: BlockRef) -> usize {
        let mut count = 0;
        if self.live.is_none() || first.index != 0 {
            return count;
        }
        let Some(offset) = self.pieces.offset(first.piece) else {
            return count;
        };
        let limit = usize::from(self.config.limits.requests_max);
        while self.pieces.selectable().contains(offset)
            && self
                .neighbour(conn)
                .is_some_and(|one| one.requests.len() < limit)
        {
            let block = self.pieces.ask(offset);
            self.request(conn, block);
            count += 1;
        }
        count
    }

    /// Which block next from this neighbour: a suspect piece, a reader's, the policy's, end-game.
    fn choose(&mut self, conn: ConnId) -> Option<BlockRef> {
        if let Some(offset) = self.suspect_for(conn) {
            return Some(self.pieces.ask(offset));
        }
        let neighbour = self.neighbours[conn.slot()]
            .as_ref()
            .expect("checked by ask");
        let player = self.player.as_ref();
        // A whole piece takes its first block's response and the rest at the current rate.
        let rest = self
            .pieces
            .geometry()
            .piece_length()
            .saturating_sub(self.pieces.geometry().block_length());
        let rest = match neighbour.down.rate(self.now).nanos_for(u64::from(rest)) {
            u64::MAX => Duration::ZERO,
            nanos => Duration::from_nanos(nanos),
        };
        let view = SelectView {
            table: &self.pieces,
            slot: conn.slot(),
            playhead: player.map_or(0, |player| {
                player.needed_after(self.now, neighbour.response + rest, &self.pieces)
            }),
            player,
            crowd: Crowd {
                neighbours: &self.neighbours,
                order: &self.order,
                me: conn,
                links: &self.links,
                table: &self.pieces,
                now: self.now,
            },
        };
        let suspects = &self.suspects;
        let free = |offset: &usize| !suspects.iter().any(|suspect| suspect.offset == *offset);
        let wanted = self
            .wants
            .iter()
            .find_map(|range| view.candidates(range.clone()).find(free));
        // While late pieces are skipped, one that is begun and can still make it is finished first:
        // the next of its blocks must not be given up because a whole piece would take too long.
        let begun = player.and_then(|player| {
            let from = player.needed_after(self.now, neighbour.response, &self.pieces);
            view.started_in(from..view.playhead()).filter(free)
        });
        let (selector, rng) = (&mut self.selector, &mut self.select_rng);
        let mut take_over = None;
        let chosen = wanted.or(begun).or_else(|| {
            take_over = selector.take_over(&view, false, rng);
            if take_over.is_some() {
                return None;
            }
            let chosen = selector.select(&view, rng);
            if chosen.is_none() {
                take_over = selector.take_over(&view, true, rng);
            }
            chosen
        });
        if let Some(chosen) = take_over {
            assert!(
                view.crowd.me() != chosen.from && view.theirs(chosen.offset),
                "the selector takes over {chosen:?} for {conn}"
            );
            return free(&chosen.offset)
                .then(|| self.take_over(chosen))
                .flatten();
        }
        match chosen {
            Some(offset) => {
                assert!(
                    view.is_candidate(offset),
                    "the selector chose {offset}, which is no candidate"
                );
                free(&offset).then(|| self.pieces.ask(offset))
            }
            None => self.end_game(conn),
        }
    }

    /// Gives up what a neighbour was asked for of a piece, so that another is asked; names the
    /// first of those blocks. `None` if each of them is asked of a second neighbour already.
    fn take_over(&mut self, chosen: TakeOver) -> Option<BlockRef> {
        let piece = self.pieces.window().piece(chosen.offset);
        let from = self.neighbours[chosen.from.slot()]
            .as_mut()
            .filter(|one| one.conn == chosen.from)
            .expect("the selector takes over from a neighbour");
        let mut asked = false;
        for request in from.requests.iter_mut() {
            if request.block.piece == piece && !request.given_up {
                asked = true;
                if self.pieces.times_asked(request.block) == 1 {
                    request.given_up = true;
                    self.pieces.release(request.block);
                }
            }
        }
        assert!(
            asked,
            "the selector takes over {chosen:?}, of which nothing was asked"
        );
        let free = self.pieces.selectable().contains(chosen.offset);
        free.then(|| self.pieces.ask(chosen.offset))
    }

    /// Everything missing is asked for: ask an idle neighbour for a block that another is late with.
    fn end_game(&mut self, conn: ConnId) -> Option<BlockRef> {
        let neighbour = self.neighbours[conn.slot()]
            .as_ref()
            .expect("checked by ask");
        if !neighbour.requests.is_empty() || !self.pieces.selectable().is_empty() {
            return None;
        }
        let block = self
            .pieces
            .started()
            .filter(|&offset| self.pieces.owners.owns(offset, conn.slot()))
            .filter(|offset| {
                !self
                    .suspects
                    .iter()
                    .any(|suspect| suspect.offset == *offset)
            })
            .flat_map(|offset| self.pieces.asked(offset))
            .filter(|(_, times)| *times < 2)
            .min_by_key(|(block, times)| (*times, *block))
            .map(|(block, _)| block)?;
        self.pieces.ask_again(block);
        Some(block)
    }

    /// Once a second: silent neighbours, urgent blocks, neighbours that found nothing to ask.
    pub(super) fn look_after_requests(&mut self) {
        let now = self.now;
        for index in 0..self.order.len() {
            let slot = usize::from(self.order[index]);
            if !self.links[slot].asked {
                continue;
            }
            let neighbour = self.at_mut(self.order[index]);
            let Some(since) = neighbour.silent_since() else {
                self.links[slot].asked = false;
                continue;
            };
            let silent = now.since(since);
            neighbour.snubbed |= silent >= SNUBBED;
            if silent >= SILENT {
                let late: Vec<BlockRef> = neighbour
                    .requests
                    .iter_mut()
                    .filter(|one| !one.given_up)
                    .map(|one| {
                        one.given_up = true;
                        one.block
                    })
                    .collect();
                for block in late {
                    self.pieces.release(block);
                }
            } else if self.player.is_some() {
                self.hurry(self.order[index]);
            }
        }
        // What was given up goes to those who are not late, if they have room.
        for late in [false, true] {
            for index in 0..self.order.len() {
                let link = &self.links[usize::from(self.order[index])];
                if link.they_choke || link.wanted == 0 {
                    continue;
                }
                let neighbour = self.at(self.order[index]);
                if neighbour.requests.iter().any(|one| one.given_up) == late {
                    let conn = neighbour.conn;
                    self.ask(conn);
                }
            }
        }
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
            let Some(offset) = self.pieces.offset(request.block.piece) else {
                continue;
            };
            if player
                .time_to(now, offset, &self.pieces)
                .is_some_and(|left| left < URGENT)
            {
                request.given_up = true;
                self.pieces.release(request.block);
            }
        }
    }

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
        let Some(known) = self.pieces.geometry().block_ref(block) else {
            self.outbox.push_back(Output::Discard(block));
            return Err(CloseReason::Violation(
                "a block that is not of the request grid",
            ));
        };
        let keep = self.choker.period();
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
            let took = now.since(request.at);
            neighbour.response = (neighbour.response * 3 + took) / 4;
            if request.alone {
                neighbour.rtt = neighbour.rtt.min(took);
            }
        }
        neighbour.remember_recent(now, block.piece, keep);
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
                if asked(&request.block) {
                    return;
                }
                let offset = self.pieces.offset(request.block.piece);
                let is_wanted = |offset| self.wants.iter().any(|range| range.contains(&offset));
                if !offset.is_some_and(is_wanted) {
                    useless.push((slot, request.block));
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
                let choked = self.links[conn.slot()].they_choke;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipelines_of_blocks_and_of_pieces() {
        let blocks = Geometry::new(1 << 20, 65_536).unwrap();
        let depths =
            |geometry: &Geometry| [0, 16_383, 16_384, 81_920].map(|c| pipeline(c, geometry));
        assert_eq!(depths(&blocks), [2, 2, 3, 7]);
        // 32 KiB and what is covered; then 64 KiB, and 128 KiB from a quarter of a piece on.
        let pieces = blocks.in_whole_pieces().unwrap();
        assert_eq!(depths(&pieces), [1, 1, 2, 3]);
    }
}
