//! What tasks tell the one task that owns the [`Peer`](swarmbed_engine::Peer).

use std::net::SocketAddr;
use std::time::Duration;

use swarmbed_engine::live::Rejection;
use swarmbed_engine::{
    Block, CallError, CloseReason, ConnId, Datagram, FetchResult, Message, PieceIndex, Remote,
    Showing, StoreResult, Verdict,
};
use tokio::sync::{mpsc, oneshot};

use crate::error::NodeError;
use crate::link::Stream;

/// Mails under way at most; whoever sends more waits. A block's mail holds its 16 KiB.
pub(crate) const MAILS_MAX: usize = 1024;

pub(crate) type MailSender = mpsc::Sender<Mail>;

/// What tasks tell the owner of the peer.
#[derive(Debug)]
pub(crate) enum Mail {
    /// Somebody connected and said a handshake; ours is still to be said.
    Incoming {
        stream: Stream,
        addr: SocketAddr,
        remote: Remote,
    },
    /// A dial succeeded and handshakes are exchanged.
    Dialled {
        conn: ConnId,
        stream: Stream,
        remote: Remote,
    },
    /// A message other than `Piece`.
    Message(ConnId, Message),
    /// A whole block.
    Block(ConnId, Block, Vec<u8>),
    /// Part of a block.
    Progress(ConnId, u32),
    /// The transport took blocks.
    Credit(ConnId, u16),
    /// A neighbour has not read for seconds what there is for it.
    Unread(ConnId),
    /// A connection ended, or could not be made.
    Closed(ConnId, CloseReason),
    /// A block was written, or not.
    Stored(Block, Result<StoreResult, NodeError>),
    /// A piece was judged; of a live one that is refused, why.
    Verified(PieceIndex, Verdict, Option<Rejection>),
    /// A web seed's piece is stored, or did not come.
    Fetched(PieceIndex, FetchResult, Result<(), Fault>),
    /// All trackers have answered, or were waited for; when to ask again.
    Announced(Duration),
    /// A tracker knows of peers, or they were found without one.
    Found(Vec<SocketAddr>),
    /// Somebody wants to hide what it speaks (MSE), which we do not.
    Obfuscated(SocketAddr),
    /// No tracker answered; what each said.
    AnnounceFailed(String),
    /// A datagram came.
    Datagram(SocketAddr, Datagram),
    /// The application wants something.
    Ask(Ask),
}

/// What went wrong with a web seed's piece.
#[derive(Debug)]
pub(crate) enum Fault {
    /// With the server.
    Server(String),
    /// With our disk.
    Disk(NodeError),
}

/// What the application wants.
#[derive(Debug)]
pub(crate) enum Ask {
    /// Press play.
    Play,
    /// A reader waits for these bytes.
    Want {
        from: u64,
        length: u64,
        answer: oneshot::Sender<Result<(), CallError>>,
    },
    /// The reader that waited for them is gone.
    Unwant { from: u64, length: u64 },
    /// A live stream's source has made a piece: it is sealed and stored.
    Produce {
        piece: PieceIndex,
        last: bool,
        answer: oneshot::Sender<Result<(), CallError>>,
    },
    /// A player tells what it does: since when in the media, and at which byte.
    Saw { seen: Seen, time_s: f64, byte: u64 },
    /// Leave the swarm.
    Leave,
}

/// What a video element says that it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Play,
    Playing,
    /// Not an event of its own: the picture moves, and is there now.
    At,
    Waiting,
    Seeking,
    Pause,
    Ended,
}

impl Seen {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Play, "play"),
        (Self::Playing, "playing"),
        (Self::At, "at"),
        (Self::Waiting, "waiting"),
        (Self::Seeking, "seeking"),
        (Self::Pause, "pause"),
        (Self::Ended, "ended"),
    ];

    /// By the name of the element's own event.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let named = Self::ALL.into_iter().find(|(_, known)| *known == name);
        named.map(|(seen, _)| seen)
    }

    /// What that is to the engine.
    pub(crate) const fn showing(self) -> Showing {
        match self {
            Self::Play => Showing::Pressed,
            Self::Playing | Self::At => Showing::Moves,
            Self::Waiting => Showing::Waits,
            Self::Seeking => Showing::Jumped,
            Self::Pause => Showing::Paused,
            Self::Ended => Showing::Ended,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        let named = Self::ALL.into_iter().find(|(seen, _)| *seen == self);
        named.expect("all are named").1
    }
}
