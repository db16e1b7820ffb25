//! Another policy in a recorded peer's place, among neighbours who do what they did.
//!
//! What is frozen: when who is connected, what they have and say, when they unchoke us, and when
//! each of them sends a block or refuses one. Which block that is follows what it was asked for: the
//! one in the same place of the order. What is asked of a neighbour who then sent nothing does not
//! come. Readers of the media ask for what they asked for, when they did; a player that told where it
//! was tells the same.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

use swarmbed_engine::recording::{Recording, Step};
use swarmbed_engine::{
    Block, Call, CloseReason, Config, ConfigError, ConnId, Event, Input, Instant, Message, Output,
    Peer, PieceIndex, Remote, StoreResult, Verdict,
};

use crate::again::{Fault, Played, drain, in_detail};
use crate::owed::{Owed, Which};
use crate::verdicts::Verdicts;

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Other {
    /// What it did.
    pub played: Played,
    /// Blocks that neighbours sent.
    pub sent: u64,
    /// Of those: nothing was asked for there, so nothing came.
    pub unasked: u64,
}

/// Plays the recording with a changed configuration.
///
/// # Errors
/// If the change makes no sense; in the answer, if an entry makes none.
pub fn other(
    recording: &Recording,
    change: impl FnOnce(&mut Config),
) -> Result<Result<Other, Fault>, ConfigError> {
    let peer = recording.peer(|config| {
        in_detail(config);
        change(config);
    })?;
    Ok(play(recording, peer))
}

fn play(recording: &Recording, peer: Peer) -> Result<Other, Fault> {
    let mut world = World {
        peer,
        call: 0,
        now: recording.began(),
        links: BTreeMap::new(),
        owed: BTreeMap::new(),
        dialled: BTreeMap::new(),
        stores: Vec::new(),
        storing: None,
        verdicts: Verdicts::of(recording)?,
        shared: BTreeSet::new(),
        due: BTreeMap::new(),
        fetching: None,
        after: VecDeque::new(),
        other: Other::default(),
    };
    world.other.played.span = (recording.began(), recording.began());
    for (number, step) in (0..).zip(recording.steps()) {
        let call = number;
        let step = step.map_err(|source| Fault::Malformed { call, source })?;
        world.call = number;
        world.step(step);
    }
    Ok(world.other)
}

/// A connection of the recording's.
#[derive(Debug)]
struct Link {
    addr: SocketAddr,
    /// The same neighbour's connection to the other.
    ours: Option<ConnId>,
    owed: Owed,
    fast: bool,
    choked: bool,
}

struct World {
    peer: Peer,
    call: u64,
    now: Instant,
    /// By their name in the recording.
    links: BTreeMap<ConnId, Link>,
    /// By the other's name for the connection.
    owed: BTreeMap<ConnId, Owed>,
    /// Dials of the recording that are not answered.
    dialled: BTreeMap<SocketAddr, ConnId>,
    /// Blocks being stored: the recording's, and the other's that came in its place.
    stores: Vec<(Block, Block)>,
    /// The block that the other was just told to store.
    storing: Option<Block>,
    verdicts: Verdicts,
    /// Pieces that both have asked to be judged after the same call.
    shared: BTreeSet<PieceIndex>,
    /// Verdicts on pieces that only the other has asked for.
    due: BTreeMap<(Instant, PieceIndex), Verdict>,
    fetching: Option<PieceIndex>,
    /// What is told next, at the same time.
    after: VecDeque<Input>,
    other: Other,
}

impl World {
    fn step(&mut self, step: Step) {
        let Step { now, call, outputs } = step;
        while let Some((&(at, piece), _)) = self.due.first_key_value() {
            if at > now {
                break;
            }
            let verdict = self.due.remove(&(at, piece)).expect("it is the first");
            self.now = at;
            self.tell(Input::Verified { piece, verdict });
        }
        self.now = now;
        let input = call.and_then(|call| self.translate(call, &outputs));
        let closed = self.note(&outputs);
        if let Some(input) = input {
            self.tell(input);
        } else {
            self.drain();
        }
        let stored = outputs.iter().find_map(|output| match output {
            Output::Store(block) => Some(*block),
            _ => None,
        });
        match (stored, self.storing.take()) {
            (Some(theirs), Some(ours)) => self.stores.push((theirs, ours)),
            (None, Some(block)) => self.after.push_back(Input::Stored {
                block,
                result: StoreResult::Done,
            }),
            (_, None) => {}
        }
        for link in closed {
            if let Some(conn) = link.ours {
                self.after.push_back(Input::Closed {
                    conn,
                    reason: CloseReason::Remote,
                });
            }
        }
        self.refuse();
        while let Some(input) = self.after.pop_front() {
            self.tell(input);
            if let Some(block) = self.storing.take() {
                let result = StoreResult::Done;
                self.after.push_back(Input::Stored { block, result });
            }
        }
        self.other.played.span.1 = now;
    }

