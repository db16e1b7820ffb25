//! The peer, and if it is wished a recording of all that it is told and answers.
//!
//! Owns the recording's file: `FILE.part` while it grows, `FILE` once it is whole, or as long as it
//! may be. A program that is killed leaves the part, which can be played as far as it goes.

use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use swarmbed_engine::recording::{End, Recorder};
use swarmbed_engine::{
    Bitfield, Call, CallError, Config, ConnId, Input, Instant, Output, Peer, PieceIndex, Refused,
    Remote, Seed,
};

use crate::error::NodeError;

/// Longest recording: some 10 GiB of content, at a hundred bytes a block.
const LENGTH_MAX: u64 = 64 * 1024 * 1024;

/// See the module. Reads go to the peer itself; what changes it goes through here.
#[derive(Debug)]
pub(crate) struct Recorded {
    peer: Peer,
    tape: Option<Tape>,
}

impl Deref for Recorded {
    type Target = Peer;

    fn deref(&self) -> &Peer {
        &self.peer
    }
}

impl Recorded {
    /// A peer that is born now ([`Peer::new`]); its recording is written to `record`.
    ///
    /// # Errors
    /// If the configuration makes no sense, or the file cannot be made.
    pub(crate) fn new(
        config: Config,
        seed: Seed,
        now: Instant,
        have: Bitfield,
        record: Option<&Path>,
    ) -> Result<Self, NodeError> {
        let tape = record
            .map(|path| Tape::create(path, Recorder::new(&config, seed, now, &have)))
            .transpose()?;
        let peer = Peer::new(config, seed, now, Some(have))?;
        Ok(Self { peer, tape })
    }

    fn record(&mut self, now: Instant, call: impl FnOnce() -> Call) {
        if let Some(tape) = &mut self.tape {
            tape.call(now, &call());
        }
    }

    /// As [`Peer::handle`].
    pub(crate) fn handle(&mut self, now: Instant, input: Input) {
        self.record(now, || Call::Input(input.clone()));
        self.peer.handle(now, input);
    }

    /// As [`Peer::accept`].
    pub(crate) fn accept(
        &mut self,
        now: Instant,
        addr: SocketAddr,
        remote: Remote,
    ) -> Result<ConnId, Refused> {
        self.record(now, || Call::Accept { addr, remote });
        self.peer.accept(now, addr, remote)
    }

    /// An application call whose answer nobody needs.
    pub(crate) fn call(&mut self, now: Instant, call: Call) {
        self.record(now, || call.clone());
        self.peer.call(now, call);
    }

    /// As [`Peer::want`].
    pub(crate) fn want(&mut self, now: Instant, from: u64, length: u64) -> Result<(), CallError> {
        self.record(now, || Call::Want { from, length });
        self.peer.want(now, from, length)
    }

    /// As [`Peer::produce`].
    pub(crate) fn produce(
        &mut self,
        now: Instant,
        piece: PieceIndex,
        last: bool,
    ) -> Result<(), CallError> {
        self.record(now, || Call::Produce { piece, last });
        self.peer.produce(now, piece, last)
    }

    /// As [`Peer::poll_output`].
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        let output = self.peer.poll_output()?;
        if let Some(tape) = &mut self.tape {
            tape.output(&output);
        }
        Some(output)
    }

    /// Writes what was recorded. Only when all outputs are drained. True once, when the recording
    /// is as long as it may be.
    ///
    /// # Errors
    /// If the disk is full or broken.
    pub(crate) fn flush(&mut self) -> Result<bool, NodeError> {
        let Some(tape) = &mut self.tape else {
            return Ok(false);
        };
        if tape.recorder.length() <= LENGTH_MAX {
            return tape.flush().map(|()| false);
        }
        self.end(End::Full).map(|()| true)
    }

    /// The recording ends, if there is one.
    ///
    /// # Errors
    /// If the disk is full or broken.
    pub(crate) fn end(&mut self, end: End) -> Result<(), NodeError> {
        self.tape.take().map_or(Ok(()), |tape| tape.end(end))
    }
}

#[derive(Debug)]
struct Tape {
    recorder: Recorder,
    path: PathBuf,
    part: PathBuf,
    file: File,
}

