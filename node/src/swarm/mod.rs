//! The task that owns the [`Peer`](swarmbed_engine::Peer): mail in, outputs out. *Mutate, drain, sleep.*
//!
//! Owns the peer and its links. It never waits for anything but mail and time, so no queue of
//! another task can hold it up; what would block is a task of its own that answers by mail.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use swarmbed_engine::recording::End;
use swarmbed_engine::wire::{Handshake, encode_datagram};
use swarmbed_engine::{
    AddressSource, Announce, Block, Call, CloseReason, ConnId, Event, Extended, FetchResult, Input,
    Message, Metadata, Output, PieceIndex, Playhead, Rate, Remote, StoreResult,
};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use crate::clock::Clock;
use crate::error::NodeError;
use crate::estimate::Forecast;
use crate::link::{self, CREDITS_FIRST, Link, Overflow, Shared, Stream};
use crate::mail::{Ask, Fault, Mail, Seen};
use crate::metrics::EventLog;
use crate::status::Board;
use crate::tape::Recorded;
use crate::torrent::Torrent;
use crate::tracker::Announcer;
use crate::turns::Turns;
use crate::utp::Utp;
use crate::web_seed::WebSeed;

/// How long a leaving peer waits for its tracker to hear of it.
const FAREWELL: Duration = Duration::from_secs(3);
/// How often the status is published.
const TICK: Duration = Duration::from_millis(250);

/// A connection of the peer's.
enum Connection {
    /// Its dial is under way.
    Dialling(AbortHandle),
    /// It is open.
    Open(Link),
}

impl Drop for Swarm {
    fn drop(&mut self) {
        if self.state.busy {
            self.shared.line.busy(false);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Self::Dialling(task) = self {
            task.abort();
        }
    }
}

/// The owner of the peer.
pub(crate) struct Swarm {
    pub(crate) peer: Recorded,
    pub(crate) clock: Clock,
    pub(crate) shared: Arc<Shared>,
    pub(crate) incoming: mpsc::Receiver<Mail>,
    pub(crate) ours: Handshake,
    /// The address we listen on, and dial from.
    pub(crate) ip: IpAddr,
    pub(crate) udp: Option<Arc<UdpSocket>>,
    pub(crate) utp: Option<Utp>,
    pub(crate) announcer: Arc<Announcer>,
    pub(crate) board: Arc<Board>,
    pub(crate) torrent: Arc<Torrent>,
    pub(crate) web_seed: Option<Arc<WebSeed>>,
    pub(crate) log: Option<EventLog>,
    /// What the peer is told first.
    pub(crate) opening: Vec<Input>,
    pub(crate) state: State,
}

/// What changes while it runs.
#[derive(Default)]
pub(crate) struct State {
    connections: BTreeMap<ConnId, Connection>,
    /// The bytes of the `Piece` message that is being handled.
    arrived: Option<(Block, Vec<u8>)>,
    /// The peer has left; until then the tracker is waited for.
    leaving: Option<Instant>,
    /// Announces under way.
    announcing: u32,
    /// The line was told that there is somebody to upload to.
    busy: bool,
    forecast: Forecast,
    turns: Turns,
    /// The share of the uplink that the peer was told.
    share: Option<Rate>,
}

impl Swarm {
    /// Runs until the application leaves, or storage fails.
    pub(crate) async fn run(mut self) -> Result<(), NodeError> {
        let ran = self.serve().await;
        let recorded = self.peer.end(End::Whole);
        ran.and(recorded)
    }

    async fn serve(&mut self) -> Result<(), NodeError> {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.drain()?;
        for input in std::mem::take(&mut self.opening) {
            self.tell(input)?;
        }
        loop {
            let due = self.clock.wake_at(self.peer.poll_timeout());
            let deadline = self.state.leaving.map_or(due, |at| at.min(due));
            tokio::select! {
                mail = self.incoming.recv() => {
                    let Some(mail) = mail else { return Ok(()) };
                    self.read(mail)?;
                }
                () = sleep_until(deadline) => {
                    self.tell(Input::Timeout)?;
                }
                _ = tick.tick() => self.publish()?,
            }
            let gone = self.state.announcing == 0;
            if let Some(until) = self.state.leaving
                && (gone || Instant::now() >= until)
            {
                self.publish()?;
                return Ok(());
            }
        }
    }

    fn publish(&mut self) -> Result<(), NodeError> {
        self.share_line()?;
        for input in self.state.turns.look(self.clock.now(), &self.peer) {
            self.tell(input)?;
        }
        self.board.publish(&self.peer);
        if self.peer.flush()? {
            self.board.recording_full();
        }
        self.foretell()?;
        self.log.as_mut().map_or(Ok(()), EventLog::flush)
    }

