//! A handful of peers, one clock, and a network of a fixed one-way latency and unlimited rate
//! (or a fixed time per block): enough to see engines talk.

mod live;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use swarmbed_engine::*;

use super::addr;
use live::Live;

const LATENCY: Duration = Duration::from_millis(25);
const PER_BLOCK: Duration = Duration::from_millis(40);

type Application = Box<dyn FnOnce(&mut Peer, Instant)>;

enum Mail {
    Dial {
        conn: ConnId,
        from: usize,
    },
    Connected {
        conn: ConnId,
        remote: Remote,
    },
    Input(Input),
    Payload {
        conn: ConnId,
        block: Block,
        corrupt: bool,
        /// The piece whose bytes these are, whatever the number says.
        content: PieceIndex,
    },
    Call(Application),
    Recorded(Call),
}

/// See the module.
pub(crate) struct Lab {
    pub(crate) now: Instant,
    pub(crate) peers: Vec<Option<Peer>>,
    pub(crate) events: Vec<(Instant, usize, Event)>,
    pub(crate) corrupts: Vec<(usize, PieceIndex, u16)>,
    mail: BTreeMap<(Instant, u64), (usize, Mail)>,
    serial: u64,
    /// (peer, conn) -> (peer, conn)
    ends: BTreeMap<(usize, ConnId), (usize, ConnId)>,
    busy_until: Vec<Instant>,
    bad: BTreeMap<(usize, PieceIndex), Vec<u16>>,
    bad_before: BTreeMap<(usize, PieceIndex), Vec<u16>>,
    pub(crate) outputs: Vec<(usize, String)>,
    pub(crate) live: Live,
    /// Of this peer, all that it is told and answers.
    pub(crate) tape: Option<(usize, recording::Recorder)>,
}

impl Lab {
    pub(crate) fn new(peers: Vec<Peer>) -> Self {
        Self::recorded(peers, None)
    }

    pub(crate) fn recorded(peers: Vec<Peer>, tape: Option<(usize, recording::Recorder)>) -> Self {
        let count = peers.len();
        let mut lab = Self {
            now: Instant::ZERO,
            peers: peers.into_iter().map(Some).collect(),
            events: Vec::new(),
            corrupts: Vec::new(),
            mail: BTreeMap::new(),
            serial: 0,
            ends: BTreeMap::new(),
            busy_until: vec![Instant::ZERO; count],
            bad: BTreeMap::new(),
            bad_before: BTreeMap::new(),
            outputs: Vec::new(),
            live: Live::default(),
            tape,
        };
        for index in 0..count {
            lab.drain(index, None);
        }
        lab
    }

    /// `index` hears of all the others.
    pub(crate) fn introduce(&mut self, index: usize, others: &[usize]) {
        let peers = others.iter().map(|&other| addr(other)).collect();
        self.post(
            self.now,
            index,
            Mail::Input(Input::Addresses {
                source: AddressSource::Tracker,
                peers,
            }),
        );
    }

    pub(crate) fn call(
        &mut self,
        at: Instant,
        index: usize,
        call: impl FnOnce(&mut Peer, Instant) + 'static,
    ) {
        self.post(at, index, Mail::Call(Box::new(call)));
    }

    /// As a call that is recorded.
    pub(crate) fn tell(&mut self, at: Instant, index: usize, call: Call) {
        self.post(at, index, Mail::Recorded(call));
    }

    fn record(&mut self, index: usize, call: &Call) {
        let now = self.now;
        if let Some((_, tape)) = self.tape.as_mut().filter(|(whose, _)| *whose == index) {
            tape.call(now, call);
        }
    }

    fn post(&mut self, at: Instant, to: usize, mail: Mail) {
        self.serial += 1;
        self.mail.insert((at, self.serial), (to, mail));
    }

