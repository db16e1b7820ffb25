//! Receipts: acknowledging blocks, carrying acknowledgements back, and counting them.
//!
//! At the end of a choke round a peer acknowledges to each neighbour what it sent, and carries to
//! those who feed it what its own receivers acknowledged meanwhile: it counts there one round later
//! at the latest. Scheme and reasons: `policy/receipts.rs`.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::SocketAddr;

use super::{Neighbour, Peer};
use crate::error::CloseReason;
use crate::geometry::PieceIndex;
use crate::id::{ConnId, PeerId};
use crate::message::{Extended, Message, Receipt, Seal};

/// Receipts that wait to be carried back; more are dropped.
const CARRIED_MAX: usize = 4 * Receipt::BATCH;
/// Receivers whose acknowledgements are remembered; the lowest address makes room.
const RECEIVERS_MAX: usize = 256;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    /// Made by our receivers in this round.
    carried: Vec<Receipt>,
    /// What each receiver has acknowledged, to whomever.
    spent: BTreeMap<SocketAddr, Spent>,
}

/// What one receiver has acknowledged.
#[derive(Debug)]
struct Spent {
    /// Its name when it was first heard of: an address has one.
    id: PeerId,
    blocks: BTreeMap<PieceIndex, u16>,
}

impl Peer {
    /// Acknowledges what came in this round.
    pub(super) fn acknowledge(&mut self) {
        let Some(receiver) = self.config.listen else {
            return;
        };
        for index in 0..self.order.len() {
            let one = self.at(self.order[index]);
            let (conn, Some(forwarder), true) = (one.conn, one.peer_id(), one.g2g) else {
                continue;
            };
            let received = self.received_from(one);
            let receipts: Vec<Receipt> = received
                .chunks(Receipt::MAX)
                .take(Receipt::BATCH)
                .map(|some| Receipt {
                    receiver,
                    receiver_id: self.config.peer_id,
                    forwarder,
                    received: some.to_vec(),
                    seal: Seal::default(),
                })
                .collect();
            self.send_receipts(conn, receipts);
        }
    }

    /// Blocks that came from a neighbour in this round, by piece.
    fn received_from(&self, neighbour: &Neighbour) -> Vec<(PieceIndex, u16)> {
        let period = self.choker.period();
        let mut blocks: BTreeMap<PieceIndex, u16> = BTreeMap::new();
        let recent = neighbour.recent();
        for (_, piece) in recent.filter(|&(at, _)| self.now.since(at) < period) {
            let count = blocks.entry(piece).or_default();
            *count = (*count + 1).min(self.pieces.geometry().blocks_in(piece));
        }
        blocks.into_iter().collect()
    }

    /// Carries what our receivers acknowledged to those who gave us blocks.
    pub(super) fn carry_receipts(&mut self) {
        let mut carried = core::mem::take(&mut self.receipts.carried);
        if self.lies {
            carried.extend(self.false_receipts());
        }
        if carried.is_empty() {
            return;
        }
        let period = self.choker.period();
        for index in 0..self.order.len() {
            let one = self.at(self.order[index]);
            let fed = one.recent().next_back();
            if !one.g2g || fed.is_none_or(|(at, _)| self.now.since(at) >= period) {
                continue;
            }
            let (conn, listen) = (one.conn, one.listen());
            let others = carried.iter().filter(|one| Some(one.receiver) != listen);
            let others: Vec<Receipt> = others.take(Receipt::BATCH).cloned().collect();
            self.send_receipts(conn, others);
        }
    }

    fn send_receipts(&mut self, conn: ConnId, receipts: Vec<Receipt>) {
        if !receipts.is_empty() {
            let message = Message::Extended(Box::new(Extended::Receipts(receipts)));
            self.send(conn, message);
        }
    }

