//! The seam *whom do I upload to?*, and what a choker may look at.

use alloc::vec::Vec;
use core::fmt::Debug;
use core::time::Duration;

use crate::id::ConnId;
use crate::rate::Rate;
use crate::seed::Rng;
use crate::time::Instant;

/// Decides who is unchoked, once every period.
pub trait Choker: Debug + Send {
    /// Time between two decisions.
    fn period(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// How it learns what neighbours forward.
    fn reporting(&self) -> Reporting {
        Reporting::None
    }

    /// With fewer unchoked than this, a newly interested neighbour does not wait for the round. Always the same.
    fn early_below(&self) -> u16 {
        4
    }

    /// It makes a difference whether neighbours are in the view that want nothing of us and are choked. If it does not,
    /// they are left out: among thousands of peers that are many, and looking at each costs.
    fn minds_idle(&self) -> bool {
        true
    }

    /// A new neighbour.
    fn joined(&mut self, _conn: ConnId, _rng: &mut Rng) {}

    /// A neighbour is gone.
    fn left(&mut self, _conn: ConnId) {}

    /// Writes whom to unchoke into `unchoked`; all others are choked.
    fn rechoke(&mut self, view: &ChokeView<'_>, rng: &mut Rng, unchoked: &mut Vec<ConnId>);
}

/// Who tells what a neighbour forwards to others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reporting {
    /// Nobody.
    #[default]
    None,
    /// Those it forwards to, asked one by one (Give-to-Get as in the paper).
    Grandchildren,
    /// Itself (Give-to-Get as shipped).
    Itself,
    /// Those it forwards to, who acknowledge each block; it carries their receipts to us.
    Receipts,
}

/// What a choker sees.
#[derive(Debug)]
pub struct ChokeView<'a> {
    /// Now.
    pub now: Instant,
    /// Our share of the uplink, if it is known.
    pub uplink: Option<Rate>,
    /// We have everything.
    pub complete: bool,
    /// Bytes of a piece.
    pub piece_length: u32,
    /// The neighbours, oldest first; without idle ones, unless it [minds](Choker::minds_idle) them.
    pub neighbours: &'a [Candidate],
}

/// A neighbour, as a choker sees it.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the protocol's own flags")]
pub struct Candidate {
    /// Who.
    pub conn: ConnId,
    /// It wants something of ours.
    pub interested: bool,
    /// It dialled us. Whom we dialled can be dialled; of this one nobody knows.
    pub inbound: bool,
    /// It is unchoked now.
    pub unchoked: bool,
    /// Since when it is choked or unchoked.
    pub since: Instant,
    /// When it became a neighbour.
    pub connected_at: Instant,
    /// What it gives us, over the last 20 s.
    pub down: Rate,
    /// What we give it, over the last 20 s.
    pub up: Rate,
    /// It owes us blocks and is silent for a minute.
    pub snubbed: bool,
    /// It speaks Give-to-Get as we do: it reports, in the way this choker learns by.
    pub g2g: bool,
    /// Blocks it forwarded in this round of pieces it got from us, as reported.
    pub forwarded_ours: u32,
    /// Blocks it forwarded in this round, as reported.
    pub forwarded: u32,
    /// What it says it forwards of what we gave it, over the last 20 s.
    pub claimed_ours: Rate,
    /// What it says it forwards, over the last 20 s.
    pub claimed: Rate,
}
