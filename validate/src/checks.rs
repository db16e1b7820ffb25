//! Not a closed form: what must hold in every run, in one where connections break, blocks are
//! corrupt, a link changes and peers crash. (Every line of every row fails on a violation too.)

use swarmbed_sim::{Departure, Fault};

use crate::line::{Line, Tolerance};
use crate::plan::Plan;
use crate::stage::{self, kbyte, secs, source, viewers};

/// The line of the row.
pub(crate) fn lines(plan: &Plan<'_>) -> Vec<Line> {
    let mut kind = viewers(kbyte(100));
    kind.departure = Departure::EndOfPlayback;
    let mut setup = stage::file(
        100,
        64,
        12,
        vec![source(kbyte(200)), source(kbyte(200)), kind],
    );
    setup.bitrate = Some(kbyte(80));
    setup.faults = vec![
        (secs(5), Fault::CorruptBlock { peer: 0 }),
        (secs(6), Fault::CorruptBlock { peer: 3 }),
        (secs(7), Fault::CorruptBlock { peer: 1 }),
        (secs(8), Fault::Crash { peer: 4 }),
        (
            secs(9),
            Fault::UplinkStep {
                class: 2,
                percent: 80,
            },
        ),
    ];
    let runs = plan.each("checks", &plan.seeds(5, 1), |&seed| {
        let report = stage::play(plan, &setup, seed);
        let violations = report.checks.violations;
        let count = u32::try_from(violations.len()).expect("a few");
        (f64::from(count), violations)
    });
    let rule = (0.0, Tolerance::Points(0.0));
    vec![Line::new(
        "checks",
        "violations in a rough run",
        "",
        rule,
        &runs,
    )]
}
