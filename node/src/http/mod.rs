//! As much of HTTP/1.1 as trackers and players need, hand-written: small heads, no bodies in,
//! one request a connection.

pub(crate) mod client;
pub(crate) mod server;
pub(crate) mod url;
