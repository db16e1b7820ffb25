//! What a peer of a live swarm is told at birth.

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use super::{Acceptance, Numbering};
use crate::error::ConfigError;
use crate::geometry::{Geometry, PieceIndex};
use crate::policy::HookInConfig;

/// How neighbours learn that a piece is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Expiry {
    /// Both know the window, and infer it; nothing is sent.
    Implied,
    /// By `lt_donthave` (BEP 54), a window's sixteenth before it is really gone.
    Announced,
}

/// Announcing a new piece to a few neighbours first (BEP 16, bounded in time).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SuperSeeding {
    /// To how many.
    pub k: u16,
    /// The others are told once it is seen elsewhere, or after this long.
    pub tau: Duration,
}

/// What the peer is in the channel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Watches, and passes on.
    Viewer,
    /// Makes the pieces.
    Source {
        /// The number of the first piece it makes: 0, or where the source left off before.
        first: PieceIndex,
        /// Neighbours that are always unchoked, on top of the slots (swarmplayer.md 2.6). Port 0
        /// stands for any port.
        auxiliary: Vec<SocketAddr>,
        /// Announce to a few first.
        super_seeding: Option<SuperSeeding>,
    },
}

/// What a peer of a live swarm is told at birth. The geometry goes with it:
/// [`LiveConfig::geometry`].
#[derive(Clone, Debug, PartialEq)]
pub struct LiveConfig {
    /// How piece numbers are written on the wire, and how many are valid.
    pub numbering: Numbering,
    /// How neighbours learn that a piece is gone.
    pub expiry: Expiry,
    /// Where playback begins.
    pub hook_in: HookInConfig,
    /// A viewer further behind the newest piece than this jumps forward: 30 s unless the window
    /// is shorter.
    pub lag_max: Duration,
    /// Where the source is, if it is known: by address, as the 2010 client took the tracker's for
    /// it (swarmplayer.md 3.6).
    pub source_at: Option<IpAddr>,
    /// Watches, or makes the pieces.
    pub role: Role,
}

impl LiveConfig {
    /// A viewer of a stream numbered so, with the defaults.
    #[must_use]
    pub const fn viewer(numbering: Numbering) -> Self {
        Self {
            numbering,
            expiry: Expiry::Implied,
            hook_in: HookInConfig::NewestAtHalf,
            lag_max: Duration::from_secs(30),
            source_at: None,
            role: Role::Viewer,
        }
    }

    /// Pieces in the window that a peer keeps.
    #[must_use]
    pub const fn window(&self) -> u32 {
        self.numbering.behind() + self.numbering.ahead()
    }

    /// The pieces of the stream.
    ///
    /// # Errors
    /// If the window is too short or too long.
    pub fn geometry(&self, piece_length: u32) -> Result<Geometry, ConfigError> {
        let shortest = Numbering::RING_MIN;
        let (Numbering::Absolute { window: pieces } | Numbering::Ring(pieces)) = self.numbering;
        if pieces < shortest || self.window() > crate::message::LiveWindow::MAX {
            return Err(ConfigError::LiveWindow(pieces));
        }
        Geometry::live(piece_length, self.window())
    }

    /// The rules by which a viewer accepts pieces of this stream: they reach back half a ring, and
    /// at least as far as the window.
    #[must_use]
    pub const fn acceptance(&self) -> Acceptance {
        let window = 2 * self.window();
        Acceptance::new(match self.numbering {
            Numbering::Ring(pieces) if pieces > window => pieces,
            _ => window,
        })
    }

    /// Pieces that are no longer announced and still served: an eighth of what is kept behind.
    #[must_use]
    pub const fn grace(&self) -> u32 {
        self.numbering.behind() / 8
    }
}
