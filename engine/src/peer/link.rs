//! What is touched whenever a neighbour says anything: small, and all of them side by side.
//!
//! The rest of a neighbour is in `neighbour`; a link and its neighbour share their slot.

use crate::id::ConnId;
use crate::time::Instant;

/// See the module.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the protocol's own flags")]
pub(crate) struct Link {
    pub(crate) conn: ConnId,
    /// Pieces it has.
    pub(crate) pieces: u32,
    /// Pieces it has and we lack.
    pub(crate) wanted: u32,
    /// Handshakes are exchanged.
    pub(crate) open: bool,
    /// In a live swarm: it has said that it speaks its extension, and is told of pieces.
    pub(crate) live: bool,
    /// A message about its pieces has come: no `Bitfield` any more.
    pub(crate) spoke: bool,
    pub(crate) they_choke: bool,
    pub(crate) we_interested: bool,
    pub(crate) we_choke: bool,
    pub(crate) they_interested: bool,
    /// It said that it wants nothing (BEP 21).
    pub(crate) gives_only: bool,
    /// It does not read what it is sent.
    pub(crate) unread: bool,
    /// It may owe us blocks: true from a request on, false once it was found to owe none.
    pub(crate) asked: bool,
    pub(crate) last_received: Instant,
    pub(crate) last_sent: Instant,
}

impl Link {
    /// It can make use of a slot.
    pub(crate) const fn takes(&self) -> bool {
        self.they_interested && !self.unread
    }

    /// It has a slot of ours, and makes use of it.
    pub(crate) const fn is_served(&self) -> bool {
        !self.we_choke && self.takes()
    }

    /// Between it and one who has everything nothing goes either way; that is no lie if it asked for something.
    pub(crate) const fn wants_nothing(&self) -> bool {
        self.gives_only && !self.they_interested
    }

    pub(crate) const fn new(conn: ConnId, now: Instant) -> Self {
        Self {
            conn,
            pieces: 0,
            wanted: 0,
            open: false,
            live: false,
            spoke: false,
            they_choke: true,
            we_interested: false,
            we_choke: true,
            they_interested: false,
            gives_only: false,
            unread: false,
            asked: false,
            last_received: now,
            last_sent: now,
        }
    }
}
