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
    let [_, x, y, z] = (number + 1).to_be_bytes();
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(10, x, y, z), PORT))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_numbers() {
        for number in [0, 1, 254, 255, 65_535, 1_000_000] {
            assert_eq!(number_at(address_of(number)), Some(number));
        }
        assert_eq!(address_of(0).to_string(), "10.0.0.1:6881");
        assert_eq!(number_at("10.0.0.0:6881".parse().unwrap()), None);
        assert_eq!(number_at("10.0.0.1:6882".parse().unwrap()), None);
        assert_eq!(&peer_id_of(4_294_967_295).0, b"-SB0010-004294967295");
    }
}
