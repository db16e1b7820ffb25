//! Reading a `.torrent`. Everything in it may have been written by an enemy.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::{FILES_MAX, FileEntry, METAINFO_MAX, Metainfo, MetainfoError};
use crate::geometry::Geometry;
use crate::rate::Rate;
use crate::wire::bencode::{self, Dict, Value};

/// Values in a `.torrent` at most: ten for each of the most files.
const VALUES_MAX: usize = 10 * FILES_MAX;
/// Trackers and web seeds we keep.
const URLS_MAX: usize = 64;

pub(super) fn parse(bytes: &[u8]) -> Result<Metainfo, MetainfoError> {
    if bytes.len() > METAINFO_MAX {
        return Err(MetainfoError::TooLarge);
    }
    let value = bencode::parse(bytes, VALUES_MAX)?;
    let top = value.as_dict().ok_or(MetainfoError::Key("info"))?;
    let info = top
        .find("info")
        .and_then(Value::as_dict)
        .ok_or(MetainfoError::Key("info"))?;
    refuse_other_kinds(info)?;
    let name = text(info, "name").ok_or(MetainfoError::Key("name"))?;
    if !is_safe(&name) {
        return Err(MetainfoError::Path(name));
    }
    let files = files(info, &name)?;
    let total = files.last().map_or(0, |file| file.offset + file.length);
    let piece_length = int(info, "piece length").ok_or(MetainfoError::Key("piece length"))?;
    let piece_length = u32::try_from(piece_length).unwrap_or(u32::MAX);
    let live = match info.find("live").filter(|_| info.find("pieces").is_none()) {
        Some(live) => {
            let live = live.as_dict().ok_or(MetainfoError::Key("live"))?;
            if files.len() != 1 {
                return Err(MetainfoError::Key("length"));
            }
            Some(super::live::parse(live, total, piece_length)?)
        }
        None => None,
    };
    let (geometry, pieces) = match live {
        Some((_, geometry)) => (geometry, Vec::new()),
        None => {
            let geometry = Geometry::new(total, piece_length)?;
            (geometry, hashes(info, &geometry)?)
        }
    };
    Ok(Metainfo {
        info: info.raw().to_vec(),
        live: live.map(|(live, _)| live),
        pieces,
        bitrate: bitrate(top, &files, total),
        thumbnail: thumbnail(top),
        trackers: trackers(top),
        web_seeds: strings(top.find("url-list")),
        private: int(info, "private") == Some(1),
        name,
        geometry,
        files,
    })
}

fn refuse_other_kinds(info: &Dict<'_>) -> Result<(), MetainfoError> {
    let has = |key| info.find(key).is_some();
    if has("pieces") || has("live") {
        return Ok(());
    }
    Err(
        if has("file tree") || int(info, "meta version") == Some(2) {
            MetainfoError::V2Only
        } else if has("root hash") {
            MetainfoError::Merkle
        } else {
            MetainfoError::Key("pieces")
        },
    )
}

fn hashes(info: &Dict<'_>, geometry: &Geometry) -> Result<Vec<[u8; 20]>, MetainfoError> {
    let bytes = info
        .find("pieces")
        .and_then(Value::as_bytes)
        .ok_or(MetainfoError::Key("pieces"))?;
    let (hashes, rest) = bytes.as_chunks::<20>();
    if !rest.is_empty() || hashes.len() != geometry.pieces() as usize {
        return Err(MetainfoError::Pieces {
            expected: geometry.pieces(),
            got: bytes.len(),
        });
    }
    Ok(hashes.to_vec())
}

fn files(info: &Dict<'_>, name: &str) -> Result<Vec<FileEntry>, MetainfoError> {
    let Some(list) = info.find("files") else {
        let length = length(info)?;
        return Ok(alloc::vec![FileEntry {
            path: alloc::vec![name.to_owned()],
            length,
            offset: 0,
            padding: false,
            playtime: playtime(info),
        }]);
    };
    let list = list.as_list().ok_or(MetainfoError::Key("files"))?;
    if list.len() > FILES_MAX {
        return Err(MetainfoError::Files);
    }
    let mut files = Vec::new();
    let mut offset = 0_u64;
    for file in list {
        let file = file.as_dict().ok_or(MetainfoError::Key("files"))?;
        let length = length(file)?;
        files.push(FileEntry {
            path: path(file, name)?,
            length,
            offset,
            padding: text(file, "attr").is_some_and(|attr| attr.contains('p')),
            playtime: playtime(file),
        });
        offset = offset
            .checked_add(length)
            .ok_or(MetainfoError::Key("length"))?;
    }
    Ok(files)
}

fn length(file: &Dict<'_>) -> Result<u64, MetainfoError> {
    int(file, "length")
        .and_then(|length| u64::try_from(length).ok())
        .ok_or(MetainfoError::Key("length"))
}

