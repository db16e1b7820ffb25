//! No block is asked of one who lacks it.

use swarmbed_engine::{Block, Peer};

/// A request reached `peer`; what is wrong with it, if anything is.
pub(crate) fn asked(peer: &Peer, block: Block) -> Option<&'static str> {
    (!peer.has(block.piece)).then_some("was asked for a block that it lacks")
}
