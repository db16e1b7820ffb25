//! An address, in half the room where it is short: a peer has many neighbours.

use alloc::boxed::Box;
use core::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

/// See the module.
#[derive(Clone, Debug)]
pub(super) enum Address {
    V4(SocketAddrV4),
    V6(Box<SocketAddrV6>),
}

impl From<SocketAddr> for Address {
    fn from(addr: SocketAddr) -> Self {
        match addr {
            SocketAddr::V4(addr) => Self::V4(addr),
            SocketAddr::V6(addr) => Self::V6(Box::new(addr)),
        }
    }
}

impl Address {
    /// As everybody else has it.
    pub(super) fn get(&self) -> SocketAddr {
        match self {
            Self::V4(addr) => SocketAddr::V4(*addr),
            Self::V6(addr) => SocketAddr::V6(**addr),
        }
    }
}
