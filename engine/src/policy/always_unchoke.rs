//! `always-unchoke`: nobody is ever choked.
//!
//! Source: rqbit, crates/librqbit/src/peer_connection.rs (read in code, a499d2f2): `Unchoke` follows
//! the bitfield, and nothing ever chokes. Here a neighbour is unchoked when it becomes interested:
//! what it may do is the same.

use alloc::vec::Vec;

use super::choke::{ChokeView, Choker};
use crate::id::ConnId;
use crate::seed::Rng;

/// See the module.
#[derive(Debug)]
pub(super) struct AlwaysUnchoke;

impl Choker for AlwaysUnchoke {
    fn early_below(&self) -> u16 {
        u16::MAX
    }

    fn rechoke(&mut self, view: &ChokeView<'_>, _rng: &mut Rng, unchoked: &mut Vec<ConnId>) {
        unchoked.extend(view.neighbours.iter().map(|one| one.conn));
    }
}
