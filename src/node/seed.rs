//! `swarmbed node seed`: one torrent or many, in one process, at one port.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use swarmbed_engine::Bitfield;
use swarmbed_node::{
    Access, Happening, Line, Node, NodeError, Options, PeerPort, Place, Status, Storage, Torrent,
    TrackerServer,
};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::SeedArgs;
use super::attend::{attend, told_to_stop};
use super::open::{link, open};
use super::report::{Progress, notice, several, summary};
use super::serve::{here, look};

/// Notices of all torrents that may wait to be shown.
const NOTICES_MAX: usize = 64;

/// A torrent whose content is here.
struct Whole {
    torrent: Arc<Torrent>,
    storage: Arc<Storage>,
    have: Bitfield,
    options: Options,
}

pub(super) async fn run(args: &SeedArgs) -> Result<Value, NodeError> {
    let common = &args.common;
    let mut progress = Progress::new();
    for (option, file, holds) in [
        ("--metrics", &common.metrics, "the events"),
        ("--record", &common.record, "the session"),
    ] {
        if let (Some(file), true) = (file, args.torrents.len() > 1) {
            return Err(NodeError::Content {
                path: file.clone(),
                why: format!("{option} holds {holds} of one torrent, and several are given"),
            });
        }
    }
    let mut wholes = Vec::new();
    for source in &args.torrents {
        wholes.push(whole(args, source, &mut progress).await?);
    }
    let mut own_tracker = JoinSet::new();
    if common.trackers.is_empty() {
        let only = wholes.iter().map(|one| one.torrent.info_hash).collect();
        let server =
            TrackerServer::bind(args.tracker_listen, "--tracker-listen", Some(only)).await?;
        let url = format!("http://{}/announce", here(server.addr()));
        progress.say(&format!("tracker at {url}"));
        for one in &mut wholes {
            one.options.trackers.push(url.clone());
        }
        own_tracker.spawn(server.run());
    }
    for one in &wholes {
        progress.say(&link(&one.torrent, &one.options).to_string());
    }
    if let [_] = &*wholes {
        let only = wholes.remove(0);
        let node = Node::start(only.torrent, only.storage, only.have, &only.options).await?;
        progress.say(&format!("peer port {}", node.addr()));
        return attend(node, progress, false, None).await;
    }
    let line = Arc::new(Line::new(common.up, common.down));
    let port = PeerPort::bind(wholes[0].options.listen, !common.no_utp).await?;
    let mut nodes = Vec::new();
    for one in wholes {
        let name = one.torrent.metainfo.name.clone();
        let node = Node::share(
            one.torrent,
            one.storage,
            one.have,
            &one.options,
            &port,
            &line,
        )?;
        nodes.push((name, node));
    }
    progress.say(&format!("peer port {}", port.addr()));
    attend_all(nodes, progress).await
}

/// Opens one and looks whether all of it is here.
async fn whole(
    args: &SeedArgs,
    source: &Path,
    progress: &mut Progress,
) -> Result<Whole, NodeError> {
    let (torrent, options) = open(&args.common, source, progress, false).await?;
    if torrent.metainfo.live.is_some() {
        return Err(NodeError::Kind {
            path: source.to_owned(),
            why: "is a live stream",
            remedy: "watch it with `swarmbed node play`, which passes it on; its source makes it with \
                     `swarmbed node broadcast`",
        });
    }
    let place = Place::Folder(args.common.dir.clone());
    let storage = Arc::new(Storage::open(&torrent, &place, Access::Read)?);
    let have = look(&storage, &torrent, progress).await;
    if !have.is_full() {
        return Err(NodeError::Incomplete {
            path: storage.path().to_owned(),
            have: have.count(),
            pieces: have.length(),
        });
    }
    Ok(Whole {
        torrent,
        storage,
        have,
        options,
    })
}

/// Shows how all of them stand until one fails, or somebody says stop.
async fn attend_all(
    nodes: Vec<(String, Node)>,
    mut progress: Progress,
) -> Result<Value, NodeError> {
    let started = Instant::now();
    let watches: Vec<watch::Receiver<Status>> =
        nodes.iter().map(|(_, node)| node.status()).collect();
    let (told, mut notices) = mpsc::channel(NOTICES_MAX);
    let (stop, stopped) = watch::channel(false);
    let mut attending = JoinSet::new();
    for (name, node) in nodes {
        attending.spawn(attend_one(name, node, told.clone(), stopped.clone()));
    }
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ending = std::pin::pin!(told_to_stop());
    let mut failed = None;
    loop {
        tokio::select! {
            Some(line) = notices.recv() => progress.say(&line),
            _ = second.tick() => {
                let all: Vec<Status> = watches.iter().map(|one| one.borrow().clone()).collect();
                progress.show(&several(&all));
            }
            Some(ended) = attending.join_next() => {
                if let Err(error) = ended.expect("attending does not panic") {
                    failed = Some(error);
                    break;
                }
            }
            () = &mut ending => break,
        }
    }
    progress.end();
    let _ = stop.send(true);
    let mut ends = Vec::new();
    while let Some(ended) = attending.join_next().await {
        let (name, end) = ended.expect("attending does not panic")?;
        ends.push((name, end));
    }
    if let Some(error) = failed {
        return Err(error);
    }
    ends.sort_by(|a, b| a.0.cmp(&b.0));
    let seconds = started.elapsed().as_secs_f64();
    let uploaded: u64 = ends.iter().map(|(_, end)| end.traffic.payload_up).sum();
    let each: Vec<Value> = ends
        .iter()
        .map(|(name, end)| {
            let mut one = summary(end, seconds);
            one["name"] = json!(name);
            one
        })
        .collect();
    Ok(json!({"torrents": each, "uploaded": uploaded, "seconds": seconds}))
}

async fn attend_one(
    name: String,
    mut node: Node,
    told: mpsc::Sender<String>,
    mut stopped: watch::Receiver<bool>,
) -> Result<(String, Status), NodeError> {
    loop {
        tokio::select! {
            happening = node.next() => match happening {
                // More than can be shown are dropped.
                Happening::Notice(what) => {
                    let _ = told.try_send(format!("{name}: {}", notice(&what)));
                }
                Happening::Ended(result) => {
                    let end = node.status().borrow().clone();
                    return result.map(|()| (name, end));
                }
            },
            _ = stopped.changed() => return Ok((name, node.leave().await?)),
        }
    }
}
