//! Streams on disk: what is sealed is believed, what is changed, replayed or reordered is not.

use std::path::{Path, PathBuf};

use swarmbed_engine::live::{Numbering, Rejection};
use swarmbed_engine::wire::SealedEnd;
use swarmbed_engine::{Block, PieceIndex, Rate, StoreResult};

use super::window::{Found, Judged};
use super::{LiveWindow, SourceKey, Stream, Wishes};
use crate::error::NodeError;
use crate::torrent::Torrent;

const BLOCK: u32 = 16 * 1024;

/// A folder that goes when the test does.
struct Folder(PathBuf);

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

fn wishes(folder: &Path) -> Wishes {
    Wishes {
        name: "tv".into(),
        folder: folder.to_owned(),
        bitrate: Some(Rate::from_bytes_per_s(64 * 1024)),
        piece_length: Some(32 * 1024),
        // 12 pieces.
        ring: Some(std::time::Duration::from_secs(5)),
        ..Wishes::default()
    }
}

fn content(piece: u32) -> Vec<u8> {
    vec![piece.to_le_bytes()[0]; 1000]
}

fn make(stream: &Stream, piece: u32, last: bool) {
    let end = SealedEnd {
        sequence: u64::from(piece),
        source_micros: 1_000_000 * u64::from(piece),
        content: 1000,
        last,
        restarted: false,
    };
    let sealed = stream
        .window
        .seal(PieceIndex(piece), &content(piece), end, &stream.key);
    sealed.unwrap();
}

fn block(piece: u32, index: u32) -> Block {
    Block {
        piece: PieceIndex(piece),
        begin: index * BLOCK,
        length: BLOCK,
    }
}

/// Brings `piece` of the source to the viewer, as the piece that was asked for as `asked`.
fn bring(stream: &Stream, viewer: &LiveWindow, piece: u32, asked: u32, spoil: bool) -> Judged {
    for index in 0..2 {
        let mut data = vec![0; BLOCK as usize];
        stream.window.read(block(piece, index), &mut data).unwrap();
        data[7] ^= u8::from(spoil && index == 1);
        let stored = viewer.write(block(asked, index), &data).unwrap();
        assert_eq!(stored, StoreResult::Done);
    }
    viewer.judge(PieceIndex(asked))
}

#[test]
fn what_the_source_sealed_is_believed_and_nothing_else() {
    let folder = Folder::new("sealed");
    let stream = Stream::open(&wishes(&folder.0)).unwrap();
    let viewer = LiveWindow::hidden(&stream.torrent, &folder.0).unwrap();
    // The ring wraps some thirty times.
    for piece in 0..300 {
        make(&stream, piece, piece == 299);
        if piece % 7 == 3 {
            let spoilt = bring(&stream, &viewer, piece, piece, true);
            assert_eq!(spoilt, Judged::Bad(Rejection::Signature));
            let why = match bring(&stream, &viewer, piece - 1, piece, false) {
                Judged::Bad(why) => why,
                good @ Judged::Good { .. } => panic!("{good:?}"),
            };
            assert_eq!(why, Rejection::Sequence(u64::from(piece) - 1));
        }
        let Judged::Good { end, differing } = bring(&stream, &viewer, piece, piece, false) else {
            panic!("piece {piece} is refused");
        };
        assert_eq!(end.sequence, u64::from(piece));
        // Of the last bad copy, which was another piece, all blocks that differ.
        assert_eq!(differing.is_empty(), piece % 7 != 3, "{differing:?}");
        let found = viewer.find(PieceIndex(piece)).unwrap();
        assert!(
            matches!(found, Found::Content(bytes, end) if bytes == content(piece) && end.last == (piece == 299))
        );
    }
    assert_eq!(viewer.end(), Some(PieceIndex(300)));
    assert!(matches!(viewer.find(PieceIndex(200)), Ok(Found::Gone)));
    assert!(matches!(viewer.find(PieceIndex(300)), Ok(Found::Missing)));
    assert!(
        viewer
            .read(block(200, 0), &mut [0; BLOCK as usize])
            .is_err()
    );
    // A block of a piece that the window has left comes too late.
    let late = viewer.write(block(200, 0), &[0; BLOCK as usize]);
    assert_eq!(late.unwrap(), StoreResult::Failed);
}

