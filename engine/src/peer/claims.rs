//! Give-to-Get as shipped: saying what we forward, and crediting what others say they do.
//!
//! Source: Tribler, BT1/Connecter.py from May 2008 on (swarmplayer.md 4.1 and 4.2, read in code).
//! Every 4 s a peer tells each Give-to-Get neighbour how much of which piece it uploaded, to
//! whomever; a block counts when it goes to the socket. It is believed unchecked. A claim counts as
//! forwarded bytes, and times the share of that piece that we gave the claimant as bytes of ours: an
//! expectation, not an overlap. That share may exceed 1 when a block is sent twice.
//!
//! The client's timer runs per connection; here one batch for all closes 4 s after its first block.
//! Its meters' five seconds of grace at the start are left out.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use core::time::Duration;

use super::Peer;
use crate::error::CloseReason;
use crate::geometry::{Block, PieceIndex};
use crate::id::ConnId;
use crate::message::{Extended, G2gShares, Message};
use crate::policy::Reporting;
use crate::rate::{Rate, RateMeter};
use crate::time::Instant;

/// `G2G_CALLBACK_INTERVAL`
const INTERVAL: Duration = Duration::from_secs(4);

/// What one neighbour claims.
#[derive(Debug)]
pub(crate) struct Claims {
    /// Bytes we gave it of each piece.
    given: BTreeMap<PieceIndex, u32>,
    ours: RateMeter,
    total: RateMeter,
}

impl Claims {
    fn new(now: Instant) -> Self {
        Self {
            given: BTreeMap::new(),
            ours: RateMeter::new(now),
            total: RateMeter::new(now),
        }
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.given.len() * size_of::<(PieceIndex, u32)>()
    }

    /// Of what we gave it.
    pub(crate) fn ours(&self, now: Instant) -> Rate {
        self.ours.rate(now)
    }

    /// Of all.
    pub(crate) fn total(&self, now: Instant) -> Rate {
        self.total.rate(now)
    }

    fn credit(&mut self, now: Instant, piece: PieceIndex, share: u8, piece_length: u32) {
        let part = |bytes: u32| (u64::from(bytes) * u64::from(share)).div_ceil(100);
        self.total.add(now, part(piece_length));
        if let Some(&given) = self.given.get(&piece) {
            self.ours.add(now, part(given));
        }
    }
}

/// What we uploaded since we last said so, and when to say it.
#[derive(Debug)]
pub(super) struct Forwarding {
    bytes: BTreeMap<PieceIndex, u32>,
    at: Instant,
}

impl Forwarding {
    pub(super) const fn new() -> Self {
        Self {
            bytes: BTreeMap::new(),
            at: Instant::FAR,
        }
    }

    pub(super) const fn next(&self) -> Instant {
        self.at
    }

    /// A block came or went: something to tell of, or to lie about.
    pub(super) fn received(&mut self, now: Instant) {
        self.at = self.at.min(now + INTERVAL);
    }
}

impl Peer {
    /// A block goes to a neighbour.
    pub(super) fn note_forwarded(&mut self, conn: ConnId, block: Block) {
        if self.reporting != Reporting::Itself {
            return;
        }
        let now = self.now;
        let window = self.pieces.window().length as usize;
        let add = |bytes: &mut u32| *bytes = bytes.saturating_add(block.length);
        add(self.forwarding.bytes.entry(block.piece).or_default());
        self.forwarding.received(now);
        self.reschedule();
        if let Some(neighbour) = self.neighbour(conn) {
            let forwards = neighbour.forwards_mut();
            let claims = forwards
                .claims
                .get_or_insert_with(|| Box::new(Claims::new(now)));
            add(claims.given.entry(block.piece).or_default());
            // A live stream's old pieces are forwarded no more.
            while claims.given.len() > window {
                claims.given.pop_first();
            }
        }
    }

    /// Tells the neighbours what we forwarded.
    pub(super) fn tell_forwarded(&mut self) {
        self.forwarding.at = Instant::FAR;
        self.reschedule();
        let sent = core::mem::take(&mut self.forwarding.bytes);
        let invented = if self.lies { self.false_shares() } else { None };
        let shares = invented.unwrap_or_else(|| {
            let whole = self.pieces.geometry().piece_length();
            let share = |bytes| u64::from(bytes) * 100 / u64::from(whole);
            sent.into_iter()
                .map(|(piece, bytes)| (piece, u8::try_from(share(bytes)).unwrap_or(100)))
                .collect()
        });
        if shares.is_empty() {
            return;
        }
        let shares = G2gShares::new(shares);
        for index in 0..self.order.len() {
            let one = self.at(self.order[index]);
            if one.is_open() && one.g2g {
                let message = Message::Extended(Box::new(Extended::G2gShares(shares.clone())));
                self.send(one.conn, message);
            }
        }
    }

    /// A neighbour says what it forwarded.
    pub(super) fn claimed(&mut self, conn: ConnId, shares: &G2gShares) -> Result<(), CloseReason> {
        if self.reporting != Reporting::Itself {
            return Ok(());
        }
        let now = self.now;
        let geometry = *self.pieces.geometry();
        let neighbour = self.neighbour(conn).expect("checked by message");
        let forwards = neighbour.forwards_mut();
        let claims = forwards
            .claims
            .get_or_insert_with(|| Box::new(Claims::new(now)));
        for &(piece, share) in shares.shares() {
            if piece.0 >= geometry.pieces() && !geometry.is_endless() {
                return Err(CloseReason::Violation(
                    "share of a piece beyond the torrent",
                ));
            }
            claims.credit(now, piece, share, geometry.piece_length());
        }
        Ok(())
    }
}
