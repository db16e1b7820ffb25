//! Reading ahead what a node's turn will read, step by step along the pointers: several nodes' steps, taken together,
//! have their lines fetched at the same time. See [`Peer::warm`].
//!
//! Nothing here changes anything. What is returned means nothing, but that it was read.

use swarmbed_engine::{Message, Peer, PieceIndex};

use super::conn::{Conn, Lane};
use super::{Node, Turn};
use crate::mail::{Body, Mail};
use crate::network::Network;
use crate::observer::Observer;

/// What happens in a turn, as far as it can be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ahead {
    /// Of which connection; beyond all, if of none.
    slot: usize,
    /// Of which piece; the first, if of none.
    piece: PieceIndex,
}

impl Ahead {
    /// Nothing that is known.
    const NOTHING: Self = Self {
        slot: usize::MAX,
        piece: PieceIndex(0),
    };

    /// This record comes.
    pub(crate) fn of(mail: &Mail) -> Self {
        Self {
            slot: usize::from(mail.door().slot),
            piece: mail.body.piece(),
        }
    }
}

/// A HAVE that comes: far less is read of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Have {
    slot: u16,
    piece: PieceIndex,
}

impl Have {
    /// This record, if it is one.
    pub(crate) fn of(mail: &Mail) -> Option<Self> {
        let slot = mail.door().slot;
        match mail.body {
            Body::Message(Message::Have(piece)) => Some(Self { slot, piece }),
            _ => None,
        }
    }
}

impl<O: Observer, N: Network> Node<O, N> {
    /// First, a word of each of its own lines.
    pub(crate) fn warm(&self) -> u64 {
        self.timer
            ^ self.downlink.busy_until()
            ^ self.downlink.head()
            ^ self.uplink.busy_until()
            ^ self.counts.down
            ^ u64::from(self.seq)
            ^ self.pending.len() as u64
            ^ self.lanes.len() as u64
    }

    /// Then those of its engine.
    pub(crate) fn warm_engine(&self) -> u64 {
        self.read_engine(Peer::warm)
    }

    /// Its own event, if that is before `end`.
    pub(crate) fn ahead(&self, end: u64) -> Option<Ahead> {
        let (at, turn) = self.next();
        (at < end).then(|| match turn {
            Turn::Downlink => self.downlink.front().map_or(Ahead::NOTHING, Ahead::of),
            Turn::Uplink => Ahead {
                slot: self.uplink.first().map_or(usize::MAX, usize::from),
                ..Ahead::NOTHING
            },
            _ => Ahead::NOTHING,
        })
    }

    fn read_engine(&self, read: impl FnOnce(&Peer) -> u64) -> u64 {
        self.engine.as_deref().map_or(0, read)
    }

    fn warm_lane(&self, ahead: Ahead, read: impl FnOnce(&Lane) -> u64) -> u64 {
        let lane = self.lanes.get(ahead.slot).and_then(Option::as_deref);
        lane.map_or(0, read)
    }

    /// Then what a HAVE reads.
    pub(crate) fn warm_have(&self, have: Have) -> u64 {
        self.read_engine(|engine| engine.warm_have(usize::from(have.slot), have.piece))
    }

    /// Then the connection.
    pub(crate) fn warm_conn(&self, ahead: Ahead) -> u64 {
        let conn = self.conns.get(ahead.slot).and_then(Option::as_ref);
        let lane = self.lanes.get(ahead.slot).is_some_and(Option::is_some);
        self.read_engine(Peer::warm_more) ^ conn.map_or(0, Conn::latency) ^ u64::from(lane)
    }

    /// Then what those point at.
    pub(crate) fn warm_slot(&self, ahead: Ahead) -> u64 {
        self.read_engine(|engine| engine.warm_slot(ahead.slot, ahead.piece))
            ^ self.warm_lane(ahead, Lane::warm)
    }

    /// Then the neighbour.
    pub(crate) fn warm_neighbour(&self, ahead: Ahead) -> u64 {
        self.read_engine(|engine| engine.warm_neighbour(ahead.slot))
    }

    /// And last, what waits for it.
    pub(crate) fn warm_queues(&self, ahead: Ahead) -> u64 {
        self.read_engine(|engine| engine.warm_queues(ahead.slot, ahead.piece))
    }
}