    /// When the picture can start, told while it is waited for.
    fn foretell(&mut self) -> Result<(), NodeError> {
        let now = self.clock.now();
        let looked = self.state.forecast.look(now, &self.peer);
        self.board.foretell(looked.map(|(estimate, _)| estimate));
        if let Some((estimate, true)) = looked
            && let Some(log) = &mut self.log
        {
            log.foretell(self.clock.since_start(now), &estimate)?;
        }
        Ok(())
    }

    /// Tells the peer its share of the uplink, when that changed.
    fn share_line(&mut self) -> Result<(), NodeError> {
        let line = Arc::clone(&self.shared.line);
        let busy = !self.state.connections.is_empty();
        if std::mem::replace(&mut self.state.busy, busy) != busy {
            line.busy(busy);
        }
        match line.share() {
            Some(share) if self.state.share.replace(share) != Some(share) => {
                self.tell(Input::Uplink(share))
            }
            _ => Ok(()),
        }
    }

    /// One input, and all that follows from it.
    fn tell(&mut self, input: Input) -> Result<(), NodeError> {
        self.peer.handle(self.clock.now(), input);
        self.drain()
    }

    fn read(&mut self, mail: Mail) -> Result<(), NodeError> {
        match mail {
            Mail::Incoming {
                stream,
                addr,
                remote,
            } => {
                // A refused stream is dropped, which closes it.
                if let Ok(conn) = self.peer.accept(self.clock.now(), addr, remote) {
                    self.open(conn, stream)?;
                }
                self.drain()
            }
            Mail::Dialled {
                conn,
                stream,
                remote,
            } => self.dialled(conn, stream, remote),
            Mail::Message(conn, message) => self.message(conn, message),
            Mail::Block(conn, block, data) => {
                if !self.is_open(conn) {
                    return Ok(());
                }
                self.state.arrived = Some((block, data));
                let told = self.tell(Input::Message(conn, Message::Piece(block)));
                self.state.arrived = None;
                told
            }
            Mail::Progress(conn, bytes) => self.tell(Input::Progress { conn, bytes }),
            Mail::Credit(conn, blocks) => self.tell(Input::Credit { conn, blocks }),
            Mail::Unread(conn) => self.tell(Input::Unread { conn }),
            Mail::Closed(conn, reason) => match self.state.connections.remove(&conn) {
                Some(_) => self.tell(Input::Closed { conn, reason }),
                None => Ok(()),
            },
            Mail::Stored(block, stored) => {
                let (result, fault) = match stored {
                    Ok(result) => (result, Ok(())),
                    Err(error) => (StoreResult::Failed, Err(error)),
                };
                self.tell(Input::Stored { block, result }).and(fault)
            }
            Mail::Verified(piece, verdict, why) => {
                self.board.refused(why);
                self.tell(Input::Verified { piece, verdict })
            }
            Mail::Fetched(piece, result, fault) => {
                let mut disk = Ok(());
                match fault {
                    Ok(()) => self.board.server_answered(),
                    Err(Fault::Server(why)) => self.board.server_failed(why),
                    Err(Fault::Disk(error)) => disk = Err(error),
                }
                self.tell(Input::Fetched { piece, result }).and(disk)
            }
            Mail::Announced { peers, interval } => {
                self.state.announcing -= 1;
                self.board.tracker_answered();
                self.tell(Input::Announced { interval })?;
                self.tell(Input::Addresses {
                    source: AddressSource::Tracker,
                    peers,
                })
            }
            Mail::Found(peers) => self.tell(Input::Addresses {
                // As with a tracker's, nobody who is known here vouches for them.
                source: AddressSource::Tracker,
                peers,
            }),
            Mail::Obfuscated(addr) => {
                self.board.obfuscated(addr);
                Ok(())
            }
            Mail::AnnounceFailed(why) => {
                self.state.announcing -= 1;
                self.board.tracker_failed(why);
                self.tell(Input::AnnounceFailed)
            }
            Mail::Datagram(from, datagram) => self.tell(Input::Datagram { from, datagram }),
            Mail::Ask(ask) => self.ask(ask),
        }
    }

    fn ask(&mut self, ask: Ask) -> Result<(), NodeError> {
        let now = self.clock.now();
        match ask {
            Ask::Play => {
                // A torrent without a bitrate is served all the same, without a playhead.
                self.peer.call(now, Call::Play);
            }
            Ask::Want {
                from,
                length,
                answer,
            } => {
                let _ = answer.send(self.peer.want(now, from, length));
            }
            Ask::Unwant { from, length } => {
                self.peer.call(now, Call::Unwant { from, length });
            }
            Ask::Produce {
                piece,
                last,
                answer,
            } => {
                let _ = answer.send(self.peer.produce(now, piece, last));
            }
            Ask::Saw { seen, time_s, byte } => {
                self.saw(now, seen, byte);
                let at = self.clock.since_start(now);
                if let Some(log) = self.log.as_mut().filter(|_| seen != Seen::At) {
                    log.saw(at, seen.name(), time_s)?;
                }
            }
            Ask::Leave => {
                self.peer.call(now, Call::Leave);
                self.state.leaving = Some(Instant::now() + FAREWELL);
            }
        }
        self.drain()
    }

