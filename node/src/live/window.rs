//! The window of a live stream on disk: blocks in, pieces sealed or checked, pieces out.
//!
//! Owns one file of as many pieces as the window has, whatever the stream's length: a piece stands
//! at its number modulo that. Owns, too, what has been accepted. All methods block: they run on a
//! blocking pool.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, RwLock};

use ed25519_dalek::{Signature, VerifyingKey};
use swarmbed_engine::live::{Acceptance, LiveConfig, Rejection, Trailer};
use swarmbed_engine::wire::SealedEnd;
use swarmbed_engine::{Bitfield, Block, Geometry, PieceIndex, StoreResult};

use super::SourceKey;
use crate::error::NodeError;
use crate::random;
use crate::torrent::{Torrent, sha1};

/// What is at one place of the file.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// The piece whose blocks are written here.
    piece: Option<u32>,
    /// Its end, once it is accepted.
    accepted: Option<SealedEnd>,
}

/// What became of a piece that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// It is the source's. If it was bad before: the blocks that differ.
    Good { end: SealedEnd, differing: Vec<u16> },
    /// It is not, or not the one that was asked for.
    Bad(Rejection),
}

/// What a reader finds.
#[derive(Debug)]
pub(crate) enum Found {
    /// The piece's content, and its end.
    Content(Vec<u8>, SealedEnd),
    /// It is not here yet.
    Missing,
    /// A later one stands in its place.
    Gone,
}

/// See the module.
#[derive(Debug)]
pub struct LiveWindow {
    geometry: Geometry,
    info_hash: [u8; 20],
    key: VerifyingKey,
    file: File,
    path: std::path::PathBuf,
    slots: Vec<RwLock<Slot>>,
    rules: Mutex<Acceptance>,
    /// Of each piece that failed: the hashes of the bad copy's blocks.
    bad: Mutex<BTreeMap<PieceIndex, Vec<[u8; 20]>>>,
    /// One more than the newest piece accepted.
    head: AtomicU32,
    /// One more than the stream's last piece; 0 while it has none.
    end: AtomicU32,
}

impl LiveWindow {
    /// A viewer's: a file in `folder` that nobody else sees, and that is gone when we are.
    ///
    /// # Errors
    /// If the torrent is no live stream, or the file cannot be made.
    pub fn hidden(torrent: &Torrent, folder: &Path) -> Result<Self, NodeError> {
        let name = format!(
            ".{}.{:016x}.window",
            torrent.metainfo.name,
            u64::from_le_bytes(random::bytes())
        );
        let path = folder.join(name);
        let failed = |source| NodeError::write(&path, source, torrent.metainfo.geometry.total());
        fs::create_dir_all(folder).map_err(failed)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(failed)?;
        fs::remove_file(&path).map_err(failed)?;
        Self::new(torrent, file, &path)
    }

