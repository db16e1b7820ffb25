//! Being a tracker: `/announce` and `/scrape`, and the same over UDP.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use swarmbed_engine::wire::bencode::Node;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::Instant;

use super::table::{Announced, Entry, INTERVAL, Table, seen_from};
use super::udp;
use crate::error::NodeError;
use crate::http::server::{Request, listen, plain, respond, serve};

/// Addresses in one answer at most.
const WANTED_MAX: usize = 200;
/// Swarms in one scrape at most.
const SCRAPES_MAX: usize = 64;

/// A tracker that listens.
#[derive(Debug)]
pub struct TrackerServer {
    listener: TcpListener,
    /// On the same port, if that is free.
    udp: Option<UdpSocket>,
    table: Arc<Mutex<Table>>,
}

impl TrackerServer {
    /// Listens at `addr`; for these torrents only, or for any. `option` moves the port.
    ///
    /// # Errors
    /// If the port is taken, or the address is not ours.
    pub async fn bind(
        addr: SocketAddr,
        option: &'static str,
        only: Option<Vec<[u8; 20]>>,
    ) -> Result<Self, NodeError> {
        let listener = listen("tracker", addr, option).await?;
        let udp = match listener.local_addr() {
            Ok(addr) => UdpSocket::bind(addr).await.ok(),
            Err(_) => None,
        };
        Ok(Self {
            listener,
            udp,
            table: Arc::new(Mutex::new(Table::new(only))),
        })
    }

    /// Whether it answers over UDP, too.
    #[must_use]
    pub const fn has_udp(&self) -> bool {
        self.udp.is_some()
    }

    /// Where it listens.
    ///
    /// # Panics
    /// Never: a bound socket has an address.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.listener.local_addr().expect("it is bound")
    }

    /// Serves until dropped.
    pub async fn run(self) {
        let table = self.table;
        let mut tasks = tokio::task::JoinSet::new();
        if let Some(socket) = self.udp {
            tasks.spawn(udp::serve(socket, Arc::clone(&table)));
        }
        serve(self.listener, move |stream, request| {
            answer(Arc::clone(&table), stream, request)
        })
        .await;
    }
}

async fn answer(
    table: Arc<Mutex<Table>>,
    mut stream: TcpStream,
    request: Request,
) -> io::Result<()> {
    let (asker, tracker) = (stream.peer_addr()?, stream.local_addr()?);
    if request.method != "GET" {
        return plain(&mut stream, "405 Method Not Allowed", "only GET\n").await;
    }
    let node = match request.path.as_str() {
        "/announce" => announce(&table, &request, asker.ip(), tracker.ip()),
        "/scrape" => Ok(scrape(&table, &request)),
        _ => {
            let text = "a BitTorrent tracker: /announce and /scrape\n";
            return plain(&mut stream, "404 Not Found", text).await;
        }
    };
    // A refusal is an answer too (BEP 3), not an HTTP error.
    let node = node.unwrap_or_else(|why| Node::dict([("failure reason", Node::text(why))]));
    respond(&mut stream, "200 OK", "text/plain", &node.encode()).await
}

fn announce(
    table: &Mutex<Table>,
    request: &Request,
    asker: IpAddr,
    tracker: IpAddr,
) -> Result<Node, &'static str> {
    let hash = |key| -> Option<[u8; 20]> { request.queries(key).next()?.try_into().ok() };
    let info_hash = hash("info_hash").ok_or("info_hash is not 20 bytes")?;
    let id = hash("peer_id").ok_or("peer_id is not 20 bytes")?;
    let port: u16 = request.value("port").ok_or("port is missing")?;
    let asker = asker.to_canonical();
    // Behind a NAT together with us, a peer may know better where it is; a stranger may not say
    // that it is somebody else.
    let claimed = request.value::<IpAddr>("ip").filter(|_| is_private(asker));
    let ip = claimed.filter(|ip| !ip.is_unspecified()).unwrap_or(asker);
    let event = request.queries("event").next().unwrap_or_default();
    let announced = Announced {
        addr: SocketAddr::new(ip, port),
        id,
        left: request.value("left").unwrap_or(u64::MAX),
        stopped: event == b"stopped",
        completed: event == b"completed",
        wanted: request.value("numwant").unwrap_or(50).min(WANTED_MAX),
    };
    let mut table = table.lock().expect("nobody panics with it");
    let (mut others, swarm) = table.announce(info_hash, &announced, Instant::now())?;
    for (addr, _) in &mut others {
        *addr = seen_from(*addr, asker, tracker.to_canonical());
    }
    let mut node = Node::dict([
        ("interval", int(INTERVAL.as_secs())),
        ("complete", int(swarm.complete() as u64)),
        ("incomplete", int(swarm.incomplete() as u64)),
    ]);
    if request.value::<u8>("compact") == Some(0) {
        let no_id = request.value::<u8>("no_peer_id") == Some(1);
        let list = others.iter().map(|peer| listed(peer, no_id)).collect();
        node.put("peers", Node::List(list));
    } else {
        let (four, six) = compact(&others);
        node.put("peers", Node::Bytes(four));
        if !six.is_empty() {
            node.put("peers6", Node::Bytes(six));
        }
    }
    Ok(node)
}

fn scrape(table: &Mutex<Table>, request: &Request) -> Node {
    let table = table.lock().expect("nobody panics with it");
    let mut files = BTreeMap::new();
    for hash in request.queries("info_hash").take(SCRAPES_MAX) {
        let known = <[u8; 20]>::try_from(hash).ok();
        let Some((hash, swarm)) = known.and_then(|hash| Some((hash, table.swarm(&hash)?))) else {
            continue;
        };
        let numbers = Node::dict([
            ("complete", int(swarm.complete() as u64)),
            ("downloaded", int(swarm.downloaded)),
            ("incomplete", int(swarm.incomplete() as u64)),
        ]);
        files.insert(hash.to_vec(), numbers);
    }
    Node::dict([("files", Node::Dict(files))])
}

fn listed((addr, entry): &(SocketAddr, Entry), no_id: bool) -> Node {
    let mut node = Node::dict([
        ("ip", Node::text(&addr.ip().to_string())),
        ("port", int(u64::from(addr.port()))),
    ]);
    if !no_id {
        node.put("peer id", Node::Bytes(entry.id.to_vec()));
    }
    node
}

/// 6 bytes a peer (BEP 23), and 18 (BEP 7).
fn compact(peers: &[(SocketAddr, Entry)]) -> (Vec<u8>, Vec<u8>) {
    let (mut four, mut six) = (Vec::new(), Vec::new());
    for (addr, _) in peers {
        let port = addr.port().to_be_bytes();
        match addr.ip() {
            IpAddr::V4(ip) => four.extend(ip.octets().into_iter().chain(port)),
            IpAddr::V6(ip) => six.extend(ip.octets().into_iter().chain(port)),
        }
    }
    (four, six)
}

const fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

fn int(value: u64) -> Node {
    Node::Int(i64::try_from(value).unwrap_or(i64::MAX))
}
