//! A recording: `(Config, Seed, [(now, Call)])` as bytes, with what the peer answered to each call.
//!
//! Owns the bytes; must not know files. Hosts have pseudonyms in it, and the torrent's name and
//! bytes are not in it at all. Names of peers and clients are.
//!
//! # Format
//!
//! [`MAGIC`], whose last byte is the version, then frames: a kind ([`End`], or more to come), the
//! payload's length (4 bytes, little-endian), a check over the three (FNV-1a, 8 bytes), the
//! payload. The payloads on end are: the configuration, the seed, the time it began, the pieces that
//! were there, and entries: a call, after a byte of 0 and the nanoseconds since the one before, or an
//! output, after a byte of 1. Numbers are LEB128. So a recording that was cut off anywhere can be read as far
//! as its last whole frame, and one that was damaged is found out.

mod birth;
mod bytes;
mod said;

use alloc::vec::Vec;

use thiserror::Error;

use crate::bitfield::Bitfield;
use crate::config::Config;
use crate::error::ConfigError;
use crate::input::Call;
use crate::output::Output;
use crate::peer::Peer;
use crate::seed::Seed;
use crate::time::Instant;

use bytes::{Coded, Reader, Writer};

/// What a recording begins with; the last byte is its version, which changes with every change of
/// what is recorded.
pub const MAGIC: [u8; 8] = *b"swbdrec\x01";
/// Longest frame that is read.
const FRAME_MAX: u32 = 64 * 1024 * 1024;
/// Bytes of a frame before its payload.
const HEAD: usize = 1 + 4 + 8;

/// Why bytes are no recording.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// It does not begin as one.
    #[error("not a recording of swarmbed")]
    Magic,
    /// Recorded by another version of the engine.
    #[error("a recording of version {0}, and only version {1} can be read")]
    Version(u8, u8),
    /// A frame's check does not fit its bytes.
    #[error("damaged: the check at byte {0} does not fit what follows it")]
    Damaged(usize),
    /// Something follows the last frame.
    #[error("byte {0} follows the end")]
    Trailing(usize),
    /// Cut off before anything happened.
    #[error("cut off before the first call")]
    Empty,
    /// An entry says that it is longer than it is.
    #[error("an entry ends too soon")]
    Short,
    /// A byte that stands for nothing.
    #[error("there is no such {0}")]
    Kind(&'static str),
    /// A value beyond its bound.
    #[error("there is {0}")]
    Value(&'static str),
    /// A configuration that makes no sense.
    #[error("its configuration makes no sense: {0}")]
    Config(ConfigError),
}

/// How a recording ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With the run.
    Whole,
    /// At the bound of its length; the run went on.
    Full,
    /// Nobody ended it: the program was killed, or the file was cut.
    Torn,
}

const MORE: u8 = 0;

impl End {
    const fn kind(self) -> u8 {
        match self {
            Self::Whole => 1,
            Self::Full => 2,
            Self::Torn => MORE,
        }
    }
}

fn check(kind: u8, payload: &[u8]) -> u64 {
    let length = payload.len() as u64;
    let head = core::iter::once(kind).chain(length.to_le_bytes());
    head.chain(payload.iter().copied())
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

/// Makes a recording, as bytes to be written one after the other.
#[derive(Debug)]
pub struct Recorder {
    writer: Writer,
    sealed: Vec<u8>,
    at: Instant,
    /// Bytes that were taken.
    taken: u64,
}

impl Recorder {
    /// Of a peer that is born so ([`Peer::new`]).
    #[must_use]
    pub fn new(config: &Config, seed: Seed, now: Instant, have: &Bitfield) -> Self {
        let mut writer = Writer::default();
        config.put(&mut writer);
        seed.put(&mut writer);
        now.put(&mut writer);
        have.put(&mut writer);
        Self {
            writer,
            sealed: MAGIC.to_vec(),
            at: now,
            taken: 0,
        }
    }

    /// A call is made.
    pub fn call(&mut self, now: Instant, call: &Call) {
        self.writer.byte(0);
        let since = now.as_nanos().saturating_sub(self.at.as_nanos());
        self.writer.number(since);
        call.put(&mut self.writer);
        self.at = self.at.max(now);
    }

    /// It is answered by this, among others.
    pub fn output(&mut self, output: &Output) {
        self.writer.byte(1);
        output.put(&mut self.writer);
    }

    /// Bytes so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.taken + (self.sealed.len() + self.writer.bytes.len()) as u64
    }

    /// What is to be written next. Between a call and the last of its outputs nothing is taken, or
    /// what is cut off there seems to differ.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        if !self.writer.bytes.is_empty() {
            self.seal(MORE);
        }
        self.taken += self.sealed.len() as u64;
        core::mem::take(&mut self.sealed)
    }

    /// The rest.
    #[must_use]
    pub fn end(mut self, end: End) -> Vec<u8> {
        self.seal(end.kind());
        self.sealed
    }

    fn seal(&mut self, kind: u8) {
        let payload = core::mem::take(&mut self.writer.bytes);
        let length = u32::try_from(payload.len()).expect("it is taken before it has a gigabyte");
        self.sealed.push(kind);
        self.sealed.extend_from_slice(&length.to_le_bytes());
        self.sealed
            .extend_from_slice(&check(kind, &payload).to_le_bytes());
        self.sealed.extend_from_slice(&payload);
    }
}