    /// A player tells what it does: its playhead is the engine's. Of a live stream only whether it
    /// is paused counts, for where in the stream it is, it does not know.
    fn saw(&mut self, now: swarmbed_engine::Instant, seen: Seen, byte: u64) {
        let live = self.peer.config().live.is_some();
        let call = match seen {
            _ if !live => {
                let showing = seen.showing();
                Call::Report(Playhead { showing, byte })
            }
            Seen::Pause => Call::Pause,
            Seen::Play | Seen::Playing => Call::Resume,
            Seen::At | Seen::Waiting | Seen::Seeking | Seen::Ended => return,
        };
        // What does not fit the player's state changes nothing in it.
        self.peer.call(now, call);
    }

    fn is_open(&self, conn: ConnId) -> bool {
        matches!(self.state.connections.get(&conn), Some(Connection::Open(_)))
    }

    fn dialled(&mut self, conn: ConnId, stream: Stream, remote: Remote) -> Result<(), NodeError> {
        // The peer may have given up meanwhile.
        if !self.state.connections.contains_key(&conn) {
            return Ok(());
        }
        let link = Link::start(conn, stream, &self.shared, None);
        self.state.connections.insert(conn, Connection::Open(link));
        self.tell(Input::Connected { conn, remote })?;
        self.tell(Input::Credit {
            conn,
            blocks: CREDITS_FIRST,
        })
    }

    /// A connection that the peer accepted: our handshake goes first, then everything else.
    fn open(&mut self, conn: ConnId, stream: Stream) -> Result<(), NodeError> {
        let link = Link::start(conn, stream, &self.shared, Some(self.ours));
        self.state.connections.insert(conn, Connection::Open(link));
        self.drain()?;
        self.tell(Input::Credit {
            conn,
            blocks: CREDITS_FIRST,
        })
    }

    fn message(&mut self, conn: ConnId, message: Message) -> Result<(), NodeError> {
        let Some(Connection::Open(link)) = self.state.connections.get_mut(&conn) else {
            return Ok(());
        };
        link.learn(&message);
        self.tell(Input::Message(conn, message))
    }

    fn drain(&mut self) -> Result<(), NodeError> {
        while let Some(output) = self.peer.poll_output() {
            self.act(output)?;
        }
        Ok(())
    }

    fn act(&mut self, output: Output) -> Result<(), NodeError> {
        match output {
            Output::Dial { conn, addr } => self.dial(conn, addr),
            Output::Send(conn, message) => self.with(conn, |link| link.send(&message)),
            Output::SendBlock(conn, block) => {
                self.state.turns.served(conn, self.clock.now());
                let written = self.peer.written(block);
                self.with(conn, |link| link.send_block(block, written));
            }
            Output::SendMetadata(conn, piece) => self.send_metadata(conn, piece),
            Output::Close(conn, _) => {
                self.state.connections.remove(&conn);
            }
            Output::Store(block) => self.store(block),
            Output::Discard(_) => self.state.arrived = None,
            Output::Verify(piece) => self.verify(piece),
            Output::Fetch(piece) => self.fetch(piece),
            Output::Announce(announce) => self.announce(announce),
            Output::Datagram { to, datagram } => {
                if let Some(udp) = &self.udp {
                    // Lost without a word, as datagrams are.
                    let _ = udp.try_send_to(&encode_datagram(&datagram), to);
                }
            }
            Output::Event(event) => self.happened(&event)?,
        }
        Ok(())
    }

    fn send_metadata(&mut self, conn: ConnId, piece: u32) {
        let info = &self.torrent.metainfo.info;
        let mut pieces = info.chunks(Metadata::PIECE as usize);
        let bytes = pieces.nth(piece as usize);
        let data = Metadata::Data {
            piece,
            total: u32::try_from(info.len()).expect("bounded by SIZE_MAX"),
            bytes: bytes.expect("the engine knows how many").to_vec(),
        };
        let message = Message::Extended(Box::new(Extended::Metadata(data)));
        self.with(conn, |link| link.send(&message));
    }

    fn with(&mut self, conn: ConnId, send: impl FnOnce(&Link) -> Result<(), Overflow>) {
        let Some(Connection::Open(link)) = self.state.connections.get(&conn) else {
            return;
        };
        if send(link) == Err(Overflow) {
            // By mail, because the peer must be drained before it is told.
            let (mail, reason) = (self.shared.mail.clone(), CloseReason::Overflow);
            tokio::spawn(async move { mail.send(Mail::Closed(conn, reason)).await });
        }
    }

