//! What a node is told by the command line: whom to reach, how, and by which policies; and how it is
//! reached itself.

use std::net::SocketAddr;
use std::path::Path;

use swarmbed_engine::policy::{ChokerConfig, SelectorConfig};
use swarmbed_engine::wire::metainfo::Metainfo;
use swarmbed_node::{Dht, Mapping, NodeError, Options};

use super::Common;
use super::report::Progress;

/// All of it, for this torrent.
pub(super) async fn options(common: &Common, torrent: &Metainfo) -> Result<Options, NodeError> {
    let mut options = reach(common).await?;
    options.selector = selector(common, torrent);
    Ok(options)
}

pub(super) fn selector(common: &Common, torrent: &Metainfo) -> SelectorConfig {
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
pub(super) async fn reach(common: &Common) -> Result<Options, NodeError> {
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
                "warning: the peer port is not open to others: {why}"
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