/// A recording that was read.
#[derive(Clone, Debug)]
pub struct Recording {
    config: Config,
    seed: Seed,
    began: Instant,
    have: Bitfield,
    end: End,
    entries: Vec<u8>,
}

/// A call, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub now: Instant,
    /// `None`: the peer was born.
    pub call: Option<Call>,
    /// What it answered.
    pub outputs: Vec<Output>,
}

impl Recording {
    /// From all of its bytes.
    ///
    /// # Errors
    /// If they are none, or damaged. One that is cut off is not: see [`Recording::end`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let [.., version] = MAGIC;
        match bytes.split_at_checked(MAGIC.len()) {
            Some((magic, _)) if magic == MAGIC => {}
            Some(([magic @ .., theirs], _)) if *magic == MAGIC[..MAGIC.len() - 1] => {
                return Err(Malformed::Version(*theirs, version));
            }
            _ => return Err(Malformed::Magic),
        }
        let mut payloads = Vec::new();
        let mut end = End::Torn;
        let mut at = MAGIC.len();
        while at < bytes.len() {
            if end != End::Torn {
                return Err(Malformed::Trailing(at));
            }
            let Some((kind, payload)) = frame(&bytes[at..]).map_err(|()| Malformed::Damaged(at))?
            else {
                break;
            };
            end = match kind {
                MORE => End::Torn,
                1 => End::Whole,
                2 => End::Full,
                _ => return Err(Malformed::Damaged(at)),
            };
            payloads.extend_from_slice(payload);
            at += HEAD + payload.len();
        }
        if payloads.is_empty() {
            return Err(Malformed::Empty);
        }
        let mut reader = Reader::new(&payloads);
        let (config, seed) = (Coded::get(&mut reader)?, Coded::get(&mut reader)?);
        let (began, have) = (Coded::get(&mut reader)?, Coded::get(&mut reader)?);
        let entries = reader.rest().to_vec();
        let recording = Self {
            config,
            seed,
            began,
            have,
            end,
            entries,
        };
        // What cannot be born was not recorded.
        recording.peer(|_| {}).map_err(Malformed::Config)?;
        Ok(recording)
    }

    /// What the peer was told at birth.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// When it was born.
    #[must_use]
    pub const fn began(&self) -> Instant {
        self.began
    }

    /// How it ends.
    #[must_use]
    pub const fn end(&self) -> End {
        self.end
    }

    /// The peer anew, with a configuration that may be changed.
    ///
    /// # Errors
    /// If the changed configuration makes no sense.
    pub fn peer(&self, change: impl FnOnce(&mut Config)) -> Result<Peer, ConfigError> {
        let mut config = self.config.clone();
        change(&mut config);
        Peer::new(config, self.seed, self.began, Some(self.have.clone()))
    }

    /// What happened, from birth on. An error is the last.
    pub fn steps(&self) -> impl Iterator<Item = Result<Step, Malformed>> + '_ {
        let mut reader = Reader::new(&self.entries);
        let mut next = Some((self.began, None));
        core::iter::from_fn(move || {
            let (now, call) = next.take()?;
            let mut outputs = Vec::new();
            loop {
                match entry(&mut reader, now) {
                    Ok(None) => break,
                    Ok(Some(Entry::Call(at, call))) => {
                        next = Some((at, Some(call)));
                        break;
                    }
                    Ok(Some(Entry::Output(output))) => outputs.push(output),
                    Err(malformed) => return Some(Err(malformed)),
                }
            }
            Some(Ok(Step { now, call, outputs }))
        })
    }
}

enum Entry {
    Call(Instant, Call),
    Output(Output),
}

fn entry(reader: &mut Reader<'_>, now: Instant) -> Result<Option<Entry>, Malformed> {
    if reader.is_empty() {
        return Ok(None);
    }
    match reader.byte()? {
        0 => {
            let at = now.as_nanos().checked_add(reader.number()?);
            let at = at.ok_or(Malformed::Value("a time beyond all"))?;
            let call = Call::get(reader)?;
            Ok(Some(Entry::Call(Instant::from_nanos(at), call)))
        }
        1 => Output::get(reader).map(Entry::Output).map(Some),
        _ => Err(Malformed::Kind("entry")),
    }
}

/// The kind and payload of the frame that `bytes` begin with; `None` if it is not whole.
fn frame(bytes: &[u8]) -> Result<Option<(u8, &[u8])>, ()> {
    let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else {
        return Ok(None);
    };
    let [kind, l0, l1, l2, l3, sum @ ..] = *head;
    let length = u32::from_le_bytes([l0, l1, l2, l3]);
    if length > FRAME_MAX {
        return Err(());
    }
    let Some(payload) = rest.get(..length as usize) else {
        return Ok(None);
    };
    if check(kind, payload) == u64::from_le_bytes(sum) {
        Ok(Some((kind, payload)))
    } else {
        Err(())
    }
}
