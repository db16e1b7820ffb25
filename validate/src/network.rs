//! Not a closed form: two networks built on different ideas, under the same engines. `links` has
//! windows, queues and equally shared uplinks, and scales; `fluid` has max-min fair rates, solved
//! exactly at every block. What viewers feel should not depend on which of them carries the blocks.

use std::time::Duration;

use swarmbed_engine::Geometry;
use swarmbed_engine::policy::{ChokerConfig, SelectorConfig};
use swarmbed_sim::{Arrival, Downlink, NetworkModel, Report, Setup};

use crate::line::{Line, Tolerance};
use crate::plan::Plan;
use crate::stage::{self, Notes, audience, kbyte, source, viewers};

/// What viewers feel of a run, in the mean over them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Felt {
    /// Seconds from arrival to the whole film; infinite if one never had it.
    pub download_s: f64,
    /// Share of the time from the first frame to the last in which the picture stood still.
    pub stalled: f64,
}

/// The same swarm, with the same draws, on both networks.
#[derive(Clone, Debug)]
pub struct Networks {
    /// The selector and the choker.
    pub policy: &'static str,
    /// The draws.
    pub seed: u64,
    /// On queues and windows.
    pub links: Felt,
    /// On max-min fair rates.
    pub fluid: Felt,
    /// Checks that did not hold on either; empty unless there is a bug.
    pub violations: Vec<String>,
}

/// Plays a film of 40 s for 60 viewers, with 1.2 times the upload it takes, on both networks, under
/// Give-to-Get (which stalls) and under rarest first with tit-for-tat (which waits).
#[must_use]
pub fn networks(plan: &Plan<'_>) -> Vec<Networks> {
    let policies = [
        ("give-to-get", "give-to-get", "give-to-get"),
        ("tit-for-tat", "rarest-first", "tit-for-tat"),
    ];
    let runs: Vec<_> = policies
        .iter()
        .flat_map(|policy| {
            plan.seeds(30, 10)
                .into_iter()
                .map(move |seed| (*policy, seed))
        })
        .collect();
    plan.each("fluid", &runs, |&((policy, selector, choker), seed)| {
        let mut setup = swarm(selector, choker);
        let links = stage::play(plan, &setup, seed);
        setup.network.model = NetworkModel::Fluid;
        let fluid = stage::play(plan, &setup, seed);
        Networks {
            policy,
            seed,
            links: felt(&links),
            fluid: felt(&fluid),
            violations: [links.checks.violations, fluid.checks.violations].concat(),
        }
    })
}

/// The lines of the row.
pub(crate) fn lines(plan: &Plan<'_>) -> Vec<Line> {
    let runs = networks(plan);
    let mut lines = Vec::new();
    for policy in ["give-to-get", "tit-for-tat"] {
        let line = |what: &str, rule, measure: fn(&Networks) -> f64| {
            let runs = runs.iter().filter(|run| run.policy == policy);
            let runs: Vec<_> = runs
                .map(|run| (measure(run), run.violations.clone()))
                .collect();
            Line::new("fluid", format!("{policy}: {what}"), "", rule, &runs)
        };
        lines.push(line(
            "download time on fluid, over that on links",
            (1.0, Tolerance::Share(0.03)),
            |run| run.fluid.download_s / run.links.download_s,
        ));
        lines.push(line(
            "share of stalls on fluid, less that on links",
            (0.0, Tolerance::Points(0.02)),
            |run| run.fluid.stalled - run.links.stalled,
        ));
    }
    lines
}

fn swarm(selector: &str, choker: &str) -> Setup {
    let mut kind = viewers(kbyte(55));
    let known = "a policy of the table";
    kind.selector = SelectorConfig::from_name(selector).expect(known);
    kind.choker = ChokerConfig::from_name(choker).expect(known);
    kind.downlink = Downlink::TimesUplink(4.0);
    let mut setup = stage::file(
        1,
        64,
        60,
        vec![source(kbyte(150)), source(kbyte(150)), kind],
    );
    setup.geometry = Geometry::new(2_000_000, 65_536).expect("a short film");
    setup.bitrate = Some(kbyte(50));
    setup.arrival = Arrival::Poisson(2.0);
    setup.network.congestion = true;
    setup.network.rtt = (Duration::from_millis(50), Duration::from_millis(150));
    setup.limits.dial_below = 10;
    setup.limits.neighbours_max = 20;
    setup
}

fn felt(report: &Report<Notes>) -> Felt {
    let download = |(came, notes): (f64, &Notes)| {
        let whole = notes.completed.map(|at| at.as_secs_f64());
        whole.map_or(f64::INFINITY, |whole| whole - came)
    };
    let stalled = |notes: &Notes| {
        let stalled = Duration::from_millis(notes.stalled_ms).as_secs_f64();
        stalled / (stalled + notes.played.as_secs_f64())
    };
    let peers = || audience(report).map(|p| (p.facts.arrival.as_secs_f64(), &p.observer));
    let downloads: Vec<f64> = peers().map(download).collect();
    let stalls: Vec<f64> = peers().map(|peer| stalled(peer.1)).collect();
    Felt {
        download_s: swarmbed_analysis::stats::mean(&downloads),
        stalled: swarmbed_analysis::stats::mean(&stalls),
    }
}
