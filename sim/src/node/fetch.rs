//! What a node's turn will read, step by step along the pointers: each step knows where it lies once what the step before
//! named is there. See [`Fetch`].
//!
//! Nothing here changes anything.

use swarmbed_engine::{Block, Fetch, Message, Peer, PieceIndex};

use super::Node;
use super::conn::{Lane, Slot};
use crate::mail::{Body, Mail};
use crate::network::Network;
use crate::observer::Observer;
use crate::prefetch::Prefetch;

/// Bytes of a node that most turns read.
const HOT: usize = 448;

/// Records on the downlink that are looked at: nearly all that are through in one turn.
const THROUGH: usize = 3;

/// What happens in a turn, as far as it is known before, and is not dealt with in a step.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    events: Vec<Event>,
    /// Who has a piece more of a live stream, by slot.
    heard: Vec<u16>,
}

/// Something that happens, of which more is known with each step.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A block comes.
    Block { slot: usize, block: Block },
    /// We may ask for blocks, or are refused this one.
    Asking { slot: usize, block: Block },
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

    /// Then what that points at, whatever happens; and what `records` read of their connections, and its own events
    /// before `end` as far as they are known. Of which more will be known then is left in `ahead`.
    #[inline]
    pub(crate) fn fetch_events<'a>(
        &self,
        records: impl Iterator<Item = &'a Mail>,
        end: u64,
        ahead: &mut Ahead,
    ) {
        ahead.events.clear();
        ahead.heard.clear();
        let Some(engine) = self.engine.as_deref() else {
            return;
        };
        engine.fetch_live::<Prefetch>();
        for mail in records {
            self.fetch_record(engine, mail, ahead);
        }
        if self.downlink.head() < end {
            for mail in self.downlink.through(end).take(THROUGH) {
                self.fetch_record(engine, mail, ahead);
            }
        }
        if self.uplink.end() < end
            && let Some(slot) = self.uplink.first()
        {
            let slot = usize::from(slot);
            self.fetch_slot(engine, slot);
            ahead.events.push(Event::Conn { slot });
        }
        if self.timer < end {
            engine.fetch_tick::<Prefetch>();
            ahead.events.push(Event::Clock);
        }
        if !ahead.events.is_empty() {
            engine.fetch_limits::<Prefetch>();
        }
    }

    /// What this record reads of its connection.
    #[inline(always)]
    fn fetch_record(&self, engine: &Peer, mail: &Mail, ahead: &mut Ahead) {
        let short = mail.door().slot;
        let slot = usize::from(short);
        let event = match &mail.body {
            Body::Message(message) => match message {
                Message::Have(piece) => {
                    engine.fetch_have::<Prefetch>(slot, *piece);
                    // A film's viewers are interested in each other once and for all.
                    if engine.is_live() {
                        ahead.heard.push(short);
                    }
                    return;
                }
                Message::Interested | Message::NotInterested => {
                    engine.fetch_link::<Prefetch>(slot);
                    return;
                }
                Message::Request(block) => {
                    engine.fetch_held::<Prefetch>(block.piece);
                    Event::Conn { slot }
                }
                &Message::Piece(block) => {
                    engine.fetch_piece::<Prefetch>(slot, block.piece);
                    engine.fetch_player::<Prefetch>();
                    Event::Block { slot, block }
                }
                &Message::Reject(block) => {
                    engine.fetch_piece::<Prefetch>(slot, block.piece);
                    Event::Asking { slot, block }
                }
                Message::Unchoke => {
                    let block = FIRST;
                    engine.fetch_piece::<Prefetch>(slot, block.piece);
                    Event::Asking { slot, block }
                }
                Message::Extended(extended) => {
                    Prefetch::all(&**extended);
                    Event::Conn { slot }
                }
                _ => Event::Conn { slot },
            },
            Body::Hello { .. } => {
                engine.fetch_names::<Prefetch>();
                return;
            }
            Body::HelloBack { .. } => {
                self.fetch_slot(engine, slot);
                engine.fetch_names::<Prefetch>();
                return;
            }
            _ => Event::Conn { slot },
        };
        self.fetch_slot(engine, slot);
        ahead.events.push(event);
    }

    #[inline(always)]
    fn fetch_slot(&self, engine: &Peer, slot: usize) {
        Prefetch::item(&self.slots, slot);
        engine.fetch_slot::<Prefetch>(slot);
    }

    /// Then what that points at.
    #[inline]
    pub(crate) fn fetch_queues(&self, ahead: &Ahead) {
        let Some(engine) = self.engine.as_deref() else {
            return;
        };
        for &slot in &ahead.heard {
            let slot = usize::from(slot);
            if engine.may_interest(slot) {
                Prefetch::item(&self.slots, slot);
            }
        }
        for &event in &ahead.events {
            match event {
                Event::Block { slot, block } => {
                    self.fetch_busy(slot);
                    engine.fetch_queues::<Prefetch>(slot);
                    engine.fetch_block::<Prefetch>(block);
                    if engine.fetch_if_last::<Prefetch>(block) {
                        // All will be told.
                        Prefetch::front(&self.slots, usize::MAX);
                    }
                }
                Event::Asking { slot, block } => {
                    self.fetch_lane(slot);
                    engine.fetch_queues::<Prefetch>(slot);
                    engine.fetch_block::<Prefetch>(block);
                }
                Event::Conn { slot } => {
                    self.fetch_lane(slot);
                    engine.fetch_queues::<Prefetch>(slot);
                }
                Event::Clock => engine.fetch_asked::<Prefetch>(),
            }
        }
    }

    /// And what that points at.
    #[inline]
    pub(crate) fn fetch_ends(&self, ahead: &Ahead) {
        let Some(engine) = self.engine.as_deref() else {
            return;
        };
        for &event in &ahead.events {
            match event {
                Event::Block { slot, block } => {
                    if engine.is_last(block) {
                        self.slots.iter().filter_map(busy).for_each(Prefetch::all);
                    }
                    self.fetch_waiting(slot);
                    engine.fetch_ends::<Prefetch>(slot);
                }
                Event::Asking { slot, .. } | Event::Conn { slot } => {
                    self.fetch_waiting(slot);
                    engine.fetch_ends::<Prefetch>(slot);
                }
                Event::Clock => engine.fetch_owed::<Prefetch>(),
            }
        }
    }

    /// What only blocks need.
    #[inline]
    fn fetch_lane(&self, slot: usize) {
        if let Some(lane) = self.slots.get(slot).and_then(|slot| slot.lane.as_deref()) {
            Prefetch::all(lane);
        }
    }

    /// The same, if what is said there waits behind a block.
    #[inline]
    fn fetch_busy(&self, slot: usize) {
        if let Some(lane) = self.slots.get(slot).and_then(busy) {
            Prefetch::all(lane);
        }
    }

    /// What waits there.
    #[inline]
    fn fetch_waiting(&self, slot: usize) {
        if let Some(lane) = self.slots.get(slot).and_then(busy) {
            Prefetch::ends(&lane.waiting);
        }
    }
}

/// The lane of a connection on which a block is being sent.
#[inline(always)]
fn busy(slot: &Slot) -> Option<&Lane> {
    let busy = slot.conn.as_ref().is_some_and(|conn| conn.busy);
    slot.lane.as_deref().filter(|_| busy)
}
