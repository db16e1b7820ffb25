//! The content on disk: blocks in, blocks out, pieces judged.
//!
//! Owns files; must not know neighbours. All methods block: they run on a blocking pool.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use sha1::{Digest as _, Sha1};
use swarmbed_engine::{Bitfield, Block, Geometry, PieceIndex, Verdict};

use crate::error::NodeError;
use crate::torrent::{Torrent, sha1};

/// Bytes that are read, and then hashed.
const HASHED_AT_ONCE: usize = 64 * 1024;

/// Where the content is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Below this folder, under the torrent's own names.
    Folder(PathBuf),
    /// A single-file torrent in this file; until it is complete, in a sibling with `.part` added.
    File(PathBuf),
}

/// Whether missing files may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Only read, as a seed does.
    Read,
    /// Read and write.
    Write,
}

#[derive(Debug)]
struct StoredFile {
    /// `None` for padding, and for an absent file of a seed.
    file: Option<File>,
    path: PathBuf,
    offset: u64,
    length: u64,
    padding: bool,
    /// There was nothing in it when it was opened: no need to hash its zeros.
    fresh: bool,
}

/// The content of one torrent on disk.
#[derive(Debug)]
pub struct Storage {
    geometry: Geometry,
    hashes: Vec<[u8; 20]>,
    files: Vec<StoredFile>,
    /// The `.part` file and what it becomes.
    rename: Mutex<Option<(PathBuf, PathBuf)>>,
    /// Of each piece that failed: the hashes of the bad copy's blocks, 20 bytes a block.
    bad: Mutex<BTreeMap<PieceIndex, Vec<[u8; 20]>>>,
}

impl Storage {
    /// Opens or makes the files; nothing is written yet.
    ///
    /// # Errors
    /// If a file cannot be opened or made.
    pub fn open(torrent: &Torrent, place: &Place, access: Access) -> Result<Self, NodeError> {
        let metainfo = &torrent.metainfo;
        let mut rename = None;
        let mut files = Vec::new();
        for entry in &metainfo.files {
            let path = match place {
                Place::Folder(folder) => entry.path.iter().fold(folder.clone(), |p, n| p.join(n)),
                Place::File(path) => {
                    let (open, becomes) = part_of(path, entry.length, access);
                    rename = becomes.then(|| (open.clone(), path.clone()));
                    open
                }
            };
            let (file, fresh) = if entry.padding {
                (None, false)
            } else {
                open(&path, entry.length, access)
                    .map_err(|source| NodeError::write(&path, source, metainfo.geometry.total()))?
            };
            files.push(StoredFile {
                file,
                path,
                offset: entry.offset,
                length: entry.length,
                padding: entry.padding,
                fresh,
            });
        }
        Ok(Self {
            geometry: metainfo.geometry,
            hashes: metainfo.pieces.clone(),
            files,
            rename: Mutex::new(rename),
            bad: Mutex::default(),
        })
    }

