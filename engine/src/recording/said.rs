//! What is said and done to a peer, and what it answers, as bytes.

use alloc::vec;

use super::Malformed;
use super::bytes::{Coded, Reader, Writer, coded};
use crate::bitfield::Bitfield;
use crate::error::CloseReason;
use crate::event::{CauseMillis, Event, LeaveReason, Traffic};
use crate::exchange::{Metadata, Pex, PexPeer};
use crate::geometry::{Block, Geometry, PieceIndex};
use crate::id::ConnId;
use crate::input::{
    AddressSource, Call, FetchResult, Input, Playhead, Remote, Showing, StoreResult, Verdict,
};
use crate::message::{
    Datagram, Extended, ExtendedHandshake, G2gQuery, G2gReport, G2gShares, LiveWindow, Message,
    Receipt, Seal,
};
use crate::output::{Announce, Output};
use crate::time::Instant;

coded!(enum Call {
    0 = Input(input),
    1 = Accept { addr, remote },
    2 = Play,
    3 = Pause,
    4 = Resume,
    5 = Seek(byte),
    6 = Want { from, length },
    7 = Unwant { from, length },
    8 = Produce { piece, last },
    9 = Rename { peer_id, listen },
    10 = Leave,
    11 = Report(playhead),
});

coded!(enum Input {
    0 = Timeout,
    1 = Connected { conn, remote },
    2 = Message(conn, message),
    3 = Progress { conn, bytes },
    4 = Credit { conn, blocks },
    5 = Closed { conn, reason },
    6 = Stored { block, result },
    7 = Fetched { piece, result },
    8 = Verified { piece, verdict },
    9 = Addresses { source, peers },
    10 = Announced { interval },
    11 = AnnounceFailed,
    12 = Datagram { from, datagram },
    13 = Uplink(rate),
    14 = Unread { conn },
});

coded!(struct Playhead { showing, byte });
coded!(enum Showing {
    0 = Pressed,
    1 = Moves,
    2 = Waits,
    3 = Paused,
    4 = Jumped,
    5 = Ended,
});
coded!(struct Remote { peer_id, fast, extended });
coded!(enum AddressSource { 0 = Tracker, 1 = User, 2 = Pex });
coded!(enum StoreResult { 0 = Done, 1 = Failed });
coded!(enum FetchResult { 0 = Done, 1 = Failed { retry_after } });
coded!(enum Verdict {
    0 = Good,
    1 = Bad,
    2 = GoodAfterBad { differing },
    3 = GoodLive { produced_at, last, differing },
});

coded!(enum CloseReason {
    0 = Remote,
    1 = Unreachable,
    2 = Refused,
    3 = Leaving,
    4 = Ourselves,
    5 = Duplicate,
    6 = BothComplete,
    7 = Idle,
    8 = Overflow,
    9 = Malformed(what),
    10 = Violation(what),
    11 = Corrupt,
    12 = Flood(what),
    13 = NotLive,
    14 = Replaced,
});

coded!(enum Message {
    0 = KeepAlive,
    1 = Choke,
    2 = Unchoke,
    3 = Interested,
    4 = NotInterested,
    5 = Have(piece),
    6 = Bitfield(pieces),
    7 = Request(block),
    8 = Piece(block),
    9 = Cancel(block),
    10 = Port(port),
    11 = Suggest(piece),
    12 = HaveAll,
    13 = HaveNone,
    14 = Reject(block),
    15 = AllowedFast(piece),
    16 = Extended(extended),
});

coded!(enum Extended {
    0 = Handshake(handshake),
    1 = G2gReceivers(receivers),
    2 = G2gQuery(query),
    3 = G2gReport(report),
    4 = G2gShares(shares),
    5 = Receipts(receipts),
    6 = LiveWindow(window),
    7 = DontHave(piece),
    8 = Metadata(metadata),
    9 = Pex(pex),
    10 = Unknown { id, length },
});

coded!(struct ExtendedHandshake {
    extensions, port, requests_max, client, metadata_size, upload_only,
});
coded!(struct G2gQuery { nonce, child });
coded!(struct G2gReport { nonce, child, received });
coded!(struct Receipt { receiver, receiver_id, forwarder, received, seal });
coded!(struct LiveWindow { tail, map, answer });
coded!(struct PexPeer { addr, flags });
coded!(enum Datagram { 0 = Query(query), 1 = Report(report) });

coded!(enum Output {
    0 = Dial { conn, addr },
    1 = Send(conn, message),
    2 = SendBlock(conn, block),
    3 = SendMetadata(conn, piece),
    4 = Close(conn, reason),
    5 = Store(block),
    6 = Discard(block),
    7 = Verify(piece),
    8 = Fetch(piece),
    9 = Announce(announce),
    10 = Datagram { to, datagram },
    11 = Event(event),
    12 = SendHave(piece, conns),
});

coded!(enum Announce { 0 = Started, 1 = Periodic, 2 = NeedPeers, 3 = Completed, 4 = Stopped });