#[test]
fn another_streams_pieces_are_refused() {
    let folder = Folder::new("other-stream");
    let stream = Stream::open(&wishes(&folder.0)).unwrap();
    // The same key, so only the info-hash tells them apart.
    std::fs::copy(folder.0.join("tv.key"), folder.0.join("other.key")).unwrap();
    let other = Stream::open(&Wishes {
        name: "other".into(),
        ..wishes(&folder.0)
    });
    let other = other.unwrap();
    assert_ne!(other.torrent.info_hash, stream.torrent.info_hash);
    let viewer = LiveWindow::hidden(&stream.torrent, &folder.0).unwrap();
    make(&other, 5, false);
    let judged = bring(&other, &viewer, 5, 5, false);
    assert_eq!(judged, Judged::Bad(Rejection::Signature));
}

#[test]
fn a_stream_goes_on_where_it_stopped() {
    let folder = Folder::new("goes-on");
    let stream = Stream::open(&wishes(&folder.0)).unwrap();
    assert_eq!((stream.first, stream.have().count()), (PieceIndex(0), 0));
    stream.publish(&["http://a/announce".into()]).unwrap();
    for piece in 0..40 {
        make(&stream, piece, false);
    }
    // Without a restart file, the window tells; with one, the higher of both counts.
    let again = Stream::open(&wishes(&folder.0)).unwrap();
    assert_eq!(again.torrent.info_hash, stream.torrent.info_hash);
    assert_eq!(again.first, PieceIndex(40));
    // Of the 4 behind, all are there.
    assert_eq!(again.have().iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    super::stream::write_restart(&folder.0.join("tv.restart"), PieceIndex(42)).unwrap();
    let again = Stream::open(&Wishes {
        name: "tv".into(),
        folder: folder.0.clone(),
        ..Wishes::default()
    });
    let again = again.unwrap();
    assert_eq!(again.first, PieceIndex(42));
    assert_eq!(again.have().iter().collect::<Vec<_>>(), [0, 1]);
    assert_eq!(again.torrent.info_hash, stream.torrent.info_hash);
    // After the end of a stream, its end is no longer told of.
    make(&again, 42, true);
    let again = Stream::open(&wishes(&folder.0)).unwrap();
    assert_eq!((again.first, again.have().count()), (PieceIndex(43), 0));
}

#[test]
fn contradictions_are_told() {
    let folder = Folder::new("contradictions");
    let stream = Stream::open(&wishes(&folder.0)).unwrap();
    stream.publish(&[]).unwrap();
    let differs = |change: &dyn Fn(&mut Wishes)| {
        let mut other = wishes(&folder.0);
        change(&mut other);
        Stream::open(&other).unwrap_err()
    };
    let longer = differs(&|wishes| wishes.piece_length = Some(64 * 1024));
    assert!(
        matches!(longer, NodeError::OtherStream { what, .. } if what.contains("--piece-length"))
    );
    let absolute = differs(&|wishes| {
        wishes.ring = None;
        wishes.window = Some(std::time::Duration::from_secs(60));
    });
    assert!(matches!(absolute, NodeError::OtherStream { what, .. } if what.contains("--window")));
    let picture = differs(&|wishes| wishes.thumbnail = Some(folder.0.join("tv.key")));
    assert!(matches!(picture, NodeError::Content { .. }));
    std::fs::write(folder.0.join("tv.restart"), "x").unwrap();
    assert!(matches!(differs(&|_| {}), NodeError::Restart { .. }));
    std::fs::remove_file(folder.0.join("tv.restart")).unwrap();

    let key = folder.0.join("tv.key");
    let mode = |mode| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(0o644);
    assert!(matches!(differs(&|_| {}), NodeError::Key { why, .. } if why.contains("by others")));
    mode(0o600);
    std::fs::rename(&key, folder.0.join("elsewhere")).unwrap();
    assert!(matches!(differs(&|_| {}), NodeError::KeyLost { .. }));
    SourceKey::make().write(&key).unwrap();
    assert!(
        matches!(differs(&|_| {}), NodeError::OtherStream { what, .. } if what.contains("key"))
    );
    // A key that is there is never replaced.
    assert!(SourceKey::make().write(&key).is_err());
}

#[test]
fn a_window_takes_no_more_than_its_length() {
    let folder = Folder::new("window");
    let stream = Stream::open(&wishes(&folder.0)).unwrap();
    let live = stream.torrent.metainfo.live.unwrap();
    assert_eq!(live.numbering, Numbering::Ring(12));
    for piece in 0..100 {
        make(&stream, piece, false);
    }
    let length = std::fs::metadata(folder.0.join("tv.window")).unwrap().len();
    assert_eq!(length, stream.torrent.metainfo.geometry.total());
    let torrent = Torrent::parse(&std::fs::read(&stream.path).unwrap_or_default());
    assert!(torrent.is_err(), "it is published only when all stands");
}