    /// What the recording's call is to the other, unless it is made here.
    fn translate(&mut self, call: Call, outputs: &[Output]) -> Option<Input> {
        self.other.played.calls += 1;
        match call {
            Call::Input(input) => self.input(input),
            Call::Accept { addr, remote } => {
                self.accept(addr, remote, outputs);
                None
            }
            other => {
                self.peer.call(self.now, other);
                None
            }
        }
    }

    fn ours(&self, theirs: ConnId) -> Option<ConnId> {
        self.links.get(&theirs)?.ours
    }

    fn input(&mut self, input: Input) -> Option<Input> {
        Some(match input {
            Input::Connected { conn, remote } => {
                let link = self.links.get_mut(&conn)?;
                link.fast = remote.fast;
                self.dialled.remove(&link.addr);
                let conn = link.ours?;
                Input::Connected { conn, remote }
            }
            Input::Closed { conn, reason } => {
                let link = self.links.remove(&conn)?;
                self.dialled.remove(&link.addr);
                let conn = link.ours?;
                self.owed.remove(&conn);
                Input::Closed { conn, reason }
            }
            Input::Message(conn, message) => self.message(conn, message)?,
            Input::Progress { conn, bytes } => {
                let conn = self.ours(conn)?;
                if self.owed.get(&conn).is_none_or(Owed::is_empty) {
                    return None;
                }
                Input::Progress { conn, bytes }
            }
            Input::Credit { conn, blocks } => {
                let conn = self.ours(conn)?;
                Input::Credit { conn, blocks }
            }
            Input::Unread { conn } => {
                let conn = self.ours(conn)?;
                Input::Unread { conn }
            }
            Input::Stored { block, result } => {
                let place = self.stores.iter().position(|(one, _)| *one == block)?;
                let (_, block) = self.stores.remove(place);
                Input::Stored { block, result }
            }
            Input::Fetched { result, .. } => {
                let piece = self.fetching.take()?;
                Input::Fetched { piece, result }
            }
            Input::Verified { piece, verdict } => {
                if !self.shared.remove(&piece) {
                    return None;
                }
                self.verdicts.given(piece);
                Input::Verified { piece, verdict }
            }
            same @ (Input::Timeout
            | Input::Addresses { .. }
            | Input::Announced { .. }
            | Input::AnnounceFailed
            | Input::Datagram { .. }
            | Input::Uplink(_)) => same,
        })
    }

    fn message(&mut self, theirs: ConnId, message: Message) -> Option<Input> {
        let link = self.links.get_mut(&theirs)?;
        let which = match &message {
            Message::Piece(block) | Message::Reject(block) => link.owed.answered(*block),
            Message::Choke => {
                link.choked = true;
                if !link.fast {
                    link.owed.forgive();
                }
                Which::Unasked
            }
            Message::Unchoke => {
                link.choked = false;
                Which::Unasked
            }
            _ => Which::Unasked,
        };
        let (fast, conn) = (link.fast, link.ours);
        self.other.sent += u64::from(matches!(message, Message::Piece(_)));
        let conn = conn?;
        let owed = self.owed.entry(conn).or_default();
        let message = match message {
            Message::Piece(_) => match owed.same(which) {
                Some(block) => Message::Piece(block),
                None => {
                    self.other.unasked += 1;
                    return None;
                }
            },
            Message::Reject(_) => Message::Reject(owed.same(which)?),
            Message::Choke if !fast => {
                owed.forgive();
                Message::Choke
            }
            same => same,
        };
        Some(Input::Message(conn, message))
    }

