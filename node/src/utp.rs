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
use tokio_util::sync::{CancellationToken, DropGuard};

/// Connections at once over uTP; beyond, those who knock are not answered.
const STREAMS_MAX: usize = 256;
/// What may wait to be read, or to be acknowledged, of each: 200 ms at 1.25 MiB/s.
const BUFFER_MAX: usize = 256 * 1024;
/// Not a packet for so long, and it is over; keep-alives come every two minutes.
const SILENCE_MAX: Duration = Duration::from_secs(150);

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

    /// Connects. An address of IPv4 is written as one of IPv6 where the port is.
    pub(crate) async fn connect(&self, addr: SocketAddr) -> io::Result<UtpStream> {
        let addr = match (self.socket.bind_addr().ip(), addr.ip()) {
            (IpAddr::V6(_), IpAddr::V4(ip)) => {
                SocketAddr::new(ip.to_ipv6_mapped().into(), addr.port())
            }
            _ => addr,
        };
        self.socket.connect(addr).await.map_err(io::Error::other)
    }
}
