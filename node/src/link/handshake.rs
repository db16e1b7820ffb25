//! The first 68 bytes, both ways, with patience that ends.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use swarmbed_engine::CloseReason;
use swarmbed_engine::wire::Handshake;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::stream::Stream;
use crate::utp::Utp;

/// How long a connection over TCP may take to be made; over uTP, as long.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long a whole handshake may take, however slowly it trickles in.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// Connects and exchanges handshakes, over TCP or, where nobody answers by that, over uTP.
pub(crate) async fn dial(
    addr: SocketAddr,
    from: IpAddr,
    utp: Option<&Utp>,
    ours: &Handshake,
) -> Result<(Stream, Handshake), CloseReason> {
    let stream = timeout(CONNECT_MAX, connect(addr, from)).await;
    let met = match stream {
        Ok(Ok(stream)) => meet(Stream::Tcp(stream), ours).await,
        _ => Err(CloseReason::Unreachable),
    };
    // Some listen by TCP only to hang up, and that may be lost on its way: then they are silent.
    let (Err(CloseReason::Unreachable | CloseReason::Refused | CloseReason::Idle), Some(utp)) =
        (&met, utp)
    else {
        return met;
    };
    match utp.connect(addr).await {
        Ok(stream) => meet(Stream::Utp(stream), ours).await,
        Err(_) => met,
    }
}

/// Says our handshake and hears the other side's.
async fn meet(mut stream: Stream, ours: &Handshake) -> Result<(Stream, Handshake), CloseReason> {
    let said = timeout(HANDSHAKE_MAX, stream.write_all(&ours.encode())).await;
    if !matches!(said, Ok(Ok(()))) {
        return Err(CloseReason::Unreachable);
    }
    let theirs = hear(&mut stream).await?;
    if theirs.info_hash != ours.info_hash {
        return Err(CloseReason::Malformed("handshake of another torrent"));
    }
    Ok((stream, theirs))
}

async fn connect(addr: SocketAddr, from: IpAddr) -> io::Result<TcpStream> {
    let socket = if addr.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A node that listens on one address also speaks from there, so that others who know it
    // by address know it when it calls.
    if !from.is_unspecified() && from.is_ipv4() == addr.is_ipv4() {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    socket.connect(addr).await
}

/// Says ours, to one who connected and was heard.
pub(crate) async fn greet(stream: &mut Stream, ours: &Handshake) -> Result<(), CloseReason> {
    match timeout(HANDSHAKE_MAX, stream.write_all(&ours.encode())).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(CloseReason::Remote),
    }
}

/// What is said of one who hides what it speaks.
pub(crate) const OBFUSCATED: &str = "an obfuscated handshake (MSE), which is not spoken here";
/// A key of 768 bits begins such a handshake, and nothing tells it from noise: so much of it must be there.
const KEY_SEEN: usize = 32;

/// What these first bytes are, as they are no handshake.
fn kind(bytes: &[u8]) -> &'static str {
    let plain = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    let noise = bytes.iter().filter(|byte| !plain(byte)).count();
    match bytes.len() >= KEY_SEEN && noise * 3 > bytes.len() {
        true => OBFUSCATED,
        false => "not a BitTorrent handshake",
    }
}

/// Reads the other side's handshake; garbage is noticed with its first bytes.
pub(crate) async fn hear(stream: &mut Stream) -> Result<Handshake, CloseReason> {
    let read = async {
        let mut bytes = [0; Handshake::LENGTH];
        let mut have = 0;
        while have < bytes.len() {
            match stream.read(&mut bytes[have..]).await {
                Ok(0) | Err(_) => return Err(CloseReason::Refused),
                Ok(more) => have += more,
            }
            if !Handshake::may_begin(&bytes[..have]) {
                return Err(CloseReason::Malformed(kind(&bytes[..have])));
            }
        }
        Handshake::decode(&bytes)
    };
    timeout(HANDSHAKE_MAX, read)
        .await
        .unwrap_or(Err(CloseReason::Idle))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use swarmbed_engine::{PeerId, Remote};
    use tokio::net::UdpSocket;

    use super::*;
    use crate::utp::Ours;

    #[tokio::test]
    async fn who_says_nothing_over_tcp_is_asked_over_utp() {
        let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = tcp.local_addr().unwrap();
        let nothing = || -> Ours { Box::new(|_, _| false) };
        let utp = |udp| Utp::start(Arc::new(udp), nothing()).unwrap();
        let there = utp(UdpSocket::bind(addr).await.unwrap());
        let here = utp(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let handshake = |id| Handshake {
            info_hash: [7; 20],
            remote: Remote {
                peer_id: PeerId([id; 20]),
                fast: true,
                extended: true,
            },
        };
        let answering = tokio::spawn(async move {
            // It takes the connection, and is silent.
            let silent = tcp.accept().await.unwrap();
            let mut stream = Stream::Utp(there.accept().await.unwrap().0);
            let theirs = hear(&mut stream).await.unwrap();
            greet(&mut stream, &handshake(2)).await.unwrap();
            // Without its port nothing of what was said would leave.
            (theirs, silent, stream, there)
        });
        let ip = addr.ip();
        let (stream, theirs) = dial(addr, ip, Some(&here), &handshake(1)).await.unwrap();
        assert!(matches!(stream, Stream::Utp(_)));
        assert_eq!(theirs.remote.peer_id, PeerId([2; 20]));
        let there = answering.await.unwrap();
        assert_eq!(there.0.remote.peer_id, PeerId([1; 20]));
    }

    #[test]
    fn noise_is_told_from_what_somebody_wrote() {
        let noise: Vec<u8> = (0..96_u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0])
            .collect();
        assert_eq!(kind(&noise), OBFUSCATED);
        for other in [
            &b"GET / HTTP/1.1\r\nHost: 127.0.0.1:6881\r\n\r\n"[..],
            &noise[..8],
        ] {
            assert_ne!(kind(other), OBFUSCATED);
        }
    }
}