    pub(crate) fn run_until(&mut self, end: Instant) {
        loop {
            let mail = self.mail.first_key_value().map(|((at, _), _)| *at);
            let timer = self
                .peers
                .iter()
                .flatten()
                .filter_map(Peer::poll_timeout)
                .min();
            let next = mail
                .unwrap_or(Instant::FAR)
                .min(timer.unwrap_or(Instant::FAR));
            if next > end {
                self.now = end;
                return;
            }
            self.now = next.max(self.now);
            if mail == Some(next) {
                let (_, (to, mail)) = self.mail.pop_first().unwrap();
                self.deliver(to, mail);
            } else {
                for index in 0..self.peers.len() {
                    if self.peers[index]
                        .as_ref()
                        .is_some_and(|peer| peer.poll_timeout().is_some_and(|at| at <= self.now))
                    {
                        self.input(index, Input::Timeout, None);
                    }
                }
            }
        }
    }

    fn deliver(&mut self, to: usize, mail: Mail) {
        match mail {
            Mail::Dial { conn, from } => {
                let remote = self.remote(from);
                let now = self.now;
                let addr = addr(from);
                self.record(to, &Call::Accept { addr, remote });
                let accepted = self.peers[to].as_mut().unwrap().accept(now, addr, remote);
                match accepted {
                    Ok(ours) => {
                        self.ends.insert((to, ours), (from, conn));
                        self.ends.insert((from, conn), (to, ours));
                        let remote = self.remote(to);
                        self.post(now + LATENCY, from, Mail::Connected { conn, remote });
                        self.post(
                            now,
                            to,
                            Mail::Input(Input::Credit {
                                conn: ours,
                                blocks: 2,
                            }),
                        );
                    }
                    Err(_) => {
                        let closed = Input::Closed {
                            conn,
                            reason: CloseReason::Refused,
                        };
                        self.post(now + LATENCY, from, Mail::Input(closed));
                    }
                }
                self.drain(to, None);
            }
            Mail::Connected { conn, remote } => {
                self.input(to, Input::Connected { conn, remote }, None);
                self.post(self.now, to, Mail::Input(Input::Credit { conn, blocks: 2 }));
            }
            Mail::Input(input) => self.input(to, input, None),
            Mail::Payload {
                conn,
                block,
                corrupt,
                content,
            } => {
                self.live.carried = content;
                self.input(
                    to,
                    Input::Message(conn, Message::Piece(block)),
                    Some(corrupt),
                );
            }
            Mail::Recorded(call) => {
                self.record(to, &call);
                let now = self.now;
                self.peers[to].as_mut().unwrap().call(now, call);
                self.drain(to, None);
            }
            Mail::Call(call) => {
                call(self.peers[to].as_mut().unwrap(), self.now);
                self.drain(to, None);
            }
        }
    }

    fn remote(&self, index: usize) -> Remote {
        Remote {
            peer_id: self.peers[index].as_ref().unwrap().config().peer_id,
            fast: true,
            extended: true,
        }
    }

    pub(crate) fn input(&mut self, index: usize, input: Input, corrupt: Option<bool>) {
        let now = self.now;
        if self.tape.is_some() {
            self.record(index, &Call::Input(input.clone()));
        }
        self.peers[index].as_mut().unwrap().handle(now, input);
        self.drain(index, corrupt);
    }

