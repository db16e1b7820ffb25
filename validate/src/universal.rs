//! Row 2: universal streaming. The probability is measured on the simulator's own arrivals and
//! sessions; then a live channel is streamed to populations drawn each side of the critical ratio.

use swarmbed_analysis::closed_form::capacity::TwoClasses;
use swarmbed_engine::live::{Expiry, LiveConfig, Numbering};
use swarmbed_engine::policy::{
    HookInConfig, LatePolicy, PlaybackConfig, SelectorConfig, StartRule,
};
use swarmbed_engine::{Rate, Seed};
use swarmbed_sim::{Arrival, Departure, LiveSetup, Population, Setup, World};

use crate::line::{Line, Tolerance};
use crate::plan::Plan;
use crate::stage::{self, BLOCK, Notes, audience, class, kbyte, secs, source};

/// The reference's classes.
const CLASSES: TwoClasses = TwoClasses {
    source: 3.0,
    strong: 7.0,
    weak: 1.0,
    rate: 3.0,
};
/// The same, with the source that streams: it must give some pieces more than once.
const STREAMED: TwoClasses = TwoClasses {
    source: 12.0,
    ..CLASSES
};
/// A unit of rate, in bytes a second of payload.
const UNIT: u64 = 12_500;
/// Bytes of a piece.
const PIECE: u32 = 32 * 1024;
/// Of the media, in the mean over viewers, at least this is shown where all can be streamed to.
const SHOWN: f64 = 0.95;

/// The lines of the row.
pub(crate) fn lines(plan: &Plan<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    let sizes = [20_u32, 200, 1000];
    for &size in &sizes[..plan.of(3, 2) as usize] {
        for ratio in [0.4, 0.5, 0.6] {
            let weak = f64::from(size) / (1.0 + ratio);
            let strong = f64::from(size) - weak;
            let expected = CLASSES.probability(strong, weak);
            let worlds = if size == 1000 {
                plan.of(20, 5)
            } else {
                plan.of(100, 40)
            };
            let runs = plan.each("row 2, populations", &plan.seeds(worlds, worlds), |&seed| {
                (
                    universal_share(size, strong / f64::from(size), seed),
                    Vec::new(),
                )
            });
            let what = format!("P(universal), {size} viewers in the mean, ratio {ratio}");
            lines.push(Line::new(
                "2",
                what,
                "",
                (expected, Tolerance::Points(0.05)),
                &runs,
            ));
        }
    }
    for (ratio, universal) in [(1.25, true), (0.2, false)] {
        lines.push(streams(plan, ratio, universal));
    }
    lines
}

/// Of moments five sessions and more after the start, three sessions apart: the share at which all
/// who are there could be streamed to.
fn universal_share(size: u32, strong: f64, seed: u64) -> f64 {
    let session = 100.0;
    let moments: Vec<f64> = (0..10_u32)
        .map(|k| session * (5.0 + 3.0 * f64::from(k)))
        .collect();
    let departure = Departure::Weibull {
        scale: secs(100),
        shape: 1.0,
    };
    let kind = |name: &str, share| {
        let mut class = class(name, Population::Share(share), kbyte(1));
        class.departure = departure;
        class
    };
    let classes = vec![kind("strong", strong), kind("weak", 1.0 - strong)];
    // Enough to last beyond the last moment, by far more than chance.
    let mut setup = stage::file(1, 16, 36 * size, classes);
    setup.arrival = Arrival::Poisson(f64::from(size) / session);
    setup.seed = seed;
    let world = World::new(&setup, |_| ()).expect("a setup that can be played");
    let universal = moments.iter().filter(|&&at| {
        let mut there = [0_u32; 2];
        for peer in world.peers() {
            let end = peer
                .session_end
                .map_or(f64::INFINITY, |end| end.as_secs_f64());
            if (peer.arrival.as_secs_f64()..end).contains(&at) {
                there[usize::from(peer.class)] += 1;
            }
        }
        CLASSES.is_universal(there[0], there[1])
    });
    f64::from(u32::try_from(universal.count()).expect("few")) / 10.0
}

