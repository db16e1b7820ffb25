//! What neighbours exchange besides the content: pieces of the torrent itself (BEP 9), and each
//! other's neighbours (BEP 11).
//!
//! Owns what each neighbour was told and asked for. The bytes of the torrent stay with the driver.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::{Flag, Peer};
use crate::error::CloseReason;
use crate::exchange::{Metadata, Pex, PexPeer};
use crate::id::ConnId;
use crate::input::AddressSource;
use crate::message::{Extended, Message};
use crate::output::Output;
use crate::time::Instant;

/// A neighbour is told of others once a minute at most (BEP 11).
const TELL_EVERY: Duration = Duration::from_secs(60);
/// The first time so soon after it came, and so often again while there is nobody to tell of.
const TELL_FIRST: Duration = Duration::from_secs(5);
/// What comes sooner than this after the last is passed over: clocks and networks differ.
const HEAR_EVERY: Duration = Duration::from_secs(30);
/// So many passed over, and it is a flood.
const EARLY_MAX: u8 = 20;
/// Requests for metadata beyond what is answered, and it is a flood.
const REFUSED_MAX: u32 = 1000;

/// What one neighbour was told, and asked for.
#[derive(Debug)]
struct Talk {
    conn: ConnId,
    /// It hears of others; its handshake may take that back.
    hears: bool,
    tell_at: Instant,
    /// Whom it was told of: bounded by our neighbours, whom it is.
    told: Vec<SocketAddr>,
    heard_at: Option<Instant>,
    early: u8,
    asked: u32,
}

/// See the module. There is none where nothing is exchanged.
#[derive(Debug, Default)]
pub(super) struct Talks(Vec<Talk>);

impl Talks {
    /// When somebody is to be told.
    pub(super) fn next(&self) -> Instant {
        let hearing = self.0.iter().filter(|talk| talk.hears);
        let next = hearing.map(|talk| talk.tell_at).min();
        next.unwrap_or(Instant::FAR)
    }

    pub(super) fn forget(&mut self, conn: ConnId) {
        self.0.retain(|talk| talk.conn != conn);
    }

    /// One for each open neighbour, made when it is first needed.
    fn of(&mut self, conn: ConnId, now: Instant) -> &mut Talk {
        let at = self.0.iter().position(|talk| talk.conn == conn);
        let at = at.unwrap_or_else(|| {
            self.0.push(Talk {
                conn,
                hears: false,
                tell_at: now + TELL_FIRST,
                told: Vec::new(),
                heard_at: None,
                early: 0,
                asked: 0,
            });
            self.0.len() - 1
        });
        &mut self.0[at]
    }
}

impl Peer {
    /// Its extension handshake says whether it hears of others.
    pub(super) fn speaks_pex(&mut self, conn: ConnId, speaks: bool) {
        let now = self.now;
        let wanted = self.config.exchange.pex;
        if let Some(talks) = &mut self.talks {
            talks.of(conn, now).hears = wanted && speaks;
        }
    }

    /// Tells those who are due who came and went.
    pub(super) fn tell_of_neighbours(&mut self) {
        let now = self.now;
        let Some(mut talks) = self.talks.take() else {
            return;
        };
        if talks.next() <= now {
            let all = self.reachable_neighbours();
            let due = |talk: &&mut Talk| talk.hears && talk.tell_at <= now;
            for talk in talks.0.iter_mut().filter(due) {
                let pex = news(talk, &all);
                let wait = if pex.is_empty() {
                    TELL_FIRST
                } else {
                    self.send(
                        talk.conn,
                        Message::Extended(Box::new(Extended::Pex(Box::new(pex)))),
                    );
                    TELL_EVERY
                };
                talk.tell_at = now + wait;
            }
        }
        self.talks = Some(talks);
    }

