//! Row 5: what of a download can be played.
//!
//! Prefix: nobody but the source can be dialled, so all pieces are equally rare and rarest first is
//! a random order. Start-up: one source, one viewer, in order, under the Give-to-Get start rule; the
//! formula knows no tracker and no choking, so it counts from the first block's first byte.

use swarmbed_analysis::closed_form::progress::{prefix, start_up};
use swarmbed_engine::policy::SelectorConfig;

use crate::line::{Line, Tolerance};
use crate::plan::Plan;
use crate::stage::{self, BLOCK, audience, kbyte, source, viewers};

/// Pieces of the prefix's file.
const PIECES: u32 = 100;

/// The lines of the row.
pub(crate) fn lines(plan: &Plan<'_>) -> Vec<Line> {
    let mut lines = prefixes(plan);
    lines.push(in_order(plan));
    lines
}

fn prefixes(plan: &Plan<'_>) -> Vec<Line> {
    let mut kind = viewers(kbyte(1000));
    kind.connectable = 0.0;
    let mut setup = stage::file(
        u64::from(PIECES),
        16,
        100,
        vec![source(kbyte(20_000)), kind],
    );
    setup.limits.neighbours_max = 200;
    // Of each run: the mean prefix with k pieces.
    let runs = plan.each("row 5, prefix", &plan.seeds(100, 25), |&seed| {
        let report = stage::play(plan, &setup, seed);
        let mut sums = vec![0.0; PIECES as usize + 1];
        let mut count = 0.0;
        for peer in audience(&report) {
            let mut have = vec![false; PIECES as usize];
            let mut first = 0;
            for (held, piece) in (1..).zip(&peer.observer.pieces) {
                have[piece.0 as usize] = true;
                while have.get(first) == Some(&true) {
                    first += 1;
                }
                sums[held] += f64::from(u32::try_from(first).expect("few pieces"));
            }
            count += 1.0;
        }
        for sum in &mut sums {
            *sum /= count;
        }
        (sums, report.checks.violations)
    });
    let line = |what: String, held: std::ops::Range<u32>| {
        let expected: Vec<f64> = held.clone().map(|k| prefix(k, PIECES)).collect();
        let expected = swarmbed_analysis::stats::mean(&expected);
        let runs: Vec<_> = runs
            .iter()
            .map(|(means, violations)| {
                let part = &means[held.start as usize..held.end as usize];
                (swarmbed_analysis::stats::mean(part), violations.clone())
            })
            .collect();
        Line::new(
            "5",
            what,
            "pieces",
            (expected, Tolerance::Share(0.02)),
            &runs,
        )
    };
    vec![
        line(
            "prefix of 100 pieces, mean over 50 to 99 held".into(),
            50..100,
        ),
        line("prefix of 100 pieces with 95 held".into(), 95..96),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn in_order(plan: &Plan<'_>) -> Line {
    // High rates: a block must be short beside the start rule's 10 s.
    let (uplink, bitrate, length) = (900_u64, 1000_u64, plan.of(1200, 600));
    let blocks = u64::from(length) * bitrate * 1000 / 16_384;
    let mut kind = viewers(kbyte(bitrate));
    kind.selector = plan.selector(SelectorConfig::InOrder);
    let mut setup = stage::file(blocks, 256, 1, vec![source(kbyte(uplink)), kind]);
    setup.bitrate = Some(kbyte(bitrate));
    setup.detailed = vec![1];
    let rate = uplink as f64 * BLOCK.0 / BLOCK.1;
    let film = setup.geometry.total() as f64 / (bitrate as f64 * 1000.0);
    let expected = start_up(film, bitrate as f64, rate);
    let runs = plan.each("row 5, start-up", &plan.seeds(3, 1), |&seed| {
        let report = stage::play(plan, &setup, seed);
        let notes = &report.peers[1].observer;
        let block = BLOCK.1 / (uplink as f64 * 1000.0);
        let delay = match (notes.started, notes.first_block) {
            (Some(started), Some(first)) => started.as_secs_f64() - first.as_secs_f64() + block,
            _ => f64::INFINITY,
        };
        (delay, report.checks.violations)
    });
    let rule = (expected, Tolerance::Share(0.02));
    Line::new(
        "5",
        "start-up in order, bitrate 1.14 of the rate",
        "s",
        rule,
        &runs,
    )
}
