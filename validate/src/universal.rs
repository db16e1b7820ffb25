//! Row 2: universal streaming. The probability is measured on the simulator's own arrivals and
//! sessions; then a live channel is streamed to populations drawn each side of the critical ratio.
//!
//! The theorem bounds the mean rate: n viewers get no more than (u_s + Σu)/n each, and an ideal
//! schedule of infinitely thin streams reaches it. Pieces, choke rounds and buffers do not, and row 1
//! allows a tenth for that. So a stream is called universal if, in the mean over viewers, nine tenths
//! of its pieces arrive in time; and populations within a tenth of the critical ratio, where that says
//! nothing, are not drawn. (The verdicts are the same with 4, 8, 12 and 30 slots of the source.)

use swarmbed_analysis::closed_form::capacity::TwoClasses;
use swarmbed_engine::live::{Expiry, LiveConfig, Numbering};
use swarmbed_engine::policy::{
    ChokerConfig, HookInConfig, LatePolicy, PlaybackConfig, SelectorConfig, StartRule,
};
use swarmbed_engine::{Rate, Seed};
use swarmbed_sim::{Arrival, Class, Departure, LiveSetup, Population, Setup, World};

use crate::line::{Line, Tolerance};
use crate::plan::Plan;
use crate::rate::REACHED;
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
    lines.extend(SIDES.iter().flat_map(|side| streams(plan, side)));
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

/// Populations of one side, streamed to.
struct Side {
    universal: bool,
    /// Strong viewers for each weak one, in the mean.
    ratio: f64,
}

const SIDES: [Side; 2] = [
    Side {
        universal: true,
        ratio: 1.25,
    },
    Side {
        universal: false,
        ratio: 0.2,
    },
];

/// What of the media reaches viewers of one population.
struct Received {
    index: f64,
    mean: f64,
    slowest: f64,
    violations: Vec<String>,
}

/// Five populations of one side, streamed to: verdicts, and how the slowest viewer fares.
fn streams(plan: &Plan<'_>, side: &Side) -> Vec<Line> {
    let received = plan.each("row 2, streams", &draws(side), |&(strong, weak)| {
        let report = stage::play(plan, &channel(plan, strong, weak), 1);
        let shares = shares(&report, made(plan));
        Received {
            index: STREAMED.resource_index(strong, weak),
            mean: swarmbed_analysis::stats::mean(&shares),
            slowest: shares.into_iter().fold(1.0, f64::min),
            violations: report.checks.violations,
        }
    });
    let range = |value: fn(&Received) -> f64| {
        let values = received.iter().map(value);
        values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| {
            (low.min(value), high.max(value))
        })
    };
    let (index, mean) = (range(|one| one.index), range(|one| one.mean));
    let runs = |value: &dyn Fn(&Received) -> f64| -> Vec<_> {
        let run = |one: &Received| (value(one), one.violations.clone());
        received.iter().map(run).collect()
    };
    let right = runs(&|one| f64::from(u8::from((one.mean >= 1.0 - REACHED) == side.universal)));
    let name = if side.universal {
        "universal"
    } else {
        "not universal"
    };
    let what = format!(
        "verdicts right, 5 live streams {name} (resource index {:.2} to {:.2}, of the media {:.2} \
         to {:.2} arrives)",
        index.0, index.1, mean.0, mean.1
    );
    let mut lines = vec![Line::new(
        "2",
        what,
        "",
        (1.0, Tolerance::Points(0.0)),
        &right,
    )];
    if side.universal {
        let what = "media that reaches the slowest viewer, streams universal";
        let rule = (1.0, Tolerance::Share(REACHED));
        lines.push(Line::new("2", what, "", rule, &runs(&|one| one.slowest)));
    }
    lines
}

