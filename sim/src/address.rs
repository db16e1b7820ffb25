//! Names of peers: number, address, peer id. Knows no network.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use swarmbed_engine::PeerId;

/// The port everybody listens on.
const PORT: u16 = 6881;

/// Most peers there can be: 10.0.0.1 to 10.255.255.255.
pub(crate) const PEERS_MAX: u32 = (1 << 24) - 1;

/// The address of peer `number`: `10.x.y.z:6881`, with the number plus one in `x.y.z`.
#[must_use]
pub fn address_of(number: u32) -> SocketAddr {
    alias_of(number, 0)
}

/// Another address of the same host: so many ports further.
pub(crate) fn alias_of(number: u32, alias: u16) -> SocketAddr {
    let [_, x, y, z] = (number + 1).to_be_bytes();
    let port = PORT.saturating_add(alias);
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(10, x, y, z), port))
}

/// The peer whose host is at `addr`, and which of its addresses that is.
pub(crate) fn host_at(addr: SocketAddr) -> Option<(u32, u16)> {
    let alias = addr.port().checked_sub(PORT)?;
    let mut first = addr;
    first.set_port(PORT);
    Some((number_at(first)?, alias))
}

/// The number of the peer at `addr`, if it is an address of ours.
#[must_use]
pub fn number_at(addr: SocketAddr) -> Option<u32> {
    let SocketAddr::V4(v4) = addr else {
        return None;
    };
    match v4.ip().octets() {
        [10, x, y, z] if v4.port() == PORT => u32::from_be_bytes([0, x, y, z]).checked_sub(1),
        _ => None,
    }
}

/// The peer id of peer `number`, in BEP 20's style.
#[must_use]
pub fn peer_id_of(number: u32) -> PeerId {
    let mut id = *b"-SB0010-000000000000";
    let mut rest = number;
    for digit in id.iter_mut().rev().take(10) {
        *digit = b'0' + u8::try_from(rest % 10).expect("a digit");
        rest /= 10;
    }
    PeerId(id)
}

/// The peer id under which peer `number` came for the so-manieth time, modulo a hundred.
pub(crate) fn identity_of(number: u32, alias: u16) -> PeerId {
    let mut id = peer_id_of(number);
    let digit = |value: u16| b'0' + u8::try_from(value % 10).expect("a digit");
    id.0[8] = digit(alias / 10);
    id.0[9] = digit(alias);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_numbers() {
        for number in [0, 1, 254, 255, 65_535, 1_000_000] {
            assert_eq!(number_at(address_of(number)), Some(number));
        }
        assert_eq!(host_at(alias_of(7, 3)), Some((7, 3)));
        assert_eq!(identity_of(7, 0), peer_id_of(7));
        assert_ne!(identity_of(7, 3), peer_id_of(7));
        assert_eq!(address_of(0).to_string(), "10.0.0.1:6881");
        assert_eq!(number_at("10.0.0.0:6881".parse().unwrap()), None);
        assert_eq!(number_at("10.0.0.1:6882".parse().unwrap()), None);
        assert_eq!(&peer_id_of(4_294_967_295).0, b"-SB0010-004294967295");
    }
}