/// The torrent's folder and the file's own path; refused if any part could lead elsewhere.
fn path(file: &Dict<'_>, folder: &str) -> Result<Vec<String>, MetainfoError> {
    let parts = file
        .find("path.utf-8")
        .or_else(|| file.find("path"))
        .and_then(Value::as_list)
        .filter(|parts| !parts.is_empty() && parts.len() <= 64)
        .ok_or(MetainfoError::Key("path"))?;
    let mut path = alloc::vec![folder.to_owned()];
    for part in parts {
        let part = part.as_bytes().ok_or(MetainfoError::Key("path"))?;
        let part = String::from_utf8_lossy(part).into_owned();
        if !is_safe(&part) {
            return Err(MetainfoError::Path(part));
        }
        path.push(part);
    }
    Ok(path)
}

/// One name in one folder, and nothing that a file system reads as more than that.
pub(super) fn is_safe(name: &str) -> bool {
    !matches!(name, "" | "." | "..")
        && name.len() <= 255
        && !name.contains(['/', '\\'])
        && !name.chars().any(char::is_control)
}

fn trackers(top: &Dict<'_>) -> Vec<Vec<String>> {
    let tiers: Vec<Vec<String>> = top
        .find("announce-list")
        .and_then(Value::as_list)
        .unwrap_or_default()
        .iter()
        .take(URLS_MAX)
        .map(|tier| strings(Some(tier)))
        .filter(|tier| !tier.is_empty())
        .collect();
    if !tiers.is_empty() {
        return tiers;
    }
    text(top, "announce")
        .filter(|url| !url.is_empty())
        .map(|url| alloc::vec![alloc::vec![url]])
        .unwrap_or_default()
}

/// A list of strings, or one string.
fn strings(value: Option<&Value<'_>>) -> Vec<String> {
    let one = |value: &Value<'_>| {
        let text = core::str::from_utf8(value.as_bytes()?).ok()?;
        (!text.is_empty()).then(|| text.to_owned())
    };
    match value {
        Some(Value::List(list)) => list.iter().filter_map(one).take(URLS_MAX).collect(),
        Some(value) => one(value).into_iter().collect(),
        None => Vec::new(),
    }
}

fn int(dict: &Dict<'_>, key: &str) -> Option<i64> {
    dict.find(key).and_then(Value::as_int)
}

/// The `.utf-8` sibling first, as old clients wrote `name` in the local encoding.
fn text(dict: &Dict<'_>, key: &'static str) -> Option<String> {
    let sibling = alloc::format!("{key}.utf-8");
    let bytes = dict
        .find(&sibling)
        .or_else(|| dict.find(key))
        .and_then(Value::as_bytes)?;
    Some(String::from_utf8_lossy(bytes).into_owned())
}

/// SwarmPlayer's order: a file's `playtime`, a top-level one, `Speed Bps`.
fn bitrate(top: &Dict<'_>, files: &[FileEntry], total: u64) -> Option<Rate> {
    let over = |length: u64, time: Duration| length.checked_div(time.as_secs());
    let by_file = files
        .iter()
        .find_map(|file| file.playtime.and_then(|time| over(file.length, time)));
    let by_torrent = || playtime(top).and_then(|time| over(total, time));
    let by_speed = || u64::try_from(int(content(top)?, "Speed Bps")?).ok();
    by_file
        .or_else(by_torrent)
        .or_else(by_speed)
        .filter(|rate| *rate > 0)
        .map(Rate::from_bytes_per_s)
}

/// What Azureus and SwarmPlayer say of the content.
fn content<'b, 'a>(top: &'b Dict<'a>) -> Option<&'b Dict<'a>> {
    let azureus = top.find("azureus_properties")?.as_dict()?;
    azureus.find("Content")?.as_dict()
}

fn thumbnail(top: &Dict<'_>) -> Option<Vec<u8>> {
    let bytes = content(top)?.find("Thumbnail")?.as_bytes()?;
    Metainfo::is_thumbnail(bytes).then(|| bytes.to_vec())
}

/// `[[hh:]mm:]ss`, fractions dropped; a plain number is accepted too.
fn playtime(dict: &Dict<'_>) -> Option<Duration> {
    let seconds = match dict.find("playtime")? {
        Value::Int(seconds) => u64::try_from(*seconds).ok()?,
        Value::Bytes(text) => {
            let text = core::str::from_utf8(text).ok()?;
            let parts: Vec<&str> = text.split(':').collect();
            if parts.len() > 3 {
                return None;
            }
            parts.iter().try_fold(0_u64, |total, part| {
                let whole = part.split('.').next()?;
                let part: u64 = whole.trim().parse().ok()?;
                total.checked_mul(60)?.checked_add(part)
            })?
        }
        _ => return None,
    };
    // Beyond a century it is no playing time.
    (1..3_155_760_000)
        .contains(&seconds)
        .then(|| Duration::from_secs(seconds))
}
