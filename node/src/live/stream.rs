//! A stream's files, in one folder: `NAME.tstream` for viewers, `NAME.key` for its source alone,
//! `NAME.window` with the last pieces, `NAME.restart` with the number of the next.
//!
//! What is there is used again, so that a source that starts anew goes on where it stopped, and
//! its viewers with it.

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use swarmbed_engine::live::{Numbering, PIECES_MAX};
use swarmbed_engine::wire::SealedEnd;
use swarmbed_engine::wire::metainfo::{MakingLive, Metainfo};
use swarmbed_engine::{Bitfield, LiveWindow as Announced, PieceIndex, Rate};

use super::{LiveWindow, SourceKey};
use crate::create::write_whole;
use crate::error::NodeError;
use crate::thumbnail;
use crate::torrent::Torrent;

/// As `createlivestream` had it: 512 kbit/s.
const BITRATE: Rate = Rate::from_bytes_per_s(64 * 1024);
/// As the window of its ring was: 450 s behind the playhead, and as much ahead.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Shorter ones are mostly trailer, longer ones late.
const PIECE_LENGTHS: RangeInclusive<u32> = 1024..=16 * 1024 * 1024;

/// What the user says of a stream; what is `None` is as the stream was before, or the default.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Its name, and its files'.
    pub name: String,
    /// Where its files are.
    pub folder: PathBuf,
    /// Media bytes per second.
    pub bitrate: Option<Rate>,
    /// Bytes of a piece.
    pub piece_length: Option<u32>,
    /// Pieces get absolute numbers, and those of this long are kept.
    pub window: Option<Duration>,
    /// Numbers come round after this long, as in 2008; an eighth of it is kept behind the playhead.
    pub ring: Option<Duration>,
    /// A JPEG.
    pub thumbnail: Option<PathBuf>,
}

/// A stream that is about to be broadcast.
#[derive(Debug)]
pub struct Stream {
    /// What viewers have of it.
    pub torrent: Arc<Torrent>,
    /// Its pieces.
    pub window: Arc<LiveWindow>,
    /// The `.tstream`.
    pub path: PathBuf,
    /// The number of the first piece that will be made.
    pub first: PieceIndex,
    pub(super) key: SourceKey,
    pub(super) restart: PathBuf,
    name: String,
    making: MakingLive,
}

impl Stream {
    /// Opens the stream's files, or makes them; all but the `.tstream`, for that names trackers.
    ///
    /// # Errors
    /// If a file cannot be read or made, or contradicts what the user says.
    pub fn open(wishes: &Wishes) -> Result<Self, NodeError> {
        let file = |extension: &str| wishes.folder.join(format!("{}.{extension}", wishes.name));
        let (path, key_path) = (file("tstream"), file("key"));
        possible(wishes)?;
        fs::create_dir_all(&wishes.folder)
            .map_err(|source| NodeError::write(&wishes.folder, source, 0))?;
        let before = path.exists().then(|| Torrent::read(&path)).transpose()?;
        let key = match (key_path.exists(), &before) {
            (true, _) => SourceKey::read(&key_path)?,
            (false, Some(_)) => {
                return Err(NodeError::KeyLost {
                    path,
                    key: key_path,
                });
            }
            (false, None) => SourceKey::make(),
        };
        let mut making = match &before {
            Some(torrent) => again(&torrent.metainfo, &path, &key, wishes)?,
            None => anew(wishes, &key),
        };
        making.thumbnail = wishes
            .thumbnail
            .as_deref()
            .map(thumbnail::read)
            .transpose()?;
        let torrent = Torrent::parse(&encode(&making, &path)?);
        let torrent = torrent.map_err(|source| NodeError::Torrent {
            path: path.clone(),
            source,
        })?;
        if !key_path.exists() {
            key.write(&key_path)?;
        }
        let window = LiveWindow::kept(&torrent, &file("window"))?;
        let restart = file("restart");
        let first = window.recover()?.max(read_restart(&restart)?);
        Ok(Self {
            torrent: Arc::new(torrent),
            window: Arc::new(window),
            path,
            first,
            key,
            restart,
            name: wishes.name.clone(),
            making,
        })
    }

    /// Writes the `.tstream`, with these trackers.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn publish(&self, trackers: &[String]) -> Result<(), NodeError> {
        let created = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let making = MakingLive {
            trackers: trackers.iter().map(|url| vec![url.clone()]).collect(),
            created: created.ok().map(|since| since.as_secs()),
            ..self.making.clone()
        };
        write_whole(&self.path, &encode(&making, &self.path)?, true)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Media bytes per second.
    #[must_use]
    pub const fn bitrate(&self) -> Rate {
        self.making.bitrate
    }

    /// The pieces that are there still, of those that a source that begins with `first` may have.
    pub(crate) fn have(&self) -> Bitfield {
        let base = self.first.0.saturating_sub(self.making.numbering.behind());
        self.window.have(PieceIndex(base), self.first)
    }
}