    /// Receipts in the names of others who lent them, or of nobody, for all that came in this
    /// round.
    fn false_receipts(&self) -> Vec<Receipt> {
        let mut received: BTreeMap<PieceIndex, u16> = BTreeMap::new();
        for &slot in &self.order {
            received.extend(self.received_from(self.at(slot)));
        }
        for (piece, blocks) in &mut received {
            *blocks = self.pieces.geometry().blocks_in(*piece);
        }
        let received: Vec<_> = received.into_iter().take(Receipt::MAX).collect();
        if received.is_empty() {
            return Vec::new();
        }
        let lent = self.false_names().into_iter();
        lent.map(|(receiver, receiver_id)| Receipt {
            receiver,
            receiver_id,
            forwarder: self.config.peer_id,
            received: received.clone(),
            seal: Seal::default(),
        })
        .collect()
    }

    /// A neighbour acknowledges what we sent it, or brings what its receivers acknowledged.
    pub(super) fn acknowledged(
        &mut self,
        conn: ConnId,
        receipts: Vec<Receipt>,
    ) -> Result<(), CloseReason> {
        if receipts.len() > Receipt::BATCH {
            return Err(CloseReason::Violation("too many receipts"));
        }
        let sender = self.neighbour(conn).expect("checked by message").peer_id();
        for receipt in receipts {
            self.check_receipt(&receipt)?;
            if Some(receipt.forwarder) == sender {
                self.traffic.queries += 1;
                if self.counts(conn, &receipt) {
                    self.credit_receipt(conn, &receipt);
                }
            } else if receipt.forwarder == self.config.peer_id
                && Some(receipt.receiver_id) == sender
            {
                if self.receipts.carried.len() < CARRIED_MAX {
                    self.receipts.carried.push(receipt);
                }
            } else {
                return Err(CloseReason::Violation(
                    "a receipt of somebody else's blocks",
                ));
            }
        }
        Ok(())
    }

    fn check_receipt(&self, receipt: &Receipt) -> Result<(), CloseReason> {
        let geometry = self.pieces.geometry();
        let wrong = |&(piece, blocks): &(PieceIndex, u16)| {
            let beyond = piece.0 >= geometry.pieces() && !geometry.is_endless();
            beyond || blocks > geometry.blocks_in(piece)
        };
        if receipt.received.len() > Receipt::MAX || receipt.received.iter().any(wrong) {
            let what = "a receipt of blocks beyond the torrent";
            return Err(CloseReason::Violation(what));
        }
        Ok(())
    }

    /// Whether the receiver is somebody: another than we and the forwarder, a neighbour of ours or
    /// at an address that our tracker or PEX has named, under the name that it has there.
    fn counts(&self, conn: ConnId, receipt: &Receipt) -> bool {
        let receiver = receipt.receiver;
        if Some(receiver) == self.config.listen {
            return false;
        }
        let mut all = self.order.iter().map(|&slot| self.at(slot));
        let here = all.find(|one| one.listen() == Some(receiver) && one.is_open());
        let named = match here {
            Some(one) => one.conn != conn && one.peer_id() == Some(receipt.receiver_id),
            None => self.book.names(receiver),
        };
        let known = self.receipts.spent.get(&receiver);
        named && known.is_none_or(|spent| spent.id == receipt.receiver_id)
    }

    fn credit_receipt(&mut self, conn: ConnId, receipt: &Receipt) {
        let window = self.pieces.window();
        let geometry = *self.pieces.geometry();
        let all = &mut self.receipts.spent;
        if all.len() >= RECEIVERS_MAX && !all.contains_key(&receipt.receiver) {
            all.pop_first();
        }
        let spent = all.entry(receipt.receiver).or_insert_with(|| Spent {
            id: receipt.receiver_id,
            blocks: BTreeMap::new(),
        });
        let child = self.neighbours[conn.slot()]
            .as_mut()
            .expect("checked by message");
        let mut some = false;
        for &(piece, blocks) in &receipt.received {
            let before = spent.blocks.entry(piece).or_default();
            let new = blocks.min(geometry.blocks_in(piece).saturating_sub(*before));
            *before += new;
            some |= new > 0;
            child.forwards_mut().credit(window.offset(piece), new);
        }
        // A live stream's old pieces are acknowledged no more.
        while spent.blocks.len() > window.length as usize {
            spent.blocks.pop_first();
        }
        self.traffic.answers += u64::from(some);
    }
}
