//! The bodies of extension messages (BEP 10): its handshake, Give-to-Get's four, receipts, and two
//! of live streams; those of BEP 9 and 11 are in `exchange.rs`.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::bencode::{self, Value};
use super::exchange;
use super::read::{Reader, write_address};
use crate::error::CloseReason;
use crate::geometry::PieceIndex;
use crate::live::PIECES_MAX;
use crate::message::{
    Extended, ExtendedHandshake, G2gQuery, G2gReport, G2gShares, LiveWindow, Name, Receipt, Seal,
};

/// "The peers I am uploading to": lets a child's receivers be asked.
pub const SW_G2G_TO: &str = "sw_g2g_to";
/// "What did you receive from this child of mine?"
pub const SW_G2G_QUERY: &str = "sw_g2g_query";
/// The answer.
pub const SW_G2G_REPORT: &str = "sw_g2g_report";
/// "What I forwarded", as Tribler from 2008 on says it.
pub const TR_G2G_V2: &str = "Tr_G2G_v2";

/// Receivers' acknowledgements, on their way back through the forwarder.
pub const SW_RECEIPTS: &str = "sw_receipts";

/// What a peer of a live swarm has: its window.
pub const SW_LIVE_WINDOW: &str = "sw_live_window";
/// BEP 54: a piece is there no longer.
pub const LT_DONTHAVE: &str = "lt_donthave";
/// BEP 9: pieces of the torrent itself.
pub const UT_METADATA: &str = "ut_metadata";
/// BEP 11: neighbours that came and went.
pub const UT_PEX: &str = "ut_pex";

/// The extensions we can offer, with the ids we receive them under. The decoder relies on these
/// ids: an extension handshake of ours names them or leaves them out.
pub const EXTENSIONS: [(&str, u8); 9] = [
    (SW_G2G_TO, TO),
    (SW_G2G_QUERY, QUERY),
    (SW_G2G_REPORT, REPORT),
    (TR_G2G_V2, SHARES),
    (SW_LIVE_WINDOW, LIVE_WINDOW),
    (LT_DONTHAVE, DONT_HAVE),
    (SW_RECEIPTS, RECEIPTS),
    (UT_METADATA, METADATA),
    (UT_PEX, PEX),
];

const HANDSHAKE: u8 = 0;
const TO: u8 = 10;
const QUERY: u8 = 11;
const REPORT: u8 = 12;
/// As the client chose.
const SHARES: u8 = 235;
const LIVE_WINDOW: u8 = 13;
const DONT_HAVE: u8 = 14;
const RECEIPTS: u8 = 15;
const METADATA: u8 = 16;
const PEX: u8 = 17;

/// Flag of a live window: tell me yours.
const ANSWER: u8 = 1;

/// Longest handshake we read; clients send some hundred bytes.
const HANDSHAKE_MAX: u32 = 64 * 1024;
/// Values in a handshake at most.
const HANDSHAKE_VALUES_MAX: usize = 1024;
/// Offered extensions we keep.
const OFFERED_MAX: usize = 64;
/// Longest name of an extension, and of a client, that we keep.
const NAME_MAX: usize = 64;

/// Longest body under one of our ids; `None` for ids that are not ours.
pub(super) fn body_max(id: u8) -> Option<u32> {
    Some(match id {
        HANDSHAKE => HANDSHAKE_MAX,
        TO => 1 + 19 * u32::try_from(Extended::RECEIVERS_MAX).expect("32"),
        QUERY => 28,
        REPORT => 30 + 6 * u32::try_from(G2gReport::MAX).expect("512"),
        // Per piece the key's length, at most ten digits, and a byte as a string.
        SHARES => 2 + 16 * u32::try_from(G2gShares::MAX).expect("4096"),
        LIVE_WINDOW => 9 + LiveWindow::MAX / 8,
        DONT_HAVE => 4,
        METADATA => exchange::METADATA_MAX,
        PEX => exchange::PEX_MAX,
        RECEIPTS => 1 + u32::try_from(Receipt::BATCH * Receipt::LENGTH_MAX).expect("32 kB"),
        _ => return None,
    })
}

