//! The distributed hash table (BEP 5), through the `mainline` crate, which has a thread and a UDP port of
//! its own.
//!
//! It asks and is not asked (BEP 43) until others have found its port open. IPv4 alone, as the crate is.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_lite::StreamExt as _;
use mainline::async_dht::AsyncDht;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};

use crate::error::NodeError;

/// How often a torrent is announced and looked for: peers are forgotten after half an hour or so.
const EVERY: Duration = Duration::from_secs(300);
/// It begins so often, and slows down: who is here is known soon.
const SOON: Duration = Duration::from_secs(15);
/// Addresses taken from one search.
const PEERS_MAX: usize = 200;
/// Searches at once, of all torrents, and how long one may take.
const SEARCHES_MAX: usize = 4;
const SEARCH_MAX: Duration = Duration::from_secs(30);

/// This process in the table; all its torrents share it.
#[derive(Clone, Debug)]
pub struct Dht {
    table: AsyncDht,
    turns: Arc<Semaphore>,
}

impl Dht {
    /// Joins by way of these nodes (`HOST:PORT`), or, if there are none, of the public ones.
    ///
    /// # Errors
    /// If it cannot listen.
    pub fn join(from: IpAddr, bootstrap: &[String]) -> Result<Self, NodeError> {
        let mut builder = mainline::Dht::builder();
        if let IpAddr::V4(ip) = from
            && !ip.is_unspecified()
        {
            builder.bind_address(ip);
        }
        // The peer port's own number is taken, by datagrams of ours.
        builder.port(0);
        if !bootstrap.is_empty() {
            builder.bootstrap(bootstrap);
        }
        let joined = builder.build();
        let turns = Arc::new(Semaphore::new(SEARCHES_MAX));
        joined
            .map(|table| Self {
                table: table.as_async(),
                turns,
            })
            .map_err(|source| NodeError::listen("DHT", SocketAddr::new(from, 0), "--dht", source))
    }

    /// Where it listens.
    #[must_use]
    pub async fn addr(&self) -> SocketAddr {
        SocketAddr::V4(self.table.info().await.local_addr())
    }

    async fn search(&self, info_hash: [u8; 20]) -> Vec<SocketAddr> {
        let mut peers = Vec::new();
        let mut answers = self.table.get_peers(info_hash.into());
        let all = async {
            while let Some(more) = answers.next().await {
                peers.extend(more.into_iter().map(SocketAddr::V4));
                if peers.len() >= PEERS_MAX {
                    break;
                }
            }
        };
        // What came by then counts.
        let _ = timeout(SEARCH_MAX, all).await;
        peers.truncate(PEERS_MAX);
        peers
    }

    /// Looks for the torrent and announces it, and passes on who has it, until nobody listens to it.
    pub(crate) async fn run(
        self,
        info_hash: [u8; 20],
        port: u16,
        found: mpsc::Sender<Vec<SocketAddr>>,
    ) {
        for round in 1.. {
            let Ok(turn) = self.turns.acquire().await else {
                return;
            };
            let peers = self.search(info_hash).await;
            // Nobody near who answers: the next time, perhaps.
            let _ = self.table.announce_peer(info_hash.into(), Some(port)).await;
            drop(turn);
            let wait = SOON.saturating_mul(round).min(EVERY);
            if !peers.is_empty() && found.send(peers).await.is_err() {
                return;
            }
            tokio::select! {
                () = sleep(wait) => {}
                () = found.closed() => return,
            }
        }
    }
}
