//! What a peer asks of its world.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;

use crate::error::CloseReason;
use crate::event::Event;
use crate::geometry::{Block, PieceIndex};
use crate::id::ConnId;
use crate::message::{Datagram, Message};

/// Why a tracker is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Announce {
    /// We join.
    Started,
    /// The interval is over.
    Periodic,
    /// We have too few neighbours.
    NeedPeers,
    /// We have everything.
    Completed,
    /// We leave.
    Stopped,
}

/// What a peer asks of its world. Drain after every call.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// Open a connection and exchange handshakes; answer `Connected` or `Closed`.
    Dial {
        /// The connection's name from now on.
        conn: ConnId,
        /// Where to.
        addr: SocketAddr,
    },
    /// Send a control message. Needs no credit.
    Send(ConnId, Message),
    /// Send `Have` of this piece, as a message names it, to each of these, in this order. It is most of what is
    /// said, so it is said once. Needs no credit.
    SendHave(PieceIndex, Vec<ConnId>),
    /// Send this block (a `Piece` message), reading it from storage. Spends one block of credit. Of
    /// a live stream it is named absolutely; on the wire it is
    /// [`Peer::written`](crate::Peer::written).
    SendBlock(ConnId, Block),
    /// Send this piece of the torrent's `info` (BEP 9), which the driver holds. Needs no credit.
    SendMetadata(ConnId, u32),
    /// Close the connection; no `Closed` comes back.
    Close(ConnId, CloseReason),
    /// Write the block that just arrived, then answer `Stored`.
    Store(Block),
    /// Drop the block that just arrived.
    Discard(Block),
    /// All of the piece is stored: hash it, then answer `Verified`.
    Verify(PieceIndex),
    /// Ask the web seed for all bytes of this piece, store them, then answer `Fetched`; one at a time.
    Fetch(PieceIndex),
    /// Tell the tracker; answer `Addresses` and `Announced`, or `AnnounceFailed`.
    Announce(Announce),
    /// Send a datagram, if the world can.
    Datagram {
        /// Where to.
        to: SocketAddr,
        /// What.
        datagram: Box<Datagram>,
    },
    /// Something happened, for application and metrics.
    Event(Event),
}
