//! The first 68 bytes, both ways, with patience that ends.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use swarmbed_engine::CloseReason;
use swarmbed_engine::wire::Handshake;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// How long a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long a whole handshake may take, however slowly it trickles in.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// Bytes in the kernel that are not sent yet, at most on a slow line (Linux, `TCP_NOTSENT_LOWAT`):
/// with this a block that is still with us can be taken back by a choke or a cancel.
const NOT_SENT: u32 = 32 * 1024;
/// However fast the line is.
const NOT_SENT_MAX: u32 = 512 * 1024;

/// Connects and exchanges handshakes.
pub(crate) async fn dial(
    addr: SocketAddr,
    from: IpAddr,
    ours: &Handshake,
) -> Result<(TcpStream, Handshake), CloseReason> {
    let connect = async {
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
    };
    let Ok(Ok(mut stream)) = timeout(CONNECT_MAX, connect).await else {
        return Err(CloseReason::Unreachable);
    };
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

/// Says ours, to one who connected and was heard.
pub(crate) async fn greet(stream: &mut TcpStream, ours: &Handshake) -> Result<(), CloseReason> {
    match timeout(HANDSHAKE_MAX, stream.write_all(&ours.encode())).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(CloseReason::Remote),
    }
}

/// Sets a socket up for blocks and small messages.
pub(super) fn set_up(stream: &TcpStream) {
    // Both only help; a system that refuses them works all the same.
    let _ = stream.set_nodelay(true);
    set_waiting(stream, NOT_SENT);
}

/// So many bytes may wait in the kernel, within bounds.
pub(super) fn set_waiting(stream: &TcpStream, bytes: u32) {
    #[cfg(target_os = "linux")]
    let _ =
        socket2::SockRef::from(stream).set_tcp_notsent_lowat(bytes.clamp(NOT_SENT, NOT_SENT_MAX));
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, bytes);
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
pub(crate) async fn hear(stream: &mut TcpStream) -> Result<Handshake, CloseReason> {
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
    use super::*;

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
