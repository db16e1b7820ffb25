//! The trace hash: 128 bits over each `(now, call)` a peer's engine is given, in order.
//!
//! Spelled out field by field, so it depends neither on memory layout nor on any library, and is
//! the same in debug and release, on any machine. It is a fingerprint, not a cryptographic hash:
//! two 64-bit lanes, each word folded in by a 128-bit product (as in wyhash), the lanes crossed.

mod extended;

use std::net::SocketAddr;

use swarmbed_engine::{
    Block, CloseReason, ConnId, Datagram, FetchResult, Input, Message, PeerId, PieceIndex, Remote,
    StoreResult, Verdict,
};

/// An incremental 128-bit fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    a: u64,
    b: u64,
}

const K1: u64 = 0x9e37_79b9_7f4a_7c15;
const K2: u64 = 0xd1b5_4a32_d192_ed03;

/// Tags of what comes most often.
const MESSAGE: u32 = 18;
const HAVE: u32 = 5;

#[expect(clippy::cast_possible_truncation, reason = "both halves are used")]
fn fold(x: u64, k: u64) -> u64 {
    let product = u128::from(x) * u128::from(k);
    product as u64 ^ (product >> 64) as u64
}

impl Trace {
    /// Of no calls.
    pub(crate) const fn new() -> Self {
        Self { a: K2, b: K1 }
    }

    /// Folds in one word.
    pub(crate) fn word(&mut self, word: u64) {
        let a = fold(self.a ^ word, K1).wrapping_add(self.b);
        self.b = (self.b ^ word)
            .wrapping_mul(K2)
            .rotate_left(29)
            .wrapping_add(self.a);
        self.a = a;
    }

    /// Two numbers in one word.
    fn pair(&mut self, high: u32, low: u32) {
        self.word(u64::from(high) << 32 | u64::from(low));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
    }

    /// The fingerprint so far.
    pub(crate) fn value(&self) -> u128 {
        u128::from(self.a) << 64 | u128::from(self.b)
    }

    /// `Peer::accept`.
    pub(crate) fn accept(&mut self, now: u64, addr: SocketAddr, remote: &Remote) {
        self.word(now);
        self.word(1);
        self.addr(addr);
        self.remote(remote);
    }

    /// `Peer::produce`.
    pub(crate) fn produce(&mut self, now: u64, piece: PieceIndex, last: bool) {
        self.word(now);
        self.pair(5, piece.0);
        self.word(u64::from(last));
    }

    /// `Peer::play`.
    pub(crate) fn play(&mut self, now: u64) {
        self.word(now);
        self.word(2);
    }

    /// `Peer::leave`.
    pub(crate) fn leave(&mut self, now: u64) {
        self.word(now);
        self.word(3);
    }

    /// `Peer::pause`.
    pub(crate) fn pause(&mut self, now: u64) {
        self.word(now);
        self.word(7);
    }

    /// `Peer::resume`.
    pub(crate) fn resume(&mut self, now: u64) {
        self.word(now);
        self.word(8);
    }

    /// `Peer::seek`.
    pub(crate) fn seek(&mut self, now: u64, byte: u64) {
        self.word(now);
        self.word(9);
        self.word(byte);
    }

    /// `Peer::rename`.
    pub(crate) fn rename(&mut self, now: u64, id: &PeerId, addr: SocketAddr) {
        self.word(now);
        self.word(6);
        self.id(id);
        self.addr(addr);
    }

    /// `Peer::overhear`, which is `Peer::handle` of a message.
    pub(crate) fn heard(&mut self, now: u64, conn: ConnId, message: &Message) {
        self.word(now);
        self.conn(MESSAGE, conn);
        match message {
            Message::Have(piece) => self.pair(HAVE, piece.0),
            message => self.message(message),
        }
    }

    /// `Peer::handle`.
    pub(crate) fn input(&mut self, now: u64, input: &Input) {
        self.word(now);
        match input {
            Input::Timeout => self.word(16),
            Input::Connected { conn, remote } => {
                self.conn(17, *conn);
                self.remote(remote);
            }
            Input::Message(conn, message) => {
                self.conn(MESSAGE, *conn);
                self.message(message);
            }
            Input::Progress { conn, bytes } => {
                self.conn(19, *conn);
                self.word(u64::from(*bytes));
            }
            Input::Credit { conn, blocks } => {
                self.conn(20, *conn);
                self.word(u64::from(*blocks));
            }
            Input::Closed { conn, reason } => {
                self.conn(21, *conn);
                self.reason(*reason);
            }
            Input::Stored { block, result } => {
                self.word(match result {
                    StoreResult::Done => 22,
                    StoreResult::Failed => 23,
                });
                self.block(*block);
            }
            Input::Verified { piece, verdict } => {
                self.pair(24, piece.0);
                self.verdict(verdict);
            }
            Input::Addresses { source, peers } => {
                self.pair(25, *source as u32);
                self.word(peers.len() as u64);
                for addr in peers {
                    self.addr(*addr);
                }
            }
            Input::Announced { interval } => {
                self.word(26);
                self.word(interval.as_secs());
                self.word(u64::from(interval.subsec_nanos()));
            }
            Input::AnnounceFailed => self.word(27),
            Input::Datagram { from, datagram } => {
                self.word(28);
                self.addr(*from);
                match &**datagram {
                    Datagram::Query(query) => self.query(query),
                    Datagram::Report(report) => self.report(report),
                }
            }
            Input::Fetched { piece, result } => {
                self.pair(30, piece.0);
                self.word(match result {
                    FetchResult::Done => 0,
                    FetchResult::Failed { retry_after } => 1 + retry_after.as_secs(),
                });
            }
            Input::Unread { conn } => self.conn(31, *conn),
            Input::Uplink(rate) => {
                self.word(29);
                self.word(rate.bytes_per_s());
            }
        }
    }

