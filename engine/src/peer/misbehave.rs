//! What adversaries say. The honest never come here.

use alloc::vec::Vec;
use core::net::SocketAddr;

use super::{Flag, Peer};
use crate::behaviour::{Accomplice, Behaviour};
use crate::geometry::PieceIndex;
use crate::id::{ConnId, PeerId};
use crate::message::{Extended, G2gQuery, G2gReport, Receipt};

impl Peer {
    /// Whom it names as its receivers.
    pub(super) fn false_receivers(&self) -> Vec<SocketAddr> {
        let ours = self.config.listen;
        match &self.config.behaviour {
            Behaviour::Honest | Behaviour::HaveLiar => Vec::new(),
            Behaviour::Liar => {
                let listening = self.order.iter().filter_map(|&slot| self.at(slot).listen());
                listening.take(Extended::RECEIVERS_MAX).collect()
            }
            Behaviour::Colluder(_) => self
                .accomplices()
                .map(|one| one.listen)
                .filter(|&listen| Some(listen) != ours)
                .take(Extended::RECEIVERS_MAX)
                .collect(),
            Behaviour::Sybil(invented) => {
                let some = invented.iter().take(Extended::RECEIVERS_MAX);
                some.copied().collect()
            }
        }
    }

    /// Those in league, from the one after ourselves on: each names others than the rest do.
    pub(super) fn accomplices(&self) -> impl Iterator<Item = Accomplice> + '_ {
        let all: &[Accomplice] = match &self.config.behaviour {
            Behaviour::Colluder(all) => all,
            _ => &[],
        };
        let ours = all
            .iter()
            .position(|one| one.peer_id == self.config.peer_id);
        let next = ours.map_or(0, |place| place + 1);
        all[next..].iter().chain(&all[..next]).copied()
    }

    /// In whose names it can make receipts: of those in league, who lent theirs, and of nobody.
    pub(super) fn false_names(&self) -> Vec<(SocketAddr, PeerId)> {
        match &self.config.behaviour {
            Behaviour::Colluder(_) => self
                .accomplices()
                .filter(|one| one.peer_id != self.config.peer_id)
                .map(|one| (one.listen, one.peer_id))
                .take(Receipt::BATCH)
                .collect(),
            Behaviour::Sybil(invented) => invented
                .iter()
                .map(|&addr| (addr, invented_id(addr)))
                .take(Receipt::BATCH)
                .collect(),
            Behaviour::Honest | Behaviour::Liar | Behaviour::HaveLiar => Vec::new(),
        }
    }

    /// What it reports of a child, if it does not tell the truth.
    pub(super) fn false_report(&self, query: &G2gQuery) -> Option<G2gReport> {
        let praised = match &self.config.behaviour {
            Behaviour::Honest | Behaviour::HaveLiar => false,
            // Whoever feeds it shall be fed.
            Behaviour::Liar | Behaviour::Sybil(_) => self.order.iter().any(|&slot| {
                let lets_us_ask = !self.links[usize::from(slot)].is(Flag::TheyChoke);
                lets_us_ask && self.at(slot).peer_id() == Some(query.child)
            }),
            Behaviour::Colluder(all) => all.iter().any(|one| one.peer_id == query.child),
        };
        praised.then(|| self.praise(query))
    }

    /// A report that the child gave everything: as many pieces as one can hold, whole. Which ones
    /// depends on the nonce, so that each comes up sooner or later.
    #[must_use]
    pub fn praise(&self, query: &G2gQuery) -> G2gReport {
        let window = self.pieces.window();
        let length = window.length.max(1) as usize;
        let first = usize::try_from(query.nonce % u64::from(window.length.max(1))).unwrap_or(0);
        let received = (0..length.min(G2gReport::MAX)).map(|step| {
            let piece = window.piece((first + step) % length);
            (piece, self.pieces.geometry().blocks_in(piece))
        });
        G2gReport {
            nonce: query.nonce,
            child: query.child,
            received: received.collect(),
        }
    }

    /// All of every piece it has, however often that was said before; `None` of one who does not
    /// lie about that.
    pub(super) fn false_shares(&self) -> Option<Vec<(PieceIndex, u8)>> {
        if matches!(
            self.config.behaviour,
            Behaviour::Honest | Behaviour::HaveLiar
        ) {
            return None;
        }
        let window = self.pieces.window();
        let have = self.pieces.have().iter();
        Some(have.map(|offset| (window.piece(offset), 100)).collect())
    }

    /// It announces what it lacks, and never answers.
    pub(super) fn lures(&self) -> bool {
        self.config.behaviour == Behaviour::HaveLiar
    }

    /// Somebody is interested: let it ask.
    pub(super) fn lure(&mut self, conn: ConnId) {
        if self.lures() {
            self.set_choke(conn, false);
        }
    }
}

/// A name for somebody who is not: by its port, since all invented addresses are of one host.
fn invented_id(addr: SocketAddr) -> PeerId {
    let mut id = *b"-XX0000-invented0000";
    id[16..18].copy_from_slice(&addr.port().to_be_bytes());
    PeerId(id)
}