    fn accept(&mut self, addr: SocketAddr, remote: Remote, outputs: &[Output]) {
        let ours = self.peer.accept(self.now, addr, remote).ok();
        let theirs = outputs.iter().find_map(|output| match output {
            Output::Event(Event::Connected { conn, .. }) => Some(*conn),
            _ => None,
        });
        match (theirs, ours) {
            (Some(theirs), ours) => {
                let link = Link {
                    addr,
                    ours,
                    owed: Owed::default(),
                    fast: remote.fast,
                    choked: true,
                };
                self.links.insert(theirs, link);
            }
            // Whom the recording's peer refused said nothing that could be repeated.
            (None, Some(conn)) => self.after.push_back(Input::Closed {
                conn,
                reason: CloseReason::Remote,
            }),
            (None, None) => {}
        }
    }

    /// Takes note of what the recording's peer answered; the connections that it closed.
    fn note(&mut self, outputs: &[Output]) -> Vec<Link> {
        let mut closed = Vec::new();
        for output in outputs {
            match output {
                Output::Dial { conn, addr } => {
                    self.dialled.insert(*addr, *conn);
                    let link = Link {
                        addr: *addr,
                        ours: None,
                        owed: Owed::default(),
                        fast: false,
                        choked: true,
                    };
                    self.links.insert(*conn, link);
                }
                Output::Send(conn, Message::Request(block)) => {
                    if let Some(link) = self.links.get_mut(conn) {
                        link.owed.ask(*block);
                    }
                }
                Output::Send(conn, Message::Cancel(block)) => {
                    if let Some(link) = self.links.get_mut(conn) {
                        link.owed.take_back(*block);
                    }
                }
                Output::Close(conn, _) => {
                    if let Some(link) = self.links.remove(conn) {
                        self.dialled.remove(&link.addr);
                        closed.push(link);
                    }
                }
                _ => {}
            }
        }
        closed
    }

    fn tell(&mut self, input: Input) {
        self.peer.handle(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        for output in drain(&mut self.peer, self.now, &mut self.other.played) {
            self.other.played.outputs += 1;
            match output {
                Output::Dial { conn, addr } => self.dial(conn, addr),
                Output::Send(conn, Message::Request(block)) => {
                    self.owed.entry(conn).or_default().ask(block);
                }
                Output::Send(conn, Message::Cancel(block)) => {
                    self.owed.entry(conn).or_default().take_back(block);
                }
                Output::Close(conn, _) => {
                    self.owed.remove(&conn);
                    let link = self.links.values_mut().find(|one| one.ours == Some(conn));
                    if let Some(link) = link {
                        link.ours = None;
                    }
                }
                Output::Store(block) => self.storing = Some(block),
                Output::Verify(piece) => self.verify(piece),
                Output::Fetch(piece) => self.fetching = Some(piece),
                _ => {}
            }
        }
    }

    /// The recording's peer is dialling the same, or nobody answers.
    fn dial(&mut self, conn: ConnId, addr: SocketAddr) {
        let theirs = self.dialled.get(&addr);
        let link = theirs.and_then(|theirs| self.links.get_mut(theirs));
        match link.filter(|link| link.ours.is_none()) {
            Some(link) => link.ours = Some(conn),
            None => self.after.push_back(Input::Closed {
                conn,
                reason: CloseReason::Unreachable,
            }),
        }
    }

    fn verify(&mut self, piece: PieceIndex) {
        if self.verdicts.is_shared(piece, self.call) {
            self.shared.insert(piece);
            return;
        }
        let (took, verdict) = self.verdicts.else_for(piece, self.now);
        self.due.insert((self.now + took, piece), verdict);
    }

    /// Who chokes, and owes the recording's peer nothing, will not send what the other asked for.
    fn refuse(&mut self) {
        let done = |link: &&Link| link.choked && link.fast && link.owed.is_empty();
        for conn in self
            .links
            .values()
            .filter(done)
            .filter_map(|link| link.ours)
        {
            for block in self
                .owed
                .get_mut(&conn)
                .map(Owed::forgive)
                .unwrap_or_default()
            {
                let reject = Message::Reject(block);
                self.after.push_back(Input::Message(conn, reject));
            }
        }
    }
}
