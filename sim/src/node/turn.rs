//! A node's turn: what happens to it before a window is over, one by one in order, and what its engine
//! asks for on each.

use swarmbed_engine::{ConnId, Input, Instant, Message, Overheard};

use super::{Net, Node};
use crate::chunk::Place;
use crate::mail::{Body, Door, Mail, message_bytes};
use crate::network::{Arriving, Network};
use crate::observer::Observer;
use crate::report::Ending;
use crate::setup::WireMode;

/// Most calls at one instant: beyond it, engine and world are in a loop that time cannot end.
const CALLS_PER_INSTANT: u32 = 1_000_000;

/// Whose turn it is when several things happen to a peer at one time. Mail comes after `Script`
/// and before the rest. The order decides ties, so it is part of every trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Turn {
    /// Arrival, end of session, a fault.
    Script,
    /// A record from somebody else.
    Mail,
    /// The head of the downlink's queue is through.
    Downlink,
    /// A block has left.
    Uplink,
    /// A piece is hashed.
    Hash,
    /// A dial was not answered.
    Dial,
    /// The engine's `poll_timeout`.
    Timer,
    /// The peer has had what it came for.
    Leave,
}

impl<O: Observer, N: Network> Node<O, N> {
    /// The node's next own event.
    pub(crate) fn next(&self) -> (u64, Turn) {
        let mut next = (self.downlink.head(), Turn::Downlink);
        for other in [(self.uplink.end(), Turn::Uplink), (self.timer, Turn::Timer)] {
            if other.0 < next.0 {
                next = other;
            }
        }
        if self.rare_at > next.0 || self.rare_at == u64::MAX {
            return next;
        }
        let rare = [
            (self.script_at, Turn::Script),
            (self.storage.hashed(), Turn::Hash),
            (self.dial_at, Turn::Dial),
            (self.leave_at, Turn::Leave),
        ];
        rare.into_iter().fold(next, Ord::min)
    }

    /// Its own event.
    #[inline]
    pub(crate) fn own(&mut self, now: u64, turn: Turn, net: &mut Net<'_>) {
        self.count_instant(now, net);
        match turn {
            Turn::Script => self.script(now, net),
            Turn::Mail => unreachable!("mail is no event of its own"),
            Turn::Downlink => {
                let (mail, bytes) = self.downlink.pop();
                self.deliver(now, mail, bytes, net);
            }
            Turn::Uplink => self.block_left(now, net),
            Turn::Hash => {
                let piece = self.storage.pop_hashed();
                self.look();
                let verdict = self.verdict(piece, net);
                self.call(now, Input::Verified { piece, verdict }, net);
            }
            Turn::Dial => self.unanswered(now, net),
            Turn::Timer => self.call(now, Input::Timeout, net),
            Turn::Leave => self.leave(now, Ending::Left, net),
        }
    }

    /// A record arrives at its downlink.
    pub(crate) fn mail(&mut self, mail: Mail, net: &mut Net<'_>) {
        let record = mail.arriving();
        self.arrived(mail, record, net);
    }

    #[inline]
    fn arrived(&mut self, mail: Mail, record: Arriving, net: &mut Net<'_>) {
        let now = mail.at;
        self.count_instant(now, net);
        if let Some(mail) = N::arrive(&mut self.downlink, record, mail) {
            self.deliver(now, mail, record.bytes, net);
        }
    }

    /// The record is a message that is through at once, and of which little follows: it is dealt with. The oracle
    /// among the drivers does without this.
    fn overhear(&mut self, mail: &Mail, record: Arriving, net: &mut Net<'_>) -> Overheard {
        let Some(message) = mail.body.brief() else {
            return Overheard::Not;
        };
        let Some(done) = N::at_once(&self.downlink, record) else {
            return Overheard::Not;
        };
        let heard = self.hear(mail.at, mail.door(), message, net);
        if heard != Overheard::Not {
            self.downlink.served(done);
        }
        heard
    }

    /// The same of one that waited on the downlink and is through now.
    fn overhear_waiting(&mut self, now: u64, net: &mut Net<'_>) -> bool {
        let Some(mail) = self.downlink.front() else {
            return false;
        };
        let Some(message) = mail.body.brief().cloned() else {
            return false;
        };
        let heard = self.hear(now, mail.door(), &message, net) != Overheard::Not;
        if heard {
            self.downlink.pop();
        }
        heard
    }

