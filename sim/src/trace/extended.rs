//! The trace hash of what extensions say (BEP 10), field by field.

use swarmbed_engine::{Extended, ExtendedHandshake, G2gQuery, G2gReport, Metadata};

use super::Trace;

impl Trace {
    /// Folds in what an extension says.
    pub(super) fn extended(&mut self, extended: &Extended) {
        match extended {
            Extended::Handshake(handshake) => {
                self.word(16);
                self.handshake(handshake);
            }
            Extended::G2gReceivers(receivers) => {
                self.word(17);
                self.word(receivers.len() as u64);
                for addr in receivers {
                    self.addr(*addr);
                }
            }
            Extended::G2gQuery(query) => {
                self.word(18);
                self.query(query);
            }
            Extended::G2gReport(report) => {
                self.word(19);
                self.report(report);
            }
            Extended::G2gShares(shares) => {
                self.word(21);
                self.word(shares.shares().len() as u64);
                for (piece, share) in shares.shares() {
                    self.pair(piece.0, u32::from(*share));
                }
            }
            Extended::LiveWindow(window) => {
                self.pair(22, window.tail.0);
                self.pair(u32::from(window.answer), window.map.length());
                for word in window.map.words() {
                    self.word(*word);
                }
            }
            Extended::Receipts(receipts) => {
                self.word(24);
                self.word(receipts.len() as u64);
                for receipt in receipts {
                    self.addr(receipt.receiver);
                    self.id(&receipt.receiver_id);
                    self.id(&receipt.forwarder);
                    self.bytes(&receipt.seal.0);
                    self.word(receipt.received.len() as u64);
                    for (piece, blocks) in &receipt.received {
                        self.pair(u32::from(*blocks), piece.0);
                    }
                }
            }
            Extended::DontHave(piece) => self.pair(23, piece.0),
            Extended::Metadata(said) => {
                let (kind, piece, bytes): (_, _, &[u8]) = match said {
                    Metadata::Request(piece) => (0, *piece, &[]),
                    Metadata::Data { piece, bytes, .. } => (1, *piece, bytes),
                    Metadata::Reject(piece) => (2, *piece, &[]),
                };
                self.pair(25 << 8 | kind, piece);
                self.bytes(bytes);
            }
            Extended::Pex(pex) => {
                self.pair(26, 0);
                self.word(pex.added().len() as u64);
                for peer in pex.added() {
                    self.addr(peer.addr);
                    self.word(u64::from(peer.flags));
                }
                for addr in pex.dropped() {
                    self.addr(*addr);
                }
            }
            Extended::Unknown { id, length } => {
                self.pair(20, u32::from(*id));
                self.word(u64::from(*length));
            }
        }
    }

    fn handshake(&mut self, handshake: &ExtendedHandshake) {
        self.word(handshake.extensions.len() as u64);
        for (name, id) in &handshake.extensions {
            self.bytes(name.as_bytes());
            self.word(u64::from(*id));
        }
        self.word(handshake.port.map_or(u64::MAX, u64::from));
        self.word(handshake.requests_max.map_or(u64::MAX, u64::from));
        self.word(handshake.metadata_size.map_or(u64::MAX, u64::from));
        match &handshake.client {
            Some(client) => self.bytes(client.as_bytes()),
            None => self.word(u64::MAX),
        }
        self.word(u64::from(handshake.upload_only));
    }

    pub(super) fn query(&mut self, query: &G2gQuery) {
        self.word(query.nonce);
        self.id(&query.child);
    }

    pub(super) fn report(&mut self, report: &G2gReport) {
        self.word(report.nonce);
        self.id(&report.child);
        self.word(report.received.len() as u64);
        for (piece, blocks) in &report.received {
            self.pair(u32::from(*blocks), piece.0);
        }
    }
}
