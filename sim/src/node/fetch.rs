//! What a node's turn will read, step by step along the pointers: each step knows where it lies once what the step before
//! named is there. See [`Fetch`].
//!
//! Nothing here changes anything.

use swarmbed_engine::{Block, Fetch, Message, PieceIndex};

use super::Node;
use super::conn::Lane;
use crate::mail::{Body, Mail};
use crate::network::Network;
use crate::observer::Observer;
use crate::prefetch::Prefetch;

/// Bytes of a node that most turns read.
const HOT: usize = 448;

/// Records on the downlink that are looked at: nearly all that are through in one turn.
const THROUGH: usize = 3;

/// Something that happens in a turn, as far as it is known before.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ahead {
    /// A HAVE, of which little is read.
    Have { slot: usize, piece: PieceIndex },
    /// Somebody wants something, or nothing any more: little is read, too.
    Interest { slot: usize },
    /// A block comes.
    Block { slot: usize, block: Block },
    /// Somebody wants to be a neighbour.
    Knock,
    /// Somebody becomes one.
    Greeting { slot: usize },
    /// We may ask for blocks, or are refused this one.
    Asking { slot: usize, block: Block },
    /// We are asked for a block of this piece.
    Request { slot: usize, piece: PieceIndex },
    /// Anything else on a connection: about no block.
    Conn { slot: usize },
    /// The engine looks at the clock.
    Clock,
}

/// Of a message that names none.
const FIRST: Block = Block {
    piece: PieceIndex(0),
    begin: 0,
    length: 0,
};

impl Ahead {
    /// This record comes.
    #[inline]
    pub(crate) fn of(mail: &Mail) -> Self {
        let slot = usize::from(mail.door().slot);
        match mail.body {
            Body::Message(Message::Have(piece)) => Self::Have { slot, piece },
            Body::Message(Message::Request(block)) => Self::Request {
                slot,
                piece: block.piece,
            },
            Body::Message(Message::Reject(block)) => Self::Asking { slot, block },
            Body::Message(Message::Interested | Message::NotInterested) => Self::Interest { slot },
            Body::Message(Message::Unchoke) => Self::Asking { slot, block: FIRST },
            Body::Message(Message::Piece(block)) => Self::Block { slot, block },
            Body::Message(Message::Extended(ref extended)) => {
                Prefetch::all(&**extended);
                Self::Conn { slot }
            }
            Body::Hello { .. } => Self::Knock,
            Body::HelloBack { .. } => Self::Greeting { slot },
            _ => Self::Conn { slot },
        }
    }
}

impl<O: Observer, N: Network> Node<O, N> {
    /// First: itself.
    #[inline]
    pub(crate) fn fetch(&self) {
        Prefetch::start(self, HOT);
    }

    /// Then its engine, and what waits on its links.
    #[inline]
    pub(crate) fn fetch_engine(&self) {
        if let Some(engine) = self.engine.as_deref() {
            engine.fetch::<Prefetch>();
        }
        self.downlink.fetch::<Prefetch>();
        self.uplink.fetch::<Prefetch>();
    }

    /// Then what that points at, whatever happens.
    #[inline]
    pub(crate) fn fetch_live(&self) {
        if let Some(engine) = self.engine.as_deref() {
            engine.fetch_live::<Prefetch>();
        }
    }

    /// Its own events before `end`, as far as they are known.
    #[inline]
    pub(crate) fn ahead(&self, end: u64, mut tell: impl FnMut(Ahead)) {
        if self.downlink.head() < end {
            let through = self.downlink.through(end).take(THROUGH);
            through.for_each(|mail| tell(Ahead::of(mail)));
        }
        if self.uplink.end() < end
            && let Some(slot) = self.uplink.first()
        {
            let slot = usize::from(slot);
            tell(Ahead::Conn { slot });
        }
        if self.timer < end {
            tell(Ahead::Clock);
        }
    }

