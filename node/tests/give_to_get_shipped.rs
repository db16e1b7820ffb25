//! A real node that ranks as the shipped client did, and a neighbour that says `Tr_G2G_v2` byte by
//! byte over a socket: what the client closed for closes the connection, what it took does not.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use swarmbed_engine::policy::{ChokerConfig, SelectorConfig};
use swarmbed_node::create::{Wishes, make};
use swarmbed_node::{Access, Node, Options, Place, Storage, Torrent, check};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The number under which the node wants `Tr_G2G_v2`, as it says in its own handshake.
const SHARES: u8 = 235;

/// A seed of four pieces, in a folder of its own.
async fn seed(folder: &Path) -> (Node, Torrent) {
    std::fs::create_dir_all(folder).unwrap();
    let path = folder.join("film.bin");
    std::fs::write(&path, vec![7; 200_000]).unwrap();
    let wishes = Wishes {
        piece_length: Some(64 * 1024),
        ..Wishes::default()
    };
    let torrent = Torrent::parse(&make(&path, &wishes, |_, _| {}).unwrap()).unwrap();
    let place = Place::Folder(folder.to_owned());
    let storage = Storage::open(&torrent, &place, Access::Read).unwrap();
    let storage = Arc::new(storage);
    let have = check(Arc::clone(&storage), Arc::new(AtomicU32::new(0))).await;
    let shipped = ChokerConfig::from_name("give-to-get-shipped").unwrap();
    let options = Options {
        listen: "127.0.0.1:0".parse().unwrap(),
        peers: Vec::new(),
        trackers: Vec::new(),
        torrent_trackers: false,
        up: None,
        down: None,
        selector: SelectorConfig::RarestFirst,
        choker: shipped.clone(),
        seed_choker: shipped,
        pex: false,
        lsd: false,
        dht: None,
        utp: true,
        public_port: None,
        metrics: None,
        record: None,
    };
    let node = Node::start(Arc::new(torrent.clone()), storage, have, &options);
    (node.await.unwrap(), torrent)
}

/// An extended message (BEP 10).
fn extended(number: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 2).unwrap();
    [&length.to_be_bytes()[..], &[20, number], body].concat()
}

/// Connects, shakes hands in both ways, and says that it speaks `Tr_G2G_v2`.
async fn neighbour(node: &Node, torrent: &Torrent, number: u8) -> TcpStream {
    let mut stream = TcpStream::connect(node.addr()).await.unwrap();
    let mut hello = b"\x13BitTorrent protocol\0\0\0\0\0\x10\0\0".to_vec();
    hello.extend_from_slice(&torrent.info_hash);
    hello.extend_from_slice(&[number; 20]);
    hello.extend_from_slice(&extended(0, b"d1:md9:Tr_G2G_v2i9eee"));
    stream.write_all(&hello).await.unwrap();
    let mut theirs = [0; 68];
    stream.read_exact(&mut theirs).await.unwrap();
    stream
}

/// Whether the other side ends the connection within `time`; what it says meanwhile is dropped.
async fn ends(stream: &mut TcpStream, time: Duration) -> bool {
    let mut buffer = [0; 4096];
    let over = async { while !matches!(stream.read(&mut buffer).await, Ok(0) | Err(_)) {} };
    timeout(time, over).await.is_ok()
}

/// A folder that goes when the test does.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_malformed_closes_the_connection() {
    let name = format!("swarmbed-shipped-{}", std::process::id());
    let folder = Folder(std::env::temp_dir().join(name));
    let (node, torrent) = seed(&folder.0).await;
    let malformed: [(&str, &[u8]); 14] = [
        ("nothing", b""),
        ("no bencode", b"x"),
        ("a list", b"l1:71:\x01e"),
        ("a number", b"i5e"),
        ("a string", b"1:7"),
        ("a key that is no number", b"d1:x1:\x01e"),
        ("an empty key", b"d0:1:\x01e"),
        ("a key below zero", b"d2:-11:\x01e"),
        ("a key with a fraction", b"d3:1.51:\x01e"),
        ("a value that is a number", b"d1:1i100ee"),
        ("an empty value", b"d1:10:e"),
        ("a value of two bytes", b"d1:12:\x01\x01e"),
        ("101 percent", b"d1:11:\x65e"),
        ("good, then bad", b"d1:01:\x641:11:\xffe"),
    ];
    for (number, (what, body)) in (1..).zip(malformed) {
        let mut stream = neighbour(&node, &torrent, number).await;
        // What is well-formed is taken: 0 %, 100 %, keys in any order, nothing at all.
        for good in [&b"d1:01:\0e"[..], b"d1:21:\x641:01:\x01e", b"de"] {
            stream.write_all(&extended(SHARES, good)).await.unwrap();
        }
        let early = ends(&mut stream, Duration::from_millis(100)).await;
        assert!(!early, "closed before {what} was said");
        stream.write_all(&extended(SHARES, body)).await.unwrap();
        assert!(ends(&mut stream, Duration::from_secs(10)).await, "{what}");
    }
    node.leave().await.unwrap();
}
