//! Strangers who connect: their handshakes are heard with patience that ends, a bounded number
//! at a time.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use swarmbed_engine::CloseReason;
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

/// Who listens for which torrent.
type Swarms = Arc<Mutex<BTreeMap<[u8; 20], MailSender>>>;

/// The peer port: connections for any number of torrents, and datagrams on the same number.
#[derive(Debug)]
pub struct PeerPort {
    pub(crate) addr: SocketAddr,
    pub(crate) udp: Option<Arc<UdpSocket>>,
    swarms: Swarms,
    listening: JoinSet<()>,
}

/// A swarm that is known at a port; dropped, it is so no longer.
#[derive(Debug)]
pub(crate) struct Entry {
    swarms: Swarms,
    info_hash: [u8; 20],
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut swarms = self.swarms.lock().expect("nobody panics with it");
        swarms.remove(&self.info_hash);
    }
}

impl PeerPort {
    /// Listens.
    ///
    /// # Errors
    /// If the port is taken, or the address is not ours.
    pub async fn bind(addr: SocketAddr) -> Result<Self, NodeError> {
        let failed = |source| NodeError::listen("peer port", addr, "--port", source);
        let tcp = TcpListener::bind(addr).await.map_err(failed)?;
        let addr = tcp.local_addr().map_err(failed)?;
        // Reports between strangers are a courtesy: without a UDP port we go on.
        let udp = UdpSocket::bind(addr).await.ok().map(Arc::new);
        let swarms = Swarms::default();
        let mut listening = JoinSet::new();
        listening.spawn(accept(tcp, Arc::clone(&swarms)));
        if let Some(udp) = &udp {
            listening.spawn(hear_datagrams(Arc::clone(udp), Arc::clone(&swarms)));
        }
        Ok(Self {
            addr,
            udp,
            swarms,
            listening,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// From now on, who asks for this torrent is passed on.
    pub(crate) fn enter(&self, info_hash: [u8; 20], mail: MailSender) -> Entry {
        let mut swarms = self.swarms.lock().expect("nobody panics with it");
        swarms.insert(info_hash, mail);
        Entry {
            swarms: Arc::clone(&self.swarms),
            info_hash,
        }
    }

    /// Lets go of the port: another may have it at once.
    pub(crate) async fn close(mut self) {
        self.listening.shutdown().await;
    }
}

/// Hears strangers' handshakes and passes on those for torrents that are known here. When too many
/// dawdle, the one that dawdled longest makes room, so that a crowd of them keeps nobody out.
async fn accept(tcp: TcpListener, swarms: Swarms) {
    let mut strangers: VecDeque<AbortHandle> = VecDeque::new();
    let mut tasks = JoinSet::new();
    let told = Arc::new(AtomicBool::new(false));
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
        let (swarms, told) = (Arc::clone(&swarms), Arc::clone(&told));
        let stranger = tasks.spawn(async move {
            let theirs = match link::hear(&mut stream).await {
                Ok(theirs) => theirs,
                Err(CloseReason::Malformed(link::OBFUSCATED)) => {
                    if !told.swap(true, Ordering::Relaxed) {
                        tell_all(&swarms, addr);
                    }
                    return;
                }
                Err(_) => return,
            };
            let mail = mail_of(&swarms, &theirs.info_hash);
            if let Some(mail) = mail {
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

/// Somebody hides what it speaks, and so for which torrent it came: all are told.
fn tell_all(swarms: &Swarms, addr: SocketAddr) {
    let known = swarms.lock().expect("nobody panics with it");
    for mail in known.values() {
        let _ = mail.try_send(Mail::Obfuscated(addr));
    }
}

fn mail_of(swarms: &Swarms, info_hash: &[u8; 20]) -> Option<MailSender> {
    let known = swarms.lock().expect("nobody panics with it");
    known.get(info_hash).cloned()
}

/// Passes datagrams on. They do not say which torrent they are about: with several at one port
/// they are lost, as datagrams may be.
async fn hear_datagrams(udp: Arc<UdpSocket>, swarms: Swarms) {
    let mut buffer = [0; DATAGRAM_MAX];
    loop {
        match udp.recv_from(&mut buffer).await {
            Ok((length, from)) => {
                let Some(datagram) = decode_datagram(&buffer[..length]) else {
                    continue;
                };
                let known = swarms.lock().expect("nobody panics with it");
                if let (1, Some(mail)) = (known.len(), known.values().next()) {
                    // A flood of datagrams is dropped rather than waited for.
                    let _ = mail.try_send(Mail::Datagram(from, datagram));
                }
            }
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    }
}
