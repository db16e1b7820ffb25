//! Row 3: how long a file takes to reach everybody; in the simulator, and in rounds.
//!
//! The rounds are a reduced world: in each, everybody (the server too) may send one part and receive
//! one; who receives of whom is drawn, which part is the shipped rarest-first selector's choice.

use swarmbed_analysis::closed_form::distribution::{rounds_min, time_min};
use swarmbed_engine::policy::{Chooser, SelectorConfig};
use swarmbed_engine::{Bitfield, Seed};
use swarmbed_sim::{Downlink, Draw};

use crate::line::{Line, Tolerance};
use crate::plan::Plan;
use crate::stage::{self, BLOCK, kbyte, source, viewers};

/// A swarm: what limits it, source, viewers, their uplink and downlink (kB/s; 0: none), blocks, KiB
/// a piece.
const SWARMS: [(&str, u64, u32, u64, u64, u64, u32); 3] = [
    ("F/u_s", 120, 10, 400, 0, 1500, 16),
    ("F/d_min", 1000, 20, 200, 100, 1500, 64),
    ("NF/(u_s + Σu)", 300, 40, 80, 0, 1500, 64),
];

/// The lines of the row.
pub(crate) fn lines(plan: &Plan<'_>) -> Vec<Line> {
    let seeds = plan.seeds(5, 2);
    let rule = |expected| (expected, Tolerance::NeverBelow(0.1));
    let mut lines: Vec<Line> = SWARMS
        .iter()
        .map(|&(what, uplink, count, up, down, blocks, kib)| {
            let mut kind = viewers(kbyte(up));
            if down > 0 {
                kind.downlink = Downlink::Own(Draw::Fixed(kbyte(down)));
            }
            let setup = stage::file(blocks, kib, count, vec![source(kbyte(uplink)), kind]);
            let runs = plan.each("row 3", &seeds, |&seed| {
                let report = stage::play(plan, &setup, seed);
                (stage::last_completion(&report), report.checks.violations)
            });
            let expected = bound(uplink, count, up, down, blocks);
            Line::new(
                "3",
                format!("time, {what} is the limit"),
                "s",
                rule(expected),
                &runs,
            )
        })
        .collect();
    let (parts, peers) = (400, 31);
    let runs = plan.each("row 3, rounds", &plan.seeds(10, 3), |&seed| {
        (f64::from(rounds(parts, peers, seed)), Vec::new())
    });
    let what = format!("rounds, {parts} parts to {peers} peers (reduced world)");
    let expected = f64::from(rounds_min(parts, u32::from(peers)));
    lines.push(Line::new("3", what, "", rule(expected), &runs));
    lines
}

/// The bound, in seconds.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn bound(source: u64, count: u32, up: u64, down: u64, blocks: u64) -> f64 {
    let file = blocks as f64 * BLOCK.1;
    let uplinks = vec![up as f64 * 1000.0; count as usize];
    let downlink = if down == 0 {
        f64::INFINITY
    } else {
        down as f64 * 1000.0
    };
    time_min(file, source as f64 * 1000.0, &uplinks, downlink)
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
