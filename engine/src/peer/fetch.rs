//! What a call will read, step by step along the pointers, for a driver that knows whose turn comes next: of each step,
//! all is known once what the step before named is there. See [`Fetch`].

use core::mem::offset_of;

use super::{Flag, Peer};
use crate::fetch::Fetch;
use crate::geometry::{Block, PieceIndex};

/// Bytes of a peer that every call reads.
const CALL: usize = 256;

/// And a HAVE, or a request.
const HEARD: usize = 384;

/// And blocks that come, requests that may be made, and the clock.
const HOT: usize = 640;

// Each begins where the fields do that it names last; see `Peer`.
const _: () = assert!(
    offset_of!(Peer, limits) + size_of::<crate::Limits>() + offset_of!(crate::Traffic, duplicate)
        <= CALL
        && offset_of!(Peer, pieces) + 24 <= CALL
        && offset_of!(Peer, selector) >= HEARD
        && offset_of!(Peer, wants) < HOT
);

/// Bytes of a live stream that every message reads.
const HOT_LIVE: usize = 128;

/// Bytes of a neighbour that blocks it asks for read.
const HOT_UPLOAD: usize = 64;

/// And those that blocks it sends do.
const HOT_NEIGHBOUR: usize = 128;

impl Peer {
    /// First: what every call reads.
    #[inline]
    pub fn fetch<F: Fetch>(&self) {
        F::start(self, CALL);
    }

    /// And if it is a HAVE, or a block is asked for.
    #[inline]
    pub fn fetch_news<F: Fetch>(&self) {
        F::part(self, CALL..HEARD);
    }

    /// And if a block comes, requests may be made, or the clock is looked at.
    #[inline]
    pub fn fetch_more<F: Fetch>(&self) {
        F::part(self, CALL..HOT);
    }

    /// Then what most calls read of a viewer and of a live stream's peer.
    #[inline]
    pub fn fetch_live<F: Fetch>(&self) {
        if let Some(live) = self.live.as_deref() {
            F::start(live, HOT_LIVE);
        }
        if let Some(player) = self.player.as_deref() {
            F::start(player, 1);
        }
    }

    /// And all of that, which the clock reads; of the player, blocks that come do, too.
    #[inline]
    pub fn fetch_all_live<F: Fetch>(&self) {
        if let Some(live) = self.live.as_deref() {
            F::all(live);
        }
    }

    /// And the player, of which blocks that come read most.
    #[inline]
    pub fn fetch_player<F: Fetch>(&self) {
        if let Some(player) = self.player.as_deref() {
            F::all(player);
        }
    }

    /// All neighbours, if this block is the last that is missing of its piece, which all are told then; whether it is.
    #[inline]
    pub fn fetch_if_last<F: Fetch>(&self, block: Block) -> bool {
        let last = self.is_last(block);
        if last {
            F::front(&self.links, usize::MAX);
        }
        last
    }

    /// Whether this block is the last that is missing of its piece.
    #[inline]
    #[must_use]
    pub fn is_last(&self, block: Block) -> bool {
        self.pieces.is_last(block.piece)
    }

    /// And what a HAVE of this piece reads.
    #[inline]
    pub fn fetch_have<F: Fetch>(&self, slot: usize, piece: PieceIndex) {
        F::item(&self.links, slot);
        self.pieces.fetch_have::<F>(slot, piece);
    }

    /// Whether it plays a stream without end.
    #[inline]
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// Whether that may make us say something, once the first is there.
    #[inline]
    #[must_use]
    pub fn may_interest(&self, slot: usize) -> bool {
        let link = self.links.get(slot);
        link.is_some_and(|link| !link.is(Flag::WeInterested))
    }

    #[inline(always)]
    fn fetch_neighbour<F: Fetch>(&self, slot: usize, bytes: usize) {
        if let Some(neighbour) = self.neighbours.get(slot) {
            F::start(neighbour, bytes);
        }
    }