    fn dial(&mut self, conn: ConnId, addr: SocketAddr) {
        let (mail, ours, ip) = (self.shared.mail.clone(), self.ours, self.ip);
        let utp = self.utp.clone();
        let task = tokio::spawn(async move {
            let outcome = match link::dial(addr, ip, utp.as_ref(), &ours).await {
                Ok((stream, theirs)) => Mail::Dialled {
                    conn,
                    stream,
                    remote: theirs.remote,
                },
                Err(reason) => Mail::Closed(conn, reason),
            };
            let _ = mail.send(outcome).await;
        });
        let dialling = Connection::Dialling(task.abort_handle());
        self.state.connections.insert(conn, dialling);
    }

    fn store(&mut self, block: Block) {
        let Some((arrived, data)) = self.state.arrived.take() else {
            panic!("the engine stores {block:?}, which did not arrive");
        };
        assert_eq!(
            arrived,
            self.peer.written(block),
            "the engine stores what arrived"
        );
        let (storage, mail) = (self.shared.storage.clone(), self.shared.mail.clone());
        tokio::task::spawn_blocking(move || {
            let result = storage.write(block, &data);
            let _ = mail.blocking_send(Mail::Stored(block, result));
        });
    }

    /// Asks the web seed, stores what it sends, and says so.
    fn fetch(&self, piece: PieceIndex) {
        let server = Arc::clone(self.web_seed.as_ref().expect("the engine was told of one"));
        let (torrent, shared) = (Arc::clone(&self.torrent), Arc::clone(&self.shared));
        tokio::spawn(async move {
            let (result, fault) = match server.fetch(&torrent.metainfo, piece).await {
                Err(failed) => {
                    let retry_after = failed.retry_after;
                    let fault = Err(Fault::Server(failed.why));
                    (FetchResult::Failed { retry_after }, fault)
                }
                Ok(bytes) => {
                    sleep(shared.line.download.take(bytes.len())).await;
                    let storage = shared.storage.clone();
                    let block = Block {
                        piece,
                        begin: 0,
                        length: torrent.metainfo.geometry.length_of(piece),
                    };
                    let write = move || storage.write(block, &bytes);
                    let written = tokio::task::spawn_blocking(write).await;
                    match written.expect("writing does not panic") {
                        Ok(_) => (FetchResult::Done, Ok(())),
                        Err(error) => {
                            let retry_after = Duration::from_secs(3600);
                            let fault = Err(Fault::Disk(error));
                            (FetchResult::Failed { retry_after }, fault)
                        }
                    }
                }
            };
            let _ = shared.mail.send(Mail::Fetched(piece, result, fault)).await;
        });
    }

    fn verify(&self, piece: PieceIndex) {
        let (storage, mail) = (self.shared.storage.clone(), self.shared.mail.clone());
        let clock = self.clock;
        tokio::task::spawn_blocking(move || {
            let (verdict, why) = storage.verify(piece, clock);
            let _ = mail.blocking_send(Mail::Verified(piece, verdict, why));
        });
    }

    fn announce(&mut self, announce: Announce) {
        self.state.announcing += 1;
        let geometry = self.peer.config().geometry;
        let left = self.peer.pieces();
        let missing = u64::from(geometry.pieces() - left.count());
        let left = (missing * u64::from(geometry.piece_length())).min(geometry.total());
        // Nobody has all of a live stream.
        let left = if geometry.is_endless() {
            left.max(1)
        } else {
            left
        };
        let traffic = self.peer.traffic();
        let (announcer, mail) = (Arc::clone(&self.announcer), self.shared.mail.clone());
        tokio::spawn(async move {
            let answer = announcer.announce(announce, traffic, left).await;
            let outcome = match answer {
                Ok(answer) => Mail::Announced {
                    peers: answer.peers,
                    interval: answer.interval,
                },
                Err(why) => Mail::AnnounceFailed(why),
            };
            let _ = mail.send(outcome).await;
        });
    }

    fn happened(&mut self, event: &Event) -> Result<(), NodeError> {
        let now = self.clock.now();
        if let Some(log) = &mut self.log {
            log.add(self.clock.since_start(now), event)?;
        }
        match event {
            Event::PieceVerified(piece) => self.board.verified(*piece),
            Event::Started { .. } => {
                if let Some(error_s) = self.state.forecast.started(now) {
                    self.board.foretold(error_s);
                    if let Some(log) = &mut self.log {
                        log.foretold(self.clock.since_start(now), error_s)?;
                    }
                }
            }
            Event::Completed => {
                self.shared.storage.complete()?;
                self.board.publish(&self.peer);
            }
            _ => {}
        }
        self.board.happened(event);
        Ok(())
    }
}
