//! Where a swarm's blocks go: the files of a torrent, or the window of a live stream.

use std::io;
use std::sync::Arc;

use swarmbed_engine::live::Rejection;
use swarmbed_engine::{Block, PieceIndex, StoreResult, Verdict};

use crate::clock::Clock;
use crate::error::NodeError;
use crate::live::{Judged, LiveWindow};
use crate::storage::Storage;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) enum Store {
    /// A torrent's.
    Files(Arc<Storage>),
    /// A live stream's.
    Window(Arc<LiveWindow>),
}

impl Store {
    /// Writes a block.
    pub(crate) fn write(&self, block: Block, data: &[u8]) -> Result<StoreResult, NodeError> {
        match self {
            Self::Files(files) => files.write(block, data).map(|()| StoreResult::Done),
            Self::Window(window) => window.write(block, data),
        }
    }

    /// Reads a block of a verified piece.
    pub(crate) fn read(&self, block: Block, buffer: &mut [u8]) -> io::Result<()> {
        match self {
            Self::Files(files) => files.read(block, buffer),
            Self::Window(window) => window.read(block, buffer),
        }
    }

    /// Judges a piece whose blocks are all stored; of a live one that is refused, why.
    pub(crate) fn verify(&self, piece: PieceIndex, clock: Clock) -> (Verdict, Option<Rejection>) {
        match self {
            Self::Files(files) => (files.verify(piece), None),
            Self::Window(window) => match window.judge(piece) {
                Judged::Good { end, differing } => {
                    let verdict = Verdict::GoodLive {
                        produced_at: clock.at_unix_micros(end.source_micros),
                        last: end.last,
                        differing,
                    };
                    (verdict, None)
                }
                Judged::Bad(why) => (Verdict::Bad, Some(why)),
            },
        }
    }

    /// All pieces are good.
    pub(crate) fn complete(&self) -> Result<(), NodeError> {
        match self {
            Self::Files(files) => files.complete(),
            Self::Window(_) => Ok(()),
        }
    }

    /// What was promised cannot be read: of a window, for it has moved on; of files it is a fault.
    pub(crate) const fn moves_on(&self) -> bool {
        matches!(self, Self::Window(_))
    }
}
