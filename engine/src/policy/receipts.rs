//! `receipts`: upload to those who forward best, as their receivers' acknowledgements show.
//!
//! Source: ours; no client and no paper does this. The ranking, rounds and slots are those of
//! `give-to-get` (Mol et al., MMCN 2008, as recalled). Only how p learns what its child c forwarded
//! differs: the grandchild r acknowledges to c what c sent it, c carries that receipt to p, and p
//! counts it
//!
//! * if r alone can have made it (its seal, which the driver checks),
//! * if r is p's neighbour, or p's own tracker or PEX has named its address: no invention of c's,
//! * and no block twice, whoever is said to have sent it: r needs each block once.
//!
//! So nobody contacts a stranger, and a NAT between p and r does not matter. What remains possible:
//! those in league may acknowledge what was never sent, each the whole film once. The constants
//! (128 pieces a receipt, 32 receipts a message, 256 receivers remembered) are chosen, not measured.

use alloc::vec::Vec;
use core::time::Duration;

use super::choke::{ChokeView, Choker, Reporting};
use super::give_to_get::GiveToGet;
use crate::id::ConnId;
use crate::seed::Rng;

/// See the module.
#[derive(Debug)]
pub(super) struct Receipts(pub(super) GiveToGet);

impl Choker for Receipts {
    fn period(&self) -> Duration {
        self.0.period()
    }

    fn reporting(&self) -> Reporting {
        Reporting::Receipts
    }

    fn joined(&mut self, conn: ConnId, rng: &mut Rng) {
        self.0.joined(conn, rng);
    }

    fn left(&mut self, conn: ConnId) {
        self.0.left(conn);
    }

    fn rechoke(&mut self, view: &ChokeView<'_>, rng: &mut Rng, unchoked: &mut Vec<ConnId>) {
        self.0.rechoke(view, rng, unchoked);
    }
}
