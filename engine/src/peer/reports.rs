//! Give-to-Get as in the paper: asking grandchildren what they received from a child.
//!
//! Shortly before a choke round, each child's receivers are asked: over the connection where one
//! exists, as a datagram where none does. A report answers a query and repeats its nonce; no
//! report counts as zero. Source: papers.md 1.2 (as recalled).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::Peer;
use crate::error::CloseReason;
use crate::geometry::PieceIndex;
use crate::id::ConnId;
use crate::message::{Datagram, Extended, G2gQuery, G2gReport, Message};
use crate::output::Output;
use crate::policy::Reporting;
use crate::seed::Rng;
use crate::time::Instant;

/// Queries go out this long before the round, so that reports are fresh and still in time.
const BEFORE_ROUND: Duration = Duration::from_secs(1);
/// Queries of one round.
const QUERIES_MAX: usize = 128;

/// A query that waits for its report.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    nonce: u64,
    child: ConnId,
    grandchild: SocketAddr,
}

/// Queries of this round, and when the next are due.
#[derive(Debug)]
pub(super) struct Reports {
    rng: Rng,
    at: Instant,
    waiting: Vec<Waiting>,
}

impl Reports {
    pub(super) const fn new(rng: Rng) -> Self {
        Self {
            rng,
            at: Instant::FAR,
            waiting: Vec::new(),
        }
    }

    pub(super) const fn next(&self) -> Instant {
        self.at
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.at <= now
    }

    pub(super) fn schedule(&mut self, round: Instant) {
        self.at = round - BEFORE_ROUND;
    }
}

impl Peer {
    /// Asks the receivers of all who got blocks from us.
    pub(super) fn query_grandchildren(&mut self) {
        self.reports.at = Instant::FAR;
        self.reschedule();
        self.reports.waiting.clear();
        let ours = self.config.listen;
        let mut questions = Vec::new();
        for child in
            self.order.iter().map(|&slot| self.at(slot)).filter(|one| {
                one.g2g && one.forwards.as_ref().is_some_and(|all| all.sent.is_some())
            })
        {
            let Some(child_id) = child.peer_id() else {
                continue;
            };
            let receivers = child.forwards.iter().flat_map(|all| &all.receivers);
            for &grandchild in receivers.filter(|&&receiver| Some(receiver) != ours) {
                questions.push((child.conn, child_id, grandchild));
            }
        }
        questions.truncate(QUERIES_MAX);
        let speakers = self.order.iter().map(|&slot| self.at(slot));
        let speakers: Vec<(SocketAddr, ConnId)> = speakers
            .filter(|one| one.g2g)
            .filter_map(|one| Some((one.listen()?, one.conn)))
            .collect();
        for (child, child_id, grandchild) in questions {
            let nonce = self.reports.rng.word();
            self.reports.waiting.push(Waiting {
                nonce,
                child,
                grandchild,
            });
            self.traffic.queries += 1;
            let query = G2gQuery {
                nonce,
                child: child_id,
            };
            match speakers.iter().find(|(addr, _)| *addr == grandchild) {
                Some(&(_, conn)) => {
                    self.send(conn, Message::Extended(Box::new(Extended::G2gQuery(query))))
                }
                None => self.send_datagram(grandchild, Datagram::Query(query)),
            }
        }
    }

    fn send_datagram(&mut self, to: SocketAddr, datagram: Datagram) {
        self.traffic.control_up += u64::from(28 + datagram.wire_len());
        let datagram = Box::new(datagram);
        self.outbox.push_back(Output::Datagram { to, datagram });
    }

    /// A stranger asks or answers.
    pub(super) fn datagram(&mut self, from: SocketAddr, datagram: Datagram) {
        self.traffic.control_down += u64::from(28 + datagram.wire_len());
        match datagram {
            Datagram::Query(query) => {
                if let Some(report) = self.report_for(&query) {
                    self.send_datagram(from, Datagram::Report(report));
                }
            }
            Datagram::Report(report) => {
                // A stranger's nonsense is not worth more than dropping it.
                let _ = self.reported(from, &report);
            }
        }
    }

    /// What we received from the child in the last period; nothing from who does not speak
    /// Give-to-Get, as a client that has never heard of it would not answer.
    pub(super) fn report_for(&self, query: &G2gQuery) -> Option<G2gReport> {
        if self.reporting != Reporting::Grandchildren {
            return None;
        }
        if self.lies
            && let Some(report) = self.false_report(query)
        {
            return Some(report);
        }
        let period = self.choker.period();
        let child = self.slot_of(query.child).map(|slot| self.at(slot));
        let mut pieces: Vec<PieceIndex> = Vec::new();
        if let Some(forwards) = child.and_then(|one| one.forwards.as_deref()) {
            pieces.extend(forwards.recent_since(self.now, period));
        }
        pieces.sort_unstable();
        let mut received: Vec<(PieceIndex, u16)> = Vec::with_capacity(pieces.len());
        for piece in pieces {
            match received.last_mut() {
                // A block that came twice counts once.
                Some((last, blocks)) if *last == piece => {
                    *blocks = (*blocks + 1).min(self.pieces.geometry().blocks_in(piece));
                }
                _ => received.push((piece, 1)),
            }
        }
        received.truncate(G2gReport::MAX);
        Some(G2gReport {
            nonce: query.nonce,
            child: query.child,
            received,
        })
    }

    /// A grandchild answered: credit the child. Answers to nothing we asked are ignored.
    pub(super) fn reported(
        &mut self,
        from: SocketAddr,
        report: &G2gReport,
    ) -> Result<(), CloseReason> {
        if report.received.len() > G2gReport::MAX {
            return Err(CloseReason::Violation("report of too many pieces"));
        }
        let waiting = &mut self.reports.waiting;
        let Some(index) = waiting
            .iter()
            .position(|one| one.nonce == report.nonce && one.grandchild == from)
        else {
            return Ok(());
        };
        let child = waiting.swap_remove(index).child;
        let geometry = *self.pieces.geometry();
        let window = self.pieces.window();
        let Some(child) = self
            .neighbour(child)
            .filter(|one| one.peer_id() == Some(report.child))
        else {
            return Ok(());
        };
        let forwards = child.forwards_mut();
        for &(piece, blocks) in &report.received {
            let offset = window.offset(piece);
            if offset.is_none() && geometry.is_endless() {
                continue;
            }
            if offset.is_none() || blocks > geometry.blocks_in(piece) {
                return Err(CloseReason::Violation(
                    "report of blocks beyond the torrent",
                ));
            }
            forwards.credit(offset, blocks);
        }
        self.traffic.answers += 1;
        Ok(())
    }
}
