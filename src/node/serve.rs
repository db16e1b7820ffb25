//! `swarmbed node tracker`, `seed` and `play`: what runs until it is done or told to stop.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use swarmbed_engine::Bitfield;
use swarmbed_node::live::LiveWindow;
use swarmbed_node::{
    Access, Node, NodeError, Options, Place, PlayerServer, Storage, Torrent, TrackerServer, check,
};
use tokio::time::interval;

use super::attend::{Shown, attend, attend_live, told_to_stop};
use super::open::open;
use super::report::{Progress, percent};
use super::{Common, PlayArgs, TrackerArgs};

/// Threads that read, write and hash: as many as disks like, far fewer than tokio's 512. The C library
/// keeps a heap for each, and each keeps the largest piece that it saw.
const BLOCKING_THREADS: usize = 6;

pub(super) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .expect("threads can be started")
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

/// Where our own tracker is reached from this machine.
pub(super) fn here(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}