    /// Or what it reads of the neighbour in this slot that a block is asked for, or has left.
    #[inline]
    pub fn fetch_upload<F: Fetch>(&self, slot: usize) {
        F::item(&self.links, slot);
        self.fetch_neighbour::<F>(slot, HOT_UPLOAD);
    }

    /// Or what it reads that the neighbour in this slot wants something, or nothing any more.
    #[inline]
    pub fn fetch_link<F: Fetch>(&self, slot: usize) {
        F::item(&self.links, slot);
    }

    /// Or what any other message does, from the neighbour in this slot.
    #[inline]
    pub fn fetch_slot<F: Fetch>(&self, slot: usize) {
        F::item(&self.links, slot);
        self.fetch_neighbour::<F>(slot, HOT_NEIGHBOUR);
    }

    /// And if it is about this piece.
    #[inline]
    pub fn fetch_piece<F: Fetch>(&self, slot: usize, piece: PieceIndex) {
        self.pieces.fetch::<F>(slot, piece);
    }

    /// Or if it asks for a block of it.
    #[inline]
    pub fn fetch_held<F: Fetch>(&self, piece: PieceIndex) {
        self.pieces.fetch_held::<F>(piece);
    }

    /// Or what the clock does: who is asked and may be, what is due, and who decides on it.
    #[inline]
    pub fn fetch_tick<F: Fetch>(&self) {
        self.asked.fetch::<F>();
        self.askable.fetch::<F>();
        F::all(&self.forwarding);
        F::all(&self.reports);
        F::all(&self.choker);
        F::all(&self.seed_choker);
    }

    /// Or what it takes to greet somebody: who is there, by name and by address.
    #[inline]
    pub fn fetch_names<F: Fetch>(&self) {
        F::front(&self.tags, usize::MAX);
        F::front(&self.order, usize::MAX);
        self.book.fetch::<F>();
    }

    /// In a live stream: where the neighbour stands, once the stream is there.
    #[inline]
    pub fn fetch_heard<F: Fetch>(&self, slot: usize) {
        if let Some(live) = &self.live {
            live.fetch_heard::<F>(slot);
        }
    }

    /// Or, of any other message: what is asked for there.
    #[inline]
    pub fn fetch_requests<F: Fetch>(&self, slot: usize) {
        if let Some(Some(neighbour)) = self.neighbours.get(slot) {
            neighbour.fetch_requests::<F>();
        }
    }

    /// And what waits to be sent.
    #[inline]
    pub fn fetch_uploads<F: Fetch>(&self, slot: usize) {
        if let Some(Some(neighbour)) = self.neighbours.get(slot) {
            neighbour.fetch_uploads::<F>();
        }
    }

    /// And the block it names.
    #[inline]
    pub fn fetch_block<F: Fetch>(&self, block: Block) {
        self.pieces.fetch_block::<F>(block);
    }

    /// Or, of the clock: neighbours that may owe us something, or be asked.
    #[inline]
    pub fn fetch_asked<F: Fetch>(&self) {
        for slot in self.asked.iter() {
            self.fetch_neighbour::<F>(slot, HOT_NEIGHBOUR);
        }
        for slot in self.askable.iter() {
            F::item(&self.links, slot);
        }
    }

    /// Last, of a message: where the first of that lies, if any does or will.
    #[inline]
    pub fn fetch_ends<F: Fetch>(&self, slot: usize) {
        if let Some(Some(neighbour)) = self.neighbours.get(slot) {
            neighbour.fetch_ends::<F>();
        }
    }

    /// Or, of the clock: what they owe.
    #[inline]
    pub fn fetch_owed<F: Fetch>(&self) {
        for slot in self.asked.iter() {
            if let Some(Some(neighbour)) = self.neighbours.get(slot) {
                F::item(&neighbour.requests, 0);
            }
        }
    }
}