    /// A source's: a file that stays, so that a restarted source has its window back.
    ///
    /// # Errors
    /// If the torrent is no live stream, or the file cannot be opened.
    pub fn kept(torrent: &Torrent, path: &Path) -> Result<Self, NodeError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|source| NodeError::write(path, source, torrent.metainfo.geometry.total()))?;
        Self::new(torrent, file, path)
    }

    fn new(torrent: &Torrent, file: File, path: &Path) -> Result<Self, NodeError> {
        let not_live = || NodeError::Content {
            path: path.to_owned(),
            why: "the torrent is no live stream".into(),
        };
        let live = torrent.metainfo.live.ok_or_else(not_live)?;
        let key = VerifyingKey::from_bytes(&live.public_key).map_err(|_| NodeError::Content {
            path: path.to_owned(),
            why: "the stream's public key is none".into(),
        })?;
        let geometry = torrent.metainfo.geometry;
        // Sparse: takes no space until it is written.
        file.set_len(geometry.total())
            .map_err(|source| NodeError::write(path, source, geometry.total()))?;
        Ok(Self {
            slots: (0..geometry.pieces()).map(|_| RwLock::default()).collect(),
            rules: Mutex::new(LiveConfig::viewer(live.numbering).acceptance()),
            info_hash: torrent.info_hash,
            path: path.to_owned(),
            bad: Mutex::default(),
            head: AtomicU32::new(0),
            end: AtomicU32::new(0),
            geometry,
            key,
            file,
        })
    }

    /// Bytes of content that a piece can hold.
    pub(crate) const fn capacity(&self) -> u32 {
        SealedEnd::capacity(self.geometry.piece_length())
    }

    fn place(&self, piece: PieceIndex) -> (&RwLock<Slot>, u64) {
        let place = piece.0 % self.geometry.pieces();
        let at = u64::from(place) * u64::from(self.geometry.piece_length());
        (&self.slots[place as usize], at)
    }

    fn failed(&self, source: io::Error) -> NodeError {
        NodeError::write(&self.path, source, self.geometry.total())
    }

    /// Writes a block of a piece that is being fetched; fails if the window has moved beyond it.
    ///
    /// # Errors
    /// If the disk is full or broken.
    pub(crate) fn write(&self, block: Block, data: &[u8]) -> Result<StoreResult, NodeError> {
        let (slot, at) = self.place(block.piece);
        let mut slot = slot.write().expect("nobody panics with it");
        if slot.piece.is_some_and(|piece| piece > block.piece.0) {
            return Ok(StoreResult::Failed);
        }
        *slot = Slot {
            piece: Some(block.piece.0),
            accepted: None,
        };
        self.file
            .write_all_at(data, at + u64::from(block.begin))
            .map_err(|source| self.failed(source))?;
        Ok(StoreResult::Done)
    }

    /// Reads a block of an accepted piece.
    ///
    /// # Errors
    /// If the piece is not here any more, or the disk is broken.
    pub(crate) fn read(&self, block: Block, buffer: &mut [u8]) -> io::Result<()> {
        let (slot, at) = self.place(block.piece);
        let slot = slot.read().expect("nobody panics with it");
        if slot.piece != Some(block.piece.0) || slot.accepted.is_none() {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.file.read_exact_at(buffer, at + u64::from(block.begin))
    }

    /// The piece for a local reader.
    ///
    /// # Errors
    /// If the disk is broken.
    pub(crate) fn find(&self, piece: PieceIndex) -> io::Result<Found> {
        let (slot, at) = self.place(piece);
        let slot = slot.read().expect("nobody panics with it");
        match *slot {
            Slot {
                piece: Some(there),
                accepted: Some(end),
            } if there == piece.0 => {
                let mut content = vec![0; end.content as usize];
                self.file.read_exact_at(&mut content, at)?;
                Ok(Found::Content(content, end))
            }
            Slot {
                piece: Some(there), ..
            } if there > piece.0 => Ok(Found::Gone),
            _ => Ok(Found::Missing),
        }
    }

    /// One more than the newest piece accepted; 0 if none was.
    pub(crate) fn head(&self) -> PieceIndex {
        PieceIndex(self.head.load(Ordering::Relaxed))
    }

    /// One more than the stream's last piece, once that is known.
    pub(crate) fn end(&self) -> Option<PieceIndex> {
        let end = self.end.load(Ordering::Relaxed);
        (end > 0).then_some(PieceIndex(end))
    }

    fn accept(&self, slot: &mut Slot, piece: PieceIndex, end: SealedEnd) {
        *slot = Slot {
            piece: Some(piece.0),
            accepted: Some(end),
        };
        self.head.fetch_max(piece.0 + 1, Ordering::Relaxed);
        if end.last {
            self.end.store(piece.0 + 1, Ordering::Relaxed);
        }
    }

    /// Seals a piece of the source's own making, and writes it.
    ///
    /// # Errors
    /// If the disk is full or broken.
    pub(crate) fn seal(
        &self,
        piece: PieceIndex,
        content: &[u8],
        end: SealedEnd,
        key: &SourceKey,
    ) -> Result<(), NodeError> {
        let length = self.geometry.piece_length();
        let mut bytes = end.to_sign(&self.info_hash, content, length);
        let signature = key.sign(&bytes);
        bytes.extend_from_slice(&signature);
        let (slot, at) = self.place(piece);
        let mut slot = slot.write().expect("nobody panics with it");
        *slot = Slot::default();
        self.file
            .write_all_at(&bytes[self.info_hash.len()..], at)
            .map_err(|source| self.failed(source))?;
        self.accept(&mut slot, piece, end);
        Ok(())
    }

    /// The end of the piece in `bytes`, if the source signed it. `bytes` is the info-hash and then
    /// the piece.
    fn check(&self, bytes: &[u8]) -> Option<SealedEnd> {
        let (end, signature) = SealedEnd::read(&bytes[self.info_hash.len()..])?;
        let signed = &bytes[..bytes.len() - signature.len()];
        let signature = Signature::from_bytes(&signature);
        self.key.verify_strict(signed, &signature).ok()?;
        Some(end)
    }

    fn load(&self, at: u64) -> io::Result<Vec<u8>> {
        let mut bytes = self.info_hash.to_vec();
        bytes.resize(bytes.len() + self.geometry.piece_length() as usize, 0);
        self.file
            .read_exact_at(&mut bytes[self.info_hash.len()..], at)?;
        Ok(bytes)
    }

    /// Judges a piece whose blocks are all stored. Of a bad one, its blocks' hashes are kept until
    /// it is judged again, to tell then which blocks were wrong.
    pub(crate) fn judge(&self, piece: PieceIndex) -> Judged {
        let (slot, at) = self.place(piece);
        let there = slot.read().expect("nobody panics with it").piece;
        let bytes = match self.load(at) {
            Ok(bytes) if there == Some(piece.0) => bytes,
            _ => return Judged::Bad(Rejection::Old),
        };
        let end = self.check(&bytes);
        let trailer = Trailer {
            sequence: end.map_or(0, |end| end.sequence),
            source_micros: end.map_or(0, |end| end.source_micros),
            signature_ok: end.is_some(),
        };
        let mut rules = self.rules.lock().expect("nobody panics with it");
        let verdict = rules.judge(piece, trailer);
        drop(rules);
        let blocks = bytes[self.info_hash.len()..]
            .chunks(Geometry::BLOCK as usize)
            .map(sha1);
        let mut bad = self.bad.lock().expect("nobody panics with it");
        let oldest = PieceIndex(piece.0.saturating_sub(self.geometry.pieces()));
        *bad = bad.split_off(&oldest);
        match (verdict, end) {
            (Ok(()), Some(end)) => {
                let before = bad.remove(&piece).unwrap_or_default();
                let differing = (0_u16..)
                    .zip(before.iter().zip(blocks))
                    .filter(|(_, (old, new))| **old != *new)
                    .map(|(index, _)| index)
                    .collect();
                let mut slot = slot.write().expect("nobody panics with it");
                if slot.piece != Some(piece.0) {
                    return Judged::Bad(Rejection::Old);
                }
                self.accept(&mut slot, piece, end);
                Judged::Good { end, differing }
            }
            (verdict, _) => {
                bad.insert(piece, blocks.collect());
                Judged::Bad(verdict.err().unwrap_or(Rejection::Signature))
            }
        }
    }

    /// Looks through what a source left behind: one more than the newest piece that it signed.
    ///
    /// # Errors
    /// If the disk is broken.
    pub(crate) fn recover(&self) -> Result<PieceIndex, NodeError> {
        let failed = |source| NodeError::Read {
            path: self.path.clone(),
            source,
        };
        for (place, slot) in (0_u32..).zip(&self.slots) {
            let at = u64::from(place) * u64::from(self.geometry.piece_length());
            let mut tail = [0; SealedEnd::LENGTH as usize];
            self.file
                .read_exact_at(&mut tail, at + u64::from(self.capacity()))
                .map_err(failed)?;
            if tail == [0; SealedEnd::LENGTH as usize] {
                // Nothing was ever written here.
                continue;
            }
            let bytes = self.load(at).map_err(failed)?;
            let Some(end) = self.check(&bytes) else {
                continue;
            };
            let sequence = u32::try_from(end.sequence).ok();
            let here = |sequence: &u32| sequence % self.geometry.pieces() == place;
            if let Some(sequence) = sequence.filter(here) {
                let mut slot = slot.write().expect("nobody panics with it");
                self.accept(&mut slot, PieceIndex(sequence), end);
            }
        }
        // A stream that ended goes on when its source comes back.
        self.end.store(0, Ordering::Relaxed);
        Ok(self.head())
    }

    /// The pieces from `base` on that are here, and after which the stream did not end: who comes
    /// now must not take an earlier end for the end.
    pub(crate) fn have(&self, base: PieceIndex, before: PieceIndex) -> Bitfield {
        let mut have = Bitfield::new(self.geometry.pieces());
        for piece in base.0..before.0 {
            let (slot, _) = self.place(PieceIndex(piece));
            let slot = slot.read().expect("nobody panics with it");
            match slot.accepted.filter(|_| slot.piece == Some(piece)) {
                Some(end) if end.last => have.clear(),
                Some(_) => drop(have.insert((piece - base.0) as usize)),
                None => {}
            }
        }
        have
    }
}
