//! Asking for blocks: how many at once, which, and the end-game.

use core::time::Duration;

use super::{Flag, Peer};
use crate::event::Event;
use crate::geometry::{BlockRef, Geometry};
use crate::id::ConnId;
use crate::message::Message;
use crate::policy::{Crowd, SelectView, TakeOver};
use crate::rate::Rate;
use crate::time::nanos;

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

/// How long after its first block the rest of a piece comes: at the current rate, if there is one, but
/// in no more than a response for each block. A neighbour that was asked for little of late has a low
/// rate, and would not be asked at all if that were taken for all it can give.
fn rest_of_piece(geometry: &Geometry, rate: Rate, response: Duration) -> Duration {
    let block = geometry.block_length();
    let rest = geometry.piece_length().saturating_sub(block);
    let most = response * rest.div_ceil(block);
    match rate.nanos_for(u64::from(rest)) {
        u64::MAX => Duration::ZERO,
        nanos => Duration::from_nanos(nanos).min(most),
    }
}

impl Peer {
    /// Fills the pipeline of every neighbour that lets us ask.
    pub(super) fn ask_everybody(&mut self) {
        for place in 0..self.askable.len() {
            if let Some(slot) = self.askable.get(place) {
                self.ask(self.links[usize::from(slot)].conn());
            }
        }
    }

    /// Fills one neighbour's pipeline.
    pub(super) fn ask(&mut self, conn: ConnId) {
        let now = self.now;
        let limits = self.limits;
        if self.link(conn).is_none() || !self.may_ask() {
            return;
        }
        let link = self.links[conn.slot()];
        if link.is(Flag::TheyChoke) || link.wanted == 0 || self.has_no_offer(conn.slot()) {
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
        let covered = rate.bytes_in(u64::from(neighbour.rtt).max(nanos(PIPELINE_LEAST)));
        let depth = pipeline(covered, &geometry);
        let depth = depth.min(u64::from(limits.requests_max.min(neighbour.requests_max)));
        let mut room = usize::try_from(depth)
            .expect("bounded by a u16")
            .saturating_sub(neighbour.requests.len());
        if limits.quick_pipeline && !neighbour.requests.is_empty() {
            // Two for each that came: it doubles in a round trip at most.
            room = room.min(2);
        }
        while room > 0 && self.unstored < limits.unstored_max && !self.has_no_offer(conn.slot()) {
            let Some(block) = self.choose(conn) else {
                break;
            };
            let neighbour = self.neighbour(conn).expect("checked above");
            if let Some(owed) = neighbour
                .requests
                .iter_mut()
                .find(|one| one.block() == block)
            {
                // It is late with this block, and nobody else has taken it: it still owes it.
                owed.given_up = false;
                continue;
            }
            self.request(conn, block);
            room = room.saturating_sub(1 + self.request_rest(conn, block));
        }
    }

    /// A neighbour that is asked now would be asked for nothing: not by the policy, and it is no end-game.
    pub(super) fn has_no_offer(&self, slot: usize) -> bool {
        self.needs_candidates
            && self.pieces.candidates_of(slot) == 0
            && !self.pieces.selectable().is_empty()
    }

    fn request(&mut self, conn: ConnId, block: BlockRef) {
        let now = self.now;
        let spelled = self.pieces.geometry().block(block);
        if !self.links[conn.slot()].set(Flag::Asked, true) {
            self.asked.insert(conn.slot(), &self.links);
        }
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
        let limit = usize::from(self.limits.requests_max);
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
        let player = self.player.as_deref();
        let rest = rest_of_piece(
            self.pieces.geometry(),
            neighbour.down.rate(self.now),
            neighbour.response(),
        );
        let view = SelectView {
            table: &self.pieces,
            slot: conn.slot(),
            playhead: player.map_or(0, |player| {
                player.needed_after(self.now, neighbour.response() + rest, &self.pieces)
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
            let from = player.needed_after(self.now, neighbour.response(), &self.pieces);
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
            if request.block().piece == piece && !request.given_up {
                asked = true;
                if self.pieces.times_asked(request.block()) == 1 {
                    request.given_up = true;
                    self.pieces.release(request.block());
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
            .filter(|&offset| self.pieces.owners().owns(offset, conn.slot()))
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_low_rate_makes_the_rest_of_a_piece_no_later_than_responses_do() {
        let geometry = Geometry::new(1 << 20, 65_536).unwrap();
        let rest = |rate| {
            let response = Duration::from_millis(200);
            rest_of_piece(&geometry, Rate::from_bytes_per_s(rate), response).as_millis()
        };
        // Three blocks more: at 491 kB/s in 100 ms, at 1 kB/s in three responses.
        assert_eq!([0, 491_520, 1000].map(rest), [0, 100, 600]);
        let alone = Geometry::new(1 << 20, 16_384).unwrap();
        let none = rest_of_piece(&alone, Rate::from_bytes_per_s(1), Duration::from_secs(1));
        assert_eq!(none, Duration::ZERO);
    }

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
