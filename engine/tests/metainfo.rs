//! Torrent files and bencoding: what is made is read again, what is strange is refused by name.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use swarmbed_engine::Rate;
use swarmbed_engine::live::Numbering;
use swarmbed_engine::wire::SealedEnd;
use swarmbed_engine::wire::bencode::{self, BencodeError};
use swarmbed_engine::wire::metainfo::{
    FileEntry, LiveInfo, Making, MakingLive, Metainfo, MetainfoError,
};

#[test]
fn bencode_is_strict_but_for_the_order_of_keys() {
    assert!(bencode::parse(b"d1:bi1e1:ai2ee", 10).is_ok());
    let bad: [(&[u8], BencodeError); 13] = [
        (b"d1:bi1e1:ai2e1:bi3ee", BencodeError::Duplicate(20)),
        (b"d1:ai1e1:ai2ee", BencodeError::Duplicate(14)),
        (b"i01e", BencodeError::Syntax(1)),
        (b"i-0e", BencodeError::Syntax(1)),
        (b"ie", BencodeError::Syntax(1)),
        (b"i+1e", BencodeError::Syntax(1)),
        (b"i9223372036854775808e", BencodeError::Syntax(1)),
        (b"01:a", BencodeError::Syntax(0)),
        (b"5:abc", BencodeError::Truncated),
        (b"99999999999999999999:", BencodeError::Syntax(0)),
        (b"i1ei2e", BencodeError::Trailing(3)),
        (
            b"llllllllllllllllllllleeeeeeeeeeeeeeeeeeeee",
            BencodeError::Depth,
        ),
        (
            b"li1ei1ei1ei1ei1ei1ei1ei1ei1ei1ei1ei1ei1ei1ei1ei1ei1ei1ei1ei1ee",
            BencodeError::Values(20),
        ),
    ];
    for (bytes, error) in bad {
        assert_eq!(bencode::parse(bytes, 20).unwrap_err(), error, "{bytes:?}");
    }
}

fn making() -> Making {
    Making {
        name: "film.ts".into(),
        piece_length: 16384,
        pieces: vec![[7; 20]; 2],
        files: vec![FileEntry {
            path: vec!["film.ts".into()],
            length: 20_000,
            offset: 0,
            padding: false,
            playtime: None,
        }],
        trackers: vec![
            vec!["http://a/announce".into()],
            vec!["http://b/announce".into()],
        ],
        web_seeds: vec!["http://w/film.ts".into()],
        private: true,
        playtime: Some(Duration::from_secs(100)),
        bitrate: None,
        comment: None,
        thumbnail: None,
        created: None,
        created_by: "swarmbed".into(),
    }
}

#[test]
fn a_torrent_is_read_as_it_was_made() {
    let bytes = making().encode().unwrap();
    let read = Metainfo::parse(&bytes).unwrap();
    assert_eq!(
        read.info,
        b"d6:lengthi20000e4:name7:film.ts12:piece lengthi16384e6:pieces40:\
          \x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\
          \x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\
          8:playtime7:0:01:407:privatei1ee"
    );
    assert_eq!(read.geometry.pieces(), 2);
    assert_eq!(read.trackers, making().trackers);
    assert_eq!(read.web_seeds, making().web_seeds);
    assert!(read.private);
    assert_eq!(read.bitrate, Some(Rate::from_bytes_per_s(200)));
    assert_eq!(read.duration(), Some(Duration::from_secs(100)));
}

