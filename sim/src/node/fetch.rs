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

/// Bytes of a node that every turn reads.
const TURN: usize = 320;

/// And one in which a block comes, or a piece is hashed.
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
    /// A block is asked for, or anything else is said that is about none.
    Conn { slot: usize },
    /// A block has left.
    Left { slot: usize },
    /// A block has come there.
    Acked { slot: usize },
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
        Prefetch::start(self, TURN);
    }

    /// Then what waits on its links, and its engine, as far as that is asked when these `records` come and before `end`.
    #[inline]
    pub(crate) fn fetch_engine<'a>(&self, records: impl Iterator<Item = &'a Mail>, end: u64) {
        let Some(engine) = self.engine.as_deref() else {
            return;
        };
        let through = self.downlink.head() < end;
        let mut more = through || self.timer < end || self.rare_at < end;
        let mut begins = self.uplink.end() < end;
        let mut called = more || begins;
        let mut heard = false;
        let queued = self.holds_mail();
        let mut waits = false;
        for mail in records {
            match &mail.body {
                Body::Ack { .. } => {
                    waits |= queued;
                    continue;
                }
                Body::Message(Message::Have(_)) => heard = true,
                Body::Message(Message::Interested | Message::NotInterested) => {}
                Body::Message(Message::Request(_)) => (heard, begins) = (true, true),
                Body::Message(Message::Piece(_)) => (more, waits) = (true, true),
                _ => more = true,
            }
            called = true;
            waits |= queued;
        }
        if through {
            self.downlink.fetch::<Prefetch>();
        }
        if waits {
            self.downlink.fetch_end::<Prefetch>();
        }
        if begins {
            self.uplink.fetch::<Prefetch>();
        }
        if called {
            engine.fetch::<Prefetch>();
        }
        if more {
            engine.fetch_more::<Prefetch>();
            Prefetch::part(self, TURN..HOT);
        } else if heard {
            engine.fetch_news::<Prefetch>();
        }
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
        let mut called = self.uplink.end() < end || self.timer < end;
        for mail in records {
            called |= self.fetch_record(engine, mail, ahead);
        }
        if self.downlink.head() < end {
            for mail in self.downlink.through(end).take(THROUGH) {
                called |= self.fetch_record(engine, mail, ahead);
            }
        }
        if called {
            engine.fetch_live::<Prefetch>();
        }
        if self.uplink.end() < end
            && let Some(slot) = self.uplink.first()
        {
            let slot = usize::from(slot);
            Prefetch::item(&self.slots, slot);
            engine.fetch_upload::<Prefetch>(slot);
            ahead.events.push(Event::Left { slot });
        }
        if self.timer < end {
            engine.fetch_tick::<Prefetch>();
            engine.fetch_all_live::<Prefetch>();
            ahead.events.push(Event::Clock);
        }
    }

    /// What this record reads of its connection; whether the engine is told.
    #[inline(always)]
    fn fetch_record(&self, engine: &Peer, mail: &Mail, ahead: &mut Ahead) -> bool {
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
                    return true;
                }
                Message::Interested | Message::NotInterested => {
                    engine.fetch_link::<Prefetch>(slot);
                    return true;
                }
                Message::Request(block) => {
                    engine.fetch_held::<Prefetch>(block.piece);
                    Prefetch::item(&self.slots, slot);
                    engine.fetch_upload::<Prefetch>(slot);
                    ahead.events.push(Event::Conn { slot });
                    return true;
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
            Body::Ack { .. } => {
                Prefetch::item(&self.slots, slot);
                ahead.events.push(Event::Acked { slot });
                return false;
            }
            Body::Hello { .. } => {
                engine.fetch_names::<Prefetch>();
                return true;
            }
            Body::HelloBack { .. } => {
                self.fetch_slot(engine, slot);
                engine.fetch_names::<Prefetch>();
                return true;
            }
            _ => Event::Conn { slot },
        };
        self.fetch_slot(engine, slot);
        ahead.events.push(event);
        true
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
            engine.fetch_heard::<Prefetch>(slot);
            if engine.may_interest(slot) {
                Prefetch::item(&self.slots, slot);
            }
        }
        for &event in &ahead.events {
            match event {
                Event::Block { slot, block } => {
                    self.fetch_busy(slot);
                    engine.fetch_requests::<Prefetch>(slot);
                    engine.fetch_block::<Prefetch>(block);
                    if engine.fetch_if_last::<Prefetch>(block) {
                        // All will be told.
                        Prefetch::front(&self.slots, usize::MAX);
                    }
                }
                Event::Asking { slot, block } => {
                    self.fetch_busy(slot);
                    engine.fetch_requests::<Prefetch>(slot);
                    engine.fetch_block::<Prefetch>(block);
                }
                Event::Conn { slot } | Event::Left { slot } => {
                    self.fetch_lane(slot);
                    engine.fetch_uploads::<Prefetch>(slot);
                }
                Event::Acked { slot } => self.fetch_lane(slot),
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
                }
                Event::Conn { slot } => engine.fetch_ends::<Prefetch>(slot),
                Event::Left { slot } => {
                    self.fetch_waiting(slot);
                    engine.fetch_ends::<Prefetch>(slot);
                }
                Event::Asking { .. } | Event::Acked { .. } => {}
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
        if let Some(lane) = self.slots.get(slot).and_then(busy)
            && !lane.waiting.is_empty()
        {
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
