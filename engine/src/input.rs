//! What the world tells a peer, and what the application may ask of it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use crate::error::CloseReason;
use crate::geometry::{Block, PieceIndex};
use crate::id::{ConnId, PeerId};
use crate::message::{Datagram, Message};
use crate::rate::Rate;
use crate::time::Instant;

/// What the other side's handshake said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Remote {
    /// Its id; our own id closes the connection.
    pub peer_id: PeerId,
    /// It speaks BEP 6.
    pub fast: bool,
    /// It speaks BEP 10.
    pub extended: bool,
}

/// Where addresses came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressSource {
    /// A tracker's answer.
    Tracker,
    /// The user, or the scenario.
    User,
    /// Peer exchange (BEP 11).
    Pex,
}

/// What became of a block the driver was told to store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreResult {
    /// It is on disk.
    Done,
    /// It is not; the block will be asked for again.
    Failed,
}

/// What came of a piece that `Output::Fetch` named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FetchResult {
    /// All of it is stored.
    Done,
    /// It did not come: do not ask again for this long.
    Failed {
        /// At least a second.
        retry_after: Duration,
    },
}

/// What hashing (or a signature) said of a piece.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The piece is what the torrent promises.
    Good,
    /// It is not. The driver keeps its bytes until the piece is stored anew.
    Bad,
    /// The piece was bad before, is good now, and these of its blocks (as first received)
    /// differ: their senders are the culprits.
    GoodAfterBad {
        /// Indices of the blocks that differ from the earlier, bad copy.
        differing: Vec<u16>,
    },
    /// A live piece is signed by the source, and is the one that was asked for
    /// ([`Acceptance`](crate::live::Acceptance)).
    GoodLive {
        /// When the source signed it, on our own clock.
        produced_at: Instant,
        /// The source says that no piece follows.
        last: bool,
        /// As in [`Verdict::GoodAfterBad`]; empty if the piece was never bad.
        differing: Vec<u16>,
    },
}

/// What a real player does, as it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Showing {
    /// The viewer pressed play, for the first time or after a pause.
    Pressed,
    /// The picture moves; told again now and then, to say where it is.
    Moves,
    /// It stands, for want of media.
    Waits,
    /// The viewer stopped it; or nobody has pressed play yet.
    Paused,
    /// The viewer jumped here; the picture stands until it moves.
    Jumped,
    /// It is at its end.
    Ended,
}

/// Where a real player is, and what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Playhead {
    /// What it does.
    pub showing: Showing,
    /// Where, in bytes of the content, as exactly as the driver knows.
    pub byte: u64,
}

/// What the world tells a peer. Cannot fail: a bad neighbour is closed, not an error.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// `poll_timeout` is due. Spurious ones are harmless.
    Timeout,
    /// A connection we dialled is open and handshakes are exchanged.
    Connected {
        /// As in [`Output::Dial`](crate::Output::Dial).
        conn: ConnId,
        /// The other side's handshake.
        remote: Remote,
    },
    /// A message, in the order sent. For `Piece`, drain the outputs before the next call: one of
    /// them says what to do with the bytes.
    Message(ConnId, Message),
    /// Part of a block has arrived; rates and patience count it.
    Progress {
        /// The sender.
        conn: ConnId,
        /// Bytes since the last report; the complete `Piece` counts only the rest.
        bytes: u32,
    },
    /// The transport will take this many more blocks.
    Credit {
        /// The receiver.
        conn: ConnId,
        /// Blocks, beyond what was granted before.
        blocks: u16,
    },
    /// The transport has waited for seconds for this neighbour to read. It loses its slot, and gets
    /// none until it has taken a block (`Credit`).
    Unread {
        /// Who does not read.
        conn: ConnId,
    },
    /// The connection is gone, or could not be made.
    Closed {
        /// Which.
        conn: ConnId,
        /// Why.
        reason: CloseReason,
    },
    /// A block that `Output::Store` named is dealt with.
    Stored {
        /// Which.
        block: Block,
        /// How.
        result: StoreResult,
    },
    /// The web seed answered, or did not.
    Fetched {
        /// Which piece was asked for.
        piece: PieceIndex,
        /// How.
        result: FetchResult,
    },
    /// A piece that `Output::Verify` named is judged.
    Verified {
        /// Which.
        piece: PieceIndex,
        /// How.
        verdict: Verdict,
    },
    /// Addresses of peers in the swarm.
    Addresses {
        /// Who said so.
        source: AddressSource,
        /// Where they are.
        peers: Vec<SocketAddr>,
    },
    /// A tracker answered (its addresses come apart): ask again after this long.
    Announced {
        /// The tracker's interval.
        interval: Duration,
    },
    /// A tracker did not answer, or said no.
    AnnounceFailed,
    /// A datagram, from whoever sends from that address.
    Datagram {
        /// The sender's address.
        from: SocketAddr,
        /// What it says.
        datagram: Box<Datagram>,
    },
    /// Our share of the uplink.
    Uplink(Rate),
}

/// An input or an application call: what a recording consists of, with times.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// [`Peer::handle`](crate::Peer::handle).
    Input(Input),
    /// [`Peer::accept`](crate::Peer::accept).
    Accept {
        /// From where.
        addr: SocketAddr,
        /// Who.
        remote: Remote,
    },
    /// [`Peer::play`](crate::Peer::play).
    Play,
    /// [`Peer::pause`](crate::Peer::pause).
    Pause,
    /// [`Peer::resume`](crate::Peer::resume).
    Resume,
    /// [`Peer::seek`](crate::Peer::seek), to a byte of the content.
    Seek(u64),
    /// [`Peer::report_playhead`](crate::Peer::report_playhead): a real player tells what it does.
    Report(Playhead),
    /// [`Peer::want`](crate::Peer::want): a reader waits for these bytes.
    Want {
        /// First byte.
        from: u64,
        /// Bytes.
        length: u64,
    },
    /// [`Peer::unwant`](crate::Peer::unwant): a reader of these bytes is gone.
    Unwant {
        /// First byte.
        from: u64,
        /// Bytes.
        length: u64,
    },
    /// [`Peer::produce`](crate::Peer::produce)
    Produce {
        /// The next piece.
        piece: PieceIndex,
        /// No piece follows.
        last: bool,
    },
    /// [`Peer::rename`](crate::Peer::rename).
    Rename {
        /// Its new name.
        peer_id: PeerId,
        /// Its new address.
        listen: Option<SocketAddr>,
    },
    /// [`Peer::leave`](crate::Peer::leave).
    Leave,
}
