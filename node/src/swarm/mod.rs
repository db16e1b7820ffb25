//! The task that owns the [`Peer`](swarmbed_engine::Peer): mail in, outputs out. *Mutate, drain, sleep.*
//!
//! Owns the peer and its links. It never waits for anything but mail and time, so no queue of
//! another task can hold it up; what would block is a task of its own that answers by mail.

mod acts;
mod writes;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use swarmbed_engine::recording::End;
use swarmbed_engine::wire::Handshake;
use swarmbed_engine::{
    AddressSource, Block, Call, ConnId, Input, Message, Playhead, Rate, Remote, StoreResult,
};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::clock::Clock;
use crate::error::NodeError;
use crate::estimate::Forecast;
use crate::link::{CREDITS_FIRST, Link, Shared, Stream};
use crate::mail::{Ask, Fault, Mail, Seen};
use crate::metrics::EventLog;
use crate::status::Board;
use crate::tape::Recorded;
use crate::torrent::Torrent;
use crate::tracker::Announcer;
use crate::turns::Turns;
use crate::utp::Utp;
use crate::web_seed::WebSeed;

use writes::Writes;

/// How long a leaving peer waits for its tracker to hear of it.
const FAREWELL: Duration = Duration::from_secs(3);
/// Mails that are read before clocks are looked at again.
const MAILS_AT_ONCE: usize = 64;
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
    writes: Writes,
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
                    // What else has come, before clocks are set anew; not for ever, for they must run.
                    for _ in 0..MAILS_AT_ONCE {
                        let Ok(mail) = self.incoming.try_recv() else { break };
                        self.read(mail)?;
                    }
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
            Mail::Announced(interval) => {
                self.state.announcing -= 1;
                self.board.tracker_answered();
                self.tell(Input::Announced { interval })
            }
            Mail::Found(peers) => self.tell(Input::Addresses {
                // Of those found elsewhere, too: nobody who is known here vouches for them.
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
            Mail::Datagram(from, datagram) => {
                let datagram = Box::new(datagram);
                self.tell(Input::Datagram { from, datagram })
            }
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
}
