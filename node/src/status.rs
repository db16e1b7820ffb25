//! What others may know of a swarm while it runs: a board the swarm's task writes and everybody
//! reads.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use swarmbed_engine::live::Rejection;
use swarmbed_engine::{
    Bitfield, CloseReason, ConnId, Event, Peer, PieceIndex, PlaybackView, Rate, Traffic,
};
use tokio::sync::{mpsc, watch};

use crate::estimate::Estimate;
use crate::scene::{Scene, Stage};
use crate::viewing::Viewing;

/// How a swarm stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// Pieces that are here and right.
    pub have: u32,
    /// All pieces.
    pub pieces: u32,
    /// From all neighbours.
    pub down: Rate,
    /// To all neighbours.
    pub up: Rate,
    /// Connected.
    pub neighbours: usize,
    /// Neighbours ever.
    pub neighbours_ever: u32,
    /// Bytes so far.
    pub traffic: Traffic,
    /// The player, if the torrent can be played.
    pub playback: Option<PlaybackView>,
    /// Announces that failed since the last answer.
    pub tracker_failures: u32,
    /// What the trackers said the last time, if none answered.
    pub tracker_error: Option<String>,
    /// All pieces are here.
    pub complete: bool,
    /// Players being served.
    pub readers: usize,
    /// What a movie has not.
    pub live: Option<LiveStatus>,
    /// What the viewer went through.
    pub viewing: Viewing,
    /// When the picture can start, while it is waited for.
    pub estimate: Option<Estimate>,
}

/// How a live stream stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiveStatus {
    /// The piece that playback began with, or jumped to.
    pub hooked_in: Option<PieceIndex>,
    /// How old is what is shown.
    pub lag: Option<Duration>,
    /// Media that was jumped over.
    pub skipped: Duration,
    /// Pieces that we made.
    pub produced: u32,
    /// The source said that no piece follows, and playback has got there.
    pub ended: bool,
}

/// Something to tell the user once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// No tracker answered.
    TrackerFailed(String),
    /// A web seed does not send what it is asked for.
    ServerFailed(String),
    /// A tracker answers again.
    TrackerAnswers,
    /// A piece was corrupt.
    Corrupt {
        /// Which.
        piece: PieceIndex,
        /// From whom, as far as is known.
        culprit: Option<SocketAddr>,
        /// Of a live piece: what is wrong with it, if that was found just now.
        why: Option<Rejection>,
    },
    /// A neighbour broke the rules, and was let go.
    Misbehaved(SocketAddr, CloseReason),
    /// Somebody wants to hide what it speaks (MSE), which we do not. Told once.
    Obfuscated(SocketAddr),
    /// All pieces are here.
    Completed,
    /// The recording is as long as it may be, and ends here.
    RecordingFull,
}

/// Notices that may wait to be read; more are dropped.
const NOTICES_MAX: usize = 64;

/// The board.
#[derive(Debug)]
pub(crate) struct Board {
    /// Of a movie; a live stream's window knows itself.
    have: Mutex<Bitfield>,
    /// Why the last live piece that was judged was refused.
    refusal: Mutex<Option<Rejection>>,
    /// Why the web seed failed the last time.
    server: Mutex<Option<String>>,
    /// Where neighbours are.
    neighbours: Mutex<BTreeMap<ConnId, SocketAddr>>,
    status: watch::Sender<Status>,
    /// What the page shows besides.
    stage: Stage,
    /// Counts verified pieces, to wake readers.
    verified: watch::Sender<u32>,
    notices: mpsc::Sender<Notice>,
}

impl Board {
    /// A board for a swarm that has `have`, and where its notices come out.
    pub(crate) fn new(have: Bitfield, live: bool) -> (Self, mpsc::Receiver<Notice>) {
        let (notices, reader) = mpsc::channel(NOTICES_MAX);
        let board = Self {
            status: watch::Sender::new(Status {
                have: have.count(),
                pieces: have.length(),
                complete: have.is_full() && !live,
                live: live.then(LiveStatus::default),
                ..Status::default()
            }),
            verified: watch::Sender::new(0),
            have: Mutex::new(if live { Bitfield::new(0) } else { have }),
            refusal: Mutex::default(),
            stage: Stage::default(),
            server: Mutex::default(),
            neighbours: Mutex::default(),
            notices,
        };
        (board, reader)
    }

    pub(crate) fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Changes whenever a piece was verified.
    pub(crate) fn pieces_verified(&self) -> watch::Receiver<u32> {
        self.verified.subscribe()
    }

    pub(crate) fn has(&self, piece: PieceIndex) -> bool {
        let have = self.have.lock().expect("nobody panics with it");
        have.contains(piece.0 as usize)
    }

    pub(crate) fn verified(&self, piece: PieceIndex) {
        let mut have = self.have.lock().expect("nobody panics with it");
        if (piece.0) < have.length() {
            have.insert(piece.0 as usize);
        }
        drop(have);
        self.verified.send_modify(|count| *count += 1);
    }

    pub(crate) fn publish(&self, peer: &Peer) {
        let (mut down, mut up, mut neighbours) = (0, 0, 0);
        for neighbour in peer.neighbours().filter(|view| view.peer_id.is_some()) {
            down += neighbour.down.bytes_per_s();
            up += neighbour.up.bytes_per_s();
            neighbours += 1;
        }
        self.status.send_modify(|status| {
            status.have = peer.pieces().count();
            status.complete = peer.pieces().is_full() && status.live.is_none();
            status.down = Rate::from_bytes_per_s(down);
            status.up = Rate::from_bytes_per_s(up);
            status.neighbours = neighbours;
            status.traffic = peer.traffic();
            status.playback = peer.playback();
        });
        self.stage.publish(peer);
    }