    /// A message is through: it is dealt with, if little follows from it.
    #[inline(always)]
    fn hear(&mut self, now: u64, door: Door, message: &Message, net: &mut Net<'_>) -> Overheard {
        let Door { serial, slot } = door;
        let conn = ConnId::new(serial, slot);
        if net.shared.setup.wire != WireMode::Typed {
            return Overheard::Not;
        }
        let Some(engine) = &mut self.engine else {
            return Overheard::Not;
        };
        let heard = engine.overhear(Instant::from_nanos(now), conn, message);
        if heard == Overheard::Not {
            return heard;
        }
        self.trace.heard(now, conn, message);
        self.counts.down += message_bytes(message);
        net.out.work.messages += 1;
        net.out.work.calls += 1;
        if heard == Overheard::Interests {
            self.say(now, conn, Body::Message(Message::Interested), net);
        }
        heard
    }

    /// Handles everything before `end`: own events and the mail that `order` names, by key.
    pub(crate) fn window(
        &mut self,
        mails: &mut [Mail],
        order: &[Place],
        end: u64,
        net: &mut Net<'_>,
    ) -> u64 {
        let mut waiting = order.iter();
        let mut mail = waiting.next();
        let mut next = self.next();
        loop {
            match mail {
                Some(place) if place.at < end && (place.at, Turn::Mail) < next => {
                    mail = waiting.next();
                    let record = &mut mails[place.index as usize];
                    let arriving = record.arriving();
                    let heard = self.overhear(record, arriving, net);
                    if heard == Overheard::Not {
                        self.arrived(record.take(), arriving, net);
                    } else {
                        // Nothing of a brief message is to be given back.
                        std::mem::forget(std::mem::replace(&mut record.body, Body::Taken));
                    }
                    if heard == Overheard::Noted {
                        // The next event is the one it was.
                        continue;
                    }
                }
                _ if next.0 < end => {
                    let waits = next.1 == Turn::Downlink;
                    if !(waits && self.overhear_waiting(next.0, net)) {
                        self.own(next.0, next.1, net);
                    }
                }
                _ => {
                    debug_assert!(net.out.pending.is_empty(), "an input was not given");
                    return next.0;
                }
            }
            next = self.next();
        }
    }

    fn count_instant(&self, now: u64, net: &mut Net<'_>) {
        let here = (now, self.number);
        let (last, count) = &mut net.out.instant;
        if *last == here {
            *count += 1;
            assert!(
                *count < CALLS_PER_INSTANT,
                "peer {} does not come to rest at {now} ns",
                self.number
            );
        } else {
            net.out.instant = (here, 0);
        }
    }

    /// Gives the engine an input, and does what it asks until it is content.
    pub(super) fn call(&mut self, now: u64, input: Input, net: &mut Net<'_>) {
        if let Some(engine) = &mut self.engine {
            self.trace.input(now, &input);
            net.out.work.calls += 1;
            net.out.lend(engine);
            engine.handle(Instant::from_nanos(now), input);
            self.settle(now, net);
        }
    }

    /// The same with a message.
    pub(super) fn receive(&mut self, now: u64, conn: ConnId, message: Message, net: &mut Net<'_>) {
        if let Some(engine) = &mut self.engine {
            self.trace.heard(now, conn, &message);
            net.out.work.calls += 1;
            net.out.lend(engine);
            engine.receive(Instant::from_nanos(now), conn, message);
            self.settle(now, net);
        }
    }

    /// Drains the engine, answers what is answered at once, and sets the timer.
    pub(super) fn settle(&mut self, now: u64, net: &mut Net<'_>) {
        loop {
            while let Some(output) = self.engine.as_mut().and_then(|peer| peer.poll_output()) {
                self.output(now, output, net);
            }
            let Some(engine) = &mut self.engine else {
                net.out.pending.clear();
                return;
            };
            let Some(input) = net.out.pending.front() else {
                net.out.take_back(engine);
                let timeout = engine.poll_timeout().map_or(u64::MAX, Instant::as_nanos);
                self.timer = timeout.max(now);
                if let Some(violation) = self.played.check(engine, &self.storage) {
                    self.violation(now, &violation);
                }
                return;
            };
            self.trace.input(now, input);
            net.out.work.calls += 1;
            let at = Instant::from_nanos(now);
            // The commonest was put there a moment ago.
            if let Input::Stored { block, result } = *input {
                net.out.pending.pop_front();
                net.out.lend(engine);
                engine.store(at, block, result);
            } else if let Some(input) = net.out.pending.pop_front() {
                net.out.lend(engine);
                engine.handle(at, input);
            }
            self.count_instant(now, net);
        }
    }
}
