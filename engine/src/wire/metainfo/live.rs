//! The `.tstream` of a live stream: a `.torrent` whose `info` has `live` in the place of `pieces`.
//!
//! `live` is what it was in 2008 (swarmplayer.md 3.1): `authmethod`, and `pubkey`, a public key as
//! X.509 `SubjectPublicKeyInfo`. The method is Ed25519, which the old clients did not know; theirs
//! (RSA of 768 bits, ECDSA over a binary curve, none) are refused by name. Without `window`,
//! `length` is the length of a ring, as it was; with it, pieces have absolute numbers and so many
//! are kept.

use alloc::string::String;
use alloc::vec::Vec;

use super::parse::is_safe;
use super::{LiveInfo, MetainfoError};
use crate::geometry::Geometry;
use crate::live::{LiveConfig, Numbering};
use crate::rate::Rate;
use crate::wire::SealedEnd;
use crate::wire::bencode::{Dict, Node, Value};

/// The only `authmethod` there is.
const METHOD: &str = "Ed25519";
/// `SubjectPublicKeyInfo` of an Ed25519 key up to the key itself (RFC 8410).
const SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// Reads `info.live`, and the stream's geometry.
pub(super) fn parse(
    live: &Dict<'_>,
    length: u64,
    piece_length: u32,
) -> Result<(LiveInfo, Geometry), MetainfoError> {
    let method = live.find("authmethod").and_then(Value::as_bytes);
    let method = method.ok_or(MetainfoError::Key("live.authmethod"))?;
    if method != METHOD.as_bytes() {
        let shown = method.iter().take(32).copied().collect::<Vec<u8>>();
        let shown = String::from_utf8_lossy(&shown).into_owned();
        return Err(MetainfoError::LiveMethod(shown));
    }
    let key = live.find("pubkey").and_then(Value::as_bytes);
    let public_key = key
        .and_then(|key| key.strip_prefix(&SPKI)?.try_into().ok())
        .ok_or(MetainfoError::Key("live.pubkey"))?;
    if piece_length < SealedEnd::PIECE_LENGTH_MIN {
        return Err(MetainfoError::Key("piece length"));
    }
    let numbering = match live.find("window") {
        Some(window) => Numbering::Absolute {
            window: window
                .as_int()
                .and_then(|window| u32::try_from(window).ok())
                .ok_or(MetainfoError::Key("live.window"))?,
        },
        None => Numbering::Ring(
            u32::try_from(length / u64::from(piece_length))
                .map_err(|_| MetainfoError::Key("length"))?,
        ),
    };
    let geometry = LiveConfig::viewer(numbering).geometry(piece_length)?;
    let info = LiveInfo {
        public_key,
        numbering,
    };
    Ok((info, geometry))
}

/// What a `.tstream` is made of.
#[derive(Clone, Debug)]
pub struct MakingLive {
    /// Of the stream.
    pub name: String,
    /// Bytes of a piece, its trailer included.
    pub piece_length: u32,
    /// How pieces are numbered, and how many are kept.
    pub numbering: Numbering,
    /// The source's.
    pub public_key: [u8; 32],
    /// Media bytes per second.
    pub bitrate: Rate,
    /// Trackers, in tiers.
    pub trackers: Vec<Vec<String>>,
    /// A picture of it: a JPEG.
    pub thumbnail: Option<Vec<u8>>,
    /// Seconds since 1970; left out if `None`, so that the same stream makes the same file.
    pub created: Option<u64>,
    /// The program that made it.
    pub created_by: String,
}

impl MakingLive {
    /// The file's bytes.
    ///
    /// # Errors
    /// If sizes or names make no stream.
    pub fn encode(&self) -> Result<Vec<u8>, MetainfoError> {
        if !is_safe(&self.name) {
            return Err(MetainfoError::Path(self.name.clone()));
        }
        LiveConfig::viewer(self.numbering).geometry(self.piece_length)?;
        let mut live = Node::dict([
            ("authmethod", Node::text(METHOD)),
            (
                "pubkey",
                Node::Bytes([&SPKI[..], &self.public_key].concat()),
            ),
        ]);
        let pieces = match self.numbering {
            Numbering::Absolute { window } => {
                live.put("window", Node::Int(i64::from(window)));
                window
            }
            Numbering::Ring(pieces) => pieces,
        };
        let length = u64::from(pieces) * u64::from(self.piece_length);
        let info = Node::dict([
            ("length", super::make::int(length)),
            ("live", live),
            ("name", Node::text(&self.name)),
            (
                "piece length",
                super::make::int(u64::from(self.piece_length)),
            ),
        ]);
        let mut top = Node::dict([
            ("info", info),
            ("created by", Node::text(&self.created_by)),
            ("encoding", Node::text("UTF-8")),
        ]);
        super::make::put_head(&mut top, self.created, &self.trackers);
        let speed = Some(self.bitrate.bytes_per_s());
        let content = super::make::content(&self.name, speed, self.thumbnail.as_deref());
        top.put("azureus_properties", Node::dict([("Content", content)]));
        Ok(top.encode())
    }
}
