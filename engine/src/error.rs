//! What can go wrong, by whose fault: a caller's ([`ConfigError`], [`CallError`]), a neighbour's
//! ([`CloseReason`]), or nobody's ([`Refused`]). Our own bugs panic.

use thiserror::Error;

/// A configuration that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// See [`Geometry::PIECE_LENGTH_MAX`](crate::Geometry::PIECE_LENGTH_MAX).
    #[error("piece length {0} is not between 1 byte and 64 MiB")]
    PieceLength(u32),
    /// See [`Geometry::WHOLE_PIECE_MAX`](crate::Geometry::WHOLE_PIECE_MAX).
    #[error("pieces of {0} bytes are too long to be asked for whole: at most 256 KiB")]
    WholePiece(u32),
    /// See [`Geometry::PIECES_MAX`](crate::Geometry::PIECES_MAX).
    #[error("content of {0} bytes is empty or makes more than 4 Mi pieces")]
    TotalLength(u64),
    /// A bitfield of another torrent.
    #[error("bitfield of {got} pieces for a torrent of {expected}")]
    BitfieldLength {
        /// Pieces of the torrent.
        expected: u32,
        /// Bits given.
        got: u32,
    },
    /// A live stream's window, or ring, of so many pieces.
    #[error("a live window of {0} pieces: at least 12, and at most 65536 are kept")]
    LiveWindow(u32),
    /// The geometry is not that of the live configuration, or one is without the other.
    #[error("the geometry is not the live stream's")]
    LiveGeometry,
    /// A live stream is played or made: it needs a bitrate.
    #[error("a live stream needs a bitrate")]
    LiveBitrate,
    /// The bitrate is zero.
    #[error("a bitrate of zero never plays to its end")]
    Bitrate,
}

/// An application call that cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CallError {
    /// The peer has no media clock: nothing to play.
    #[error("this torrent has no duration, so it cannot be played")]
    NotPlayable,
    /// The call does not fit the player's state.
    #[error("the player is {0}")]
    State(&'static str),
    /// Beyond the content.
    #[error("byte {0} is beyond the content's end")]
    Beyond(u64),
    /// Only a live stream's source makes pieces, one after the other, until the last.
    #[error("not the piece that comes next: {0}")]
    Produce(u32),
    /// Nobody seeks in a live stream.
    #[error("a live stream cannot be sought in")]
    Live,
    /// The peer has left.
    #[error("the peer has left the swarm")]
    Left,
}

/// Why an incoming connection is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum Refused {
    /// As many neighbours as configured.
    #[error("no room for another neighbour")]
    Full,
    /// It is us.
    #[error("that is our own peer id")]
    Ourselves,
    /// We are connected already.
    #[error("already connected to that peer")]
    Duplicate,
    /// Both have everything.
    #[error("the peer was banned")]
    Banned,
    /// A live swarm admits only those who speak BEP 6 and BEP 10.
    #[error("does not speak what a live swarm needs")]
    NotLive,
    /// The peer has left.
    #[error("the peer has left the swarm")]
    Left,
}

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum CloseReason {
    /// The other side closed, or the network did.
    #[error("closed by the other side")]
    Remote,
    /// The dial was not answered or refused.
    #[error("could not be connected")]
    Unreachable,
    /// Refused by the other side after connecting.
    #[error("refused by the other side")]
    Refused,
    /// We have left.
    #[error("we left the swarm")]
    Leaving,
    /// It is us.
    #[error("connected to ourselves")]
    Ourselves,
    /// We are connected already.
    #[error("already connected")]
    Duplicate,
    /// Both have everything: nothing left to do.
    #[error("both sides are complete")]
    BothComplete,
    /// Nothing for two minutes.
    #[error("silent for too long")]
    Idle,
    /// Our queue to it is full.
    #[error("its send queue overflowed")]
    Overflow,
    /// Bytes that are no message.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// A message that the protocol forbids here.
    #[error("protocol violation: {0}")]
    Violation(&'static str),
    /// It sent a block that failed verification.
    #[error("sent corrupt data")]
    Corrupt,
    /// It asks more than we bear.
    #[error("flooding: {0}")]
    Flood(&'static str),
    /// A live swarm admits only those who speak its extension.
    #[error("does not speak the live extension")]
    NotLive,
    /// Room for a better neighbour.
    #[error("replaced by another neighbour")]
    Replaced,
}