impl Tape {
    fn create(path: &Path, recorder: Recorder) -> Result<Self, NodeError> {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = File::create(&part).map_err(|source| NodeError::write(&part, source, 0))?;
        Ok(Self {
            recorder,
            path: path.to_owned(),
            part,
            file,
        })
    }

    fn call(&mut self, now: Instant, call: &Call) {
        self.recorder.call(now, call);
    }

    fn output(&mut self, output: &Output) {
        self.recorder.output(output);
    }

    fn flush(&mut self) -> Result<(), NodeError> {
        let bytes = self.recorder.take();
        self.file
            .write_all(&bytes)
            .map_err(|source| NodeError::write(&self.part, source, 0))
    }

    fn end(mut self, end: End) -> Result<(), NodeError> {
        let rest = self.recorder.end(end);
        let written = self.file.write_all(&rest);
        written
            .and_then(|()| std::fs::rename(&self.part, &self.path))
            .map_err(|source| NodeError::write(&self.path, source, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use swarmbed_engine::policy::{ChokerConfig, PlaybackConfig, SelectorConfig};
    use swarmbed_engine::recording::Recording;
    use swarmbed_engine::{Behaviour, Detail, Exchange, Geometry, Limits, Message, PeerId};

    fn peer(path: &Path) -> Recorded {
        let geometry = Geometry::new(1 << 20, 1 << 16).unwrap();
        let config = Config {
            peer_id: PeerId([1; 20]),
            listen: None,
            geometry,
            bitrate: None,
            selector: SelectorConfig::RarestFirst,
            choker: ChokerConfig::AlwaysUnchoke,
            seed_choker: ChokerConfig::AlwaysUnchoke,
            playback: PlaybackConfig::default(),
            limits: Limits::default(),
            announce_interval: Duration::from_secs(120),
            upload: true,
            behaviour: Behaviour::Honest,
            web_seed: None,
            exchange: Exchange::default(),
            detail: Detail::Summary,
            live: None,
        };
        let (seed, have) = (Seed::from_number(1), Bitfield::new(geometry.pieces()));
        Recorded::new(config, seed, Instant::ZERO, have, Some(path)).unwrap()
    }

    fn read(path: &Path) -> Recording {
        Recording::parse(&std::fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn the_file_is_whole_or_called_a_part() {
        let folder = std::env::temp_dir().join(format!("swarmbed-tape-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("one.rec");
        let part = folder.join("one.rec.part");
        let mut peer = peer(&path);
        while peer.poll_output().is_some() {}
        assert!(!peer.flush().unwrap());
        assert_eq!(read(&part).end(), End::Torn);
        assert!(!path.exists());
        peer.call(Instant::from_secs(1), Call::Leave);
        while peer.poll_output().is_some() {}
        peer.end(End::Whole).unwrap();
        assert!(!part.exists());
        let recording = read(&path);
        assert_eq!(recording.end(), End::Whole);
        let steps: Vec<_> = recording.steps().map(Result::unwrap).collect();
        assert_eq!(steps.len(), 2);
        assert_eq!(steps[1].call, Some(Call::Leave));

        // At the bound it ends, and the run does not.
        let mut peer = self::peer(&path);
        let remote = Remote {
            peer_id: PeerId([7; 20]),
            fast: true,
            extended: true,
        };
        let addr = SocketAddr::from(([192, 0, 2, 1], 6881));
        let conn = peer.accept(Instant::ZERO, addr, remote).unwrap();
        let mut map = Bitfield::new(100_000);
        for at in (0..100_000).step_by(2) {
            map.insert(at);
        }
        let mut full = false;
        for second in 0..60 {
            if full {
                break;
            }
            for _ in 0..100 {
                let message = Message::Bitfield(Box::new(map.clone()));
                peer.handle(Instant::from_secs(second), Input::Message(conn, message));
                while peer.poll_output().is_some() {}
            }
            full = peer.flush().unwrap();
        }
        assert!(full);
        assert_eq!(read(&path).end(), End::Full);
        assert!(std::fs::metadata(&path).unwrap().len() < LENGTH_MAX + 2_000_000);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
