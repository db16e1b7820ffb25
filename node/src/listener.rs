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
use crate::link::{self, Stream};
use crate::mail::{Mail, MailSender};
use crate::utp::Utp;

/// Strangers whose handshake is awaited at once.
const STRANGERS_MAX: usize = 64;
/// Largest datagram of ours is 3.1 KiB.
const DATAGRAM_MAX: usize = 4096;
/// How often it is looked whether uTP let go of its socket, 10 ms apart.
const LETS_GO_MAX: u32 = 50;

/// Who listens for which torrent.
type Swarms = Arc<Mutex<BTreeMap<[u8; 20], MailSender>>>;

/// The peer port: connections for any number of torrents, and datagrams on the same number.
#[derive(Debug)]
pub struct PeerPort {
    pub(crate) addr: SocketAddr,
    pub(crate) udp: Option<Arc<UdpSocket>>,
    pub(crate) utp: Option<Utp>,
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
    /// Listens; for uTP, too, if that is wanted.
    ///
    /// # Errors
    /// If the port is taken, or the address is not ours.
    pub async fn bind(addr: SocketAddr, utp: bool) -> Result<Self, NodeError> {
        let failed = |source| NodeError::listen("peer port", addr, "--port", source);
        let tcp = TcpListener::bind(addr).await.map_err(failed)?;
        let addr = tcp.local_addr().map_err(failed)?;
        // Reports between strangers are a courtesy: without a UDP port we go on.
        let udp = UdpSocket::bind(addr).await.ok().map(Arc::new);
        let swarms = Swarms::default();
        let mut listening = JoinSet::new();
        let told = Arc::new(AtomicBool::new(false));
        let mut strangers = Strangers::new(&swarms, &told);
        listening.spawn(async move {
            loop {
                match tcp.accept().await {
                    Ok((stream, addr)) => strangers.hear(Stream::Tcp(stream), addr),
                    // Out of file descriptors, most likely: do not spin.
                    Err(_) => sleep(Duration::from_millis(100)).await,
                }
            }
        });
        let known = Arc::clone(&swarms);
        let ours = move |from, bytes: &[u8]| pass_on(&known, from, bytes);
        let over_utp = match &udp {
            Some(udp) if utp => Utp::start(Arc::clone(udp), Box::new(ours)),
            Some(udp) => {
                listening.spawn(hear_datagrams(Arc::clone(udp), ours));
                None
            }
            None => None,
        };
        if let Some(utp) = over_utp.clone() {
            let mut strangers = Strangers::new(&swarms, &told);
            listening.spawn(async move {
                loop {
                    match utp.accept().await {
                        Ok((stream, addr)) => strangers.hear(Stream::Utp(stream), addr),
                        Err(_) => sleep(Duration::from_millis(100)).await,
                    }
                }
            });
        }
        Ok(Self {
            addr,
            udp,
            utp: over_utp,
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
        let Some(udp) = self.udp.take() else { return };
        // uTP has a task of its own, which is told by this.
        self.utp = None;
        for _ in 0..LETS_GO_MAX {
            if Arc::strong_count(&udp) == 1 {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Hears strangers' handshakes and passes on those for torrents that are known here. When too many
/// dawdle, the one that dawdled longest makes room, so that a crowd of them keeps nobody out.
struct Strangers {
    swarms: Swarms,
    /// Obfuscated handshakes were told of.
    told: Arc<AtomicBool>,
    heard: VecDeque<AbortHandle>,
    tasks: JoinSet<()>,
}

impl Strangers {
    fn new(swarms: &Swarms, told: &Arc<AtomicBool>) -> Self {
        Self {
            swarms: Arc::clone(swarms),
            told: Arc::clone(told),
            heard: VecDeque::new(),
            tasks: JoinSet::new(),
        }
    }

    fn hear(&mut self, stream: Stream, addr: SocketAddr) {
        while self.tasks.try_join_next().is_some() {}
        self.heard.retain(|stranger| !stranger.is_finished());
        if self.heard.len() >= STRANGERS_MAX
            && let Some(longest) = self.heard.pop_front()
        {
            longest.abort();
        }
        let (swarms, told) = (Arc::clone(&self.swarms), Arc::clone(&self.told));
        let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
        let stranger = self.tasks.spawn(hear(stream, addr, swarms, told));
        self.heard.push_back(stranger);
    }
}

async fn hear(mut stream: Stream, addr: SocketAddr, swarms: Swarms, told: Arc<AtomicBool>) {
    let over_utp = matches!(stream, Stream::Utp(_));
    let theirs = match link::hear(&mut stream).await {
        Ok(theirs) => theirs,
        Err(CloseReason::Malformed(link::OBFUSCATED)) => {
            if !told.swap(true, Ordering::Relaxed) {
                tell_all(&swarms, addr);
            }
            if over_utp {
                drop(stream);
                call_back(&swarms, addr);
            }
            return;
        }
        Err(_) => return,
    };
    if let Some(mail) = mail_of(&swarms, &theirs.info_hash) {
        let incoming = Mail::Incoming {
            stream,
            addr,
            remote: theirs.remote,
        };
        let _ = mail.send(incoming).await;
    }
}

/// Somebody hides what it speaks, and so for which torrent it came: all are told.
fn tell_all(swarms: &Swarms, addr: SocketAddr) {
    let known = swarms.lock().expect("nobody panics with it");
    for mail in known.values() {
        let _ = mail.try_send(Mail::Obfuscated(addr));
    }
}

/// Over uTP one dials from the port at which one listens: whoever hides what it speaks may be reached
/// there in the open, as WebTorrent's command line is, which tries neither TCP nor the open by itself.
/// With several torrents nobody knows for which it came.
fn call_back(swarms: &Swarms, addr: SocketAddr) {
    let known = swarms.lock().expect("nobody panics with it");
    if let (1, Some(mail)) = (known.len(), known.values().next()) {
        let _ = mail.try_send(Mail::Found(vec![addr]));
    }
}

fn mail_of(swarms: &Swarms, info_hash: &[u8; 20]) -> Option<MailSender> {
    let known = swarms.lock().expect("nobody panics with it");
    known.get(info_hash).cloned()
}

/// Passes a datagram on, if it is one of ours. They do not say which torrent they are about: with
/// several at one port they are lost, as datagrams may be.
fn pass_on(swarms: &Swarms, from: SocketAddr, bytes: &[u8]) -> bool {
    let Some(datagram) = decode_datagram(bytes) else {
        return false;
    };
    let known = swarms.lock().expect("nobody panics with it");
    if let (1, Some(mail)) = (known.len(), known.values().next()) {
        // A flood of datagrams is dropped rather than waited for.
        let _ = mail.try_send(Mail::Datagram(from, datagram));
    }
    true
}

/// Without uTP, all that comes is ours or nothing.
async fn hear_datagrams(udp: Arc<UdpSocket>, ours: impl Fn(SocketAddr, &[u8]) -> bool) {
    let mut buffer = [0; DATAGRAM_MAX];
    loop {
        match udp.recv_from(&mut buffer).await {
            Ok((length, from)) => {
                ours(from, &buffer[..length]);
            }
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    }
}
