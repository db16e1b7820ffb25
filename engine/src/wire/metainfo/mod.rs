//! `.torrent` files (BEP 3), version 1: what they promise, read and written.
//!
//! Owns names and layouts; must not know files or hashing: the info-hash is the SHA-1 of
//! [`Metainfo::info`], which the driver computes.

mod live;
mod make;
mod parse;

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use thiserror::Error;

pub use live::MakingLive;
pub use make::Making;

use super::bencode::{self, BencodeError};
use crate::error::ConfigError;
use crate::geometry::Geometry;
use crate::live::Numbering;
use crate::rate::Rate;

/// Largest `.torrent` we read: the most pieces take 80 MiB of hashes.
pub const METAINFO_MAX: usize = 96 * 1024 * 1024;
/// Most files in a torrent.
pub const FILES_MAX: usize = 100_000;

/// Why a `.torrent` is not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MetainfoError {
    /// Not bencode.
    #[error("not a torrent: {0}")]
    Bencode(#[from] BencodeError),
    /// Above [`METAINFO_MAX`].
    #[error("larger than 96 MiB")]
    TooLarge,
    /// A key is absent or of the wrong kind.
    #[error("`{0}` is missing or of the wrong kind")]
    Key(&'static str),
    /// BitTorrent version 2 without version 1 (BEP 52).
    #[error(
        "a version 2 torrent (BEP 52): only version 1 and hybrid torrents are supported; make a version 1 torrent of the content"
    )]
    V2Only,
    /// A Merkle torrent (BEP 30).
    #[error("a Merkle torrent (BEP 30), which is not supported; make an ordinary torrent")]
    Merkle,
    /// A live stream whose pieces are signed in a way we do not know.
    #[error(
        "a live stream authenticated by {0:?}: only \"Ed25519\" is supported, as `swarmbed node broadcast` makes it"
    )]
    LiveMethod(String),
    /// A file name that would leave its folder or that no file can have.
    #[error("unsafe file name {0:?}")]
    Path(String),
    /// Too many files.
    #[error("more than {FILES_MAX} files")]
    Files,
    /// Sizes make no sense.
    #[error(transparent)]
    Geometry(#[from] ConfigError),
    /// Not as many hashes as pieces.
    #[error("{got} bytes of piece hashes, but {expected} pieces need 20 each")]
    Pieces {
        /// Pieces by the lengths.
        expected: u32,
        /// Bytes of `pieces`.
        got: usize,
    },
}

/// One file of a torrent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Names of folders and of the file, below the download folder; all of them safe.
    pub path: Vec<String>,
    /// Bytes.
    pub length: u64,
    /// Where it begins in the content.
    pub offset: u64,
    /// A hole that aligns the next file (BEP 47): all zeros, never written.
    pub padding: bool,
    /// How long it plays (`playtime`).
    pub playtime: Option<Duration>,
}

/// What makes a `.torrent` a live stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LiveInfo {
    /// The source's Ed25519 key, which its pieces are signed with.
    pub public_key: [u8; 32],
    /// How pieces are numbered, and how many are kept.
    pub numbering: Numbering,
}

/// What a `.torrent` promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metainfo {
    /// The exact bytes of `info`.
    pub info: Vec<u8>,
    /// Its name: of the file, or of the folder.
    pub name: String,
    /// How it is cut.
    pub geometry: Geometry,
    /// SHA-1 of each piece.
    pub pieces: Vec<[u8; 20]>,
    /// Its files, in order; one of a single-file torrent.
    pub files: Vec<FileEntry>,
    /// Peers only from the trackers (BEP 27).
    pub private: bool,
    /// Trackers, in tiers (BEP 12).
    pub trackers: Vec<Vec<String>>,
    /// Web seeds (BEP 19).
    pub web_seeds: Vec<String>,
    /// Media bytes per second: the first file that has a `playtime`, else a top-level
    /// `playtime`, else `Speed Bps` (SwarmPlayer's order).
    pub bitrate: Option<Rate>,
    /// A picture of it, where SwarmPlayer put it: a JPEG of at most
    /// [`THUMBNAIL_MAX`](Self::THUMBNAIL_MAX) bytes.
    pub thumbnail: Option<Vec<u8>>,
    /// A stream without end; it has no `pieces`, and its one file is never whole.
    pub live: Option<LiveInfo>,
}

impl Metainfo {
    /// Largest thumbnail, in bytes; a larger one, or what is no JPEG, is as none.
    pub const THUMBNAIL_MAX: usize = 1024 * 1024;

    /// Whether these bytes may be a thumbnail.
    #[must_use]
    pub fn is_thumbnail(bytes: &[u8]) -> bool {
        bytes.len() <= Self::THUMBNAIL_MAX && bytes.starts_with(&[0xff, 0xd8, 0xff])
    }

    /// Reads a `.torrent`.
    ///
    /// # Errors
    /// If it is none, or one of a kind we do not support.
    pub fn parse(bytes: &[u8]) -> Result<Self, MetainfoError> {
        parse::parse(bytes)
    }

    /// From what neighbours sent (BEP 9) and a link said: the exact bytes of `info`, trackers in a
    /// tier of their own each, and web seeds.
    ///
    /// # Errors
    /// If it is none, or one of a kind we do not support.
    pub fn from_info(
        info: &[u8],
        trackers: &[String],
        web_seeds: &[String],
    ) -> Result<Self, MetainfoError> {
        let mut bytes = b"d13:announce-listl".to_vec();
        for url in trackers {
            bytes.push(b'l');
            bencode::write_bytes(&mut bytes, url.as_bytes());
            bytes.push(b'e');
        }
        bytes.extend_from_slice(b"e4:info");
        bytes.extend_from_slice(info);
        bytes.extend_from_slice(b"8:url-listl");
        for url in web_seeds {
            bencode::write_bytes(&mut bytes, url.as_bytes());
        }
        bytes.extend_from_slice(b"ee");
        Self::parse(&bytes)
    }

    /// How long the content plays, if its bitrate is known.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        let rate = self.bitrate.filter(|rate| *rate > Rate::ZERO)?;
        Some(Duration::from_nanos(rate.nanos_for(self.geometry.total())))
    }
}
