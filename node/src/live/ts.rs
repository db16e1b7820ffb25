//! Where an MPEG transport stream (ISO/IEC 13818-1) can be decoded from: its tables (PAT, PMT) and
//! then a packet with a key frame.
//!
//! Owns the search for such a place; from there on bytes pass untouched. After a loss, a packet that
//! says so (`discontinuity_indicator`) goes before the first of each kind, so that a decoder does not
//! take the gap for damage. What is no transport stream passes from its first byte on.

use std::collections::BTreeSet;

/// Bytes of a packet.
pub(super) const PACKET: usize = 188;
const SYNC: u8 = 0x47;
/// Packets in a row that begin with [`SYNC`] make a transport stream.
const ROW: usize = 5;
/// No packets in this many bytes: it is no transport stream.
const UNKNOWN_MAX: usize = 32 * 1024;
/// No key frame in this many bytes: it has none that we know.
const KEYLESS_MAX: usize = 8 * 1024 * 1024;
/// Packets after a loss that are looked at: some seconds, in which each kind comes.
const MARKED_MAX: u32 = 5000;
/// Stuffing.
const NULL: u16 = 0x1fff;
/// A table's packets that are kept: tables are at most 1,024 bytes.
const TABLE_PACKETS: usize = 8;

/// Lets bytes pass from the first place on that can be decoded.
#[derive(Debug, Default)]
pub(super) struct Boundary {
    state: State,
    /// Bytes that are not looked at yet.
    held: Vec<u8>,
    tables: Tables,
    /// No packets begin before this byte of what is held.
    looked: usize,
    /// It is a transport stream.
    recognised: bool,
    /// Bytes of it without a key frame.
    keyless: usize,
    /// Something passed before.
    began: bool,
    /// Kinds of packets since the last loss.
    marked: BTreeSet<u16>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// No packet is recognised.
    #[default]
    Unaligned,
    /// At a packet, before a key frame.
    Aligned,
    /// Everything passes; so many packets more are looked at, whether they are the first of their
    /// kind after a loss.
    Marking(u32),
    /// Everything passes.
    Passing,
    /// Everything passes: it is no transport stream.
    Other,
}

/// What a decoder must know first.
#[derive(Debug, Default)]
struct Tables {
    /// The last Program Association Table, whole packets.
    pat: Vec<u8>,
    /// The last Program Map Table of the first programme, whole packets.
    pmt: Vec<u8>,
    pmt_pid: Option<u16>,
    /// The picture's packets, or the sound's if there is none.
    pid: Option<u16>,
    kind: u8,
}

/// Whether these bytes are a transport stream's, from the first on.
pub(super) fn is_transport_stream(bytes: &[u8]) -> bool {
    bytes.len() >= ROW * PACKET && (0..ROW).all(|row| bytes[row * PACKET] == SYNC)
}

impl Boundary {
    /// Something is missing: what follows passes from the next such place on.
    pub(super) fn lost(&mut self) {
        if self.state != State::Other {
            self.state = State::Unaligned;
            self.keyless = 0;
        }
        self.marked.clear();
        self.held.clear();
        self.looked = 0;
    }

    /// Adds to `out` what of these bytes, and of those held before, may pass.
    pub(super) fn pass(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if matches!(self.state, State::Passing | State::Other) {
            return out.extend_from_slice(bytes);
        }
        self.held.extend_from_slice(bytes);
        if matches!(self.state, State::Marking(_)) {
            return self.mark(out);
        }
        let mut at = 0;
        loop {
            if self.state == State::Unaligned {
                at = at.max(self.looked);
                let Some(skip) = align(&self.held[at..]) else {
                    break;
                };
                at += skip;
                self.looked = 0;
                self.state = State::Aligned;
                self.recognised = true;
            }
            let Some(packet) = self.held.get(at..at + PACKET) else {
                break;
            };
            if packet[0] != SYNC {
                self.state = State::Unaligned;
                at += 1;
                continue;
            }
            self.keyless += PACKET;
            let start = self.tables.is_start(packet);
            if start || self.keyless > KEYLESS_MAX {
                let head = [&self.tables.pat[..], &self.tables.pmt].concat();
                if !std::mem::replace(&mut self.began, true) {
                    out.extend_from_slice(&head);
                    return self.open(at, State::Passing, out);
                }
                // The tables go with what follows, to be marked like it.
                self.held.splice(..at, head);
                self.state = State::Marking(MARKED_MAX);
                return self.mark(out);
            }
            at += PACKET;
        }
        if self.state == State::Unaligned {
            if !self.recognised && self.held.len() > UNKNOWN_MAX {
                return self.open(0, State::Other, out);
            }
            // The tail may be the beginning of packets; of what is not recognised, all is kept.
            at = at.max(self.held.len().saturating_sub(ROW * PACKET - 1));
            if !self.recognised {
                self.looked = at;
                return;
            }
        }
        self.held.drain(..at);
    }

    fn mark(&mut self, out: &mut Vec<u8>) {
        let mut at = 0;
        while let State::Marking(left) = self.state {
            let Some(packet) = self.held.get(at..at + PACKET) else {
                self.held.drain(..at);
                return;
            };
            if packet[0] != SYNC || left == 0 {
                return self.open(at, State::Passing, out);
            }
            let pid = parse(packet).pid;
            if pid != NULL && self.marked.insert(pid) {
                out.extend_from_slice(&marker(packet));
            }
            out.extend_from_slice(packet);
            at += PACKET;
            self.state = State::Marking(left - 1);
        }
    }

