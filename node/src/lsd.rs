//! Local service discovery (BEP 14): peers of the same torrent on the same network, by multicast.
//!
//! IPv4 alone. What is heard is bounded: a datagram's length, its torrents, and how often it is answered
//! to (never: each announces in its own time).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::{interval, sleep};

use crate::random;
use crate::torrent::hex;

/// Where everybody listens.
const GROUP: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(239, 192, 152, 143)), 6771);
/// How often we announce; BEP 14 allows once a minute.
const EVERY: Duration = Duration::from_secs(300);
/// BEP 14: what is longer than a packet is not read.
const LENGTH_MAX: usize = 1400;
/// Torrents in one datagram that are looked at.
const HASHES_MAX: usize = 32;

/// Announces the torrent, and passes on who else does, until nobody listens to it.
///
/// # Errors
/// If multicast is not to be had here.
pub(crate) async fn run(
    info_hash: [u8; 20],
    peer_port: SocketAddr,
    found: mpsc::Sender<Vec<SocketAddr>>,
) -> std::io::Result<()> {
    let socket = open(peer_port.ip())?;
    let cookie = hex(&random::bytes::<8>());
    let announce = announcement(&info_hash, peer_port.port(), &cookie);
    let mut every = interval(EVERY);
    let mut buffer = [0; LENGTH_MAX];
    loop {
        tokio::select! {
            _ = every.tick() => {
                // A network that is down now may be up the next time.
                let _ = socket.send_to(announce.as_bytes(), GROUP).await;
            }
            heard = socket.recv_from(&mut buffer) => match heard {
                Ok((length, from)) => {
                    let heard = read(&buffer[..length], &info_hash, &cookie);
                    if let Some(port) = heard
                        && found.send(vec![SocketAddr::new(from.ip(), port)]).await.is_err()
                    {
                        return Ok(());
                    }
                }
                Err(_) => sleep(Duration::from_millis(100)).await,
            },
            () = found.closed() => return Ok(()),
        }
    }
}

fn open(from: IpAddr) -> std::io::Result<UdpSocket> {
    let IpAddr::V4(from) = from else {
        return Err(std::io::ErrorKind::Unsupported.into());
    };
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    // Every client on this machine listens there.
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(true)?;
    let any = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), GROUP.port());
    socket.bind(&any.into())?;
    let IpAddr::V4(group) = GROUP.ip() else {
        unreachable!("it is written above");
    };
    socket.join_multicast_v4(&group, &from)?;
    socket.set_multicast_if_v4(&from)?;
    socket.set_multicast_loop_v4(true)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket.into())
}

fn announcement(info_hash: &[u8; 20], port: u16, cookie: &str) -> String {
    let hash = hex(info_hash);
    format!(
        "BT-SEARCH * HTTP/1.1\r\nHost: {GROUP}\r\nPort: {port}\r\nInfohash: {hash}\r\n\
         cookie: {cookie}\r\n\r\n\r\n"
    )
}

/// The port of somebody else who announces this torrent.
fn read(datagram: &[u8], info_hash: &[u8; 20], cookie: &str) -> Option<u16> {
    let text = std::str::from_utf8(datagram).ok()?;
    let mut lines = text.split("\r\n");
    if !lines.next()?.starts_with("BT-SEARCH * HTTP/1.") {
        return None;
    }
    let (mut port, mut ours, mut hashes) = (None, false, 0);
    for (key, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if key.eq_ignore_ascii_case("port") {
            port = value.parse().ok().filter(|port| *port != 0);
        } else if key.eq_ignore_ascii_case("infohash") && hashes < HASHES_MAX {
            hashes += 1;
            ours |= value.eq_ignore_ascii_case(&hex(info_hash));
        } else if key.eq_ignore_ascii_case("cookie") && value == cookie {
            return None;
        }
    }
    port.filter(|_| ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_heard_and_we_are_not() {
        let (ours, other) = ([7; 20], [8; 20]);
        let said = announcement(&ours, 6881, "abc");
        assert_eq!(read(said.as_bytes(), &ours, "def"), Some(6881));
        assert_eq!(read(said.as_bytes(), &ours, "abc"), None, "our own");
        assert_eq!(read(said.as_bytes(), &other, "def"), None);
        // As libtorrent writes it, with several torrents and no cookie.
        let said = format!(
            "BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 51413\r\n\
             Infohash: {}\r\nInfohash: {}\r\n\r\n\r\n",
            hex(&other),
            hex(&ours).to_uppercase()
        );
        assert_eq!(read(said.as_bytes(), &ours, "def"), Some(51413));
        for bad in [
            "",
            "GET / HTTP/1.1\r\n",
            "BT-SEARCH * HTTP/1.1\r\nPort: 0\r\n",
        ] {
            assert_eq!(read(bad.as_bytes(), &ours, "def"), None, "{bad}");
        }
        assert_eq!(read(&[0xff; 100], &ours, "def"), None);
    }
}
