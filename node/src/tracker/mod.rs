//! Trackers over HTTP (BEP 3, 7, 23, 48) and UDP (BEP 15): asking one, and being one.

mod client;
mod server;
mod table;
mod udp;

pub use server::TrackerServer;

pub(crate) use client::Announcer;
