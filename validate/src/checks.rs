//! Not a closed form: what must hold in every run, in one where connections break, blocks are
//! corrupt, a link changes and peers crash, and in one where a link is never idle. (Every line of
//! every row fails on a violation too.)

use swarmbed_sim::{Departure, Fault, Setup};

use crate::line::{Line, Tolerance};
use crate::plan::Plan;
use crate::stage::{self, kbyte, secs, source, viewers};

/// The lines of the row.
pub(crate) fn lines(plan: &Plan<'_>) -> Vec<Line> {
    let line = |what: &str, setup: &Setup| {
        let runs = plan.each("checks", &plan.seeds(5, 1), |&seed| {
            let report = stage::play(plan, setup, seed);
            let violations = report.checks.violations;
            let count = u32::try_from(violations.len()).expect("a few");
            (f64::from(count), violations)
        });
        Line::new("checks", what, "", (0.0, Tolerance::Points(0.0)), &runs)
    };
    vec![
        line("violations in a rough run", &rough()),
        line("violations where a link is never idle", &busy()),
    ]
}

fn rough() -> Setup {
    let mut kind = viewers(kbyte(100));
    kind.departure = Departure::EndOfPlayback;
    let sources = [source(kbyte(200)), source(kbyte(200))];
    let mut setup = stage::file(100, 64, 12, [&sources[..], &[kind]].concat());
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
    setup
}

/// One source, one viewer, and nothing but the source's uplink to wait for.
fn busy() -> Setup {
    let viewer = viewers(kbyte(100));
    stage::file(400, 16, 1, vec![source(kbyte(100)), viewer])
}
