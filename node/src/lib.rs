//! The engine on real sockets: peers, trackers, storage, and an HTTP server for players.
//!
//! One task owns the [`Peer`](swarmbed_engine::Peer) (`swarm.rs`) and does nothing but *mutate,
//! drain, sleep*; everything that waits is a task of its own that talks to it by bounded mail.
//!
//! | file | owns |
//! |---|---|
//! | `node.rs` | a running node, put together |
//! | `swarm.rs`, `mail.rs` | the peer's task, and what it is told |
//! | `link/`, `listener.rs`, `utp.rs` | connections, over TCP or uTP: handshakes, reading, writing, credit |
//! | `turns.rs` | who holds an upload slot and asks for nothing |
//! | `gateway/` | the peer port, opened on the gateway (PCP, NAT-PMP, UPnP), if asked for |
//! | `storage.rs`, `torrent.rs`, `create.rs` | files: content, `.torrent`, making one |
//! | `magnet/` | a torrent that is known by its name alone, from its peers |
//! | `live/`, `store.rs` | a live stream: key, signed pieces, window, input; where blocks go |
//! | `web_seed.rs` | servers that have the files (BEP 19) |
//! | `finder.rs`, `dht.rs`, `lsd.rs` | peers from the distributed table (BEP 5) and the local network (BEP 14), if asked for |
//! | `tracker/`, `http/` | trackers: asking one and being one |
//! | `player.rs`, `page/`, `screen.rs` | the media over HTTP, with ranges; the page that plays it; mpv or VLC that do |
//! | `status.rs`, `scene.rs`, `metrics.rs` | what others may know; events as JSON lines |
//! | `tape.rs` | a recording of what the peer is told and answers |
//! | `viewing.rs`, `estimate.rs`, `prometheus.rs` | stalls summed up; when the picture can start; both for Prometheus |
//! | `line.rs`, `bucket.rs` | limits that all swarms of the process share |
//! | `clock.rs`, `random.rs` | time, randomness |

#![forbid(unsafe_code)]

mod bucket;
mod clock;
mod content;
pub mod create;
mod dht;
mod error;
mod estimate;
mod finder;
mod gateway;
mod http;
mod line;
mod link;
mod listener;
pub mod live;
mod lsd;
pub mod magnet;
mod mail;
pub mod metrics;
mod node;
mod options;
mod page;
mod player;
mod probe;
mod prometheus;
mod random;
mod scene;
mod screen;
mod status;
mod storage;
mod store;
mod swarm;
mod tape;
mod thumbnail;
mod torrent;
mod tracker;
mod turns;
mod utp;
mod viewing;
mod web_seed;

pub use content::Producer;
pub use dht::Dht;
pub use error::NodeError;
pub use estimate::Estimate;
pub use gateway::{Gateway, Mapping, MappingError};
pub use line::Line;
pub use listener::PeerPort;
pub use node::{Happening, Node, check};
pub use options::Options;
pub use player::PlayerServer;
pub use screen::Screen;
pub use status::{LiveStatus, Notice, Status};
pub use storage::{Access, Place, Storage};
pub use torrent::{Torrent, hex};
pub use tracker::TrackerServer;
pub use viewing::Viewing;
