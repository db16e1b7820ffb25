//! Where peers are looked for besides trackers and neighbours, if that was asked for.

use std::net::SocketAddr;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::lsd;
use crate::options::Options;

/// Findings that may wait.
const FOUND_MAX: usize = 16;

/// Searches under way. Dropped, they end.
#[derive(Debug)]
pub(crate) struct Finder {
    found: mpsc::Receiver<Vec<SocketAddr>>,
    _tasks: JoinSet<()>,
}

impl Finder {
    /// Looks for the torrent wherever `options` say, for a peer at this port.
    pub(crate) fn start(options: &Options, info_hash: [u8; 20], peer_port: SocketAddr) -> Self {
        let (findings, found) = mpsc::channel(FOUND_MAX);
        let mut tasks = JoinSet::new();
        if options.lsd {
            let findings = findings.clone();
            tasks.spawn(async move {
                // Without multicast there is nobody to find by it.
                let _ = lsd::run(info_hash, peer_port, findings).await;
            });
        }
        if let Some(dht) = options.dht.clone() {
            tasks.spawn(dht.run(info_hash, options.public(peer_port).port(), findings));
        }
        Self {
            found,
            _tasks: tasks,
        }
    }

    /// The next that were found; never, if nothing is searched.
    pub(crate) async fn next(&mut self) -> Vec<SocketAddr> {
        match self.found.recv().await {
            Some(found) => found,
            None => std::future::pending().await,
        }
    }
}