    fn open(&mut self, at: usize, state: State, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.held[at..]);
        self.held = Vec::new();
        self.state = state;
    }
}

/// A packet without payload before this one, that says that the counter begins anew.
fn marker(next: &[u8]) -> [u8; PACKET] {
    let has_payload = next[3] & 0x10 != 0;
    let counter = next[3].wrapping_sub(u8::from(has_payload)) & 0x0f;
    let mut marker = [0xff; PACKET];
    marker[..6].copy_from_slice(&[SYNC, next[1] & 0x1f, next[2], 0x20 | counter, 183, 0x80]);
    marker
}

/// The first place at which packets begin, if there are enough to tell.
fn align(bytes: &[u8]) -> Option<usize> {
    (0..bytes.len()).find(|&skip| is_transport_stream(&bytes[skip..]))
}

/// A packet's head, and where its payload begins.
struct Packet<'a> {
    pid: u16,
    /// A PES packet or a section begins here.
    starts: bool,
    random_access: bool,
    payload: &'a [u8],
}

fn parse(packet: &[u8]) -> Packet<'_> {
    let adaptation = packet[3] & 0x20 != 0;
    let length = if adaptation {
        1 + usize::from(packet[4])
    } else {
        0
    };
    let has_payload = packet[3] & 0x10 != 0;
    Packet {
        pid: u16::from_be_bytes([packet[1] & 0x1f, packet[2]]),
        starts: packet[1] & 0x40 != 0,
        random_access: length > 1 && packet[5] & 0x40 != 0,
        payload: packet
            .get(4 + length..)
            .filter(|_| has_payload)
            .unwrap_or_default(),
    }
}

impl Tables {
    /// Learns from the packet; true if decoding can start with it.
    fn is_start(&mut self, bytes: &[u8]) -> bool {
        let packet = parse(bytes);
        if packet.pid == 0 {
            keep(&mut self.pat, bytes, packet.starts);
            if let Some(pid) = section(&packet, 0).and_then(pmt_pid) {
                self.pmt_pid = Some(pid);
            }
            return false;
        }
        if Some(packet.pid) == self.pmt_pid {
            keep(&mut self.pmt, bytes, packet.starts);
            if let Some((pid, kind)) = section(&packet, 2).and_then(picture) {
                (self.pid, self.kind) = (Some(pid), kind);
            }
            return false;
        }
        !self.pmt.is_empty()
            && Some(packet.pid) == self.pid
            && packet.starts
            && (packet.random_access || !is_video(self.kind) || is_key(&packet, self.kind))
    }
}

fn keep(table: &mut Vec<u8>, packet: &[u8], starts: bool) {
    if starts {
        table.clear();
    }
    if table.len() < TABLE_PACKETS * PACKET {
        table.extend_from_slice(packet);
    }
}

/// The body of a section of this table, up to its end or the packet's.
fn section<'a>(packet: &Packet<'a>, table: u8) -> Option<&'a [u8]> {
    if !packet.starts {
        return None;
    }
    let skip = 1 + usize::from(*packet.payload.first()?);
    let section = packet.payload.get(skip..)?;
    if *section.first()? != table {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([section[1] & 0x0f, *section.get(2)?]));
    let end = (3 + length).min(section.len());
    // The last 4 bytes are a checksum, if all of the section is here.
    let end = if 3 + length <= section.len() {
        end.checked_sub(4)?
    } else {
        end
    };
    section.get(8..end)
}

/// Where the first programme's map is.
fn pmt_pid(programmes: &[u8]) -> Option<u16> {
    let (each, _) = programmes.as_chunks::<4>();
    each.iter()
        .find(|one| one[0] != 0 || one[1] != 0)
        .map(|one| u16::from_be_bytes([one[2] & 0x1f, one[3]]))
}

/// The packets of the picture, or of what there is, and their kind.
fn picture(map: &[u8]) -> Option<(u16, u8)> {
    let skip = usize::from(u16::from_be_bytes([*map.get(2)? & 0x0f, *map.get(3)?]));
    let mut streams = map.get(4 + skip..)?;
    let mut first = None;
    while let [kind, high, low, up, down, rest @ ..] = streams {
        let pid = u16::from_be_bytes([high & 0x1f, *low]);
        if is_video(*kind) {
            return Some((pid, *kind));
        }
        first = first.or(Some((pid, *kind)));
        let info = usize::from(u16::from_be_bytes([up & 0x0f, *down]));
        streams = rest.get(info..).unwrap_or_default();
    }
    first
}

/// MPEG-1, MPEG-2, MPEG-4, H.264, H.265, H.266, AVS, VC-1.
const fn is_video(kind: u8) -> bool {
    matches!(
        kind,
        0x01 | 0x02 | 0x10 | 0x1b | 0x24 | 0x33 | 0x42 | 0xd2 | 0xea
    )
}

/// Whether a picture that can be decoded by itself begins in this packet, by its start codes: not
/// all that make transport streams set the flag for it.
fn is_key(packet: &Packet<'_>, kind: u8) -> bool {
    let Some(&head) = packet.payload.get(8) else {
        return false;
    };
    let body = packet
        .payload
        .get(9 + usize::from(head)..)
        .unwrap_or_default();
    body.windows(4).any(|code| {
        let [0, 0, 1, code] = *code else { return false };
        match kind {
            // A sequence header.
            0x01 | 0x02 => code == 0xb3,
            // An IDR picture, or a sequence parameter set.
            0x1b => matches!(code & 0x1f, 5 | 7),
            // An IRAP picture, or a video parameter set.
            0x24 => matches!(code >> 1 & 0x3f, 16..=21 | 32),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests;