#[test]
fn what_is_said_of_a_film_stands_where_swarmplayer_put_it() {
    let mut making = making();
    making.comment = Some("A film".into());
    making.thumbnail = Some(b"\xff\xd8\xff\xe0jfif".to_vec());
    making.created = Some(1_214_000_000);
    let bytes = making.encode().unwrap();
    let said =
        b"18:azureus_propertiesd7:Contentd13:Creation Datei1214000000e11:Description6:A film\
        11:Progressivei1e9:Publisher8:swarmbed13:Revision Datei1214000000e9:Speed Bpsi200e\
        9:Thumbnail8:\xff\xd8\xff\xe0jfif5:Title7:film.tsee7:comment6:A film";
    let found = bytes.windows(said.len()).any(|part| part == said);
    assert!(found, "{}", String::from_utf8_lossy(&bytes));
    let read = Metainfo::parse(&bytes).unwrap();
    assert_eq!(read.thumbnail, making.thumbnail);

    // A picture without a playing time: nothing is said of a speed.
    making.playtime = None;
    let read = Metainfo::parse(&making.encode().unwrap()).unwrap();
    assert_eq!(
        (read.bitrate, read.thumbnail),
        (None, making.thumbnail.clone())
    );

    // What is no JPEG, or too large for a picture, is not shown to anybody.
    for bad in [
        b"<svg/>".to_vec(),
        [&[0xff, 0xd8, 0xff][..], &[0; Metainfo::THUMBNAIL_MAX]].concat(),
    ] {
        making.thumbnail = Some(bad);
        let read = Metainfo::parse(&making.encode().unwrap()).unwrap();
        assert_eq!(read.thumbnail, None);
    }
}

#[test]
fn several_files_and_where_they_begin() {
    let mut making = making();
    making.name = "series".into();
    making.files = [("one.ts", 1_000, 0), ("two.ts", 19_000, 1_000)]
        .map(|(name, length, offset)| FileEntry {
            path: vec!["series".into(), "s1".into(), name.into()],
            length,
            offset,
            padding: false,
            playtime: (name == "two.ts").then_some(Duration::from_secs(19)),
        })
        .to_vec();
    let read = Metainfo::parse(&making.encode().unwrap()).unwrap();
    assert_eq!(read.files, making.files);
    assert_eq!(read.bitrate, Some(Rate::from_bytes_per_s(1_000)));
}

fn stream(numbering: Numbering) -> MakingLive {
    MakingLive {
        name: "tv".into(),
        piece_length: 32_768,
        numbering,
        public_key: [7; 32],
        bitrate: Rate::from_bytes_per_s(65_536),
        trackers: vec![vec!["http://a/announce".into()]],
        thumbnail: Some(b"jpeg".to_vec()),
        created: None,
        created_by: "test".into(),
    }
}

