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
mod tests {
    use super::*;

    fn packet(pid: u16, starts: bool, body: &[u8]) -> Vec<u8> {
        let [high, low] = pid.to_be_bytes();
        let mut bytes = vec![SYNC, high | u8::from(starts) << 6, low, 0x10];
        bytes.extend_from_slice(body);
        bytes.resize(PACKET, 0xff);
        bytes
    }

    fn pat() -> Vec<u8> {
        // Pointer, table 0, 13 bytes follow; programme 1 at pid 0x1000; checksum.
        let body = [0, 0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xf0, 0, 9, 9, 9, 9];
        packet(0, true, &body)
    }

    fn pmt() -> Vec<u8> {
        let head = [0, 2, 0xb0, 23, 0, 1, 0xc1, 0, 0, 0xe1, 0, 0xf0, 0];
        let sound = [0x03, 0xe1, 0x01, 0xf0, 0];
        let picture = [0x1b, 0xe1, 0x00, 0xf0, 0];
        let body = [&head[..], &sound, &picture, &[9; 4]].concat();
        packet(0x1000, true, &body)
    }

    fn frame(key: bool) -> Vec<u8> {
        let code = if key { 0x65 } else { 0x41 };
        let body = [0, 0, 1, 0xe0, 0, 0, 0x80, 0, 0, 0, 0, 1, code];
        packet(0x100, true, &body)
    }

    fn flagged() -> Vec<u8> {
        let mut bytes = packet(0x100, true, &[1, 0x40, 0, 0, 1, 0xe0]);
        bytes[3] = 0x30;
        bytes
    }

    fn sound() -> Vec<u8> {
        packet(0x101, true, &[0, 0, 1, 0xc0])
    }

    /// What comes of `input`, whatever portions it comes in.
    fn passed(input: &[u8]) -> Vec<u8> {
        let mut all: Option<Vec<u8>> = None;
        for size in [1, 7, 187, 188, 1000, input.len()] {
            let (mut boundary, mut out) = (Boundary::default(), Vec::new());
            for portion in input.chunks(size) {
                boundary.pass(portion, &mut out);
            }
            assert_eq!(
                *all.get_or_insert_with(|| out.clone()),
                out,
                "portions of {size}"
            );
        }
        all.unwrap()
    }

    #[test]
    fn it_starts_with_tables_and_a_key_frame() {
        for key in [frame(true), flagged()] {
            let before = [
                &[5; 100][..],
                &frame(true),
                &sound(),
                &pat(),
                &frame(true),
                &pmt(),
                &sound(),
                &frame(false),
            ];
            let after = [
                &key[..],
                &sound(),
                &frame(false),
                &pat(),
                &pmt(),
                &[1, 2, 3],
            ]
            .concat();
            let input = [before.concat(), after.clone()].concat();
            assert_eq!(passed(&input), [pat(), pmt(), after].concat());
        }
    }

    #[test]
    fn after_a_loss_it_starts_anew() {
        let (mut boundary, mut out) = (Boundary::default(), Vec::new());
        let head = [pat(), pmt(), frame(true), sound(), sound()].concat();
        boundary.pass(&head, &mut out);
        assert_eq!(out, head);
        out.clear();
        boundary.lost();
        // The tables are remembered, and used until others come.
        let rest = [frame(true), sound(), frame(false), sound(), sound()].concat();
        boundary.pass(&[&[7; 50], &frame(false)[..], &rest].concat(), &mut out);
        // A packet before the first of each kind says that something is missing.
        let counted = |mut packet: Vec<u8>, counter: u8| {
            packet[3] = packet[3] & 0xf0 | counter;
            packet
        };
        let marked: Vec<Vec<u8>> = out.chunks(PACKET).map(<[u8]>::to_vec).collect();
        let (markers, rest_of): (Vec<_>, Vec<_>) = marked
            .into_iter()
            .partition(|packet| packet[3] & 0x30 == 0x20);
        assert_eq!(rest_of.concat(), [pat(), pmt(), rest].concat());
        let pids: Vec<u16> = markers.iter().map(|packet| parse(packet).pid).collect();
        assert_eq!(pids, [0, 0x1000, 0x100, 0x101]);
        assert!(markers.iter().all(|packet| packet[4..6] == [183, 0x80]));
        assert_eq!(marker(&counted(sound(), 0))[3], 0x2f);
        assert_eq!(marker(&counted(sound(), 9))[3], 0x28);
        // What comes later passes, whatever it is.
        out.clear();
        boundary.pass(&[1, 2, 3], &mut out);
        boundary.pass(&[9; PACKET], &mut out);
        assert_eq!(out.len(), 3 + PACKET);
    }

    #[test]
    fn anything_else_passes_from_its_first_byte() {
        let noise: Vec<u8> = (0..50_000_u64)
            .map(|at| ((at * at) >> 7).to_le_bytes()[0])
            .collect();
        assert_eq!(passed(&noise), noise);
    }

    #[test]
    fn without_key_frames_it_passes_in_the_end() {
        let (mut boundary, mut out) = (Boundary::default(), Vec::new());
        let portion = frame(false).repeat(100);
        boundary.pass(&[pat(), pmt()].concat(), &mut out);
        for _ in 0..KEYLESS_MAX / portion.len() + 1 {
            boundary.pass(&portion, &mut out);
        }
        assert_eq!(out[..3 * PACKET], [pat(), pmt(), frame(false)].concat());
    }
}
