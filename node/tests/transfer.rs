//! Two nodes on loopback move a torrent between them, without any other program.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use swarmbed_engine::policy::{ChokerConfig, SelectorConfig};
use swarmbed_engine::{Block, PieceIndex, Rate, Verdict};
use swarmbed_node::create::{Wishes, make, write_whole};
use swarmbed_node::{
    Access, Node, NodeError, Options, Place, Storage, Torrent, TrackerServer, check,
};

const LENGTH: usize = 1_000_000;

fn content(folder: &Path) -> (Vec<u8>, Torrent) {
    let bytes: Vec<u8> = (0..LENGTH)
        .map(|at| (at * at / 7 % 251).to_le_bytes()[0])
        .collect();
    let path = folder.join("film.bin");
    std::fs::write(&path, &bytes).unwrap();
    let wishes = Wishes {
        piece_length: Some(64 * 1024),
        ..Wishes::default()
    };
    let torrent = make(&path, &wishes, |_, _| {}).unwrap();
    (bytes, Torrent::parse(&torrent).unwrap())
}

/// A folder that goes when the test does.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("swarmbed-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn node(torrent: &Torrent, place: Place, access: Access, tracker: &str) -> Node {
    let torrent = Arc::new(torrent.clone());
    let storage = Arc::new(Storage::open(&torrent, &place, access).unwrap());
    let have = check(Arc::clone(&storage), Arc::new(AtomicU32::new(0))).await;
    let options = Options {
        listen: "127.0.0.1:0".parse().unwrap(),
        peers: Vec::new(),
        trackers: vec![tracker.to_owned()],
        torrent_trackers: true,
        up: Some(Rate::from_bytes_per_s(50_000_000)),
        down: None,
        selector: SelectorConfig::RarestFirst,
        pex: true,
        choker: ChokerConfig::TitForTat { slots: 3 },
        seed_choker: ChokerConfig::SeedRoundRobin { slots: 4 },
        lsd: false,
        dht: None,
        utp: true,
        public_port: None,
        metrics: None,
        record: None,
    };
    Node::start(torrent, storage, have, &options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torrent_moves_from_seed_to_leech() {
    let folder = Folder::new("transfer");
    let (bytes, torrent) = content(&folder.0);
    let tracker = TrackerServer::bind("127.0.0.1:0".parse().unwrap(), "--listen", None);
    let tracker = tracker.await.unwrap();
    let url = format!("http://{}/announce", tracker.addr());
    let tracker = tokio::spawn(tracker.run());

    let from = Place::Folder(folder.0.clone());
    let seed = node(&torrent, from, Access::Read, &url).await;
    let copy = folder.0.join("copy.bin");
    let leech = node(&torrent, Place::File(copy.clone()), Access::Write, &url).await;
    let mut status = leech.status();
    let complete = status.wait_for(|status| status.complete);
    let complete = tokio::time::timeout(Duration::from_secs(20), complete);
    assert!(complete.await.unwrap().is_ok());
    let end = leech.leave().await.unwrap();
    assert_eq!(end.traffic.payload_down, LENGTH as u64);
    assert_eq!(std::fs::read(&copy).unwrap(), bytes);
    let end = seed.leave().await.unwrap();
    assert_eq!(end.traffic.payload_up, LENGTH as u64);
    tracker.abort();
}

#[test]
fn a_bad_piece_names_the_blocks_that_differ() {
    let folder = Folder::new("storage");
    let (bytes, torrent) = content(&folder.0);
    let place = Place::File(folder.0.join("copy.bin"));
    let storage = Storage::open(&torrent, &place, Access::Write).unwrap();
    let piece = PieceIndex(1);
    let write = |index: u16, spoil: bool| {
        let begin = u32::from(index) * 16 * 1024;
        let at = 64 * 1024 + begin as usize;
        let mut data = bytes[at..at + 16 * 1024].to_vec();
        data[5] ^= u8::from(spoil);
        let length = 16 * 1024;
        let block = Block {
            piece,
            begin,
            length,
        };
        storage.write(block, &data).unwrap();
    };
    for index in 0..4 {
        write(index, index == 1 || index == 3);
    }
    assert_eq!(storage.verify(piece), Verdict::Bad);
    for index in 0..4 {
        write(index, false);
    }
    let differing = vec![1, 3];
    assert_eq!(storage.verify(piece), Verdict::GoodAfterBad { differing });
    assert_eq!(storage.verify(piece), Verdict::Good);
    // What was made just now is not hashed; what is found is.
    assert!(storage.check(&AtomicU32::new(0)).is_empty());
    let storage = Storage::open(&torrent, &place, Access::Write).unwrap();
    let have = storage.check(&AtomicU32::new(0));
    assert_eq!(have.iter().collect::<Vec<_>>(), [1]);
}

#[test]
fn other_peoples_files_are_left_alone() {
    let folder = Folder::new("others");
    let (_, torrent) = content(&folder.0);
    let path = folder.0.join("film.bin");
    std::fs::write(&path, vec![7; LENGTH + 1]).unwrap();
    let place = Place::Folder(folder.0.clone());
    assert!(matches!(
        Storage::open(&torrent, &place, Access::Write),
        Err(NodeError::Write { .. })
    ));
    assert_eq!(std::fs::metadata(&path).unwrap().len(), LENGTH as u64 + 1);
    assert!(matches!(
        write_whole(&path, b"x", false),
        Err(NodeError::Exists { .. })
    ));
}