    fn drain(&mut self, index: usize, corrupt: Option<bool>) {
        while let Some(output) = self.peers[index].as_mut().unwrap().poll_output() {
            let now = self.now;
            if let Some((_, tape)) = self.tape.as_mut().filter(|(whose, _)| *whose == index) {
                tape.output(&output);
            }
            self.outputs.push((index, format!("{now} {output:?}")));
            match output {
                Output::Dial { conn, addr: to } => {
                    let to = usize::from(match to {
                        SocketAddr::V4(to) => to.ip().octets()[3],
                        SocketAddr::V6(_) => unreachable!(),
                    }) - 1;
                    self.post(now + LATENCY * 3, to, Mail::Dial { conn, from: index });
                }
                Output::Send(conn, message) => {
                    if let Some(&(to, theirs)) = self.ends.get(&(index, conn)) {
                        let at = (now + LATENCY).max(self.busy_until[index]);
                        self.post(at, to, Mail::Input(Input::Message(theirs, message)));
                    }
                }
                Output::SendHave(piece, conns) => {
                    for conn in conns {
                        if let Some(&(to, theirs)) = self.ends.get(&(index, conn)) {
                            let at = (now + LATENCY).max(self.busy_until[index]);
                            let have = Message::Have(piece);
                            self.post(at, to, Mail::Input(Input::Message(theirs, have)));
                        }
                    }
                }
                Output::SendBlock(conn, block) => {
                    let Some(&(to, theirs)) = self.ends.get(&(index, conn)) else {
                        continue;
                    };
                    let done = self.busy_until[index].max(now + LATENCY) + PER_BLOCK;
                    self.busy_until[index] = done;
                    let blockno = u16::try_from(block.begin / Geometry::BLOCK).unwrap();
                    let corrupt = self.corrupts.contains(&(index, block.piece, blockno))
                        || self.live.polluters.contains(&index);
                    let back = self.live.replayers.iter().find(|one| one.0 == index);
                    let content = block.piece.0.saturating_sub(back.map_or(0, |one| one.1));
                    self.post(
                        done,
                        to,
                        Mail::Payload {
                            conn: theirs,
                            block: self.peers[index].as_ref().unwrap().written(block),
                            corrupt,
                            content: PieceIndex(content),
                        },
                    );
                    self.post(done, index, Mail::Input(Input::Credit { conn, blocks: 1 }));
                }
                Output::Close(conn, _) => {
                    if let Some((to, theirs)) = self.ends.remove(&(index, conn)) {
                        self.ends.remove(&(to, theirs));
                        let closed = Input::Closed {
                            conn: theirs,
                            reason: CloseReason::Remote,
                        };
                        self.post(
                            (now + LATENCY).max(self.busy_until[index]),
                            to,
                            Mail::Input(closed),
                        );
                    }
                }
                Output::Store(block) => {
                    self.live
                        .content
                        .insert((index, block.piece, block.begin), self.live.carried);
                    if corrupt == Some(true) {
                        let blockno = u16::try_from(block.begin / Geometry::BLOCK).unwrap();
                        self.bad
                            .entry((index, block.piece))
                            .or_default()
                            .push(blockno);
                    }
                    self.post(
                        now,
                        index,
                        Mail::Input(Input::Stored {
                            block,
                            result: StoreResult::Done,
                        }),
                    );
                }
                Output::Verify(piece) if self.is_live(index) => {
                    let verdict = self.judge_live(index, piece);
                    self.post(now, index, Mail::Input(Input::Verified { piece, verdict }));
                }
                Output::Verify(piece) => {
                    let verdict = match self.bad.remove(&(index, piece)) {
                        Some(bad) => {
                            self.bad_before.insert((index, piece), bad);
                            Verdict::Bad
                        }
                        None => match self.bad_before.remove(&(index, piece)) {
                            Some(differing) => Verdict::GoodAfterBad { differing },
                            None => Verdict::Good,
                        },
                    };
                    self.post(now, index, Mail::Input(Input::Verified { piece, verdict }));
                }
                Output::Datagram { to, datagram } => {
                    let to = usize::from(match to {
                        SocketAddr::V4(to) => to.ip().octets()[3],
                        SocketAddr::V6(_) => unreachable!(),
                    }) - 1;
                    self.post(
                        now + LATENCY,
                        to,
                        Mail::Input(Input::Datagram {
                            from: addr(index),
                            datagram,
                        }),
                    );
                }
                Output::Event(Event::Produced(piece)) => {
                    self.live.produced.insert(piece, now);
                }
                Output::Event(event) => self.events.push((now, index, event)),
                Output::Discard(_)
                | Output::Announce(_)
                | Output::Fetch(_)
                | Output::SendMetadata(..) => {}
            }
        }
    }

    pub(crate) fn count(&self, wanted: impl Fn(usize, &Event) -> bool) -> usize {
        self.events
            .iter()
            .filter(|(_, index, event)| wanted(*index, event))
            .count()
    }

    /// Puts another peer in this one's place; the old one must have left.
    pub(crate) fn replace(&mut self, index: usize, peer: Peer) {
        self.peers[index] = Some(peer);
        self.live.rules.remove(&index);
        self.live.content.retain(|(owner, ..), _| *owner != index);
        self.drain(index, None);
    }
}
