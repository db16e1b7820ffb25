//! The tracker, and the web seed that stands beside it: a node like another. Its answers are drawn by (peer, announce number), so that one
//! peer's announce moves no other's answer but through who is listed.

use swarmbed_engine::{Announce, PieceIndex};

use crate::latency::nanos;
use crate::links::nanos_for;
use crate::mail::{Answer, Body, Door, Mail, TRACKER};
use crate::outbox::Outbox;
use crate::shared::Shared;

/// Not listed.
const NOWHERE: u32 = u32::MAX;
/// Beyond twice the interval and this, a peer that was not heard of is forgotten.
const GRACE: u64 = 60_000_000_000;

/// The tracker.
#[derive(Debug)]
pub(crate) struct Tracker {
    /// What is on its way to it.
    pending: Vec<Mail>,
    /// What it sent.
    pub(crate) out: Outbox,
    /// Who announced and did not stop.
    listed: Vec<u32>,
    /// Where each peer stands there.
    place: Vec<u32>,
    /// When each was heard of.
    heard: Vec<u64>,
    seq: u32,
    /// Content that the web seed, at the same place, has sent.
    served: u64,
    /// When the web seed will have sent what was wanted so far.
    busy_until: u64,
    /// Bytes it got.
    pub(crate) down: u64,
    /// Bytes it sent.
    pub(crate) up: u64,
}

impl Tracker {
    /// A tracker that knows nobody, of `peers` who may come.
    pub(crate) fn new(peers: usize, out: Outbox) -> Self {
        Self {
            pending: Vec::new(),
            out,
            listed: Vec::new(),
            place: vec![NOWHERE; peers],
            heard: vec![0; peers],
            seq: 0,
            served: 0,
            busy_until: 0,
            down: 0,
            up: 0,
        }
    }

    /// Takes what was sent to it in a window.
    pub(crate) fn collect(&mut self, mail: &mut Vec<Mail>) {
        self.pending.append(mail);
    }

    /// When its next mail arrives; `u64::MAX`: never.
    pub(crate) fn next(&self) -> u64 {
        self.pending
            .iter()
            .map(|mail| mail.at)
            .min()
            .unwrap_or(u64::MAX)
    }

    /// Bytes on their way to it.
    pub(crate) fn in_flight(&self) -> u64 {
        self.pending.iter().map(|mail| mail.body.bytes()).sum()
    }

    /// Handles what arrives before `end`, by key.
    pub(crate) fn window(&mut self, end: u64, shared: &Shared) {
        if self.next() >= end {
            return;
        }
        let (mut due, later): (Vec<Mail>, Vec<Mail>) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|mail| mail.at < end);
        self.pending = later;
        due.sort_unstable_by_key(Mail::key);
        for mail in due {
            self.handle(&mail, shared);
        }
    }

    /// An announce.
    pub(crate) fn handle(&mut self, mail: &Mail, shared: &Shared) {
        self.down += mail.body.bytes();
        let (kind, number) = match mail.body {
            Body::Announce { kind, number } => (kind, number),
            Body::Fetch { piece } => return self.serve(mail, piece, shared),
            _ => unreachable!("peers announce or fetch"),
        };
        let (peer, now) = (mail.from, mail.at);
        if kind == Announce::Stopped {
            self.forget(peer);
            return;
        }
        self.heard[peer as usize] = now;
        if self.place[peer as usize] == NOWHERE {
            self.place[peer as usize] = u32::try_from(self.listed.len()).expect("few peers");
            self.listed.push(peer);
        }
        let peers = self.sample(now, peer, number, shared);
        let body = Body::Answer(Box::new(Answer { peers }));
        self.up += body.bytes();
        let at = now + shared.latencies.tracker;
        self.out
            .post(Mail::new(at, (TRACKER, self.seq), peer, Door::NONE, body));
        self.seq += 1;
    }

    /// A piece is wanted of the web seed: whole, and after those that were wanted before.
    fn serve(&mut self, mail: &Mail, piece: PieceIndex, shared: &Shared) {
        let Some(server) = shared.setup.web_seed else {
            unreachable!("nobody is told of a web seed that is not there");
        };
        let length = shared.setup.geometry.length_of(piece);
        let spent = self.served + u64::from(length);
        // A liar may have told of a piece that is not made yet.
        let future = shared.setup.live.is_some() && shared.made_at(piece).as_nanos() > mail.at;
        let body = if future || server.budget.is_some_and(|budget| spent > budget) {
            Body::Spent { piece }
        } else {
            self.served = spent;
            let bytes = length;
            Body::Fetched { piece, bytes }
        };
        let bytes = body.bytes();
        let span = nanos_for(bytes, server.rate.bytes_per_s());
        let begin = self.busy_until.max(mail.at);
        self.busy_until = begin + span;
        self.up += bytes;
        let at = self.busy_until + shared.latencies.tracker;
        let answer = Mail::new(at, (TRACKER, self.seq), mail.from, Door::NONE, body);
        self.out.post(answer.spanning(span, false));
        self.seq += 1;
    }

    fn forget(&mut self, peer: u32) {
        let place = std::mem::replace(&mut self.place[peer as usize], NOWHERE);
        if place != NOWHERE {
            self.listed.swap_remove(place as usize);
            if let Some(&moved) = self.listed.get(place as usize) {
                self.place[moved as usize] = place;
            }
        }
    }

    /// Others who are listed, at random, none twice.
    fn sample(&mut self, now: u64, peer: u32, number: u32, shared: &Shared) -> Vec<u32> {
        let name = u64::from(peer) << 32 | u64::from(number);
        let mut rng = shared.seed.stream("tracker", name);
        let wanted = shared.setup.tracker.peers_per_answer as usize;
        let patience = nanos(shared.setup.tracker.interval)
            .saturating_mul(2)
            .saturating_add(GRACE);
        let mut answer = Vec::with_capacity(wanted.min(self.listed.len()));
        // Fisher and Yates on the front of the list: the order of the list means nothing.
        let mut front = 0;
        while answer.len() < wanted && front < self.listed.len() {
            let place = front + rng.index(self.listed.len() - front);
            let found = self.listed[place];
            if self.heard[found as usize].saturating_add(patience) < now {
                self.forget(found);
                continue;
            }
            self.swap(front, place);
            front += 1;
            if found != peer {
                answer.push(found);
            }
        }
        answer
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.listed.swap(one, other);
        for place in [one, other] {
            let index = u32::try_from(place).expect("few peers");
            self.place[self.listed[place] as usize] = index;
        }
    }
}
