//! One torrent on real sockets: puts the peer, its port, its storage and its trackers together.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use swarmbed_engine::live::{LiveConfig, Role, SuperSeeding};
use swarmbed_engine::policy::{LatePolicy, PlaybackConfig, StartRule};
use swarmbed_engine::wire::{Handshake, SealedEnd};
use swarmbed_engine::{
    AddressSource, Behaviour, Bitfield, Config, Detail, Exchange, Input, Limits, Metadata, Rate,
    Remote, WebSeedUse,
};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::clock::Clock;
use crate::content::{Content, Producer};
use crate::error::NodeError;
use crate::finder::Finder;
use crate::line::Line;
use crate::link::Shared;
use crate::listener::{Entry, PeerPort};
use crate::live::{self, LiveWindow, Stream};
use crate::mail::{Ask, MAILS_MAX, Mail, MailSender};
use crate::metrics::EventLog;
use crate::options::Options;
use crate::random;
use crate::status::{Board, Notice, Status};
use crate::storage::Storage;
use crate::store::Store;
use crate::swarm::Swarm;
use crate::tape::Recorded;
use crate::torrent::Torrent;
use crate::tracker::Announcer;
use crate::web_seed::WebSeed;

/// What a live viewer holds before its picture starts, as SwarmPlayer did.
const LIVE_PREBUFFER: Duration = Duration::from_secs(10);
/// A live neighbour that went away is dialled again so soon: a source that was restarted has its
/// viewers back before they notice.
const LIVE_REDIAL: Duration = Duration::from_secs(2);
/// Live pieces that were made so long before we came have a time on our clock.
const LIVE_PAST: Duration = Duration::from_secs(3600);
/// A new piece is announced to six first, and to all after a second.
const SUPER_SEEDING: SuperSeeding = SuperSeeding {
    k: 6,
    tau: Duration::from_secs(1),
};

/// A running node. Dropping it stops everything at once; [`Node::leave`] says goodbye.
#[derive(Debug)]
pub struct Node {
    torrent: Arc<Torrent>,
    store: Store,
    board: Arc<Board>,
    mail: MailSender,
    addr: SocketAddr,
    swarm: JoinHandle<Result<(), NodeError>>,
    notices: mpsc::Receiver<Notice>,
    /// Where it is known. First of the two to go, for the port may be its own.
    _entry: Entry,
    _searching: JoinSet<()>,
    _port: Option<PeerPort>,
}

/// What happens to a running node.
#[derive(Debug)]
pub enum Happening {
    /// Something to tell the user once.
    Notice(Notice),
    /// The node stopped by itself: storage failed.
    Ended(Result<(), NodeError>),
}

/// Opens the content and hashes what is there; `done` counts the pieces looked at.
///
/// # Errors
/// If storage cannot be opened.
///
/// # Panics
/// If hashing panics.
pub async fn check(storage: Arc<Storage>, done: Arc<AtomicU32>) -> Bitfield {
    tokio::task::spawn_blocking(move || storage.check(&done))
        .await
        .expect("hashing does not panic")
}

impl Node {
    /// Starts: listens, dials, announces.
    ///
    /// # Errors
    /// If the port is taken, an option makes no sense, or a file cannot be made.
    pub async fn start(
        torrent: Arc<Torrent>,
        storage: Arc<Storage>,
        have: Bitfield,
        options: &Options,
    ) -> Result<Self, NodeError> {
        Self::launch(torrent, Store::Files(storage), have, None, options).await
    }

