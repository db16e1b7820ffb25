//! What a node is told by whoever starts it.

use std::net::SocketAddr;
use std::path::PathBuf;

use swarmbed_engine::Rate;
use swarmbed_engine::policy::{ChokerConfig, SelectorConfig};

use crate::dht::Dht;

/// What a node is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// The peer port; port 0 for any free one.
    pub listen: SocketAddr,
    /// Peers to dial.
    pub peers: Vec<SocketAddr>,
    /// Trackers the user named; the torrent's own come after these.
    pub trackers: Vec<String>,
    /// Ask the torrent's own trackers, too.
    pub torrent_trackers: bool,
    /// Upload limit; `Some(Rate::ZERO)` uploads nothing.
    pub up: Option<Rate>,
    /// Download limit.
    pub down: Option<Rate>,
    /// Which piece next.
    pub selector: SelectorConfig,
    /// Whom to upload to while downloading.
    pub choker: ChokerConfig,
    /// Whom to upload to when complete.
    pub seed_choker: ChokerConfig,
    /// Hear from neighbours of other peers, and tell them (BEP 11), unless the torrent is private.
    pub pex: bool,
    /// Speak uTP (BEP 29), too, at the peer port's number.
    pub utp: bool,
    /// Look for peers on the local network (BEP 14), unless the torrent is private.
    pub lsd: bool,
    /// Look for peers in the distributed table (BEP 5), unless the torrent is private.
    pub dht: Option<Dht>,
    /// The number of the peer port that others are told, where a gateway gave it another.
    pub public_port: Option<u16>,
    /// Where events are written.
    pub metrics: Option<PathBuf>,
    /// Where all that the engine is told and answers is recorded.
    pub record: Option<PathBuf>,
}

impl Options {
    /// The peer port, by the number that others are told.
    pub(crate) fn public(&self, port: SocketAddr) -> SocketAddr {
        SocketAddr::new(port.ip(), self.public_port.unwrap_or(port.port()))
    }
}
