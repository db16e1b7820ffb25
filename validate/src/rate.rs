//! Row 1: a film to everybody at once, and the rate at which the slowest viewer has got it.

use swarmbed_analysis::closed_form::capacity::rate_max;
use swarmbed_sim::{Population, Setup};

use crate::line::{Line, Tolerance};
use crate::plan::Plan;
use crate::stage::{self, BLOCK, class, kbyte, source};

/// By this share a swarm may fall short of what capacity allows.
pub(crate) const REACHED: f64 = 0.1;

/// A swarm of the row.
struct Swarm {
    /// What limits it.
    what: &'static str,
    /// The source's uplink, in kB/s.
    source: u64,
    /// How many viewers, and their uplink in kB/s.
    viewers: &'static [(u32, u64)],
    /// Blocks of the film.
    blocks: u64,
    /// KiB of a piece: few where the source must send each one just once, many where what counts is
    /// that few bytes go into announcements.
    piece_kib: u32,
}

const SWARMS: [Swarm; 3] = [
    Swarm {
        what: "the source is the limit",
        source: 100,
        viewers: &[(20, 200)],
        blocks: 2000,
        piece_kib: 16,
    },
    Swarm {
        what: "uplinks are the limit",
        source: 400,
        viewers: &[(50, 100)],
        blocks: 2000,
        piece_kib: 64,
    },
    Swarm {
        what: "uplinks are the limit, and unequal",
        source: 400,
        viewers: &[(25, 150), (25, 50)],
        blocks: 2000,
        piece_kib: 64,
    },
];

/// The lines of the row.
#[expect(clippy::cast_precision_loss, reason = "bytes of a file")]
pub(crate) fn lines(plan: &Plan<'_>) -> Vec<Line> {
    let swarms = &SWARMS[..plan.of(3, 2) as usize];
    let seeds = plan.seeds(5, 2);
    let line = |swarm: &Swarm| {
        let setup = setup(swarm);
        let uplinks: Vec<f64> = swarm
            .viewers
            .iter()
            .flat_map(|&(count, uplink)| (0..count).map(move |_| payload(uplink)))
            .collect();
        let expected = rate_max(payload(swarm.source), &uplinks);
        let runs = plan.each("row 1", &seeds, |&seed| {
            let report = stage::play(plan, &setup, seed);
            let file = setup.geometry.total() as f64 / 1000.0;
            (
                file / stage::last_completion(&report),
                report.checks.violations,
            )
        });
        let rule = (expected, Tolerance::NeverAbove(REACHED));
        Line::new(
            "1",
            format!("{}: rate to the slowest", swarm.what),
            "kB/s",
            rule,
            &runs,
        )
    };
    swarms.iter().map(line).collect()
}

/// What of an uplink is left for payload, in kB/s.
#[expect(clippy::cast_precision_loss, reason = "small")]
fn payload(uplink: u64) -> f64 {
    uplink as f64 * BLOCK.0 / BLOCK.1
}

fn setup(swarm: &Swarm) -> Setup {
    let all: u32 = swarm.viewers.iter().map(|kind| kind.0).sum();
    let mut classes = vec![source(kbyte(swarm.source))];
    for &(count, uplink) in swarm.viewers {
        let share = Population::Share(f64::from(count) / f64::from(all));
        classes.push(class("viewer", share, kbyte(uplink)));
    }
    stage::file(swarm.blocks, swarm.piece_kib, all, classes)
}
