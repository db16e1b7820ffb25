//! `swarmbed node tracker`, `seed` and `play`: what runs until it is done or told to stop.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use swarmbed_engine::Bitfield;
use swarmbed_engine::policy::{ChokerConfig, SelectorConfig};
use swarmbed_engine::wire::metainfo::Metainfo;
use swarmbed_node::live::LiveWindow;
use swarmbed_node::magnet::{Hunt, Hunted, Magnet};
use swarmbed_node::{
    Access, Dht, Happening, Mapping, Node, NodeError, Options, Place, PlayerServer, Status,
    Storage, Torrent, TrackerServer, check,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use super::report::{Progress, live, live_summary, notice, percent, status, summary, watched};
use super::{Common, PlayArgs, TrackerArgs};

/// Ends when the player program does.
type Shown = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// Threads that read, write and hash: as many as disks like, far fewer than tokio's 512. The C library
/// keeps a heap for each, and each keeps the largest piece that it saw.
const BLOCKING_THREADS: usize = 6;
/// Players of a live stream that has ended are waited for so long.
const READERS_MAX: Duration = Duration::from_secs(60);
/// Announces that fail before a run that can end by itself does: half a minute.
const TRACKER_PATIENCE: u32 = 3;

pub(super) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .expect("threads can be started")
}