/// What no stream can be.
fn possible(wishes: &Wishes) -> Result<(), NodeError> {
    let name = &wishes.name;
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\']) {
        return Err(NodeError::Wish {
            option: "--name",
            why: format!("{name:?} is no name for files"),
        });
    }
    if wishes.bitrate == Some(Rate::ZERO) {
        return Err(NodeError::Wish {
            option: "--bitrate",
            why: "of nothing a stream cannot be made".into(),
        });
    }
    match wishes.piece_length {
        Some(length) if !PIECE_LENGTHS.contains(&length) => Err(NodeError::Wish {
            option: "--piece-length",
            why: format!("{length} bytes are not between 1 KiB and 16 MiB"),
        }),
        _ => Ok(()),
    }
}

fn encode(making: &MakingLive, path: &Path) -> Result<Vec<u8>, NodeError> {
    making.encode().map_err(|source| NodeError::Torrent {
        path: path.to_owned(),
        source,
    })
}

/// A stream that was there before: the same swarm, so the user may not wish otherwise.
fn again(
    metainfo: &Metainfo,
    path: &Path,
    key: &SourceKey,
    wishes: &Wishes,
) -> Result<MakingLive, NodeError> {
    let differs = |what: &'static str| NodeError::OtherStream {
        path: path.to_owned(),
        what,
    };
    let (Some(live), Some(bitrate)) = (metainfo.live, metainfo.bitrate) else {
        return Err(differs("is no live stream"));
    };
    if live.public_key != key.public() {
        return Err(differs("has another key"));
    }
    if metainfo.name != wishes.name {
        return Err(differs("has another name"));
    }
    let making = MakingLive {
        numbering: live.numbering,
        piece_length: metainfo.geometry.piece_length(),
        bitrate: wishes.bitrate.unwrap_or(bitrate),
        ..anew(wishes, key)
    };
    if wishes
        .piece_length
        .is_some_and(|wish| wish != making.piece_length)
    {
        return Err(differs("has another --piece-length"));
    }
    let window = wishes.window.map(|time| absolute(time, &making));
    let ring = wishes.ring.map(|time| coming_round(time, &making));
    if window.or(ring).is_some_and(|wish| wish != making.numbering) {
        return Err(differs("has another --window or --duration"));
    }
    Ok(making)
}

fn anew(wishes: &Wishes, key: &SourceKey) -> MakingLive {
    let bitrate = wishes.bitrate.unwrap_or(BITRATE);
    let mut making = MakingLive {
        name: wishes.name.clone(),
        piece_length: wishes.piece_length.unwrap_or_else(|| piece_length(bitrate)),
        numbering: Numbering::Ring(0),
        public_key: key.public(),
        bitrate,
        trackers: Vec::new(),
        thumbnail: None,
        created: None,
        created_by: concat!("swarmbed ", env!("CARGO_PKG_VERSION")).into(),
    };
    making.numbering = match wishes.ring {
        Some(time) => coming_round(time, &making),
        None => absolute(wishes.window.unwrap_or(WINDOW), &making),
    };
    making
}

/// About half a second of media, from 32 KiB (as it was) to 1 MiB.
fn piece_length(bitrate: Rate) -> u32 {
    let half = (bitrate.bytes_per_s() / 2).next_power_of_two();
    u32::try_from(half.clamp(32 << 10, 1 << 20)).expect("clamped")
}

/// Pieces of this long, rounded up.
fn pieces(time: Duration, making: &MakingLive) -> u32 {
    let bytes = u128::from(making.bitrate.bytes_per_s()) * time.as_millis() / 1000;
    let each = u128::from(SealedEnd::capacity(making.piece_length).max(1));
    u32::try_from(bytes.div_ceil(each)).unwrap_or(u32::MAX)
}

fn absolute(time: Duration, making: &MakingLive) -> Numbering {
    let window = pieces(time, making);
    Numbering::Absolute {
        window: window.clamp(Numbering::RING_MIN, Announced::MAX),
    }
}

fn coming_round(time: Duration, making: &MakingLive) -> Numbering {
    Numbering::Ring(pieces(time, making).max(Numbering::RING_MIN))
}

fn read_restart(path: &Path) -> Result<PieceIndex, NodeError> {
    if !path.exists() {
        return Ok(PieceIndex(0));
    }
    let text = fs::read_to_string(path).map_err(|source| NodeError::Read {
        path: path.to_owned(),
        source,
    })?;
    let next = text.trim().parse().ok().filter(|&next| next < PIECES_MAX);
    next.map(PieceIndex).ok_or_else(|| NodeError::Restart {
        path: path.to_owned(),
    })
}

/// Notes the number of the next piece. A power failure may lose it: then the window tells.
pub(super) fn write_restart(path: &Path, next: PieceIndex) -> Result<(), NodeError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let write = || {
        fs::write(&temporary, format!("{}\n", next.0))?;
        fs::rename(&temporary, path)
    };
    write().map_err(|source| NodeError::write(path, source, 0))
}
