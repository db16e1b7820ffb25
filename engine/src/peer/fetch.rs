//! What a call will read, step by step along the pointers, for a driver that knows whose turn comes next: of each step,
//! all is known once what the step before named is there. See [`Fetch`].

use super::{Flag, Peer};
use crate::fetch::Fetch;
use crate::geometry::{Block, PieceIndex};

/// Bytes of a peer that most calls read.
const HOT: usize = 592;

/// Bytes of a neighbour that most messages read.
const HOT_NEIGHBOUR: usize = 128;

impl Peer {
    /// First: what every call reads.
    #[inline]
    pub fn fetch<F: Fetch>(&self) {
        F::start(self, HOT);
    }

    /// Then what most calls read of a viewer and of a live stream's peer.
    #[inline]
    pub fn fetch_live<F: Fetch>(&self) {
        if let Some(live) = self.live.as_deref() {
            F::all(live);
        }
        if let Some(player) = self.player.as_deref() {
            F::start(player, 1);
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
        self.fetch_heard::<F>(slot);
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
    fn fetch_neighbour<F: Fetch>(&self, slot: usize) {
        if let Some(neighbour) = self.neighbours.get(slot) {
            F::start(neighbour, HOT_NEIGHBOUR);
        }
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
        self.fetch_neighbour::<F>(slot);
    }

    /// And what it is bound by, whoever it is from.
    #[inline]
    pub fn fetch_limits<F: Fetch>(&self) {
        F::all(&self.config.limits);
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

    /// In a live stream: where the neighbour stands.
    #[inline]
    fn fetch_heard<F: Fetch>(&self, slot: usize) {
        if let Some(live) = &self.live {
            live.fetch_heard::<F>(slot);
        }
    }

    /// Or, of any other message: what is under way between the two.
    #[inline]
    pub fn fetch_queues<F: Fetch>(&self, slot: usize) {
        if let Some(Some(neighbour)) = self.neighbours.get(slot) {
            neighbour.fetch_queues::<F>();
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
            self.fetch_neighbour::<F>(slot);
        }
        for slot in self.askable.iter() {
            F::item(&self.links, slot);
        }
    }

    /// Last, of a message: what waits to be sent.
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