#[test]
fn live_streams_come_back_and_look_as_in_2008() {
    for numbering in [Numbering::Ring(7200), Numbering::Absolute { window: 1800 }] {
        let bytes = stream(numbering).encode().unwrap();
        let read = Metainfo::parse(&bytes).unwrap();
        assert_eq!(
            read.live,
            Some(LiveInfo {
                public_key: [7; 32],
                numbering
            })
        );
        assert!(read.geometry.is_endless() && read.pieces.is_empty());
        assert_eq!(read.bitrate, Some(Rate::from_bytes_per_s(65_536)));
        assert_eq!(read.trackers, [["http://a/announce"]]);
    }
    // The defaults of `createlivestream`: an hour of 64 KiB/s, as a virtual file.
    let bytes = stream(Numbering::Ring(7200)).encode().unwrap();
    let read = Metainfo::parse(&bytes).unwrap();
    let key = [7; 32];
    let mut info = b"d6:lengthi235929600e4:lived10:authmethod7:Ed255196:pubkey44:".to_vec();
    info.extend_from_slice(b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\0");
    info.extend_from_slice(&key);
    info.extend_from_slice(b"e4:name2:tv12:piece lengthi32768ee");
    assert_eq!(read.info, info);
}

#[test]
fn streams_that_nobody_can_check_are_refused_by_name() {
    let parse = |live: &str| {
        let text =
            format!("d4:infod6:lengthi235929600e4:lived{live}e4:name1:x12:piece lengthi32768eee");
        Metainfo::parse(text.as_bytes()).unwrap_err()
    };
    for method in ["RSA", "ECDSA", "None"] {
        let old = parse(&format!("10:authmethod{}:{method}", method.len()));
        assert_eq!(old, MetainfoError::LiveMethod(method.into()));
        assert!(old.to_string().contains("only \"Ed25519\" is supported"));
    }
    let key = MetainfoError::Key;
    assert_eq!(parse(""), key("live.authmethod"));
    assert_eq!(parse("10:authmethod7:Ed25519"), key("live.pubkey"));
    assert_eq!(
        parse("10:authmethod7:Ed255196:pubkey3:abc"),
        key("live.pubkey")
    );
    let tiny = stream(Numbering::Ring(11)).encode();
    assert!(matches!(tiny, Err(MetainfoError::Geometry(_))));
    let huge = stream(Numbering::Absolute { window: 70_000 }).encode();
    assert!(matches!(huge, Err(MetainfoError::Geometry(_))));
}

#[test]
fn a_live_piece_ends_in_a_trailer() {
    let end = SealedEnd {
        sequence: 0x0102,
        source_micros: 0x0304,
        content: 3,
        last: true,
        restarted: true,
    };
    let mut piece = end.to_sign(&[9; 20], b"abc", 100).split_off(20);
    let golden: &[u8] = b"abc\0\0\0\0\0\0\0\0\0\0\0\0\
        \0\0\0\0\0\0\x01\x02\0\0\0\0\0\0\x03\x04\0\0\0\x03\x03";
    assert_eq!(piece, golden);
    piece.extend_from_slice(&[5; 64]);
    assert_eq!(SealedEnd::read(&piece), Some((end, [5; 64])));
    assert_eq!(SealedEnd::capacity(100), 15);
    // More content than fits, an unknown flag, too short.
    let mut long = piece.clone();
    long[34] = 16;
    assert_eq!(SealedEnd::read(&long), None);
    let mut flagged = piece.clone();
    flagged[35] = 4;
    assert_eq!(SealedEnd::read(&flagged), None);
    assert_eq!(SealedEnd::read(&piece[..84]), None);
}

#[test]
fn torrents_of_other_kinds_and_hostile_ones_are_refused_by_name() {
    let parse = |text: &str| Metainfo::parse(text.as_bytes()).unwrap_err();
    let head = "d4:infod6:lengthi5e4:name1:x12:piece lengthi16384e";
    assert_eq!(
        parse("d4:infod9:file treede12:meta versioni2e4:name1:x12:piece lengthi16384eee"),
        MetainfoError::V2Only
    );
    assert_eq!(
        parse(&format!("{head}9:root hash1:xee")),
        MetainfoError::Merkle
    );
    assert_eq!(
        parse(&format!("{head}6:pieces3:abcee")),
        MetainfoError::Pieces {
            expected: 1,
            got: 3
        }
    );
    assert_eq!(parse("de"), MetainfoError::Key("info"));
    let path = |name: &str| {
        parse(&format!(
            "d4:infod5:filesld6:lengthi5e4:pathl{}:{name}eee4:name1:x12:piece lengthi16384e6:pieces0:ee",
            name.len()
        ))
    };
    for name in ["..", ".", "a/b", "\0", "a\\b"] {
        assert_eq!(path(name), MetainfoError::Path(name.into()));
    }
    let huge = "d4:infod5:filesld6:lengthi9223372036854775807e4:pathl1:aeed6:lengthi9223372036854775807e\
        4:pathl1:beed6:lengthi9e4:pathl1:ceee4:name1:x12:piece lengthi16384e6:pieces0:ee";
    assert_eq!(parse(huge), MetainfoError::Key("length"));
}

#[test]
fn a_torrent_is_made_of_its_info_alone() {
    let info = b"d6:lengthi5e4:name1:x12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaae";
    let urls = ["http://a/b".to_owned(), "udp://c:1".to_owned()];
    let torrent = Metainfo::from_info(info, &urls, &urls[..1]).unwrap();
    assert_eq!(torrent.info, info);
    assert_eq!(torrent.trackers, [[urls[0].clone()], [urls[1].clone()]]);
    assert_eq!(torrent.web_seeds, urls[..1]);
    assert!(Metainfo::from_info(b"de", &[], &[]).is_err());
    // Nothing may be smuggled in after `info`.
    let more = [&info[..], b"4:junki1e"].concat();
    assert_eq!(
        Metainfo::from_info(&more, &[], &[]).map(|one| one.info),
        Ok(info.to_vec())
    );
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in vec(any::<u8>(), 0..300)) {
        let _ = bencode::parse(&bytes, 100);
        let _ = Metainfo::parse(&bytes);
    }

    #[test]
    fn a_damaged_torrent_never_panics(at in 0..400_usize, byte in any::<u8>()) {
        let mut bytes = making().encode().unwrap();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = Metainfo::parse(&bytes);
    }
}