/// Five populations of one side, streamed to.
fn streams(plan: &Plan<'_>, ratio: f64, universal: bool) -> Line {
    let size = 60.0;
    let weak = size / (1.0 + ratio);
    let mut populations = Vec::new();
    for draw in 0.. {
        if populations.len() == 5 {
            break;
        }
        let seed = Seed::from_number(draw);
        let drawn = |name, mean| poisson(&seed, name, mean);
        let (strong, weak) = (drawn("strong", size - weak), drawn("weak", weak));
        // What the draw is, the closed form says; draws that chance put on the other side are not
        // of this line.
        if STREAMED.is_universal(strong, weak) == universal {
            populations.push((strong, weak));
        }
    }
    let shares = plan.each("row 2, streams", &populations, |&(strong, weak)| {
        let setup = channel(plan, strong, weak);
        let report = stage::play(plan, &setup, 1);
        (shown(&report), report.checks.violations)
    });
    let right = |share: f64| f64::from(u8::from((share >= SHOWN) == universal));
    let runs: Vec<_> = shares
        .iter()
        .map(|(share, violations)| (right(*share), violations.clone()))
        .collect();
    let index = populations
        .iter()
        .map(|&(strong, weak)| STREAMED.resource_index(strong, weak));
    let (low, high) = index.fold((f64::INFINITY, 0.0_f64), |(low, high), index| {
        (low.min(index), high.max(index))
    });
    let (worst, best) = shares
        .iter()
        .fold((1.0_f64, 0.0_f64), |(worst, best), (share, _)| {
            (worst.min(*share), best.max(*share))
        });
    let side = if universal {
        "universal"
    } else {
        "not universal"
    };
    let what = format!(
        "share of verdicts right, 5 live streams {side} (resource index {low:.2} to {high:.2}, \
         shown {worst:.3} to {best:.3})"
    );
    Line::new("2", what, "", (1.0, Tolerance::Points(0.0)), &runs)
}

fn poisson(seed: &Seed, name: &str, mean: f64) -> u32 {
    let mut rng = seed.stream(name, 0);
    let (mut sum, mut count) = (rng.exponential(1.0), 0);
    while sum < mean {
        sum += rng.exponential(1.0);
        count += 1;
    }
    count
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small rates"
)]
fn channel(plan: &Plan<'_>, strong: u32, weak: u32) -> Setup {
    let link = |units: f64| {
        let bytes = units * f64::from(u32::try_from(UNIT).expect("small")) * BLOCK.1 / BLOCK.0;
        Rate::from_bytes_per_s(bytes as u64)
    };
    let share = |count: u32| Population::Share(f64::from(count) / f64::from(strong + weak));
    let mut classes = vec![
        source(link(STREAMED.source)),
        class("strong", share(strong), link(STREAMED.strong)),
        class("weak", share(weak), link(STREAMED.weak)),
    ];
    for class in &mut classes {
        class.selector = SelectorConfig::LiveRarestFirst { ahead: secs(450) };
        class.playback = PlaybackConfig {
            start: StartRule::Prebuffer(secs(30)),
            late: LatePolicy::Skip,
        };
    }
    let numbering = Numbering::Absolute { window: 140 };
    let mut setup = stage::file(1, 16, strong + weak, classes);
    let live = LiveConfig::viewer(numbering);
    setup.geometry = live.geometry(PIECE).expect("a window of 140 pieces");
    let bitrate = 3 * UNIT;
    setup.bitrate = Some(Rate::from_bytes_per_s(bitrate));
    let seconds = u64::from(plan.of(240, 150));
    setup.live = Some(LiveSetup {
        numbering,
        expiry: Expiry::Implied,
        hook_in: HookInConfig::NewestAtHalf,
        lag_max: secs(60),
        super_seeding: None,
        pieces: u32::try_from(seconds * bitrate / u64::from(PIECE)).expect("few"),
    });
    setup.horizon = secs(seconds + 120);
    setup
}

/// The share of the media that is shown, in the mean over viewers; nothing to who never started.
fn shown(report: &swarmbed_sim::Report<Notes>) -> f64 {
    let piece = f64::from(PIECE) / f64::from(u32::try_from(3 * UNIT).expect("small"));
    let shares: Vec<f64> = audience(report)
        .map(|peer| {
            let notes = &peer.observer;
            let shown = notes.played.as_secs_f64();
            let lost = f64::from(notes.skipped) * piece + notes.jumped.as_secs_f64();
            if shown > 0.0 {
                shown / (shown + lost)
            } else {
                0.0
            }
        })
        .collect();
    swarmbed_analysis::stats::mean(&shares)
}