coded!(enum Event {
    0 = Connected { conn, addr, outbound },
    1 = Disconnected { conn, reason },
    2 = WeChoke { conn, choked },
    3 = TheyChoke { conn, choked },
    4 = PieceKnown(piece),
    5 = Requested { conn, block },
    6 = BlockReceived { conn, block, useful },
    7 = BlockSent { conn, block },
    8 = PieceVerified(piece),
    9 = PieceFailed { piece, culprit },
    10 = PieceDelay { piece, delay },
    11 = Produced(piece),
    12 = HookedIn { piece, behind },
    13 = Rehooked { piece, skipped },
    14 = LiveLag { lag },
    15 = Completed,
    16 = PlayRequested,
    17 = Started { delay },
    18 = Late(piece),
    19 = Skipped(piece),
    20 = Stalled(piece),
    21 = Resumed { piece, millis, causes },
    22 = Paused,
    23 = Unpaused,
    24 = SeekStarted { to },
    25 = SeekDone { latency },
    26 = Ended,
    27 = Traffic(traffic),
    28 = Left { reason, played },
    29 = PlayheadReported,
});

coded!(enum LeaveReason { 0 = Asked });
coded!(struct Traffic {
    payload_up, payload_down, duplicate, corrupt, from_web_seed, control_up, control_down, queries,
    answers,
});
coded!(struct Block { piece, begin, length });

impl Coded for CauseMillis {
    fn put(&self, out: &mut Writer) {
        for millis in self.0 {
            millis.put(out);
        }
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut causes = Self::default();
        for millis in &mut causes.0 {
            *millis = Coded::get(from)?;
        }
        Ok(causes)
    }
}

impl Coded for PieceIndex {
    fn put(&self, out: &mut Writer) {
        self.0.put(out);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Coded::get(from).map(Self)
    }
}

impl Coded for ConnId {
    fn put(&self, out: &mut Writer) {
        self.serial().put(out);
        out.number(self.slot() as u64);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self::new(Coded::get(from)?, Coded::get(from)?))
    }
}

impl Coded for Instant {
    fn put(&self, out: &mut Writer) {
        self.as_nanos().put(out);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Coded::get(from).map(Self::from_nanos)
    }
}

impl Coded for Seal {
    fn put(&self, out: &mut Writer) {
        self.0.put(out);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Coded::get(from).map(Self)
    }
}

/// All and none in a byte; others eight to a byte, the first lowest.
impl Coded for Bitfield {
    fn put(&self, out: &mut Writer) {
        self.length().put(out);
        if self.is_empty() || self.is_full() {
            return out.byte(u8::from(self.is_full()));
        }
        out.byte(2);
        let bytes = self.words().iter().flat_map(|word| word.to_le_bytes());
        out.bytes
            .extend(bytes.take(self.length().div_ceil(8) as usize));
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let length = u32::get(from)?;
        if u64::from(length) > Geometry::PIECES_MAX {
            return Err(Malformed::Value("a map of more pieces than a torrent has"));
        }
        match from.byte()? {
            0 => return Ok(Self::new(length)),
            1 => return Ok(Self::full(length)),
            2 => {}
            _ => return Err(Malformed::Kind("Bitfield")),
        }
        let bytes = from.take(length.div_ceil(8) as usize)?;
        let mut map = Self::new(length);
        for (at, byte) in bytes.iter().enumerate() {
            for bit in (0..8).filter(|bit| byte >> bit & 1 == 1) {
                if at * 8 + bit >= length as usize {
                    return Err(Malformed::Value("a map with spare bits"));
                }
                map.insert(at * 8 + bit);
            }
        }
        Ok(map)
    }
}

impl Coded for G2gShares {
    fn put(&self, out: &mut Writer) {
        self.shares().to_vec().put(out);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Coded::get(from).map(Self::new)
    }
}

impl Coded for Pex {
    fn put(&self, out: &mut Writer) {
        self.added().to_vec().put(out);
        self.dropped().to_vec().put(out);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self::new(Coded::get(from)?, Coded::get(from)?))
    }
}

/// The torrent's own bytes stay out of it: zeros stand for them, which the engine never reads.
impl Coded for Metadata {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Request(piece) => {
                out.byte(0);
                piece.put(out);
            }
            Self::Data {
                piece,
                total,
                bytes,
            } => {
                out.byte(1);
                piece.put(out);
                total.put(out);
                out.number(bytes.len() as u64);
            }
            Self::Reject(piece) => {
                out.byte(2);
                piece.put(out);
            }
        }
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let kind = from.byte()?;
        let piece = Coded::get(from)?;
        Ok(match kind {
            0 => Self::Request(piece),
            1 => {
                let total = Coded::get(from)?;
                let length = u32::get(from)?;
                if length > Self::PIECE {
                    return Err(Malformed::Value("a piece of metadata of more than 16 KiB"));
                }
                Self::Data {
                    piece,
                    total,
                    bytes: vec![0; length as usize],
                }
            }
            2 => Self::Reject(piece),
            _ => return Err(Malformed::Kind("Metadata")),
        })
    }
}
