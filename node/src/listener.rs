//! Strangers who connect: their handshakes are heard with patience that ends, a bounded number
//! at a time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use swarmbed_engine::wire::decode_datagram;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::error::NodeError;
use crate::link;
use crate::mail::{Mail, MailSender};

/// Strangers whose handshake is awaited at once; more wait in the kernel.
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

/// Hears strangers' handshakes and passes on those for this torrent.
pub(crate) async fn accept(tcp: TcpListener, info_hash: [u8; 20], mail: MailSender) {
    let room = Arc::new(Semaphore::new(STRANGERS_MAX));
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        let permit = Arc::clone(&room).acquire_owned().await;
        let Ok((mut stream, addr)) = tcp.accept().await else {
            // Out of file descriptors, most likely: do not spin.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        while tasks.try_join_next().is_some() {}
        let mail = mail.clone();
        tasks.spawn(async move {
            let _permit = permit;
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
