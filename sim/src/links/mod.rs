//! The network model `links` (DESIGN 5 "Network"), in integers: nanoseconds and bytes.
//!
//! Access links are the bottleneck. Everything here is arithmetic on one link or one connection;
//! it knows neither peers nor mail, so it is tested by itself.

mod downlink;
mod flow;
mod uplink;

pub(crate) use downlink::Downlink;
pub(crate) use flow::Flow;
pub(crate) use uplink::Uplink;

/// Bytes of headers (IP and TCP) a packet.
pub(crate) const HEADER: u64 = 40;
/// Bytes of a packet after its headers: an Ethernet frame less headers.
const SEGMENT: u64 = 1460;
/// Bytes of headers (IP and UDP) a datagram.
pub(crate) const DATAGRAM_HEADER: u64 = 28;

/// What a message of `length` bytes costs on a link.
pub(crate) const fn charged(length: u64) -> u64 {
    length + HEADER * length.div_ceil(SEGMENT)
}

/// How long `bytes` take at `rate` bytes per second, rounded up.
pub(crate) const fn nanos_for(bytes: u64, rate: u64) -> u64 {
    (bytes * 1_000_000_000).div_ceil(rate)
}
