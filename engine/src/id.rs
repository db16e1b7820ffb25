//! Names of peers and connections.

use core::fmt;

/// BEP 3's 20-byte peer id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub [u8; 20]);

impl PeerId {
    /// A few bits of it (FNV-1a): who looks for a name among many looks at these first.
    pub(crate) fn tag(self) -> u32 {
        let mix = |tag: u32, byte: &u8| (tag ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        self.0.iter().fold(0x811c_9dc5, mix)
    }
}

/// A connection of one [`Peer`](crate::Peer). Minted by that peer, counted up, never reused: a
/// late event about a closed connection finds nothing. Orders by age, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId {
    /// Counted up with every connection; the identity.
    serial: u32,
    /// Where the neighbour stands in its peer's table: a hint that the serial confirms.
    slot: u16,
}

impl ConnId {
    /// The two numbers of a connection put together again, by a driver that kept them apart.
    #[must_use]
    pub const fn new(serial: u32, slot: u16) -> Self {
        Self { serial, slot }
    }

    /// The count that makes this connection unique within its peer.
    #[must_use]
    pub const fn serial(self) -> u32 {
        self.serial
    }

    /// A small dense number, unique among the connections that are open at one moment. Drivers
    /// may index tables with it, checking [`serial`](Self::serial).
    #[must_use]
    pub const fn slot(self) -> usize {
        self.slot as usize
    }

    pub(crate) const fn short_slot(self) -> u16 {
        self.slot
    }
}

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.serial)
    }
}