/// Until the user has enough.
pub(super) async fn told_to_stop() {
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be heard");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

pub(super) async fn tracker(args: &TrackerArgs) -> Result<Value, NodeError> {
    let server = TrackerServer::bind(args.listen, "--listen", None).await?;
    let url = format!("http://{}/announce", server.addr());
    Progress::new().say(&format!("tracker at {url}"));
    tokio::select! {
        () = server.run() => {}
        () = told_to_stop() => {}
    }
    Ok(json!({"announce": url}))
}

pub(super) async fn play(args: &PlayArgs) -> Result<Value, NodeError> {
    let common = &args.common;
    let mut progress = Progress::new();
    let (torrent, options) = open(
        common,
        &args.torrent,
        &mut progress,
        args.exit_when_complete,
    )
    .await?;
    if torrent.metainfo.live.is_some() {
        return watch(args, torrent, &options).await;
    }
    let place = place(args, &torrent)?;
    // Ports are looked at before files are made.
    let player = match media_addr(args) {
        Some(addr) => Some(PlayerServer::bind(addr).await?),
        None => None,
    };
    let storage = Arc::new(Storage::open(&torrent, &place, Access::Write)?);
    let have = look(&storage, &torrent, &mut progress).await;
    if have.is_full() {
        storage.complete()?;
    }
    let node = Node::start(Arc::clone(&torrent), storage, have, &options).await?;
    progress.say(&format!("peer port {}", node.addr()));
    warn_if_alone(common, &torrent, &mut progress);
    let mut tasks = tokio::task::JoinSet::new();
    let mut shown = None;
    match player {
        Some(player) => {
            shown = show(args, &player, &node, &mut progress)?;
            tasks.spawn(player.run(&node));
        }
        // With a player, the picture starts when somebody looks.
        None => node.play().await,
    }
    attend(node, progress, args.exit_when_complete, shown).await
}

/// Where the media are served: a player program needs a place, whether one is named or not.
fn media_addr(args: &PlayArgs) -> Option<SocketAddr> {
    let any = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
    args.http.or(args.player.map(|_| any))
}

/// Says where the media are, and starts the player program, if there is one; it ends when that does.
fn show(
    args: &PlayArgs,
    player: &PlayerServer,
    node: &Node,
    progress: &mut Progress,
) -> Result<Option<Shown>, NodeError> {
    let url = format!("http://{}/stream", here(player.addr()));
    progress.say(&format!("media at {url}"));
    let Some(screen) = args.player else {
        return Ok(None);
    };
    let shown: Shown = Box::pin(screen.show(&url, node)?);
    Ok(Some(shown))
}

/// Until the player program ends.
async fn closed(shown: &mut Option<Shown>) {
    match shown {
        Some(shown) => shown.await,
        None => std::future::pending().await,
    }
}

/// Watches a live stream: passes it on, serves it to players, saves it.
async fn watch(
    args: &PlayArgs,
    torrent: Arc<Torrent>,
    options: &Options,
) -> Result<Value, NodeError> {
    let common = &args.common;
    let player = match media_addr(args) {
        Some(addr) => Some(PlayerServer::bind(addr).await?),
        None => None,
    };
    let window = Arc::new(LiveWindow::hidden(&torrent, &common.dir)?);
    let node = Node::watch(Arc::clone(&torrent), window, options).await?;
    let mut progress = Progress::new();
    progress.say(&format!("peer port {}", node.addr()));
    warn_if_alone(common, &torrent, &mut progress);
    let mut tasks = tokio::task::JoinSet::new();
    let mut shown = None;
    if let Some(player) = player {
        shown = show(args, &player, &node, &mut progress)?;
        tasks.spawn(player.run(&node));
    }
    let mut saving = tokio::task::JoinSet::new();
    if let Some(output) = &args.output {
        saving.spawn(node.save(output)?);
    }
    // At once: a live stream does not wait, and who does not watch passes nothing on.
    node.play().await;
    attend_live(node, progress, saving, shown).await
}

fn warn_if_alone(common: &Common, torrent: &Torrent, progress: &mut Progress) {
    let promised = !torrent.metainfo.trackers.is_empty() && !common.no_torrent_trackers;
    let promised = promised || !torrent.metainfo.web_seeds.is_empty();
    if !promised && common.trackers.is_empty() && common.peers.is_empty() {
        progress.say(
            "warning: the torrent names no tracker, and neither --tracker nor --peer is given: \
             waiting for others to connect",
        );
    }
}

fn place(args: &PlayArgs, torrent: &Torrent) -> Result<Place, NodeError> {
    let single = matches!(torrent.metainfo.files.as_slice(), [only] if only.path.len() == 1);
    match &args.output {
        Some(output) if !single => Err(NodeError::Content {
            path: output.clone(),
            why: "the torrent holds several files; name a folder with --dir".into(),
        }),
        Some(output) if output.is_dir() => Err(NodeError::Content {
            path: output.clone(),
            why: "is a folder; name a file with --output, or the folder with --dir".into(),
        }),
        Some(output) => Ok(Place::File(output.clone())),
        None if single => Ok(Place::File(args.common.dir.join(&torrent.metainfo.name))),
        None => Ok(Place::Folder(args.common.dir.clone())),
    }
}

/// Hashes what is there, with progress if that takes long.
pub(super) async fn look(
    storage: &Arc<Storage>,
    torrent: &Torrent,
    progress: &mut Progress,
) -> Bitfield {
    let done = Arc::new(AtomicU32::new(0));
    let mut checking = std::pin::pin!(check(Arc::clone(storage), Arc::clone(&done)));
    let mut second = interval(Duration::from_secs(1));
    second.tick().await;
    loop {
        tokio::select! {
            have = &mut checking => {
                progress.end();
                return have;
            }
            _ = second.tick() => {
                let (done, all) = (done.load(Ordering::Relaxed), torrent.metainfo.geometry.pieces());
                progress.show(&format!("checking {}", percent(done.into(), all.into())));
            }
        }
    }
}

/// The torrent, from its file or, of a magnet link, from its peers; and what its node is told.
pub(super) async fn open(
    common: &Common,
    source: &Path,
    progress: &mut Progress,
    gives_up: bool,
) -> Result<(Arc<Torrent>, Options), NodeError> {
    let Some(link) = source.to_str().filter(|text| Magnet::is_one(text)) else {
        let torrent = Torrent::read(source)?;
        let trackers = torrent.metainfo.trackers.iter().flatten();
        for url in trackers.filter(|url| url.starts_with("ws")) {
            progress.say(&format!(
                "tracker {url} is for browsers' peers (WebRTC), which are not spoken to: passed over"
            ));
        }
        let options = options(common, &torrent.metainfo).await?;
        return Ok((Arc::new(torrent), options));
    };
    let magnet = Magnet::parse(link)?;
    let mut told = reach(common).await?;
    for peer in &magnet.peers {
        // What a link names may be gone.
        if let Ok(found) = tokio::net::lookup_host(peer).await {
            told.peers.extend(found);
        }
    }
    let torrent = hunt(&magnet, &told, progress, gives_up).await?;
    progress.say(&format!(
        "found {}: {} pieces, {} bytes",
        torrent.metainfo.name,
        torrent.metainfo.geometry.pieces(),
        torrent.metainfo.geometry.total()
    ));
    told.selector = selector(common, &torrent.metainfo);
    Ok((Arc::new(torrent), told))
}

/// Until a peer has sent the torrent.
async fn hunt(
    magnet: &Magnet,
    options: &Options,
    progress: &mut Progress,
    gives_up: bool,
) -> Result<Torrent, NodeError> {
    let mut hunt = Hunt::start(magnet, options).await?;
    let mut second = interval(Duration::from_secs(1));
    let mut stop = std::pin::pin!(told_to_stop());
    let outcome = loop {
        tokio::select! {
            hunted = hunt.next() => match hunted? {
                Hunted::Found(torrent) => break Ok(*torrent),
                Hunted::Useless(addr, why) => progress.say(&format!("{addr}: {why}")),
                Hunted::TrackersFailed(times, why) => {
                    progress.say(&format!("warning: {why}; will be asked again"));
                    if gives_up && times >= TRACKER_PATIENCE && options.peers.is_empty() {
                        break Err(NodeError::NoPeers { why });
                    }
                }
            },
            _ = second.tick() => {
                progress.show(&format!("looking for the torrent: {} peers are asked", hunt.asked()));
            }
            () = &mut stop => break Err(NodeError::NotFound),
        }
    };
    progress.end();
    hunt.end().await;
    outcome
}

/// The link to what is served.
pub(super) fn link(torrent: &Torrent, options: &Options) -> Magnet {
    let promised = torrent.metainfo.trackers.concat();
    let promised = promised.into_iter().filter(|_| options.torrent_trackers);
    let mut trackers = options.trackers.clone();
    trackers.extend(promised.filter(|url| !options.trackers.contains(url)));
    Magnet {
        info_hash: torrent.info_hash,
        name: Some(torrent.metainfo.name.clone()),
        trackers,
        peers: Vec::new(),
        web_seeds: torrent.metainfo.web_seeds.clone(),
    }
}

pub(super) async fn options(common: &Common, torrent: &Metainfo) -> Result<Options, NodeError> {
    let mut options = reach(common).await?;
    options.selector = selector(common, torrent);
    Ok(options)
}

fn selector(common: &Common, torrent: &Metainfo) -> SelectorConfig {
    common.selector.clone().unwrap_or_else(|| {
        let name = match (torrent.live, torrent.bitrate) {
            (Some(_), _) => "live-rarest-first",
            (None, Some(_)) => "give-to-get",
            (None, None) => "rarest-first",
        };
        SelectorConfig::from_name(name).expect("it is in the table")
    })
}

/// What a node is told, whatever its torrent is.
async fn reach(common: &Common) -> Result<Options, NodeError> {
    let mut peers = Vec::new();
    for peer in &common.peers {
        let failed = |source| NodeError::Read {
            path: format!("--peer {peer}").into(),
            source,
        };
        peers.extend(tokio::net::lookup_host(peer).await.map_err(failed)?);
    }
    Ok(Options {
        listen: SocketAddr::new(common.listen, common.port),
        peers,
        trackers: common.trackers.clone(),
        torrent_trackers: !common.no_torrent_trackers,
        up: common.up,
        down: common.down,
        selector: SelectorConfig::RarestFirst,
        pex: !common.no_pex,
        choker: common.choker.clone(),
        seed_choker: ChokerConfig::from_name("seed-fastest").expect("it is in the table"),
        utp: !common.no_utp,
        lsd: common.lsd,
        dht: match common.dht {
            true => Some(table(common).await?),
            false => None,
        },
        public_port: common.public_port,
        metrics: common.metrics.as_deref().map(Path::to_owned),
        record: common.record.as_deref().map(Path::to_owned),
    })
}

/// Opens the peer port on the gateway, if that was asked for. Without it all the same works but that
/// nobody from outside connects.
pub(super) async fn map_port(common: &mut Common) -> Option<Mapping> {
    let gateway = common.port_mapping?;
    match Mapping::ask(gateway, common.port).await {
        Ok(mapping) => {
            Progress::new().say(&mapping.to_string());
            common.public_port = Some(mapping.port());
            Some(mapping)
        }
        Err(why) => {
            Progress::new().say(&format!(
                "warning: the peer port is not open to others: {why} (UPnP is not spoken)"
            ));
            None
        }
    }
}

/// The outcome, when the gateway has been told that it is over.
pub(super) async fn unmap<T>(mapping: Option<Mapping>, outcome: T) -> T {
    if let Some(mapping) = mapping {
        mapping.end().await;
    }
    outcome
}

/// This process in the distributed table: once, however many torrents it has.
async fn table(common: &Common) -> Result<Dht, NodeError> {
    static TABLE: std::sync::OnceLock<Dht> = std::sync::OnceLock::new();
    if let Some(dht) = TABLE.get() {
        return Ok(dht.clone());
    }
    let dht = Dht::join(common.listen, &common.dht_nodes)?;
    Progress::new().say(&format!("DHT at {}", dht.addr().await));
    Ok(TABLE.get_or_init(|| dht).clone())
}

/// Where our own tracker is reached from this machine.
pub(super) fn here(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}

/// Shows how it stands until it is done, fails, or is told to stop.
pub(super) async fn attend(
    mut node: Node,
    mut progress: Progress,
    exit_when_complete: bool,
    mut shown: Option<Shown>,
) -> Result<Value, NodeError> {
    let started = Instant::now();
    let mut watch = node.status();
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stop = std::pin::pin!(told_to_stop());
    loop {
        tokio::select! {
            happening = node.next() => match happening {
                Happening::Notice(told) => progress.say(&notice(&told)),
                Happening::Ended(result) => {
                    progress.end();
                    result?;
                }
            },
            _ = second.tick() => progress.show(&status(&watch.borrow())),
            Ok(()) = watch.changed() => {}
            () = &mut stop => break,
            () = closed(&mut shown) => break,
        }
        let now = watch.borrow().clone();
        // A viewer is not cut off because the download is done.
        let done = now.complete && now.readers == 0;
        if exit_when_complete && (done || is_hopeless(&now)) {
            break;
        }
    }
    progress.end();
    let seconds = started.elapsed().as_secs_f64();
    let end = node.leave().await?;
    if let Some(text) = watched(&end) {
        progress.say(&text);
    }
    if !end.complete && end.neighbours_ever == 0 && end.tracker_error.is_some() {
        let why = end.tracker_error.clone().unwrap_or_default();
        return Err(NodeError::NoPeers { why });
    }
    if exit_when_complete && !end.complete {
        return Err(NodeError::Stopped {
            have: end.have,
            pieces: end.pieces,
        });
    }
    Ok(summary(&end, seconds))
}

/// Shows how a live stream stands until it ends, fails, or somebody says stop.
async fn attend_live(
    mut node: Node,
    mut progress: Progress,
    mut saving: tokio::task::JoinSet<Result<(), NodeError>>,
    mut shown: Option<Shown>,
) -> Result<Value, NodeError> {
    let started = Instant::now();
    let mut watch = node.status();
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stop = std::pin::pin!(told_to_stop());
    let mut ended = None;
    loop {
        tokio::select! {
            happening = node.next() => match happening {
                Happening::Notice(told) => progress.say(&notice(&told)),
                Happening::Ended(result) => {
                    progress.end();
                    result?;
                }
            },
            _ = second.tick() => progress.show(&live(&watch.borrow())),
            Ok(()) = watch.changed() => {}
            Some(saved) = saving.join_next() => {
                saved.expect("saving does not panic")?;
            }
            () = &mut stop => break,
            () = closed(&mut shown) => break,
        }
        let now = watch.borrow().clone();
        let over = now.live.is_some_and(|live| live.ended);
        let since = *ended.get_or_insert_with(Instant::now);
        ended = ended.filter(|_| over);
        // Nobody is cut off because our own playhead is at the end; and
        // nobody who takes nothing keeps us here.
        if over && (now.readers == 0 || since.elapsed() >= READERS_MAX) {
            progress.say("the stream has ended");
            break;
        }
    }
    progress.end();
    let seconds = started.elapsed().as_secs_f64();
    let end = node.leave().await?;
    if let Some(watched) = watched(&end) {
        progress.say(&watched);
    }
    if end.neighbours_ever == 0 && end.tracker_error.is_some() {
        let why = end.tracker_error.clone().unwrap_or_default();
        return Err(NodeError::NoPeers { why });
    }
    Ok(live_summary(&end, seconds))
}

/// Nobody ever came, and no tracker answers.
const fn is_hopeless(status: &Status) -> bool {
    status.neighbours_ever == 0
        && status.traffic.from_web_seed == 0
        && status.tracker_failures >= TRACKER_PATIENCE
}
