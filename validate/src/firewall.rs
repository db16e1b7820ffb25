//! Row 8: what firewalled peers can give back.
//!
//! In an ordinary swarm the ratios are only bounds: open peers also serve each other, and every
//! copy that does so is one that a firewalled peer did not get to give. They are reached where open
//! peers dial nobody, so that every link is between a firewalled and an open one.

use swarmbed_analysis::closed_form::firewall::{firewalled_ratio_max, open_ratio_min};
use swarmbed_sim::{Behaviour, Population, Report, Setup};

use crate::line::{Line, Tolerance};
use crate::plan::Plan;
use crate::stage::{self, Notes, audience, class, kbyte, source};

/// Peers but the source.
const PEERS: u32 = 200;

/// The lines of the row.
pub(crate) fn lines(plan: &Plan<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    let shares = [0.61, 0.66, 0.75];
    for &f in &shares[..plan.of(3, 1) as usize] {
        let natural = runs(plan, f, false);
        let apart = runs(plan, f, true);
        let line = |what: &str, runs: &[Run], open: bool, rule| {
            let runs: Vec<_> = runs
                .iter()
                .map(|run| {
                    (
                        if open { run.open } else { run.firewalled },
                        run.violations.clone(),
                    )
                })
                .collect();
            Line::new("8", format!("{what}, f = {f}"), "", rule, &runs)
        };
        let (most, least) = (firewalled_ratio_max(f), open_ratio_min(f));
        // What the source gives, open peers need not.
        let helped = natural.iter().map(|run| run.source).fold(0.0, f64::max);
        let least_helped = least - helped / (1.0 - f);
        let never = Tolerance::NeverAbove(f64::INFINITY);
        lines.push(line(
            "any links: firewalled peers' ratio",
            &natural,
            false,
            (most, never),
        ));
        let never = Tolerance::NeverBelow(f64::INFINITY);
        let what = "any links: open peers' ratio, the source's part taken off";
        lines.push(line(what, &natural, true, (least_helped, never)));
        let close = Tolerance::Share(0.03);
        lines.push(line(
            "no open-open links: firewalled",
            &apart,
            false,
            (most, close),
        ));
        lines.push(line(
            "no open-open links: open",
            &apart,
            true,
            (least, close),
        ));
    }
    lines
}

struct Run {
    firewalled: f64,
    open: f64,
    /// Copies the source gave, over peers.
    source: f64,
    violations: Vec<String>,
}

fn runs(plan: &Plan<'_>, f: f64, apart: bool) -> Vec<Run> {
    let mut firewalled = class("firewalled", Population::Share(f), kbyte(50));
    firewalled.connectable = 0.0;
    let mut open = class("open", Population::Share(1.0 - f), kbyte(50));
    if apart {
        open.behaviour = Behaviour::Passive;
    }
    let classes = vec![source(kbyte(50)), firewalled, open];
    let setup = stage::file(u64::from(plan.of(500, 250)), 16, PEERS, classes);
    plan.each("row 8", &plan.seeds(4, 1), |&seed| {
        ratios(&setup, stage::play(plan, &setup, seed))
    })
}

/// Copies given per copy taken: all take one.
#[expect(clippy::cast_precision_loss, reason = "bytes of a file")]
fn ratios(setup: &Setup, report: Report<Notes>) -> Run {
    let file = setup.geometry.total() as f64;
    let side = |open: bool| {
        let (mut given, mut peers) = (0.0, 0.0);
        for peer in audience(&report).filter(|peer| peer.facts.connectable == open) {
            given += peer.observer.traffic.payload_up as f64 / file;
            peers += 1.0;
        }
        given / peers
    };
    let source = report.peers[0].observer.traffic.payload_up as f64 / file;
    Run {
        firewalled: side(false),
        open: side(true),
        source: source / f64::from(PEERS),
        violations: report.checks.violations,
    }
}
