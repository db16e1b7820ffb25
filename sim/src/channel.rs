//! The channel of a live run: when its pieces are made, and what each peer is told of it.

use std::time::Duration;

use swarmbed_engine::live::{LiveConfig, Role};
use swarmbed_engine::{Instant, PieceIndex};

use crate::address::address_of;
use crate::shared::Shared;

impl Shared {
    /// What a peer of a live run is told of the channel.
    pub(crate) fn channel(&self, number: u32) -> Option<LiveConfig> {
        let live = self.setup.live.as_ref()?;
        let source = self.peers.iter().find(|peer| peer.source);
        let role = if self.peers[number as usize].source {
            let helpers = self.peers.iter().map(|peer| peer.number);
            Role::Source {
                first: PieceIndex(0),
                auxiliary: helpers
                    .filter(|&other| self.class(other).auxiliary)
                    .map(address_of)
                    .collect(),
                super_seeding: live.super_seeding,
            }
        } else {
            Role::Viewer
        };
        Some(LiveConfig {
            numbering: live.numbering,
            expiry: live.expiry,
            hook_in: live.hook_in.clone(),
            lag_max: live.lag_max,
            source_at: source.map(|source| address_of(source.number).ip()),
            role,
        })
    }

    /// When the source has made a piece: when its last byte of media has been recorded.
    pub(crate) fn made_at(&self, piece: PieceIndex) -> Instant {
        let bitrate = self.setup.bitrate.expect("checked before the run");
        let bytes = self.setup.geometry.start_of(PieceIndex(piece.0 + 1));
        Instant::ZERO + Duration::from_nanos(bitrate.nanos_for(bytes))
    }

    /// Whether no piece follows this one.
    pub(crate) fn is_last(&self, piece: PieceIndex) -> bool {
        let live = self.setup.live.as_ref();
        live.is_some_and(|live| piece.0 + 1 >= live.pieces)
    }
}
