//! One peer and all that is its own: engine, links, connections, storage, viewer.
//!
//! A node is told of its mail and of its own events, in order, and sends mail. It knows neither
//! who drives it nor in which thread. Its own events are fields, not queue entries: each is the
//! next end of something that only this node can change.

mod adversary;
mod conn;
mod connect;
mod deliver;
mod fetch;
mod life;
mod output;
mod punched;
mod storage;
mod transmit;
mod turn;
mod viewer;

use std::collections::VecDeque;

use swarmbed_engine::{Block, ConnId, Event, Footprint, Instant, Peer, PieceIndex};

use crate::check::Played;
use crate::fluid::{self, batch::Sending};
use crate::links::{Downlink, Uplink};
use crate::mail::Mail;
use crate::network::Network;
use crate::observer::{Observer, PeerFacts};
use crate::outbox::Outbox;
use crate::report::Ending;
use crate::setup::Fault;
use crate::shared::Shared;
use crate::trace::Trace;

pub(crate) use fetch::Ahead;
pub(crate) use life::Remains;
pub(crate) use storage::Storage;
pub(crate) use turn::Turn;

use conn::Slot;
use punched::Punched;

/// Most violations told of one node.
const VIOLATIONS: usize = 8;

/// What is planned for a peer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Arrive,
    SessionEnd,
    Fault(Fault),
    /// A channel's source makes this piece.
    Make(PieceIndex),
    /// The viewer does something with the player.
    Viewer(viewer::Whim),
    /// An adversary's block is late enough.
    Send(ConnId, Block),
}

/// What a node may reach beyond itself.
pub(crate) struct Net<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) out: &'a mut Outbox,
}

/// Bytes of one node.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Bytes that left on the uplink, headers and all.
    pub(crate) up: u64,
    /// Bytes that came through the downlink.
    pub(crate) down: u64,
    /// Bytes that left and will not arrive, or arrived where nobody is.
    pub(crate) lost: u64,
}

/// One peer. Its fields stand in this order in memory: what every event looks at comes first, side
/// by side, for in a big swarm every line of it is a miss. The observer's first word is the last of that.
#[repr(C, align(64))]
pub(crate) struct Node<O, N = Uplink> {
    engine: Option<Box<Peer>>,
    timer: u64,
    /// The earliest of `script_at`, `dial_at`, `leave_at`, and of when a piece is hashed; see `look`.
    rare_at: u64,
    downlink: Downlink<Mail>,
    uplink: N,
    /// By slot.
    slots: Vec<Slot>,
    trace: Trace,
    counts: Counts,
    number: u32,
    /// Records sent.
    seq: u32,
    /// Nanoseconds by which blocks are late on purpose.
    late: u64,
    /// Blocks still to be spoiled, by fault or on purpose.
    spoil: u32,
    /// How often it came under another name.
    alias: u16,
    /// It changes its name when it is served badly.
    sulks: bool,
    ended: bool,
    played: Played,
    completed: Option<u64>,
    storage: Storage,
    observer: O,
    /// When its script's first step is due.
    script_at: u64,
    /// When the first dial that will not be answered is noticed.
    dial_at: u64,
    leave_at: u64,
    /// By time.
    script: VecDeque<(u64, Step)>,
    /// Dials that will not be answered, by the time that is noticed.
    dials: VecDeque<(u64, ConnId)>,
    /// What the uplink is said to carry, in bytes per second.
    declared: u64,
    announces: u32,
    /// Choke rounds in which it was served badly.
    unwanted: u8,
    /// Where datagrams went lately: through a firewall, only these may answer.
    punched: Punched,
    /// It has seen a frame.
    started: bool,
    /// The run does not end before this viewer is done.
    waited_for: bool,
    ending: Option<(u64, Ending)>,
    /// Uplink bytes times 1e9 that could have left before the last change of rate, and its time.
    capacity: (u128, u64),
    violations: Vec<String>,
}