    /// Neighbours whose listening address is known.
    fn reachable_neighbours(&self) -> Vec<(ConnId, PexPeer)> {
        let complete = self.pieces.window().length;
        let open = self.order.iter().map(|&slot| (slot, self.at(slot)));
        let open = open.filter(|(_, neighbour)| neighbour.is_open());
        open.filter_map(|(slot, neighbour)| {
            let link = &self.links[usize::from(slot)];
            let seed = link.pieces == complete || link.is(Flag::GivesOnly);
            let flags = if seed { PexPeer::SEED } else { 0 }
                | if neighbour.outbound {
                    PexPeer::REACHABLE
                } else {
                    0
                };
            let addr = neighbour.listen()?;
            Some((neighbour.conn, PexPeer { addr, flags }))
        })
        .collect()
    }

    /// Addresses come in, no faster than BEP 11 lets them, and no more than it lets them.
    pub(super) fn heard_pex(&mut self, conn: ConnId, pex: &Pex) -> Result<(), CloseReason> {
        let now = self.now;
        let Some(talks) = self.talks.as_mut().filter(|_| self.config.exchange.pex) else {
            // Not offered.
            return Ok(());
        };
        let talk = talks.of(conn, now);
        if talk.heard_at.is_some_and(|at| now.since(at) < HEAR_EVERY) {
            talk.early += 1;
            return if talk.early > EARLY_MAX {
                Err(CloseReason::Flood("peer exchange"))
            } else {
                Ok(())
            };
        }
        talk.heard_at = Some(now);
        let told = pex.added().iter().take(Pex::MAX).map(|peer| peer.addr);
        let told: Vec<SocketAddr> = told.collect();
        self.addresses(AddressSource::Pex, &told);
        Ok(())
    }

    /// It asks for a piece of the torrent, or answers a question that was never put.
    pub(super) fn metadata(&mut self, conn: ConnId, said: &Metadata) -> Result<(), CloseReason> {
        let (&Metadata::Request(piece), Some(size)) = (said, self.config.exchange.metadata) else {
            return Ok(());
        };
        let (now, pieces) = (self.now, Metadata::pieces(size));
        let Some(talks) = &mut self.talks else {
            return Ok(());
        };
        let talk = talks.of(conn, now);
        talk.asked = talk.asked.saturating_add(1);
        // All of it twice: that also bounds what waits for its socket.
        let room = 2 * pieces;
        if talk.asked > room + REFUSED_MAX {
            return Err(CloseReason::Flood("requests for metadata"));
        }
        if piece >= pieces || talk.asked > room {
            let refusal = Extended::Metadata(Metadata::Reject(piece));
            self.send(conn, Message::Extended(Box::new(refusal)));
            return Ok(());
        }
        let head = Message::Extended(Box::new(Extended::Metadata(Metadata::Data {
            piece,
            total: size,
            bytes: Vec::new(),
        })));
        let bytes = (size - piece * Metadata::PIECE).min(Metadata::PIECE);
        self.traffic.control_up += u64::from(head.wire_len() + bytes);
        self.outbox.push_back(Output::SendMetadata(conn, piece));
        Ok(())
    }
}

/// What this neighbour was not told yet, and counts as told now.
fn news(talk: &mut Talk, all: &[(ConnId, PexPeer)]) -> Pex {
    let others = || all.iter().filter(|(conn, _)| *conn != talk.conn);
    let is_here = |addr: &SocketAddr| others().any(|(_, peer)| peer.addr == *addr);
    let dropped = talk.told.iter().filter(|&addr| !is_here(addr));
    let dropped: Vec<SocketAddr> = dropped.take(Pex::MAX).copied().collect();
    let added = others().filter(|(_, peer)| !talk.told.contains(&peer.addr));
    let added: Vec<PexPeer> = added.take(Pex::MAX).map(|(_, peer)| *peer).collect();
    talk.told.retain(|addr| !dropped.contains(addr));
    talk.told.extend(added.iter().map(|peer| peer.addr));
    Pex::new(added, dropped)
}