/// Five draws that are this side's, and can be told: a swarm that may fall short of capacity by a
/// tenth cannot be told from one that has a tenth too little.
fn draws(side: &Side) -> Vec<(u32, u32)> {
    let size = 60.0;
    let weak = size / (1.0 + side.ratio);
    let drawn = (0..).map(|draw| {
        let seed = Seed::from_number(draw);
        let drawn = |name, mean| poisson(&seed, name, mean);
        (drawn("strong", size - weak), drawn("weak", weak))
    });
    let wanted = |&(strong, weak): &(u32, u32)| {
        let index = STREAMED.resource_index(strong, weak);
        let told = index < 1.0 - REACHED || index * (1.0 - REACHED) >= 1.0;
        told && STREAMED.is_universal(strong, weak) == side.universal
    };
    drawn.filter(wanted).take(5).collect()
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
/// The stream to such a population. The source serves 8 at once: served four at a time, its pieces
/// now and then all go to weak viewers, who are slow to pass them on.
fn channel(plan: &Plan<'_>, strong: u32, weak: u32) -> Setup {
    let link = |units: f64| {
        let bytes = units * f64::from(u32::try_from(UNIT).expect("small")) * BLOCK.1 / BLOCK.0;
        Rate::from_bytes_per_s(bytes as u64)
    };
    let share = |count: u32| Population::Share(f64::from(count) / f64::from(strong + weak));
    let mut classes = vec![
        Class {
            seed_choker: ChokerConfig::SeedRoundRobin { slots: 8 },
            ..source(link(STREAMED.source))
        },
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
    let seconds = seconds(plan);
    setup.live = Some(LiveSetup {
        numbering,
        expiry: Expiry::Implied,
        hook_in: HookInConfig::NewestAtHalf,
        lag_max: secs(60),
        super_seeding: None,
        pieces: made(plan),
    });
    setup.horizon = secs(seconds + 120);
    setup
}

/// How long the broadcast is.
fn seconds(plan: &Plan<'_>) -> u64 {
    u64::from(plan.of(240, 150))
}

/// Pieces the source makes.
fn made(plan: &Plan<'_>) -> u32 {
    u32::try_from(seconds(plan) * 3 * UNIT / u64::from(PIECE)).expect("few")
}

/// The share of all pieces that each viewer got while they were of use: the rate at which it
/// received, over the stream's. How playback used them is not the theorem's matter.
fn shares(report: &swarmbed_sim::Report<Notes>, made: u32) -> Vec<f64> {
    let share = |peer: &swarmbed_sim::PeerOutcome<Notes>| {
        let mut pieces = peer.observer.pieces.clone();
        pieces.sort_unstable();
        pieces.dedup();
        f64::from(u32::try_from(pieces.len()).expect("few")) / f64::from(made)
    };
    audience(report).map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of the difference of row 2 (`known.rs`).
    #[test]
    fn tit_for_tat_carries_a_stream_in_the_mean_and_not_to_the_weakest() {
        let plan = Plan::new(true, &|_| {});
        let &(strong, weak) = draws(&SIDES[0]).last().expect("five");
        assert_eq!((strong, weak), (21, 31));
        let report = stage::play(&plan, &channel(&plan, strong, weak), 1);
        let shares = shares(&report, made(&plan));
        assert!(swarmbed_analysis::stats::mean(&shares) >= 1.0 - REACHED);
        let class = audience(&report).map(|peer| peer.facts.class);
        for (class, share) in class.zip(&shares) {
            assert!(class == 2 || *share >= 0.95, "a strong viewer: {share}");
        }
        let slowest = shares.into_iter().fold(1.0, f64::min);
        assert!((0.4..0.65).contains(&slowest), "{slowest}");
    }

    #[test]
    fn populations_that_cannot_be_told_are_not_drawn() {
        for side in &SIDES {
            let drawn = draws(side);
            assert_eq!(drawn.len(), 5);
            for (strong, weak) in drawn {
                let index = STREAMED.resource_index(strong, weak);
                assert!(if side.universal {
                    index > 1.11
                } else {
                    index < 0.9
                });
            }
        }
    }
}