impl<O: Observer, N: Network> Node<O, N> {
    /// A peer that has not arrived yet.
    pub(crate) fn new(shared: &Shared, facts: &PeerFacts, observer: O) -> Self {
        let number = facts.number;
        let script = life::script(shared, facts);
        let vice = adversary::Vice::of(shared, facts);
        Self {
            number,
            engine: None,
            observer,
            trace: Trace::new(),
            declared: facts.uplink.bytes_per_s(),
            uplink: N::new(facts.uplink.bytes_per_s()),
            downlink: Downlink::new(shared.downlink(number)),
            slots: Vec::new(),
            script_at: life::due(&script),
            rare_at: life::due(&script),
            script,
            dials: VecDeque::new(),
            dial_at: u64::MAX,
            storage: Storage::default(),
            timer: u64::MAX,
            leave_at: u64::MAX,
            seq: 0,
            announces: 0,
            spoil: vice.spoil,
            late: vice.late,
            sulks: vice.sulks,
            unwanted: 0,
            alias: 0,
            punched: Punched::default(),
            completed: None,
            ended: false,
            started: false,
            waited_for: life::is_waited_for(shared, facts),
            ending: None,
            counts: Counts::default(),
            capacity: (0, facts.arrival.as_nanos()),
            played: Played::default(),
            violations: Vec::new(),
        }
    }

    /// One of the times of what happens seldom has changed.
    fn look(&mut self) {
        let rare = self.script_at.min(self.dial_at).min(self.leave_at);
        self.rare_at = rare.min(self.storage.hashed());
    }

    fn event(&mut self, now: u64, event: &Event) {
        match event {
            Event::Completed => self.completed = self.completed.or(Some(now)),
            Event::Ended => self.ended = true,
            Event::Started { .. } => self.started = true,
            _ => {}
        }
        self.played.event(event);
        self.observer.event(Instant::from_nanos(now), event);
    }

    fn violation(&mut self, now: u64, what: &str) {
        if self.violations.len() < VIOLATIONS {
            let number = self.number;
            self.violations
                .push(format!("peer {number} at {now} ns: {what}"));
        }
    }

    /// The uplink as a mutant has it.
    pub(crate) fn mutate(&mut self, shared: &Shared) {
        self.uplink = N::new(shared.served(self.declared));
    }

    /// It is there.
    pub(crate) const fn is_present(&self) -> bool {
        self.engine.is_some()
    }

    /// What it holds; nothing if it is not there.
    pub(crate) fn footprint(&self) -> Footprint {
        self.engine
            .as_ref()
            .map_or_else(Footprint::default, |peer| peer.footprint())
    }

    /// The run waits for it.
    pub(crate) const fn is_waited_for(&self) -> bool {
        self.waited_for
    }

    /// Its neighbours' numbers, once handshakes are exchanged.
    pub(crate) fn neighbours(&self) -> impl Iterator<Item = u32> + '_ {
        let open = self.conns().filter(|conn| conn.is_open());
        open.map(|conn| conn.peer)
    }

    /// Of the blocks that are being sent, what a solver of shares needs.
    pub(crate) fn sending(&self) -> Sending<impl Iterator<Item = u32> + Clone + '_> {
        Sending {
            uplink: self.uplink.rate(),
            downlink: self.downlink.rate(),
            receivers: self.uplink.receivers(),
        }
    }

    /// A batch of shares begins; true if its next event may be another.
    pub(crate) fn offered(&mut self, now: u64, offers: &[u64]) -> bool {
        self.uplink.offered(now, offers)
    }

    /// Something waits on its downlink: what comes next is behind that.
    pub(crate) const fn holds_mail(&self) -> bool {
        self.downlink.head() != u64::MAX
    }

    /// Bytes that wait on its downlink.
    pub(crate) fn in_flight(&self) -> u64 {
        self.downlink.waiting()
    }
}

impl<O> fluid::Access for Node<O, fluid::Uplink> {
    fn uplink(&self) -> &fluid::Uplink {
        &self.uplink
    }

    fn uplink_mut(&mut self) -> &mut fluid::Uplink {
        &mut self.uplink
    }

    fn downlink_rate(&self) -> Option<u64> {
        self.downlink.rate()
    }

    fn downlink_busy_until(&self) -> u64 {
        self.downlink.busy_until()
    }
}
