//! What happened: the only source of metrics, declared once, the same in both worlds.

use alloc::boxed::Box;
use core::net::SocketAddr;
use core::time::Duration;

use crate::error::CloseReason;
use crate::geometry::{Block, PieceIndex};
use crate::id::ConnId;

/// Why playback stands still: the cause of the first missing piece, by the first that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The player does not read.
    PlayerNotReading,
    /// The piece was there and failed verification.
    VerificationFailed,
    /// No neighbour has it.
    NobodyHasIt,
    /// All neighbours who have it choke us.
    AllChokeUs,
    /// Asked, but silent for 2 s, or slower than the bitrate.
    SlowOrSilent,
    /// Asked too late, or not yet.
    AskedTooLate,
}

impl Cause {
    /// All causes, in the order they are looked for.
    pub const ALL: [Self; 6] = [
        Self::PlayerNotReading,
        Self::VerificationFailed,
        Self::NobodyHasIt,
        Self::AllChokeUs,
        Self::SlowOrSilent,
        Self::AskedTooLate,
    ];

    /// Its name in tables and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PlayerNotReading => "player-not-reading",
            Self::VerificationFailed => "verification-failed",
            Self::NobodyHasIt => "nobody-has-it",
            Self::AllChokeUs => "all-choke-us",
            Self::SlowOrSilent => "slow-or-silent",
            Self::AskedTooLate => "asked-too-late",
        }
    }
}

/// Milliseconds of a stall per cause, in the order of [`Cause::ALL`]; they sum to its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CauseMillis(pub [u32; 6]);

/// Bytes moved so far, cumulative since the peer joined. What nearly every call changes comes first in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Traffic {
    /// Payload of blocks sent.
    pub payload_up: u64,
    /// Payload of blocks received, of use or not.
    pub payload_down: u64,
    /// Everything else sent, headers of `Piece` included.
    pub control_up: u64,
    /// Everything else received.
    pub control_down: u64,
    /// Of `payload_down`: blocks we had already.
    pub duplicate: u64,
    /// Of `payload_down`: blocks that failed verification.
    pub corrupt: u64,
    /// Bytes that came from a web seed, of use or not; not in `payload_down`.
    pub from_web_seed: u64,
    /// Give-to-Get queries sent; where receivers acknowledge: receipts that were brought.
    pub queries: u64,
    /// Of `queries`: those answered in time; of the receipts: those that counted.
    pub answers: u64,
}

/// Why a peer leaves the swarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeaveReason {
    /// The driver said so.
    Asked,
}

/// Something that happened to one peer. Plain data; the driver adds time and peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A neighbour: the handshakes are exchanged.
    Connected {
        /// Its name.
        conn: ConnId,
        /// Its address.
        addr: SocketAddr,
        /// We dialled.
        outbound: bool,
    },
    /// A neighbour less.
    Disconnected {
        /// Its name.
        conn: ConnId,
        /// Why.
        reason: CloseReason,
    },
    /// We let it ask, or no longer.
    WeChoke {
        /// The neighbour.
        conn: ConnId,
        /// Choked from now on.
        choked: bool,
    },
    /// It lets us ask, or no longer.
    TheyChoke {
        /// The neighbour.
        conn: ConnId,
        /// Choked from now on.
        choked: bool,
    },
    /// The first neighbour that has this piece. Only with [`Detail::Blocks`](crate::Detail).
    PieceKnown(PieceIndex),
    /// A block was asked for. Only with [`Detail::Blocks`](crate::Detail).
    Requested {
        /// Of whom.
        conn: ConnId,
        /// Which.
        block: Block,
    },
    /// A block came. Only with [`Detail::Blocks`](crate::Detail).
    BlockReceived {
        /// From whom.
        conn: ConnId,
        /// Which.
        block: Block,
        /// We had it not.
        useful: bool,
    },
    /// A block went to the transport. Only with [`Detail::Blocks`](crate::Detail).
    BlockSent {
        /// To whom.
        conn: ConnId,
        /// Which.
        block: Block,
    },
    /// A piece is verified: it can be played and shared.
    PieceVerified(PieceIndex),
    /// A piece failed verification.
    PieceFailed {
        /// Which.
        piece: PieceIndex,
        /// The neighbour to blame, once it is known.
        culprit: Option<SocketAddr>,
    },
    /// A live piece is verified, so long after the source made it: diffusion delay.
    PieceDelay {
        /// Which.
        piece: PieceIndex,
        /// Since its production.
        delay: Duration,
    },
    /// The source made a piece.
    Produced(PieceIndex),
    /// The place in a live stream where playback will begin; before `Started` it may move.
    HookedIn {
        /// The first piece to be played.
        piece: PieceIndex,
        /// Pieces between it and the newest that is known.
        behind: u32,
    },
    /// A viewer that fell behind jumped forward in the live stream.
    Rehooked {
        /// The piece it goes on with.
        piece: PieceIndex,
        /// Media that is not shown.
        skipped: Duration,
    },
    /// What is shown now is so old: time since the source made it. At the start and every 10 s of
    /// playback.
    LiveLag {
        /// Since the frame's production.
        lag: Duration,
    },
    /// All pieces are verified.
    Completed,
    /// A real player tells what it does, from now on: when the picture starts, stands and goes on is
    /// its word, and what was told of a modelled one before does not count.
    PlayheadReported,
    /// The viewer pressed play.
    PlayRequested,
    /// The first frame: start-up took this long since `PlayRequested`.
    Started {
        /// Start-up delay.
        delay: Duration,
    },
    /// A piece was absent at its first deadline (common to stalling and skipping).
    Late(PieceIndex),
    /// A late piece was skipped: the picture jumps over it.
    Skipped(PieceIndex),
    /// The picture stands still for want of this piece.
    Stalled(PieceIndex),
    /// The picture moves again.
    Resumed {
        /// The piece that was missing when it stopped.
        piece: PieceIndex,
        /// How long it stood, in milliseconds (the sum of `causes`).
        millis: u32,
        /// Why.
        causes: CauseMillis,
    },
    /// The viewer paused.
    Paused,
    /// The viewer went on.
    Unpaused,
    /// The viewer jumped to this media time; the picture stands until `SeekDone`.
    SeekStarted {
        /// Media time.
        to: Duration,
    },
    /// The picture moves at the new place.
    SeekDone {
        /// Since `SeekStarted`.
        latency: Duration,
    },
    /// The end of the media.
    Ended,
    /// Totals so far; at every choke round and on leaving.
    Traffic(Box<Traffic>),
    /// The peer left; the last event.
    Left {
        /// Why.
        reason: LeaveReason,
        /// How far playback was, in media time played.
        played: Duration,
    },
}
