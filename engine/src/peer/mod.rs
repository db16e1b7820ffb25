//! One local peer's part in one swarm: routes inputs, owns the outbox.

use alloc::collections::VecDeque;
use core::net::SocketAddr;
use core::time::Duration;

use crate::bitfield::Bitfield;
use crate::config::Config;
use crate::error::{CallError, ConfigError, Refused};
use crate::event::Traffic;
use crate::geometry::PieceIndex;
use crate::id::{ConnId, PeerId};
use crate::input::{Input, Remote};
use crate::output::Output;
use crate::rate::Rate;
use crate::seed::Seed;
use crate::time::Instant;

/// What the player does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlayState {
    /// Nobody pressed play.
    Idle,
    /// Waiting for the first frame, or for the frame after a seek.
    Buffering,
    /// The picture moves.
    Playing,
    /// The picture stands, for want of a piece.
    Stalled,
    /// The viewer paused.
    Paused,
    /// The end.
    Ended,
}

/// A neighbour, as the page and the overlay see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeighbourView {
    /// The connection.
    pub conn: ConnId,
    /// Where it is.
    pub addr: SocketAddr,
    /// Who it is; `None` while dialling.
    pub peer_id: Option<PeerId>,
    /// What it gives us, over the last 20 s.
    pub down: Rate,
    /// What we give it.
    pub up: Rate,
    /// We choke it.
    pub we_choke: bool,
    /// It chokes us.
    pub they_choke: bool,
    /// Pieces it has.
    pub pieces: u32,
    /// Requests we have waiting there.
    pub outstanding: u16,
}

/// The player, as the page sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaybackView {
    /// What it does.
    pub state: PlayState,
    /// The playhead, in bytes of the content.
    pub position: u64,
    /// Verified bytes without a gap from the playhead on.
    pub ahead: u64,
    /// Media time played so far.
    pub played: Duration,
}

/// One local peer's part in one swarm.
#[derive(Debug)]
pub struct Peer {
    config: Config,
    outbox: VecDeque<Output>,
    have: Bitfield,
    now: Instant,
}

#[expect(
    clippy::unused_self,
    clippy::missing_const_for_fn,
    unused_variables,
    reason = "to be filled in"
)]
impl Peer {
    /// A peer that holds the pieces in `have` (verified by the driver), or none.
    ///
    /// # Errors
    /// If the configuration makes no sense.
    pub fn new(
        config: Config,
        seed: Seed,
        now: Instant,
        have: Option<Bitfield>,
    ) -> Result<Self, ConfigError> {
        let have = have.unwrap_or_else(|| Bitfield::new(config.geometry.pieces()));
        Ok(Self {
            config,
            outbox: VecDeque::new(),
            have,
            now,
        })
    }

    /// The world tells the peer something. Drain the outputs afterwards.
    pub fn handle(&mut self, now: Instant, input: Input) {}

    /// Somebody connected to us, and handshakes are exchanged.
    ///
    /// # Errors
    /// If it is not let in; the driver closes the socket.
    pub fn accept(
        &mut self,
        now: Instant,
        addr: SocketAddr,
        remote: Remote,
    ) -> Result<ConnId, Refused> {
        Err(Refused::Full)
    }

    /// The viewer presses play.
    ///
    /// # Errors
    /// If the torrent has no bitrate, or play was pressed already.
    pub fn play(&mut self, now: Instant) -> Result<(), CallError> {
        Ok(())
    }

    /// The viewer pauses.
    ///
    /// # Errors
    /// Unless the player plays, stalls or buffers.
    pub fn pause(&mut self, now: Instant) -> Result<(), CallError> {
        Ok(())
    }

    /// The viewer goes on.
    ///
    /// # Errors
    /// Unless paused.
    pub fn resume(&mut self, now: Instant) -> Result<(), CallError> {
        Ok(())
    }

    /// The viewer jumps to `byte` of the content.
    ///
    /// # Errors
    /// If play was not pressed, or `byte` is beyond the end.
    pub fn seek(&mut self, now: Instant, byte: u64) -> Result<(), CallError> {
        Ok(())
    }

    /// A reader waits for bytes `from..from + length`: their pieces go before all others, until
    /// they are here. At most 16 such ranges are kept, newest first.
    ///
    /// # Errors
    /// If `from` is beyond the end.
    pub fn want(&mut self, now: Instant, from: u64, length: u64) -> Result<(), CallError> {
        Ok(())
    }

    /// Leaves the swarm: closes all connections, tells the tracker. Later calls do nothing.
    pub fn leave(&mut self, now: Instant) {}

    /// The next thing to do; drain to `None` after every call.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outbox.pop_front()
    }

    /// When to call `handle(_, Input::Timeout)` at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Whether `piece` is here and verified.
    #[must_use]
    pub fn has(&self, piece: PieceIndex) -> bool {
        self.have.contains(piece.0 as usize)
    }

    /// The pieces that are here and verified.
    #[must_use]
    pub const fn pieces(&self) -> &Bitfield {
        &self.have
    }

    /// What it was told at birth.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Bytes moved so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        Traffic::default()
    }

    /// The neighbours, oldest first.
    pub fn neighbours(&self) -> impl Iterator<Item = NeighbourView> + '_ {
        core::iter::empty()
    }

    /// The player; `None` if the torrent cannot be played.
    #[must_use]
    pub fn playback(&self) -> Option<PlaybackView> {
        None
    }
}