    fn conn(&mut self, tag: u32, conn: ConnId) {
        self.pair(tag << 16 | conn.slot() as u32, conn.serial());
    }

    fn addr(&mut self, addr: SocketAddr) {
        match addr {
            SocketAddr::V4(v4) => self.pair(u32::from(v4.port()), u32::from(*v4.ip())),
            SocketAddr::V6(v6) => {
                self.word(u64::from(v6.port()) | 1 << 63);
                self.bytes(&v6.ip().octets());
            }
        }
    }

    fn remote(&mut self, remote: &Remote) {
        self.id(&remote.peer_id);
        self.word(u64::from(remote.fast) | u64::from(remote.extended) << 1);
    }

    fn id(&mut self, id: &PeerId) {
        self.bytes(&id.0);
    }

    fn block(&mut self, block: Block) {
        self.pair(block.piece.0, block.begin);
        self.word(u64::from(block.length));
    }

    fn verdict(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Good => self.word(0),
            Verdict::Bad => self.word(1),
            Verdict::GoodAfterBad { differing } => {
                self.pair(
                    2,
                    u32::try_from(differing.len()).expect("at most the blocks of a piece"),
                );
                for index in differing {
                    self.word(u64::from(*index));
                }
            }
            Verdict::GoodLive {
                produced_at,
                last,
                differing,
            } => {
                self.pair(3, u32::from(*last));
                self.word(produced_at.as_nanos());
                self.word(differing.len() as u64);
                for index in differing {
                    self.word(u64::from(*index));
                }
            }
        }
    }

    fn reason(&mut self, reason: CloseReason) {
        let (tag, text) = match reason {
            CloseReason::Remote => (0, ""),
            CloseReason::Unreachable => (1, ""),
            CloseReason::Refused => (2, ""),
            CloseReason::Leaving => (3, ""),
            CloseReason::Ourselves => (4, ""),
            CloseReason::Duplicate => (5, ""),
            CloseReason::BothComplete => (6, ""),
            CloseReason::Idle => (7, ""),
            CloseReason::Overflow => (8, ""),
            CloseReason::Malformed(what) => (9, what),
            CloseReason::Violation(what) => (10, what),
            CloseReason::Corrupt => (11, ""),
            CloseReason::Flood(what) => (12, what),
            CloseReason::Replaced => (13, ""),
            CloseReason::NotLive => (14, ""),
        };
        self.word(tag);
        self.bytes(text.as_bytes());
    }

    fn message(&mut self, message: &Message) {
        match message {
            Message::KeepAlive => self.word(0),
            Message::Choke => self.word(1),
            Message::Unchoke => self.word(2),
            Message::Interested => self.word(3),
            Message::NotInterested => self.word(4),
            Message::Have(piece) => self.pair(HAVE, piece.0),
            Message::Bitfield(bits) => {
                self.pair(6, bits.length());
                for word in bits.words() {
                    self.word(*word);
                }
            }
            Message::Request(block) => self.about(7, *block),
            Message::Piece(block) => self.about(8, *block),
            Message::Cancel(block) => self.about(9, *block),
            Message::Port(port) => self.pair(10, u32::from(*port)),
            Message::Suggest(piece) => self.pair(11, piece.0),
            Message::HaveAll => self.word(12),
            Message::HaveNone => self.word(13),
            Message::Reject(block) => self.about(14, *block),
            Message::AllowedFast(piece) => self.pair(15, piece.0),
            Message::Extended(extended) => self.extended(extended),
        }
    }

    fn about(&mut self, tag: u32, block: Block) {
        self.pair(tag << 24 | block.length, block.piece.0);
        self.word(u64::from(block.begin));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmbed_engine::PieceIndex;

    #[test]
    fn known_answers_and_sensitivity() {
        let mut trace = Trace::new();
        trace.play(0);
        trace.input(5, &Input::Timeout);
        let one = trace.value();
        trace.input(5, &Input::AnnounceFailed);
        assert_ne!(one, trace.value());
        let stored = |begin| {
            let mut trace = Trace::new();
            let block = Block {
                piece: PieceIndex(1),
                begin,
                length: 16_384,
            };
            let result = StoreResult::Done;
            trace.input(1, &Input::Stored { block, result });
            trace.value()
        };
        assert_ne!(stored(0), stored(16_384));
        assert_eq!(stored(0), stored(0));
    }
}
