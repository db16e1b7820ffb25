//! What a peer does that it should not: adversaries, for experiments.
//!
//! They live here and in `peer/misbehave.rs`, where no honest peer's code is disturbed: one flag,
//! false for the honest, stands before each thing that is said otherwise. None of them uploads a
//! block unless [`Config::upload`](crate::Config) says so.

use alloc::sync::Arc;
use core::net::SocketAddr;

use crate::id::PeerId;

/// What a peer says that is not so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// Nothing.
    #[default]
    Honest,
    /// It says of itself that it forwards all it has, again and again; it names its neighbours as
    /// its receivers; and of whoever lets it ask, it reports that it got everything there. It can
    /// make no receipt in another's name.
    Liar,
    /// Like a liar; and those who are in league name each other as their receivers, report that
    /// they got everything from each other, and lend each other their names for receipts.
    Colluder(Arc<[Accomplice]>),
    /// Like a liar; and it names addresses of its own, where nobody is, as its receivers. Its
    /// world answers for them ([`Peer::praise`](crate::Peer::praise)).
    Sybil(Arc<[SocketAddr]>),
    /// It announces everything, lets everybody ask, and never answers.
    HaveLiar,
}

/// One of those in league.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accomplice {
    /// Its name.
    pub peer_id: PeerId,
    /// Its address.
    pub listen: SocketAddr,
}
