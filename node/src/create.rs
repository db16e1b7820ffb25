//! Making a `.torrent` of a file or a folder.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rayon::prelude::*;
use swarmbed_engine::wire::metainfo::{FileEntry, Making};
use swarmbed_engine::{Geometry, Rate};

use crate::error::NodeError;
use crate::torrent::sha1;
use crate::{probe, random, thumbnail};

/// What the user says of a new torrent.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Instead of the file's own name.
    pub name: Option<String>,
    /// Bytes of a piece; chosen for about a thousand pieces if `None`.
    pub piece_length: Option<u32>,
    /// Announce URLs, best first.
    pub trackers: Vec<String>,
    /// Web seeds.
    pub web_seeds: Vec<String>,
    /// Peers only from the trackers.
    pub private: bool,
    /// How long it plays.
    pub duration: Option<Duration>,
    /// Media bytes per second, if its duration is not known.
    pub bitrate: Option<Rate>,
    /// What to say about it.
    pub comment: Option<String>,
    /// A JPEG of it.
    pub thumbnail: Option<PathBuf>,
}

/// Files of a folder whose playing time is looked for.
const PROBES_MAX: u32 = 64;
/// Bytes that are read before all cores hash them.
const BATCH: usize = 64 << 20;

/// Hashes `source` and makes a `.torrent`'s bytes; `progress` hears of bytes done, and of all.
///
/// # Errors
/// If the content cannot be read, or makes no torrent.
pub fn make(
    source: &Path,
    wishes: &Wishes,
    mut progress: impl FnMut(u64, u64),
) -> Result<Vec<u8>, NodeError> {
    let content = |why: String| NodeError::Content {
        path: source.to_owned(),
        why,
    };
    let own_name = || {
        let path = source.canonicalize().ok()?;
        path.file_name().and_then(OsStr::to_str).map(str::to_owned)
    };
    let name = wishes.name.clone().or_else(own_name).ok_or_else(|| {
        content("has no name that a torrent can hold; give one with --name".into())
    })?;
    let mut paths = Vec::new();
    walk(source, &mut vec![name.clone()], &mut paths)?;
    let thumbnail = wishes.thumbnail.as_deref().map(thumbnail::read);
    let thumbnail = thumbnail.transpose()?;
    let playtimes = playtimes(&paths, wishes);
    let single = matches!(paths.as_slice(), [(_, names, _)] if names.len() == 1);
    let mut files: Vec<FileEntry> = Vec::new();
    let mut total = 0;
    for ((_, names, length), playtime) in paths.iter().zip(&playtimes) {
        files.push(FileEntry {
            path: names.clone(),
            length: *length,
            offset: total,
            padding: false,
            playtime: *playtime,
        });
        total += length;
    }
    let piece_length = wishes.piece_length.unwrap_or_else(|| piece_length(total));
    let geometry =
        Geometry::new(total, piece_length).map_err(|error| content(error.to_string()))?;
    let sources: Vec<&Path> = paths.iter().map(|(path, ..)| path.as_path()).collect();
    let pieces = hash(&sources, &geometry, BATCH, |done| progress(done, total))?;
    let created = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let making = Making {
        name,
        piece_length,
        pieces,
        files,
        trackers: wishes
            .trackers
            .iter()
            .map(|url| vec![url.clone()])
            .collect(),
        web_seeds: wishes.web_seeds.clone(),
        private: wishes.private,
        playtime: wishes.duration.or(if single { playtimes[0] } else { None }),
        bitrate: wishes.bitrate,
        comment: wishes.comment.clone(),
        thumbnail,
        created: created.ok().map(|since| since.as_secs()),
        created_by: concat!("swarmbed ", env!("CARGO_PKG_VERSION")).into(),
    };
    making.encode().map_err(|error| content(error.to_string()))
}

/// How long each file plays, by ffprobe, unless the user says.
fn playtimes(paths: &[Found], wishes: &Wishes) -> Vec<Option<Duration>> {
    let told = wishes.duration.is_some() || wishes.bitrate.is_some();
    let mut left = if told { 0 } else { PROBES_MAX };
    let probe = |(path, ..): &Found| {
        let time = (left > 0).then(|| probe::duration(path)).flatten();
        left -= u32::from(time.is_some());
        time
    };
    paths.iter().map(probe).collect()
}

/// About a thousand pieces, from 16 KiB to 16 MiB: small pieces start sooner, many cost messages.
fn piece_length(total: u64) -> u32 {
    let wish = (total / 1024).next_power_of_two().clamp(16 << 10, 16 << 20);
    u32::try_from(wish).expect("clamped")
}

/// A file to hash: where it is, its names in the torrent, its length.
type Found = (PathBuf, Vec<String>, u64);

