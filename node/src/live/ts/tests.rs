//! Transport streams made by hand, in portions of all sizes.

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