pub(super) fn decode(id: u8, body: &[u8]) -> Result<Extended, CloseReason> {
    let mut reader = Reader(body);
    let (decoded, what) = match id {
        SHARES => (shares(body).map(Extended::G2gShares), TR_G2G_V2),
        HANDSHAKE => (
            handshake(body).map(Extended::Handshake),
            "extension handshake",
        ),
        TO => (
            receivers(&mut reader).map(Extended::G2gReceivers),
            SW_G2G_TO,
        ),
        QUERY => (
            read_query(&mut reader).map(Extended::G2gQuery),
            SW_G2G_QUERY,
        ),
        RECEIPTS => (receipts(&mut reader).map(Extended::Receipts), SW_RECEIPTS),
        LIVE_WINDOW => (
            live_window(&mut reader).map(Extended::LiveWindow),
            SW_LIVE_WINDOW,
        ),
        METADATA => {
            let length = u32::try_from(body.len()).expect("bounded by METADATA_MAX");
            let unknown = Extended::Unknown { id, length };
            let metadata = exchange::metadata(body);
            (
                metadata.map(|known| known.map_or(unknown, Extended::Metadata)),
                UT_METADATA,
            )
        }
        PEX => (exchange::pex(body).map(Box::new).map(Extended::Pex), UT_PEX),
        DONT_HAVE => (
            reader.u32().map(PieceIndex).map(Extended::DontHave),
            LT_DONTHAVE,
        ),
        _ => (
            read_report(&mut reader).map(Extended::G2gReport),
            SW_G2G_REPORT,
        ),
    };
    match decoded {
        Some(extended)
            if matches!(id, HANDSHAKE | SHARES | METADATA | PEX) || reader.is_empty() =>
        {
            Ok(extended)
        }
        _ => Err(CloseReason::Malformed(what)),
    }
}

pub(super) fn encode(extended: &Extended, out: &mut Vec<u8>) {
    match extended {
        Extended::Handshake(handshake) => write_handshake(handshake, out),
        Extended::G2gReceivers(to) => {
            out.push(u8::try_from(to.len()).expect("bounded by RECEIVERS_MAX"));
            for addr in to {
                write_address(out, *addr);
            }
        }
        Extended::G2gQuery(query) => write_query(query, out),
        Extended::G2gReport(report) => write_report(report, out),
        Extended::G2gShares(shares) => write_shares(shares, out),
        Extended::Receipts(receipts) => {
            out.push(u8::try_from(receipts.len()).expect("bounded by BATCH"));
            for receipt in receipts {
                write_receipt(receipt, out);
            }
        }
        Extended::LiveWindow(window) => write_live_window(window, out),
        Extended::Metadata(metadata) => exchange::write_metadata(metadata, out),
        Extended::Pex(pex) => exchange::write_pex(pex, out),
        Extended::DontHave(piece) => out.extend_from_slice(&piece.0.to_be_bytes()),
        Extended::Unknown { length, .. } => out.resize(out.len() + *length as usize, 0),
    }
}

fn receivers(reader: &mut Reader<'_>) -> Option<Vec<core::net::SocketAddr>> {
    let count = usize::from(reader.u8()?);
    if count > Extended::RECEIVERS_MAX {
        return None;
    }
    (0..count).map(|_| reader.address()).collect()
}

pub(super) fn read_query(reader: &mut Reader<'_>) -> Option<G2gQuery> {
    Some(G2gQuery {
        nonce: reader.u64()?,
        child: reader.peer_id()?,
    })
}

pub(super) fn write_query(query: &G2gQuery, out: &mut Vec<u8>) {
    out.extend_from_slice(&query.nonce.to_be_bytes());
    out.extend_from_slice(&query.child.0);
}

