//! Trackers over HTTP (BEP 3, 7, 23, 48): asking one, and being one.

mod client;
mod server;
mod table;

pub use server::TrackerServer;

pub(crate) use client::Announcer;
