//! Writing a `.torrent`.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::parse::is_safe;
use super::{FileEntry, MetainfoError};
use crate::geometry::Geometry;
use crate::rate::Rate;
use crate::wire::bencode::Node;

/// What a `.torrent` is made of.
#[derive(Clone, Debug)]
pub struct Making {
    /// Of the file, or of the folder.
    pub name: String,
    /// Bytes of a piece.
    pub piece_length: u32,
    /// SHA-1 of each piece.
    pub pieces: Vec<[u8; 20]>,
    /// The files, in order. One whose path is the name alone makes a single-file torrent.
    pub files: Vec<FileEntry>,
    /// Trackers, in tiers.
    pub trackers: Vec<Vec<String>>,
    /// Web seeds (BEP 19).
    pub web_seeds: Vec<String>,
    /// Peers only from the trackers (BEP 27).
    pub private: bool,
    /// How long it plays; written as SwarmPlayer did, as `playtime` and `Speed Bps`.
    pub playtime: Option<Duration>,
    /// Media bytes per second, if the playing time is not known.
    pub bitrate: Option<Rate>,
    /// What somebody says about it.
    pub comment: Option<String>,
    /// A picture of it: a JPEG.
    pub thumbnail: Option<Vec<u8>>,
    /// Seconds since 1970; left out if `None`, so that the same content makes the same file.
    pub created: Option<u64>,
    /// The program that made it.
    pub created_by: String,
}

impl Making {
    /// The file's bytes.
    ///
    /// # Errors
    /// If sizes or names make no torrent.
    pub fn encode(&self) -> Result<Vec<u8>, MetainfoError> {
        let total = self.files.iter().map(|file| file.length).sum();
        let geometry = Geometry::new(total, self.piece_length)?;
        if geometry.pieces() as usize != self.pieces.len() {
            return Err(MetainfoError::Pieces {
                expected: geometry.pieces(),
                got: self.pieces.len() * 20,
            });
        }
        let mut top = Node::dict([
            ("info", self.info(total)?),
            ("created by", Node::text(&self.created_by)),
            ("encoding", Node::text("UTF-8")),
        ]);
        put_head(&mut top, self.created, &self.trackers);
        if !self.web_seeds.is_empty() {
            let urls = self.web_seeds.iter().map(|url| Node::text(url));
            top.put("url-list", Node::List(urls.collect()));
        }
        if let Some(comment) = &self.comment {
            top.put("comment", Node::text(comment));
        }
        let speed = self.speed(total);
        if speed.is_some() || self.thumbnail.is_some() {
            top.put("azureus_properties", self.azureus(speed));
        }
        Ok(top.encode())
    }

    fn info(&self, total: u64) -> Result<Node, MetainfoError> {
        if !is_safe(&self.name) {
            return Err(MetainfoError::Path(self.name.clone()));
        }
        let mut info = Node::dict([
            ("name", Node::text(&self.name)),
            ("piece length", int(u64::from(self.piece_length))),
            ("pieces", Node::Bytes(self.pieces.concat())),
        ]);
        if self.private {
            info.put("private", Node::Int(1));
        }
        if matches!(self.files.as_slice(), [only] if only.path.len() == 1) {
            info.put("length", int(total));
            if let Some(time) = self.playtime {
                info.put("playtime", Node::text(&playtime(time)));
            }
            return Ok(info);
        }
        let mut list = Vec::new();
        for file in &self.files {
            // The first part is the folder, which is the torrent's name.
            let parts = file.path.get(1..).unwrap_or_default();
            if let Some(part) = parts.iter().find(|part| !is_safe(part)) {
                return Err(MetainfoError::Path(part.clone()));
            }
            let parts = parts.iter().map(|part| Node::text(part)).collect();
            let mut entry = Node::dict([("length", int(file.length)), ("path", Node::List(parts))]);
            if let Some(time) = file.playtime {
                entry.put("playtime", Node::text(&playtime(time)));
            }
            list.push(entry);
        }
        info.put("files", Node::List(list));
        Ok(info)
    }

    fn speed(&self, total: u64) -> Option<u64> {
        let by_time = self
            .playtime
            .and_then(|time| total.checked_div(time.as_secs()));
        by_time.or_else(|| self.bitrate.map(Rate::bytes_per_s))
    }

    /// What Azureus and SwarmPlayer read, written as SwarmPlayer's createtorrent did.
    fn azureus(&self, speed: Option<u64>) -> Node {
        let mut content = content(&self.name, speed, self.thumbnail.as_deref());
        let comment = self.comment.as_deref().unwrap_or_default();
        content.put("Description", Node::text(comment));
        content.put("Publisher", Node::text(&self.created_by));
        if let Some(created) = self.created {
            content.put("Creation Date", int(created));
            content.put("Revision Date", int(created));
        }
        Node::dict([("Content", content)])
    }
}

/// When it was made, and whom to ask for peers.
pub(super) fn put_head(top: &mut Node, created: Option<u64>, trackers: &[Vec<String>]) {
    if let Some(created) = created {
        top.put("creation date", int(created));
    }
    let urls = |urls: &[String]| Node::List(urls.iter().map(|url| Node::text(url)).collect());
    if let Some(first) = trackers.iter().flatten().next() {
        top.put("announce", Node::text(first));
    }
    if trackers.iter().flatten().count() > 1 {
        let tiers = trackers.iter().map(|tier| urls(tier)).collect();
        top.put("announce-list", Node::List(tiers));
    }
}

/// `azureus_properties.Content`: one who knows no speed cannot play while it downloads.
pub(super) fn content(title: &str, speed: Option<u64>, thumbnail: Option<&[u8]>) -> Node {
    let mut content = Node::dict([
        ("Progressive", Node::Int(i64::from(speed.is_some()))),
        ("Title", Node::text(title)),
    ]);
    if let Some(speed) = speed {
        content.put("Speed Bps", int(speed));
    }
    if let Some(thumbnail) = thumbnail {
        content.put("Thumbnail", Node::Bytes(thumbnail.to_vec()));
    }
    content
}

pub(super) fn int(value: u64) -> Node {
    Node::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

/// `hh:mm:ss`, whole seconds, at least one.
fn playtime(time: Duration) -> String {
    let seconds = time.as_secs().max(1);
    alloc::format!(
        "{}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}
