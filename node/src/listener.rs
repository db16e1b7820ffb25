//! Strangers who connect: their handshakes are heard with patience that ends, a bounded number
//! at a time.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use swarmbed_engine::wire::decode_datagram;
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

use crate::error::NodeError;
use crate::link;
use crate::mail::{Mail, MailSender};

/// Strangers whose handshake is awaited at once.
const STRANGERS_MAX: usize = 64;
/// Largest datagram of ours is 3.1 KiB.
const DATAGRAM_MAX: usize = 4096;

/// The peer port: connections, and datagrams on the same number.
#[derive(Debug)]
pub(crate) struct PeerPort {
    pub(crate) tcp: TcpListener,
    pub(crate) udp: Option<Arc<UdpSocket>>,
    pub(crate) addr: SocketAddr,
}

impl PeerPort {
    pub(crate) async fn bind(addr: SocketAddr) -> Result<Self, NodeError> {
        let failed = |source| NodeError::listen("peer port", addr, "--port", source);
        let tcp = TcpListener::bind(addr).await.map_err(failed)?;
        let addr = tcp.local_addr().map_err(failed)?;
        // Reports between strangers are a courtesy: without a UDP port we go on.
        let udp = UdpSocket::bind(addr).await.ok().map(Arc::new);
        Ok(Self { tcp, udp, addr })
    }
}

/// Hears strangers' handshakes and passes on those for this torrent. When too many dawdle, the
/// one that dawdled longest makes room, so that a crowd of them keeps nobody out.
pub(crate) async fn accept(tcp: TcpListener, info_hash: [u8; 20], mail: MailSender) {
    let mut strangers: VecDeque<AbortHandle> = VecDeque::new();
    let mut tasks = JoinSet::new();
    loop {
        let Ok((mut stream, addr)) = tcp.accept().await else {
            // Out of file descriptors, most likely: do not spin.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        while tasks.try_join_next().is_some() {}
        strangers.retain(|stranger| !stranger.is_finished());
        if strangers.len() >= STRANGERS_MAX
            && let Some(longest) = strangers.pop_front()
        {
            longest.abort();
        }
        let mail = mail.clone();
        let stranger = tasks.spawn(async move {
            let Ok(theirs) = link::hear(&mut stream).await else {
                return;
            };
            if theirs.info_hash == info_hash {
                let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
                let incoming = Mail::Incoming {
                    stream,
                    addr,
                    remote: theirs.remote,
                };
                let _ = mail.send(incoming).await;
            }
        });
        strangers.push_back(stranger);
    }
}

/// Passes datagrams on.
pub(crate) async fn hear_datagrams(udp: Arc<UdpSocket>, mail: MailSender) {
    let mut buffer = [0; DATAGRAM_MAX];
    loop {
        match udp.recv_from(&mut buffer).await {
            Ok((length, from)) => {
                if let Some(datagram) = decode_datagram(&buffer[..length]) {
                    // A flood of datagrams is dropped rather than waited for.
                    let _ = mail.try_send(Mail::Datagram(from, datagram));
                }
            }
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    }
}