    /// The path of the first file, to be named in messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.files
            .first()
            .map_or(Path::new("."), |file| file.path.as_path())
    }

    /// Hashes what is there, on all cores. `done` counts pieces as they are looked at.
    #[must_use]
    pub fn check(&self, done: &AtomicU32) -> Bitfield {
        let pieces = self.geometry.pieces();
        let next = AtomicU32::new(0);
        let good = Mutex::new(Bitfield::new(pieces));
        let work = || {
            loop {
                let piece = next.fetch_add(1, Ordering::Relaxed);
                if piece >= pieces {
                    return;
                }
                let index = PieceIndex(piece);
                if !self.is_fresh(index) && self.is_good(index) {
                    let mut good = good.lock().expect("nobody panics with it");
                    good.insert(piece as usize);
                }
                done.fetch_add(1, Ordering::Relaxed);
            }
        };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
        good.into_inner().expect("nobody panics with it")
    }

    /// Whether some of it lies in a file that was just made.
    fn is_fresh(&self, piece: PieceIndex) -> bool {
        let length = self.geometry.length_of(piece) as usize;
        let mut fresh = false;
        let looked = self.each(self.geometry.start_of(piece), length, |stored, _, _| {
            fresh |= stored.fresh;
            Ok(())
        });
        looked.is_ok() && fresh
    }

    /// Reads and hashes in parts that stay in the processor's cache: a piece's own buffer would be new memory,
    /// and zeroed, for each.
    fn is_good(&self, piece: PieceIndex) -> bool {
        let mut buffer = vec![0; HASHED_AT_ONCE];
        let mut hash = Sha1::new();
        let good = self.in_parts(piece, &mut buffer, |part| hash.update(part));
        good.is_ok() && <[u8; 20]>::from(hash.finalize()) == self.hashes[piece.0 as usize]
    }

    /// The hash of each of its blocks, as far as they can be read.
    fn hashes_of_blocks(&self, piece: PieceIndex) -> Vec<[u8; 20]> {
        let (mut buffer, mut hashes) = (vec![0; Geometry::BLOCK as usize], Vec::new());
        let _ = self.in_parts(piece, &mut buffer, |block| hashes.push(sha1(block)));
        hashes
    }

    /// Reads a piece, a buffer of it at a time.
    fn in_parts(
        &self,
        piece: PieceIndex,
        buffer: &mut [u8],
        mut hear: impl FnMut(&[u8]),
    ) -> io::Result<()> {
        let mut from = self.geometry.start_of(piece);
        let mut left = self.geometry.length_of(piece) as usize;
        while left > 0 {
            let now = left.min(buffer.len());
            let part = &mut buffer[..now];
            self.read_at(from, part)?;
            hear(part);
            from += now as u64;
            left -= now;
        }
        Ok(())
    }

    /// Fills `buffer` from byte `from` of the content on.
    ///
    /// # Errors
    /// If a file is absent or too short.
    pub fn read_at(&self, from: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.each(from, buffer.len(), |stored, at, range| {
            let part = &mut buffer[range];
            match &stored.file {
                Some(file) => file.read_exact_at(part, at),
                None if stored.padding => {
                    part.fill(0);
                    Ok(())
                }
                None => Err(io::ErrorKind::NotFound.into()),
            }
        })
        .map_err(|(_, error)| error)
    }

    /// Reads a block.
    ///
    /// # Errors
    /// As [`read_at`](Self::read_at).
    pub fn read(&self, block: Block, buffer: &mut [u8]) -> io::Result<()> {
        let from = self.geometry.start_of(block.piece) + u64::from(block.begin);
        self.read_at(from, buffer)
    }

    /// Writes a block.
    ///
    /// # Errors
    /// If the disk is full or broken.
    pub fn write(&self, block: Block, data: &[u8]) -> Result<(), NodeError> {
        let from = self.geometry.start_of(block.piece) + u64::from(block.begin);
        self.each(from, data.len(), |stored, at, range| match &stored.file {
            Some(file) => file.write_all_at(&data[range], at),
            None => Ok(()),
        })
        .map_err(|(stored, source)| NodeError::write(&stored.path, source, self.geometry.total()))
    }

    /// Calls `io(file, offset in file, range of the buffer)` for each file that the bytes touch.
    fn each(
        &self,
        from: u64,
        length: usize,
        mut io: impl FnMut(&StoredFile, u64, std::ops::Range<usize>) -> io::Result<()>,
    ) -> Result<(), (&StoredFile, io::Error)> {
        let end = from + length as u64;
        let first = self.files.partition_point(|file| file.end() <= from);
        for stored in &self.files[first..] {
            let start = from.max(stored.offset);
            let stop = end.min(stored.end());
            if stored.offset >= end {
                break;
            }
            if start < stop {
                let offset_in = |at: u64| usize::try_from(at - from).expect("within the buffer");
                io(
                    stored,
                    start - stored.offset,
                    offset_in(start)..offset_in(stop),
                )
                .map_err(|error| (stored, error))?;
            }
        }
        Ok(())
    }

    /// Judges a piece whose blocks are all stored. Of a bad one, its blocks' hashes are kept
    /// until it is judged again, to tell then which blocks were wrong.
    #[must_use]
    pub fn verify(&self, piece: PieceIndex) -> Verdict {
        if !self.is_good(piece) {
            let blocks = self.hashes_of_blocks(piece);
            let mut bad = self.bad.lock().expect("nobody panics with it");
            bad.insert(piece, blocks);
            return Verdict::Bad;
        }
        let before = self
            .bad
            .lock()
            .expect("nobody panics with it")
            .remove(&piece);
        let Some(before) = before else {
            return Verdict::Good;
        };
        let blocks = self.hashes_of_blocks(piece);
        let differing = (0_u16..)
            .zip(before.iter().zip(&blocks))
            .filter(|(_, (old, new))| old != new)
            .map(|(index, _)| index)
            .collect();
        Verdict::GoodAfterBad { differing }
    }

    /// All pieces are good: a `.part` file gets its name.
    ///
    /// # Errors
    /// If it cannot be renamed.
    pub fn complete(&self) -> Result<(), NodeError> {
        let mut rename = self.rename.lock().expect("nobody panics with it");
        if let Some((part, path)) = rename.take() {
            fs::rename(&part, &path).map_err(|source| NodeError::Write { path, source })?;
        }
        Ok(())
    }
}

impl StoredFile {
    const fn end(&self) -> u64 {
        self.offset + self.length
    }
}

/// The file to open for `path`, and whether it is a `.part` to be renamed: what is there in full
/// length is used where it is.
fn part_of(path: &Path, length: u64, access: Access) -> (PathBuf, bool) {
    let there = fs::metadata(path).is_ok_and(|meta| meta.len() == length);
    if there || access == Access::Read {
        return (path.to_owned(), false);
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    (PathBuf::from(part), true)
}

/// The file, and whether there was nothing in it.
fn open(path: &Path, length: u64, access: Access) -> io::Result<(Option<File>, bool)> {
    if access == Access::Read {
        return match File::open(path) {
            Ok(file) => Ok((Some(file), false)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((None, false)),
            Err(error) => Err(error),
        };
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    let there = file.metadata()?.len();
    if there > length {
        let why = format!("it is there with {there} bytes, but the torrent says {length}");
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
    }
    if there < length {
        // Sparse: takes no space until it is written.
        file.set_len(length)?;
    }
    Ok((Some(file), there == 0 && length > 0))
}