    /// Somebody wants to speak MSE.
    pub(crate) fn obfuscated(&self, addr: SocketAddr) {
        self.notice(Notice::Obfuscated(addr));
    }

    /// When the picture can start, as far as can be told now.
    pub(crate) fn foretell(&self, estimate: Option<Estimate>) {
        self.status.send_modify(|status| status.estimate = estimate);
    }

    /// By how much the first estimate was wrong.
    pub(crate) fn foretold(&self, error_s: f64) {
        let error_s = Some(error_s);
        self.status
            .send_modify(|status| status.viewing.estimate_error_s = error_s);
    }

    pub(crate) fn happened(&self, event: &Event) {
        self.stage.happened(event);
        if is_of_viewing(event) {
            self.status
                .send_modify(|status| status.viewing.enter(event));
        }
        match event {
            Event::Connected { conn, addr, .. } => {
                let mut neighbours = self.neighbours.lock().expect("nobody panics with it");
                neighbours.insert(*conn, *addr);
                self.status
                    .send_modify(|status| status.neighbours_ever += 1);
            }
            Event::Disconnected { conn, reason } => self.disconnected(*conn, *reason),
            Event::PieceFailed { piece, culprit } => self.notice(Notice::Corrupt {
                piece: *piece,
                culprit: *culprit,
                why: *self.refusal.lock().expect("nobody panics with it"),
            }),
            Event::HookedIn { piece, .. } => self.live(|live| live.hooked_in = Some(*piece)),
            Event::Rehooked { piece, skipped } => self.live(|live| {
                live.hooked_in = Some(*piece);
                live.skipped += *skipped;
            }),
            Event::LiveLag { lag } => self.live(|live| live.lag = Some(*lag)),
            Event::Produced(_) => self.live(|live| live.produced += 1),
            Event::Ended => self.live(|live| live.ended = true),
            Event::Completed => self.notice(Notice::Completed),
            _ => {}
        }
    }

    fn live(&self, change: impl FnOnce(&mut LiveStatus)) {
        self.status.send_modify(|status| {
            if let Some(live) = &mut status.live {
                change(live);
            }
        });
    }

    fn disconnected(&self, conn: ConnId, reason: CloseReason) {
        let mut neighbours = self.neighbours.lock().expect("nobody panics with it");
        let addr = neighbours.remove(&conn);
        drop(neighbours);
        let misbehaved = matches!(
            reason,
            CloseReason::Malformed(_) | CloseReason::Violation(_) | CloseReason::Flood(_)
        );
        if let Some(addr) = addr.filter(|_| misbehaved) {
            self.notice(Notice::Misbehaved(addr, reason));
        }
    }

    /// A piece was judged: this is why it was refused, if it was.
    pub(crate) fn refused(&self, why: Option<Rejection>) {
        *self.refusal.lock().expect("nobody panics with it") = why;
    }

    /// A player is served until the guard is dropped.
    pub(crate) fn reader(self: &Arc<Self>) -> Reader {
        self.status.send_modify(|status| status.readers += 1);
        Reader {
            board: Arc::clone(self),
            number: self.stage.reader(),
        }
    }

    /// A page is told how it stands until the guard is dropped.
    pub(crate) fn watcher(self: &Arc<Self>) -> Watcher {
        self.stage.watched(true);
        Watcher(Arc::clone(self))
    }

    /// What the page shows besides the status, as of the last quarter of a second.
    pub(crate) fn scene(&self) -> Scene {
        self.stage.scene()
    }

    pub(crate) fn tracker_answered(&self) {
        let failed = self.status.borrow().tracker_failures > 0;
        self.status.send_modify(|status| {
            status.tracker_failures = 0;
            status.tracker_error = None;
        });
        if failed {
            self.notice(Notice::TrackerAnswers);
        }
    }

    /// An empty reason: there is no tracker to ask.
    pub(crate) fn tracker_failed(&self, why: String) {
        if why.is_empty() {
            return;
        }
        self.status.send_modify(|status| {
            status.tracker_failures += 1;
            status.tracker_error = Some(why.clone());
        });
        self.notice(Notice::TrackerFailed(why));
    }

    /// The web seed sent a piece.
    pub(crate) fn server_answered(&self) {
        *self.server.lock().expect("nobody panics with it") = None;
    }

    /// It did not; told once for each reason on end.
    pub(crate) fn server_failed(&self, why: String) {
        let mut said = self.server.lock().expect("nobody panics with it");
        if said.as_ref() != Some(&why) {
            *said = Some(why.clone());
            drop(said);
            self.notice(Notice::ServerFailed(why));
        }
    }

    pub(crate) fn recording_full(&self) {
        self.notice(Notice::RecordingFull);
    }

    fn notice(&self, notice: Notice) {
        // Nobody reading, or too many: the status tells the rest.
        let _ = self.notices.try_send(notice);
    }
}

const fn is_of_viewing(event: &Event) -> bool {
    matches!(
        event,
        Event::PlayheadReported
            | Event::Started { .. }
            | Event::Stalled(_)
            | Event::Resumed { .. }
            | Event::Late(_)
            | Event::Skipped(_)
            | Event::SeekDone { .. }
    )
}

/// A player that is being served.
#[derive(Debug)]
pub(crate) struct Reader {
    board: Arc<Board>,
    number: u64,
}

impl Reader {
    /// The next byte of the content that it is sent.
    pub(crate) fn at(&self, byte: u64) {
        self.board.stage.reads(self.number, byte);
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.board.stage.left(self.number);
        self.board.status.send_modify(|status| status.readers -= 1);
    }
}

/// A page that is told how it stands.
#[derive(Debug)]
pub(crate) struct Watcher(Arc<Board>);

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.stage.watched(false);
    }
}
