//! What is touched whenever a neighbour says anything: small, and all of them side by side.
//!
//! The rest of a neighbour is in `neighbour`; a link and its neighbour share their slot.

use crate::id::ConnId;
use crate::time::Instant;

/// What is true of a link or not.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Flag {
    /// Handshakes are exchanged.
    Open,
    /// In a live swarm: it has said that it speaks its extension, and is told of pieces.
    Live,
    /// A message about its pieces has come: no `Bitfield` any more.
    Spoke,
    TheyChoke,
    WeInterested,
    WeChoke,
    TheyInterested,
    /// It said that it wants nothing (BEP 21).
    GivesOnly,
    /// It does not read what it is sent.
    Unread,
    /// It is among those that may owe us blocks.
    Asked,
    /// In a live swarm: it announced pieces beyond our window, and we did not note them.
    Missed,
}

/// See the module: half a line of the cache.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    serial: u32,
    slot: u16,
    /// A bit for each [`Flag`].
    flags: u16,
    /// Pieces it has.
    pub(crate) pieces: u32,
    /// Pieces it has and we lack.
    pub(crate) wanted: u32,
    pub(crate) last_received: Instant,
    pub(crate) last_sent: Instant,
}

const _: () = assert!(size_of::<Link>() == 32);

impl Link {
    pub(crate) const fn new(conn: ConnId, now: Instant) -> Self {
        let mut link = Self {
            serial: conn.serial(),
            slot: conn.short_slot(),
            flags: 0,
            pieces: 0,
            wanted: 0,
            last_received: now,
            last_sent: now,
        };
        link.set(Flag::TheyChoke, true);
        link.set(Flag::WeChoke, true);
        link
    }

    pub(crate) const fn conn(&self) -> ConnId {
        ConnId::new(self.serial, self.slot)
    }

    /// Whether it is so.
    pub(crate) const fn is(&self, flag: Flag) -> bool {
        self.flags & 1 << flag as u16 != 0
    }

    /// From now on it is so, or not. Returns whether it was.
    pub(crate) const fn set(&mut self, flag: Flag, to: bool) -> bool {
        let was = self.is(flag);
        let bit = 1 << flag as u16;
        self.flags = if to {
            self.flags | bit
        } else {
            self.flags & !bit
        };
        was
    }

    /// It can make use of a slot.
    pub(crate) const fn takes(&self) -> bool {
        self.is(Flag::TheyInterested) && !self.is(Flag::Unread)
    }

    /// It has a slot of ours, and makes use of it.
    pub(crate) const fn is_served(&self) -> bool {
        !self.is(Flag::WeChoke) && self.takes()
    }

    /// Between it and one who has everything nothing goes either way; that is no lie if it asked for something.
    pub(crate) const fn wants_nothing(&self) -> bool {
        self.is(Flag::GivesOnly) && !self.is(Flag::TheyInterested)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_change_one_by_one() {
        let mut link = Link::new(ConnId::new(7, 3), Instant::ZERO);
        assert_eq!(link.conn(), ConnId::new(7, 3));
        assert!(link.is(Flag::WeChoke) && link.is(Flag::TheyChoke) && !link.is(Flag::Open));
        assert!(!link.set(Flag::TheyInterested, true) && link.takes() && !link.is_served());
        assert!(link.set(Flag::WeChoke, false) && link.is_served() && link.is(Flag::TheyChoke));
        assert!(!link.set(Flag::Unread, true) && !link.takes());
        assert!(link.set(Flag::Unread, false) && link.is_served());
        assert!(!link.set(Flag::Asked, true) && link.is(Flag::Asked) && !link.wants_nothing());
    }
}
