//! Row 4: a swarm in steady state. Arrivals are evenly spaced, since a fluid knows rates only; seeds
//! stay for an exponential time. A source begins it and is gone before anything is measured.

use std::time::Duration;
use swarmbed_analysis::closed_form::fluid_swarm::FluidSwarm;
use swarmbed_sim::{Arrival, Departure, Downlink, Draw, Fault, Report, Setup};

use crate::line::{Line, Tolerance};
use crate::plan::Plan;
use crate::stage::{self, BLOCK, Notes, audience, kbyte, secs, source, viewers};

/// Uplink, kB/s.
const UPLINK: u64 = 50;
/// Blocks of the file: 16 minutes of one uplink, beside which choke rounds are short.
const BLOCKS: u64 = 3000;
/// The source leaves.
const ALONE: u64 = 2500;

/// The lines of the row.
pub(crate) fn lines(plan: &Plan<'_>) -> Vec<Line> {
    let loads: &[f64] = if plan.quick {
        &[0.03]
    } else {
        &[0.03, 0.06, 0.12]
    };
    let rule = |expected| (expected, Tolerance::Share(0.05));
    let end = u64::from(plan.of(8000, 6500));
    let mut lines = Vec::new();
    let mut times = Vec::new();
    for &lambda in loads {
        let (setup, model) = swarm(lambda, None, 200, end);
        let runs = play(plan, &setup, &model);
        let steady = model.steady();
        let pick = |pick: fn(&Measured) -> f64| -> Vec<(f64, Vec<String>)> {
            runs.iter()
                .map(|run| (pick(run), run.violations.clone()))
                .collect()
        };
        let at = format!("uplinks the limit, λ = {lambda}/s");
        let line = |what: &str, unit, expected, runs: &[_]| {
            Line::new("4", format!("{at}: {what}"), unit, rule(expected), runs)
        };
        let time = line(
            "download time",
            "s",
            steady.download_s,
            &pick(|run| run.time),
        );
        times.push(pick(|run| run.time));
        lines.push(time);
        lines.push(line(
            "leechers",
            "",
            steady.leechers,
            &pick(|run| run.leechers),
        ));
        lines.push(line("seeds", "", steady.seeds, &pick(|run| run.seeds)));
    }
    if let [first, .., last] = &times[..] {
        let both = first.iter().zip(last);
        let runs: Vec<_> = both
            .map(|(first, last)| (last.0 / first.0, Vec::new()))
            .collect();
        let what = "download time at 4 times the load, over that at once";
        lines.push(Line::new("4", what, "", rule(1.0), &runs));
    }
    if !plan.quick {
        let (setup, model) = swarm(0.04, Some(60), 1200, end);
        let runs: Vec<_> = play(plan, &setup, &model)
            .into_iter()
            .map(|run| (run.time, run.violations))
            .collect();
        let expected = model.steady().download_s;
        let what = "downlinks the limit, λ = 0.04/s: download time";
        lines.push(Line::new("4", what, "s", rule(expected), &runs));
    }
    lines
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small"
)]
fn swarm(lambda: f64, downlink: Option<u64>, seeds_s: u64, end: u64) -> (Setup, FluidSwarm) {
    let mut kind = viewers(kbyte(UPLINK));
    kind.departure = Departure::SeedsFor(secs(seeds_s));
    if let Some(rate) = downlink {
        kind.downlink = Downlink::Own(Draw::Fixed(kbyte(rate)));
    }
    let count = (lambda * end as f64) as u32;
    let classes = vec![source(kbyte(4 * UPLINK)), kind];
    let mut setup = stage::file(BLOCKS, 64, count, classes);
    let arrival = |rank: u32| Duration::from_secs_f64(f64::from(rank) / lambda);
    setup.arrival = Arrival::Trace((0..count).map(arrival).collect());
    setup.horizon = secs(end);
    setup.faults = vec![(secs(ALONE), Fault::SourceGone)];
    let file = BLOCKS as f64 * BLOCK.1 / 1000.0;
    let model = FluidSwarm {
        lambda,
        theta: 0.0,
        gamma: 1.0 / seeds_s as f64,
        c: downlink.map_or(f64::INFINITY, |rate| rate as f64 / file),
        mu: UPLINK as f64 / file,
        eta: 1.0,
    };
    (setup, model)
}

struct Measured {
    time: f64,
    leechers: f64,
    seeds: f64,
    violations: Vec<String>,
}

fn play(plan: &Plan<'_>, setup: &Setup, model: &FluidSwarm) -> Vec<Measured> {
    plan.each("row 4", &plan.seeds(2, 1), |&seed| {
        measure(setup, model, stage::play(plan, setup, seed))
    })
}

/// Of those who came after the source had gone, and early enough to be done twice over; leechers
/// and seeds are counted over the same time. Who is not done when the run ends has no time: that fails.
fn measure(setup: &Setup, model: &FluidSwarm, report: Report<Notes>) -> Measured {
    let from = secs(ALONE + 500).as_secs_f64();
    let to = setup.horizon.as_secs_f64() - 2.0 * model.steady().download_s;
    let mut times = Vec::new();
    let (mut leeching, mut seeding) = (0.0, 0.0);
    for peer in audience(&report) {
        let came = peer.facts.arrival.as_secs_f64();
        let done = peer
            .observer
            .completed
            .map_or(f64::INFINITY, |at| at.as_secs_f64());
        if (from..to).contains(&came) {
            times.push(done - came);
        }
        let left = peer.left_at.map_or(f64::INFINITY, |at| at.as_secs_f64());
        let within = |begin: f64, end: f64| (end.min(to) - begin.max(from)).max(0.0);
        leeching += within(came, done);
        seeding += within(done, left);
    }
    Measured {
        time: swarmbed_analysis::stats::mean(&times),
        leechers: leeching / (to - from),
        seeds: seeding / (to - from),
        violations: report.checks.violations,
    }
}