pub(super) fn read_report(reader: &mut Reader<'_>) -> Option<G2gReport> {
    let G2gQuery { nonce, child } = read_query(reader)?;
    let count = usize::from(reader.u16()?);
    if count > G2gReport::MAX {
        return None;
    }
    let received = (0..count)
        .map(|_| Some((PieceIndex(reader.u32()?), reader.u16()?)))
        .collect::<Option<_>>()?;
    Some(G2gReport {
        nonce,
        child,
        received,
    })
}

pub(super) fn write_report(report: &G2gReport, out: &mut Vec<u8>) {
    out.extend_from_slice(&report.nonce.to_be_bytes());
    out.extend_from_slice(&report.child.0);
    let count = u16::try_from(report.received.len()).expect("bounded by MAX");
    out.extend_from_slice(&count.to_be_bytes());
    for (piece, blocks) in &report.received {
        out.extend_from_slice(&piece.0.to_be_bytes());
        out.extend_from_slice(&blocks.to_be_bytes());
    }
}

/// Anything but a dictionary of decimal piece numbers and single bytes up to 100 closes the
/// connection, as it did in the client.
fn shares(body: &[u8]) -> Option<G2gShares> {
    let Ok(Value::Dict(dict)) = bencode::parse(body, 2 * G2gShares::MAX + 1) else {
        return None;
    };
    let shares = dict
        .entries()
        .map(|(key, share)| {
            let digits = !key.is_empty() && key.iter().all(u8::is_ascii_digit);
            let plain = digits && (key == b"0" || key[0] != b'0');
            let text = core::str::from_utf8(key).ok().filter(|_| plain)?;
            match share.as_bytes()? {
                &[share] if share <= 100 => Some((PieceIndex(text.parse().ok()?), share)),
                _ => None,
            }
        })
        .collect::<Option<_>>()?;
    Some(G2gShares::new(shares))
}

fn write_shares(shares: &G2gShares, out: &mut Vec<u8>) {
    out.push(b'd');
    for (piece, share) in shares.shares() {
        bencode::write_bytes(out, alloc::format!("{}", piece.0).as_bytes());
        bencode::write_bytes(out, &[*share]);
    }
    out.push(b'e');
}

/// A count, then of each receipt: the receiver's address and name, the forwarder's name, the seal,
/// a count of pieces and each piece with its blocks. What could say one thing in two ways, or say
/// nothing, closes the connection.
fn receipts(reader: &mut Reader<'_>) -> Option<Vec<Receipt>> {
    let count = usize::from(reader.u8()?);
    if count == 0 || count > Receipt::BATCH {
        return None;
    }
    (0..count).map(|_| read_receipt(reader)).collect()
}

fn read_receipt(reader: &mut Reader<'_>) -> Option<Receipt> {
    let (receiver, receiver_id) = (reader.address()?, reader.peer_id()?);
    let (forwarder, seal) = (reader.peer_id()?, Seal(reader.array()?));
    let count = usize::from(reader.u16()?);
    if count == 0 || count > Receipt::MAX || receiver.port() == 0 {
        return None;
    }
    let received = (0..count)
        .map(|_| Some((PieceIndex(reader.u32()?), reader.u16()?)))
        .collect::<Option<Vec<_>>>()?;
    let ascending = received.windows(2).all(|pair| pair[0].0 < pair[1].0);
    let something = received.iter().all(|(_, blocks)| *blocks > 0);
    (ascending && something).then_some(Receipt {
        receiver,
        receiver_id,
        forwarder,
        received,
        seal,
    })
}

fn write_receipt(receipt: &Receipt, out: &mut Vec<u8>) {
    write_address(out, receipt.receiver);
    out.extend_from_slice(&receipt.receiver_id.0);
    out.extend_from_slice(&receipt.forwarder.0);
    out.extend_from_slice(&receipt.seal.0);
    let count = u16::try_from(receipt.received.len()).expect("bounded by MAX");
    out.extend_from_slice(&count.to_be_bytes());
    for (piece, blocks) in &receipt.received {
        out.extend_from_slice(&piece.0.to_be_bytes());
        out.extend_from_slice(&blocks.to_be_bytes());
    }
}