/// All regular files at or below `path`, by name; links are followed for the root only.
fn walk(path: &Path, names: &mut Vec<String>, found: &mut Vec<Found>) -> Result<(), NodeError> {
    let read = |source| NodeError::Read {
        path: path.to_owned(),
        source,
    };
    let meta = fs::metadata(path).map_err(read)?;
    if meta.is_file() {
        found.push((path.to_owned(), names.clone(), meta.len()));
        return Ok(());
    }
    let mut entries: Vec<PathBuf> = fs::read_dir(path)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(read)?;
    entries.sort();
    for entry in entries {
        let is_link = fs::symlink_metadata(&entry).is_ok_and(|meta| meta.is_symlink());
        if is_link {
            continue;
        }
        let name = entry.file_name().and_then(OsStr::to_str);
        let name = name.ok_or_else(|| NodeError::Content {
            path: entry.clone(),
            why: "its name is not UTF-8".into(),
        })?;
        names.push(name.to_owned());
        walk(&entry, names, found)?;
        names.pop();
    }
    Ok(())
}

/// SHA-1 of each piece, pieces running on over the borders of files.
fn hash(
    paths: &[&Path],
    geometry: &Geometry,
    batch: usize,
    mut progress: impl FnMut(u64),
) -> Result<Vec<[u8; 20]>, NodeError> {
    let piece_length = geometry.piece_length() as usize;
    let mut pieces = Vec::with_capacity(geometry.pieces() as usize);
    // As many pieces as go into a batch, hashed on all cores: SHA-1 is slower than most disks.
    let batch = (batch / piece_length).max(1) * piece_length;
    let mut buffer = Vec::new();
    let mut flush = |buffer: &mut Vec<u8>| {
        pieces.par_extend(buffer.par_chunks(piece_length).map(sha1));
        buffer.clear();
    };
    let mut done = 0;
    for path in paths {
        let failed = |source| NodeError::Read {
            path: (*path).to_owned(),
            source,
        };
        let mut file = File::open(path).map_err(failed)?;
        loop {
            let room = (batch - buffer.len()).min(piece_length) as u64;
            let got = (&mut file)
                .take(room)
                .read_to_end(&mut buffer)
                .map_err(failed)?;
            if buffer.len() == batch {
                flush(&mut buffer);
            }
            done += got as u64;
            progress(done);
            if got == 0 || (got as u64) < room {
                break;
            }
        }
    }
    flush(&mut buffer);
    if done != geometry.total() {
        let path = paths.first().copied().unwrap_or(Path::new("."));
        return Err(NodeError::Content {
            path: path.to_owned(),
            why: "changed while it was read".into(),
        });
    }
    Ok(pieces)
}

/// Writes a file so that it is there whole or not at all.
///
/// # Errors
/// If it exists and `force` is not given, or cannot be written; nothing is left behind.
pub fn write_whole(path: &Path, bytes: &[u8], force: bool) -> Result<(), NodeError> {
    if !force && path.exists() {
        return Err(NodeError::Exists {
            path: path.to_owned(),
        });
    }
    let unique = u64::from_le_bytes(random::bytes());
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{unique:016x}.tmp"));
    let temporary = PathBuf::from(temporary);
    let write = || -> io::Result<()> {
        let mut file = File::create_new(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|source| {
        let _ = fs::remove_file(&temporary);
        NodeError::write(path, source, bytes.len() as u64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_hashed_alike_in_any_batches_and_over_borders_of_files() {
        let folder = std::env::temp_dir().join(format!(
            "swarmbed-create-{:016x}",
            u64::from_le_bytes(random::bytes())
        ));
        fs::create_dir(&folder).unwrap();
        let byte = |at: u32| (at.wrapping_mul(at) >> 7).to_le_bytes()[0];
        let content: Vec<u8> = (0..200_000).map(byte).collect();
        let cuts = [0, 1, 16_384, 16_384, 131_072, 199_999, 200_000];
        let paths: Vec<PathBuf> = (0..cuts.len() - 1)
            .map(|place| {
                let path = folder.join(place.to_string());
                fs::write(&path, &content[cuts[place]..cuts[place + 1]]).unwrap();
                path
            })
            .collect();
        let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
        let geometry = Geometry::new(200_000, 16_384).unwrap();
        let expected: Vec<[u8; 20]> = content.chunks(16_384).map(sha1).collect();
        for batch in [1, 16_384, 40_000, 131_072, 1 << 20] {
            let mut last = 0;
            let pieces = hash(&paths, &geometry, batch, |done| {
                assert!(done >= last);
                last = done;
            });
            assert_eq!(pieces.unwrap(), expected, "batches of {batch}");
            assert_eq!(last, 200_000);
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
