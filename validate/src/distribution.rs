//! Row 3: how long a file takes to reach everybody; in the simulator, and in rounds.
//!
//! The rounds are a reduced world: in each, everybody (the server too) may send one part and receive
//! one; who receives of whom is drawn, which part is the shipped rarest-first selector's choice.

use swarmbed_analysis::closed_form::distribution::{rounds_min, time_min};
use swarmbed_engine::policy::{ChokerConfig, Chooser, SelectorConfig};
use swarmbed_engine::{Bitfield, Seed};
use swarmbed_sim::{Downlink, Draw, Setup};

use crate::line::{Line, Tolerance};
use crate::plan::Plan;
use crate::rate::REACHED;
use crate::stage::{self, BLOCK, kbyte, source, viewers};

/// A swarm of the row.
struct Swarm {
    what: &'static str,
    /// The source's uplink, in kB/s, and how many it serves at once.
    source: (u64, u16),
    viewers: u32,
    /// Uplink and downlink (0: no limit) of each, in kB/s.
    links: (u64, u64),
    piece_kib: u32,
}

/// Blocks of the file.
const BLOCKS: u64 = 1500;

const SWARMS: [Swarm; 4] = [
    Swarm {
        what: "time, F/u_s is the limit",
        source: (120, 4),
        viewers: 10,
        links: (400, 0),
        piece_kib: 16,
    },
    Swarm {
        what: "time, F/d_min is the limit, the source serves all at once",
        source: (1000, 20),
        viewers: 20,
        links: (200, 100),
        piece_kib: 64,
    },
    Swarm {
        what: "time, F/d_min is the limit, the source serves four at once",
        source: (1000, 4),
        viewers: 20,
        links: (200, 100),
        piece_kib: 64,
    },
    Swarm {
        what: "time, NF/(u_s + Σu) is the limit",
        source: (300, 4),
        viewers: 40,
        links: (80, 0),
        piece_kib: 64,
    },
];

/// The lines of the row.
pub(crate) fn lines(plan: &Plan<'_>) -> Vec<Line> {
    let seeds = plan.seeds(5, 2);
    let rule = |expected| (expected, Tolerance::NeverBelow(REACHED));
    let time = |swarm: &Swarm| {
        let setup = setup(swarm);
        let runs = plan.each("row 3", &seeds, |&seed| {
            let report = stage::play(plan, &setup, seed);
            (stage::last_completion(&report), report.checks.violations)
        });
        Line::new("3", swarm.what, "s", rule(bound(swarm)), &runs)
    };
    let mut lines: Vec<Line> = SWARMS.iter().map(time).collect();
    let (parts, peers) = (400, 31);
    let runs = plan.each("row 3, rounds", &plan.seeds(10, 3), |&seed| {
        (f64::from(rounds(parts, peers, seed)), Vec::new())
    });
    let what = format!("rounds, {parts} parts to {peers} peers (reduced world)");
    let expected = f64::from(rounds_min(parts, u32::from(peers)));
    lines.push(Line::new("3", what, "", rule(expected), &runs));
    lines
}

fn setup(swarm: &Swarm) -> Setup {
    let mut from = source(kbyte(swarm.source.0));
    from.seed_choker = ChokerConfig::SeedRoundRobin {
        slots: swarm.source.1,
    };
    let mut kind = viewers(kbyte(swarm.links.0));
    if swarm.links.1 > 0 {
        kind.downlink = Downlink::Own(Draw::Fixed(kbyte(swarm.links.1)));
    }
    stage::file(BLOCKS, swarm.piece_kib, swarm.viewers, vec![from, kind])
}

/// The bound, in seconds.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn bound(swarm: &Swarm) -> f64 {
    let rate = |kbyte: u64| kbyte as f64 * 1000.0;
    let uplinks = vec![rate(swarm.links.0); swarm.viewers as usize];
    let downlink = match swarm.links.1 {
        0 => f64::INFINITY,
        kbyte => rate(kbyte),
    };
    let file = BLOCKS as f64 * BLOCK.1;
    time_min(file, rate(swarm.source.0), &uplinks, downlink)
}

/// Rounds until all of `peers` have all `parts`.
fn rounds(parts: u32, peers: u16, seed: u64) -> u32 {
    let seed = Seed::from_number(seed);
    let mut rng = seed.stream("rounds", 0);
    let chooser = Chooser::new(&SelectorConfig::RarestFirst, parts, peers + 1, seed);
    let mut chooser = chooser.expect("a few parts");
    // The last of the others is the server.
    for part in 0..parts as usize {
        chooser.insert(peers, part);
    }
    let mut have = vec![Bitfield::new(parts); usize::from(peers)];
    let mut rounds = 0;
    while have.iter().any(|have| !have.is_full()) {
        rounds += 1;
        let mut senders: Vec<u16> = (0..=peers).collect();
        let mut receivers: Vec<u16> = (0..peers).collect();
        rng.shuffle(&mut senders);
        rng.shuffle(&mut receivers);
        // What comes in this round can be sent in the next.
        let mut came = Vec::new();
        for receiver in receivers {
            let mine = &have[usize::from(receiver)];
            let found = senders.iter().enumerate().find_map(|(place, &sender)| {
                let part = chooser.choose(mine, u32::from(receiver), sender)?;
                Some((place, part))
            });
            if let Some((place, part)) = found {
                senders.remove(place);
                came.push((receiver, part));
            }
        }
        for (receiver, part) in came {
            have[usize::from(receiver)].insert(part);
            chooser.insert(receiver, part);
        }
    }
    rounds
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of the difference of row 3 (`known.rs`).
    #[test]
    fn a_source_with_four_slots_is_slow_however_fast_its_uplink() {
        let [_, all, four, _] = SWARMS;
        let time = |swarm: &Swarm| {
            stage::last_completion(&stage::play(&Plan::new(true, &|_| {}), &setup(swarm), 1))
        };
        assert!(time(&all) < 1.05 * bound(&all), "{}", time(&all));
        let slow = time(&four);
        assert!((275.0..296.0).contains(&slow), "{slow}");
        let fast = time(&Swarm {
            source: (5000, 4),
            ..four
        });
        assert!((0.97..1.03).contains(&(fast / slow)), "{fast} {slow}");
    }

    #[test]
    fn no_rounds_are_fewer_than_the_bound() {
        for (parts, peers) in [(1, 1), (1, 7), (1, 8), (3, 2), (10, 5)] {
            for seed in 0..20 {
                let rounds = rounds(parts, peers, seed);
                assert!(
                    rounds >= rounds_min(parts, u32::from(peers)),
                    "{parts} {peers}"
                );
            }
        }
        // One part doubles, whoever is drawn.
        assert_eq!(rounds(1, 7, 1), 3);
    }
}