/// Flags, tail, head, and a bitfield as BEP 3 writes it.
fn live_window(reader: &mut Reader<'_>) -> Option<Box<LiveWindow>> {
    let flags = reader.u8()?;
    let (tail, head) = (reader.u32()?, reader.u32()?);
    let length = head.checked_sub(tail)?;
    if flags > ANSWER || length > LiveWindow::MAX || head > PIECES_MAX {
        return None;
    }
    let bytes = reader.take(length.div_ceil(8) as usize)?;
    Some(Box::new(LiveWindow {
        tail: PieceIndex(tail),
        map: super::decode::bitfield(bytes, length).ok()?,
        answer: flags & ANSWER != 0,
    }))
}

fn write_live_window(window: &LiveWindow, out: &mut Vec<u8>) {
    out.push(if window.answer { ANSWER } else { 0 });
    out.extend_from_slice(&window.tail.0.to_be_bytes());
    out.extend_from_slice(&window.head().0.to_be_bytes());
    super::encode::bitfield(&window.map, out);
}

/// What we use of it; a key of an unexpected kind counts as absent, for clients differ.
fn handshake(body: &[u8]) -> Option<ExtendedHandshake> {
    let Ok(Value::Dict(dict)) = bencode::parse(body, HANDSHAKE_VALUES_MAX) else {
        return None;
    };
    let int = |key: &str| dict.find(key).and_then(Value::as_int);
    let extensions = match dict.find("m") {
        Some(Value::Dict(offered)) => offered
            .entries()
            .filter_map(|(name, id)| {
                let name = core::str::from_utf8(name).ok()?;
                let id = u8::try_from(id.as_int()?).ok()?;
                (name.len() <= NAME_MAX).then(|| (Name::from(String::from(name)), id))
            })
            .take(OFFERED_MAX)
            .collect(),
        _ => Vec::new(),
    };
    Some(ExtendedHandshake {
        extensions,
        port: int("p").and_then(|port| u16::try_from(port).ok()),
        requests_max: int("reqq").and_then(|max| u32::try_from(max).ok()),
        client: dict.find("v").and_then(Value::as_bytes).map(client),
        metadata_size: int("metadata_size").and_then(|size| u32::try_from(size).ok()),
        upload_only: int("upload_only").is_some_and(|flag| flag != 0),
    })
}

/// Cut at 64 bytes, on a character's border.
fn client(bytes: &[u8]) -> Name {
    let head = &bytes[..bytes.len().min(NAME_MAX)];
    let mut name = String::from_utf8_lossy(head).into_owned();
    let mut end = name.len().min(NAME_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name.into()
}

/// The length is promised by [`ExtendedHandshake::body_len`]: keys in order, absent ones left
/// out.
fn write_handshake(handshake: &ExtendedHandshake, out: &mut Vec<u8>) {
    let number = |out: &mut Vec<u8>, key: &str, value: Option<u32>| {
        if let Some(value) = value {
            bencode::write_bytes(out, key.as_bytes());
            bencode::write_int(out, i64::from(value));
        }
    };
    out.extend_from_slice(b"d1:md");
    for (name, id) in &handshake.extensions {
        number(out, name, Some(u32::from(*id)));
    }
    out.push(b'e');
    number(out, "metadata_size", handshake.metadata_size);
    number(out, "p", handshake.port.map(u32::from));
    number(out, "reqq", handshake.requests_max);
    number(out, "upload_only", handshake.upload_only.then_some(1));
    if let Some(client) = &handshake.client {
        bencode::write_bytes(out, b"v");
        bencode::write_bytes(out, client.as_bytes());
    }
    out.push(b'e');
}
