//! The torrent that the user names: in a file, or by a magnet link, and then its peers have it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use swarmbed_node::magnet::{Hunt, Hunted, Magnet};
use swarmbed_node::{NodeError, Options, Torrent};
use tokio::time::interval;

use super::Common;
use super::attend::{TRACKER_PATIENCE, told_to_stop};
use super::reach::{options, reach, selector};
use super::report::Progress;

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