    /// Then what such an event reads of its connection; whether more will be known then.
    #[inline]
    pub(crate) fn fetch_slot(&self, ahead: Ahead) -> bool {
        let Some(engine) = self.engine.as_deref() else {
            return false;
        };
        match ahead {
            Ahead::Have { slot, piece } => {
                engine.fetch_have::<Prefetch>(slot, piece);
                // A film's viewers are interested in each other once and for all.
                return engine.is_live();
            }
            Ahead::Block { slot, block } | Ahead::Asking { slot, block } => {
                Prefetch::item(&self.slots, slot);
                engine.fetch_slot::<Prefetch>(slot);
                engine.fetch_piece::<Prefetch>(slot, block.piece);
                if let Ahead::Block { .. } = ahead {
                    engine.fetch_player::<Prefetch>();
                }
            }
            Ahead::Request { slot, piece } => {
                Prefetch::item(&self.slots, slot);
                engine.fetch_slot::<Prefetch>(slot);
                engine.fetch_held::<Prefetch>(piece);
            }
            Ahead::Conn { slot } => {
                Prefetch::item(&self.slots, slot);
                engine.fetch_slot::<Prefetch>(slot);
            }
            Ahead::Greeting { slot } => {
                Prefetch::item(&self.slots, slot);
                engine.fetch_slot::<Prefetch>(slot);
                engine.fetch_names::<Prefetch>();
                return false;
            }
            Ahead::Knock => {
                engine.fetch_names::<Prefetch>();
                return false;
            }
            Ahead::Interest { slot } => {
                engine.fetch_link::<Prefetch>(slot);
                return false;
            }
            Ahead::Clock => engine.fetch_tick::<Prefetch>(),
        }
        true
    }

    /// Then what that points at.
    #[inline]
    pub(crate) fn fetch_queues(&self, ahead: Ahead) {
        let Some(engine) = self.engine.as_deref() else {
            return;
        };
        match ahead {
            Ahead::Greeting { .. } | Ahead::Knock | Ahead::Interest { .. } => {}
            Ahead::Have { slot, .. } => {
                if engine.may_interest(slot) {
                    Prefetch::item(&self.slots, slot);
                }
            }
            Ahead::Block { slot, block } => {
                self.fetch_busy(slot);
                engine.fetch_queues::<Prefetch>(slot);
                engine.fetch_block::<Prefetch>(block);
                if engine.fetch_if_last::<Prefetch>(block) {
                    // All will be told.
                    Prefetch::front(&self.slots, usize::MAX);
                }
            }
            Ahead::Conn { slot } | Ahead::Request { slot, .. } | Ahead::Asking { slot, .. } => {
                if let Some(lane) = self.lane_at(slot) {
                    Prefetch::all(lane);
                }
                engine.fetch_queues::<Prefetch>(slot);
                if let Ahead::Asking { block, .. } = ahead {
                    engine.fetch_block::<Prefetch>(block);
                }
            }
            Ahead::Clock => engine.fetch_asked::<Prefetch>(),
        }
    }

    /// And what that points at.
    #[inline]
    pub(crate) fn fetch_ends(&self, ahead: Ahead) {
        let Some(engine) = self.engine.as_deref() else {
            return;
        };
        match ahead {
            Ahead::Have { .. } | Ahead::Greeting { .. } | Ahead::Knock | Ahead::Interest { .. } => {
            }
            Ahead::Block { slot, block } => {
                if engine.is_last(block) {
                    (0..self.slots.len()).for_each(|slot| self.fetch_busy(slot));
                }
                self.fetch_waiting(slot);
                engine.fetch_ends::<Prefetch>(slot);
            }
            Ahead::Conn { slot } | Ahead::Request { slot, .. } | Ahead::Asking { slot, .. } => {
                self.fetch_waiting(slot);
                engine.fetch_ends::<Prefetch>(slot);
            }
            Ahead::Clock => engine.fetch_owed::<Prefetch>(),
        }
    }

    fn lane_at(&self, slot: usize) -> Option<&Lane> {
        self.slots.get(slot)?.lane.as_deref()
    }

    /// The lane, if what is said there waits behind a block.
    #[inline]
    fn fetch_busy(&self, slot: usize) {
        let busy = self.conn_at(slot).is_some_and(|conn| conn.busy);
        if let (true, Some(lane)) = (busy, self.lane_at(slot)) {
            Prefetch::all(lane);
        }
    }

    /// What waits there.
    #[inline]
    fn fetch_waiting(&self, slot: usize) {
        let busy = self.conn_at(slot).is_some_and(|conn| conn.busy);
        if let (true, Some(lane)) = (busy, self.lane_at(slot)) {
            Prefetch::ends(&lane.waiting);
        }
    }
}
