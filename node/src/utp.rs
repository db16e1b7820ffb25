//! uTP (BEP 29), through the `librqbit-utp` crate, on the UDP port that has the peer port's number.
//!
//! Owns who reads that port: datagrams of ours are passed on, everything else is uTP's. Congestion is
//! controlled as over TCP: the crate has no LEDBAT, so a stream over uTP does not yield to others.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use librqbit_dualstack_sockets::PollSendToVectored;
use librqbit_utp::{SocketOpts, Transport, UtpSocket, UtpSocketUdp, UtpStream};
use tokio::net::UdpSocket;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Connections at once over uTP; beyond, those who knock are not answered.
const STREAMS_MAX: usize = 256;
/// What may wait to be read, or to be acknowledged, of each: 200 ms at 1.25 MiB/s.
const BUFFER_MAX: usize = 256 * 1024;
/// Not a packet for so long, and it is over; keep-alives come every two minutes.
const SILENCE_MAX: Duration = Duration::from_secs(150);
/// How long an answer to each knock is waited for. The crate sends its SYN once; where one packet in fifty is lost, one
/// dial in 25 would else find nobody, and the next comes a minute later.
const KNOCKS: [Duration; 3] = [
    Duration::from_secs(2),
    Duration::from_secs(3),
    Duration::from_secs(5),
];

/// Its type is not named by the crate.
trait Environment {
    type Of;
}

impl<T, E> Environment for UtpSocket<T, E> {
    type Of = E;
}

type Socket = UtpSocket<Wire, <UtpSocketUdp as Environment>::Of>;

/// Who gets a datagram that may be ours: `true` if it was.
pub(crate) type Ours = Box<dyn Fn(SocketAddr, &[u8]) -> bool + Send + Sync>;

/// The UDP port, without what is not uTP's.
struct Wire {
    udp: Arc<UdpSocket>,
    addr: SocketAddr,
    ours: Ours,
}

impl PollSendToVectored for Wire {
    fn poll_send_to_vectored(
        &self,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
        target: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        self.udp.poll_send_to_vectored(cx, bytes, target)
    }
}

impl Transport for Wire {
    async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        loop {
            // Linux reports of one peer's closed port come here, too, and are nothing to do with others.
            let Ok((length, from)) = self.udp.recv_from(buffer).await else {
                continue;
            };
            if !(self.ours)(from, &buffer[..length]) {
                return Ok((length, from));
            }
        }
    }

    async fn send_to(&self, bytes: &[u8], target: SocketAddr) -> io::Result<usize> {
        self.udp.send_to(bytes, target).await
    }

    fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        target: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        self.udp.poll_send_to(cx, bytes, target)
    }

    fn bind_addr(&self) -> SocketAddr {
        self.addr
    }
}

/// uTP at our port. Dropped with all that came of it, it lets go of the port.
#[derive(Clone)]
pub(crate) struct Utp {
    socket: Arc<Socket>,
    _running: Arc<DropGuard>,
}

impl fmt::Debug for Utp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Utp")
            .field(&self.socket.bind_addr())
            .finish()
    }
}

impl Utp {
    /// Takes over the reading of this socket; `None` if the crate refuses.
    pub(crate) fn start(udp: Arc<UdpSocket>, ours: Ours) -> Option<Self> {
        let addr = udp.local_addr().ok()?;
        let wire = Wire { udp, addr, ours };
        let running = CancellationToken::new();
        let options = SocketOpts {
            vsock_rx_bufsize_bytes: NonZeroUsize::new(BUFFER_MAX),
            vsock_tx_bufsize_bytes_max: NonZeroUsize::new(BUFFER_MAX),
            disable_nagle: true,
            cancellation_token: running.clone(),
            remote_inactivity_timeout: Some(SILENCE_MAX),
            max_live_vsocks: NonZeroUsize::new(STREAMS_MAX),
            ..SocketOpts::default()
        };
        let socket = UtpSocket::new_with_opts(wire, Default::default(), options).ok()?;
        Some(Self {
            socket,
            _running: Arc::new(running.drop_guard()),
        })
    }

    /// The next who connects.
    pub(crate) async fn accept(&self) -> io::Result<(UtpStream, SocketAddr)> {
        let stream = self.socket.accept().await.map_err(io::Error::other)?;
        let addr = stream.remote_addr();
        Ok((stream, addr))
    }

    /// Connects, with the patience of [`KNOCKS`]. An address of IPv4 is written as one of IPv6 where the port is.
    pub(crate) async fn connect(&self, addr: SocketAddr) -> io::Result<UtpStream> {
        let addr = match (self.socket.bind_addr().ip(), addr.ip()) {
            (IpAddr::V6(_), IpAddr::V4(ip)) => {
                SocketAddr::new(ip.to_ipv6_mapped().into(), addr.port())
            }
            _ => addr,
        };
        for patience in KNOCKS {
            if let Ok(met) = timeout(patience, self.socket.connect(addr)).await {
                return met.map_err(io::Error::other);
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn utp() -> (Utp, SocketAddr) {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let addr = udp.local_addr().unwrap();
        let nothing: Ours = Box::new(|_, _| false);
        (Utp::start(Arc::new(udp), nothing).unwrap(), addr)
    }

    /// A way to `to` on which the first packet is lost.
    async fn way(to: SocketAddr) -> SocketAddr {
        let here = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let addr = here.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 2048];
            let (_, from) = here.recv_from(&mut buffer).await.unwrap();
            loop {
                let (length, sender) = here.recv_from(&mut buffer).await.unwrap();
                let other = if sender == to { from } else { to };
                here.send_to(&buffer[..length], other).await.unwrap();
            }
        });
        addr
    }

    #[tokio::test]
    async fn who_was_not_heard_knocks_again() {
        let ((one, _), (two, addr)) = (utp().await, utp().await);
        let way = way(addr).await;
        let heard = tokio::spawn(async move {
            let mut stream = two.accept().await.unwrap().0;
            let mut said = [0; 5];
            stream.read_exact(&mut said).await.unwrap();
            said
        });
        let mut stream = one.connect(way).await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        assert_eq!(heard.await.unwrap(), *b"hello");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_waited_for_forever() {
        let (one, _) = utp().await;
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let nobody = silent.local_addr().unwrap();
        let error = one.connect(nobody).await.err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