    /// Starts one of several torrents at a port, and on a line, that they share.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn share(
        torrent: Arc<Torrent>,
        storage: Arc<Storage>,
        have: Bitfield,
        options: &Options,
        port: &PeerPort,
        line: &Arc<Line>,
    ) -> Result<Self, NodeError> {
        Self::put_together(
            torrent,
            Store::Files(storage),
            have,
            None,
            options,
            port,
            line,
        )
    }

    /// Starts a viewer of a live stream.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn watch(
        torrent: Arc<Torrent>,
        window: Arc<LiveWindow>,
        options: &Options,
    ) -> Result<Self, NodeError> {
        let have = Bitfield::new(torrent.metainfo.geometry.pieces());
        let store = Store::Window(window);
        Self::launch(torrent, store, have, Some(Role::Viewer), options).await
    }

    /// Starts the source of a live stream; its pieces come by [`producer`](Self::producer).
    /// Neighbours at the addresses of `auxiliary` are always unchoked (port 0: any port).
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn broadcast(
        stream: &Stream,
        auxiliary: &[SocketAddr],
        options: &Options,
    ) -> Result<Self, NodeError> {
        let role = Role::Source {
            first: stream.first,
            auxiliary: auxiliary.to_vec(),
            super_seeding: Some(SUPER_SEEDING),
        };
        let store = Store::Window(Arc::clone(&stream.window));
        let torrent = Arc::clone(&stream.torrent);
        Self::launch(torrent, store, stream.have(), Some(role), options).await
    }

    async fn launch(
        torrent: Arc<Torrent>,
        store: Store,
        have: Bitfield,
        role: Option<Role>,
        options: &Options,
    ) -> Result<Self, NodeError> {
        let port = PeerPort::bind(options.listen, options.utp).await?;
        let line = Arc::new(Line::new(options.up, options.down));
        let mut node = Self::put_together(torrent, store, have, role, options, &port, &line)?;
        node._port = Some(port);
        Ok(node)
    }

    fn put_together(
        torrent: Arc<Torrent>,
        store: Store,
        have: Bitfield,
        role: Option<Role>,
        options: &Options,
        port: &PeerPort,
        line: &Arc<Line>,
    ) -> Result<Self, NodeError> {
        if let Some(rate) = options.down.filter(|rate| *rate == Rate::ZERO) {
            return Err(NodeError::Limit(rate));
        }
        let peer_id = random::peer_id();
        let public = options.public(port.addr);
        let promised: Vec<String> = match options.torrent_trackers {
            true => torrent.metainfo.trackers.concat(),
            false => Vec::new(),
        };
        let announcer = Announcer::new(
            &options.trackers,
            &promised,
            public,
            torrent.info_hash,
            peer_id,
        )?;
        let log = options
            .metrics
            .as_deref()
            .map(EventLog::create)
            .transpose()?;
        let web_seed = WebSeed::new(&torrent.metainfo, port.addr.ip());
        let web_seed = web_seed.filter(|_| role.is_none() && !have.is_full());
        let clock = match role {
            Some(_) => Clock::start_after(LIVE_PAST),
            None => Clock::start(),
        };
        let mut config = Config {
            peer_id,
            listen: Some(public),
            geometry: torrent.metainfo.geometry,
            bitrate: torrent.metainfo.bitrate,
            selector: options.selector.clone(),
            choker: options.choker.clone(),
            seed_choker: options.seed_choker.clone(),
            playback: PlaybackConfig::default(),
            limits: Limits {
                quick_pipeline: true,
                ..Limits::default()
            },
            announce_interval: Duration::from_secs(120),
            upload: options.up != Some(Rate::ZERO),
            behaviour: Behaviour::Honest,
            web_seed: web_seed.as_ref().map(|_| WebSeedUse::Always),
            exchange: exchange(&torrent, options),
            detail: Detail::Summary,
            live: None,
        };
        if let (Some(role), Some(live)) = (role, torrent.metainfo.live) {
            config.live = Some(LiveConfig {
                role,
                ..LiveConfig::viewer(live.numbering)
            });
            go_live(&mut config);
        }
        let (seed, record) = (random::seed(), options.record.as_deref());
        let peer = Recorded::new(config, seed, clock.now(), have.clone(), record)?;
        let mut opening: Vec<Input> = line.share().map(Input::Uplink).into_iter().collect();
        opening.push(Input::Addresses {
            source: AddressSource::User,
            peers: options.peers.clone(),
        });
        let (board, notices) = Board::new(have, torrent.metainfo.live.is_some());
        let board = Arc::new(board);
        let (mail, incoming) = mpsc::channel(MAILS_MAX);
        let entry = port.enter(torrent.info_hash, mail.clone());
        let mut searching = JoinSet::new();
        if !torrent.metainfo.private {
            let mut finder = Finder::start(options, torrent.info_hash, port.addr);
            let mail = mail.clone();
            searching.spawn(async move {
                while mail.send(Mail::Found(finder.next().await)).await.is_ok() {}
            });
        }
        let shared = Shared {
            storage: store.clone(),
            pieces: torrent.metainfo.geometry.pieces(),
            mail: mail.clone(),
            line: Arc::clone(line),
        };
        let swarm = Swarm {
            peer,
            clock,
            shared: Arc::new(shared),
            incoming,
            ours: Handshake {
                info_hash: torrent.info_hash,
                remote: Remote {
                    peer_id,
                    fast: true,
                    extended: true,
                },
            },
            ip: port.addr.ip(),
            udp: port.udp.clone(),
            utp: port.utp.clone(),
            announcer: Arc::new(announcer),
            board: Arc::clone(&board),
            torrent: Arc::clone(&torrent),
            web_seed: web_seed.map(Arc::new),
            log,
            opening,
            state: crate::swarm::State::default(),
        };
        Ok(Self {
            torrent,
            store,
            board,
            mail,
            addr: port.addr,
            swarm: tokio::spawn(swarm.run()),
            notices,
            _entry: entry,
            _searching: searching,
            _port: None,
        })
    }

    /// The peer port.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How it stands, now and later.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.board.status()
    }

    /// The next thing that the user should know. Not to be called again after
    /// [`Happening::Ended`].
    ///
    /// # Panics
    /// If the node's task did.
    pub async fn next(&mut self) -> Happening {
        tokio::select! {
            Some(notice) = self.notices.recv() => Happening::Notice(notice),
            ended = &mut self.swarm => {
                Happening::Ended(ended.expect("the swarm does not panic"))
            }
        }
    }

    /// Presses play, if the torrent can be played.
    pub async fn play(&self) {
        let _ = self.mail.send(Mail::Ask(Ask::Play)).await;
    }

    /// Leaves the swarm: tells neighbours and trackers, within a few seconds.
    ///
    /// # Errors
    /// If storage failed meanwhile.
    ///
    /// # Panics
    /// If the node's task did.
    pub async fn leave(self) -> Result<Status, NodeError> {
        let _ = self.mail.send(Mail::Ask(Ask::Leave)).await;
        self.swarm.await.expect("the swarm does not panic")?;
        Ok(self.board.status().borrow().clone())
    }

    /// Where a source's pieces are handed over.
    #[must_use]
    pub fn producer(&self) -> Producer {
        Producer::new(self.mail.clone())
    }

    /// Writes a live stream to a file as it comes, to its end.
    ///
    /// # Errors
    /// If this is no live stream, or the file cannot be written.
    pub fn save(
        &self,
        path: &std::path::Path,
    ) -> Result<impl Future<Output = Result<(), NodeError>> + Send + use<>, NodeError> {
        let content = self.content();
        let Store::Window(window) = content.store.clone() else {
            return Err(NodeError::Content {
                path: path.to_owned(),
                why: "this is no live stream".into(),
            });
        };
        let path = path.to_owned();
        let file = std::fs::File::create(&path);
        let file = file.map_err(|source| NodeError::write(&path, source, 0))?;
        Ok(async move {
            let mut file = tokio::fs::File::from_std(file);
            let _reader = content.board.reader();
            let saved = live::follow(&content, &window, &mut file).await;
            saved.map_err(|source| NodeError::write(&path, source, 0))
        })
    }

    pub(crate) fn content(&self) -> Content {
        Content {
            torrent: Arc::clone(&self.torrent),
            store: self.store.clone(),
            board: Arc::clone(&self.board),
            mail: self.mail.clone(),
        }
    }
}

/// What is exchanged with neighbours besides the content.
fn exchange(torrent: &Torrent, options: &Options) -> Exchange {
    let metainfo = &torrent.metainfo;
    let size = u32::try_from(metainfo.info.len()).ok();
    Exchange {
        // A live swarm admits nobody who does not know its torrent.
        metadata: size.filter(|size| *size <= Metadata::SIZE_MAX && metainfo.live.is_none()),
        pex: options.pex && !metainfo.private,
    }
}

/// What a live stream needs otherwise than a movie.
fn go_live(config: &mut Config) {
    config.playback = PlaybackConfig {
        start: StartRule::Prebuffer(LIVE_PREBUFFER),
        late: LatePolicy::Skip,
    };
    config.limits.redial_after = LIVE_REDIAL;
    // The engine counts whole pieces, trailers and all.
    let length = config.geometry.piece_length();
    config.bitrate = config.bitrate.map(|rate| {
        let capacity = u64::from(SealedEnd::capacity(length).max(1));
        Rate::from_bytes_per_s((rate.bytes_per_s() * u64::from(length)).div_ceil(capacity))
    });
}
