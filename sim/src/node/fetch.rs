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
const HOT: usize = 512;

/// Records on the downlink that are looked at: nearly all that are through in one turn.
const THROUGH: usize = 3;

/// Something that happens in a turn, as far as it is known before.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ahead {
    /// A HAVE, of which little is read.
    Have { slot: usize, piece: PieceIndex },
    /// A block comes.
    Block { slot: usize, block: Block },
    /// Somebody wants to be, or becomes, a neighbour.
    Greeting { slot: usize },
    /// Anything else on a connection; about the first block, if about none.
    Conn { slot: usize, block: Block },
    /// The engine looks at the clock.
    Clock,
}

/// Of a message that names no block.
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
            Body::Message(Message::Request(block) | Message::Reject(block)) => {
                Self::Conn { slot, block }
            }
            Body::Message(Message::Piece(block)) => Self::Block { slot, block },
            Body::Hello { .. } | Body::HelloBack { .. } => Self::Greeting { slot },
            _ => Self::Conn { slot, block: FIRST },
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
            let (slot, block) = (usize::from(slot), FIRST);
            tell(Ahead::Conn { slot, block });
        }
        if self.timer < end {
            tell(Ahead::Clock);
        }
    }

    /// Then what such an event reads of its connection.
    #[inline]
    pub(crate) fn fetch_slot(&self, ahead: Ahead) {
        let Some(engine) = self.engine.as_deref() else {
            return;
        };
        match ahead {
            Ahead::Have { slot, piece } => engine.fetch_have::<Prefetch>(slot, piece),
            Ahead::Block { slot, block } | Ahead::Conn { slot, block } => {
                Prefetch::item(&self.slots, slot);
                engine.fetch_slot::<Prefetch>(slot, block.piece);
                if let Ahead::Block { .. } = ahead {
                    engine.fetch_player::<Prefetch>();
                }
            }
            Ahead::Greeting { slot } => {
                Prefetch::item(&self.slots, slot);
                engine.fetch_slot::<Prefetch>(slot, PieceIndex(0));
                engine.fetch_names::<Prefetch>();
            }
            Ahead::Clock => engine.fetch_tick::<Prefetch>(),
        }
    }

    /// Then what that points at.
    #[inline]
    pub(crate) fn fetch_queues(&self, ahead: Ahead) {
        let Some(engine) = self.engine.as_deref() else {
            return;
        };
        match ahead {
            Ahead::Have { slot, .. } => engine.fetch_heard::<Prefetch>(slot),
            Ahead::Greeting { .. } => {}
            Ahead::Block { slot, block } => {
                self.fetch_busy(slot);
                engine.fetch_queues::<Prefetch>(slot, block);
                if engine.fetch_if_last::<Prefetch>(block) {
                    // All will be told.
                    Prefetch::front(&self.slots, usize::MAX);
                }
            }
            Ahead::Conn { slot, block } => {
                if let Some(lane) = self.lane_at(slot) {
                    Prefetch::all(lane);
                }
                engine.fetch_queues::<Prefetch>(slot, block);
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
            Ahead::Have { .. } | Ahead::Greeting { .. } => {}
            Ahead::Block { slot, block } => {
                if engine.is_last(block) {
                    (0..self.slots.len()).for_each(|slot| self.fetch_busy(slot));
                }
                self.fetch_waiting(slot);
                engine.fetch_ends::<Prefetch>(slot);
            }
            Ahead::Conn { slot, .. } => {
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
