//! Give-to-Get chokers on hand-made views: neighbours that never report are ranked by what they give,
//! in slots of their own, so that old and new clients mix.

use super::{Candidate, ChokeView, ChokerConfig};
use crate::id::ConnId;
use crate::rate::Rate;
use crate::seed::Seed;
use crate::time::Instant;
use alloc::vec;
use alloc::vec::Vec;

/// A neighbour that is interested, gives `down` and takes `up` bytes a second.
fn stranger(serial: u32, down: u64, up: u64) -> Candidate {
    Candidate {
        conn: ConnId::new(serial, u16::try_from(serial).unwrap()),
        interested: true,
        inbound: false,
        unchoked: true,
        since: Instant::ZERO,
        connected_at: Instant::ZERO,
        down: Rate::from_bytes_per_s(down),
        up: Rate::from_bytes_per_s(up),
        snubbed: false,
        g2g: false,
        forwarded_ours: 0,
        forwarded: 0,
        claimed_ours: Rate::ZERO,
        claimed: Rate::ZERO,
    }
}

/// One that reports, or of which others report, so much.
fn speaker(serial: u32, forwarded: u32) -> Candidate {
    let claimed = Rate::from_bytes_per_s(u64::from(forwarded) * 1000);
    Candidate {
        g2g: true,
        forwarded_ours: forwarded,
        forwarded,
        claimed_ours: claimed,
        claimed,
        // What it gives us does not count.
        ..stranger(serial, 900_000, 0)
    }
}

/// Who is unchoked, by serial, without whom the turn adds.
fn ranked(name: &str, complete: bool, neighbours: &[Candidate]) -> Vec<u32> {
    let mut choker = ChokerConfig::from_name(name).unwrap().build();
    let view = ChokeView {
        now: Instant::from_secs(100),
        uplink: Some(Rate::from_bytes_per_s(1000)),
        complete,
        piece_length: 65_536,
        neighbours,
    };
    let mut unchoked = Vec::new();
    let mut rng = Seed::from_number(1).stream("choke", 0);
    // Nobody has joined, so nobody stands in the turn.
    choker.rechoke(&view, &mut rng, &mut unchoked);
    unchoked.sort_unstable();
    unchoked.iter().map(|conn| conn.serial()).collect()
}

/// Ten that speak Give-to-Get (1 to 10, the later the better) and ten that do not (11 to 20, the
/// earlier the better).
fn mixed() -> Vec<Candidate> {
    let speakers = (1..=10).map(|serial| speaker(serial, serial));
    let strangers = (11..=20).map(|serial| {
        let rate = u64::from(30 - serial) * 1000;
        stranger(serial, rate, 20_000 - rate)
    });
    speakers.chain(strangers).collect()
}

#[test]
fn strangers_have_as_many_slots_as_speakers() {
    for name in ["give-to-get", "receipts"] {
        let unchoked = ranked(name, false, &mixed());
        let strangers: Vec<u32> = unchoked.iter().copied().filter(|one| *one > 10).collect();
        assert_eq!(strangers, [11, 12, 13], "{name}: the three that give most");
        // Speakers take nothing here, so the uplink bears more of them than three: 90 % rule, at
        // most seven. No stranger stands in their way.
        let speakers: Vec<u32> = unchoked.iter().copied().filter(|one| *one <= 10).collect();
        assert_eq!(speakers, [4, 5, 6, 7, 8, 9, 10], "{name}");
        // Without speakers, strangers have no more; without strangers, speakers neither.
        assert_eq!(ranked(name, false, &mixed()[10..]), [11, 12, 13], "{name}");
        assert_eq!(ranked(name, false, &mixed()[..10]), speakers, "{name}");
    }
}

#[test]
fn as_shipped_six_of_each() {
    let name = "give-to-get-shipped";
    let six = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
    assert_eq!(ranked(name, false, &mixed()), six);
    // Complete: those that take most, which are the last.
    let six = [5, 6, 7, 8, 9, 10, 15, 16, 17, 18, 19, 20];
    assert_eq!(ranked(name, true, &mixed()), six);
}

#[test]
fn a_stranger_earns_its_slot() {
    let mut neighbours = vec![stranger(1, 0, 0), stranger(2, 999, 0), stranger(3, 1000, 0)];
    neighbours[2].snubbed = true;
    neighbours.push(stranger(4, 1000, 0));
    neighbours.push(Candidate {
        interested: false,
        ..stranger(5, 9000, 0)
    });
    assert_eq!(ranked("give-to-get", false, &neighbours), [2, 4]);
    // The client asked for 1,000 bytes a second at least.
    assert_eq!(ranked("give-to-get-shipped", false, &neighbours), [4]);
}
