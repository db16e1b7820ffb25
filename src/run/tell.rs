//! What a person reads when runs are over: the tables, how long it took, and where the files are.

use swarmbed_analysis::compare::{paired, summarise};
use swarmbed_analysis::results::Results;
use swarmbed_sim::scenario::Scenario;

use super::kept::Digest;
use super::{Cost, classes, coarse, files, stopping};
use crate::table;

/// Prints the tables, and where the files are.
pub(crate) fn tell(scenario: &Scenario, digests: &[Digest], results: &Results, cost: Cost) {
    let runs = &files::metrics(digests);
    say!("{}", scenario.question);
    let seeds = scenario.seeds.len();
    say!(
        "{seeds} run{} of each; mean ± half of the 95 % interval over runs",
        if seeds == 1 { "" } else { "s" }
    );
    if let Some(why) = stopping::said(scenario, runs) {
        say!("{why}");
    }
    say!();
    let names: Vec<&String> = scenario
        .variants
        .iter()
        .map(|variant| &variant.name)
        .collect();
    let rows: Vec<_> = (0..names.len())
        .map(|variant| {
            (
                names[variant].clone(),
                table::estimates(&summarise(runs, variant)),
            )
        })
        .collect();
    for line in table::lines(scenario.stalls, &rows) {
        say!("{line}");
    }
    if seeds > 1 && names.len() > 1 {
        say!("\nDifference to \"{}\", on the same seeds:", names[0]);
        let rows: Vec<_> = (1..names.len())
            .map(|variant| (names[variant].clone(), paired(runs, 0, variant)))
            .collect();
        for line in table::lines(scenario.stalls, &rows) {
            say!("{line}");
        }
    }
    for (heading, rows) in [
        ("By class:", classes::by_class(scenario, runs)),
        (
            "Adversaries less the honest, in the same runs:",
            classes::gained(scenario, runs),
        ),
        (
            "The honest less the honest where the line of the sweep begins, on the same seeds:",
            classes::lost(scenario, runs),
        ),
    ] {
        if !rows.is_empty() {
            say!("\n{heading}");
            for line in table::lines(scenario.stalls, &rows) {
                say!("{line}");
            }
        }
    }
    let cut: f64 = files::total(runs, "cut_by_horizon");
    let early: f64 = files::total(runs, "exits_before_start");
    if cut + early > 0.0 {
        say!(
            "\n{cut} viewers were cut by the horizon, {early} left before their first frame (counted apart)."
        );
    }
    for note in coarse::notes(scenario) {
        say!("\nNote: {note}");
    }
    say!("\n{}", speed(digests, cost));
    let written: Vec<&str> = results
        .written()
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    say!(
        "\nWritten to {}: {}",
        results.folder().display(),
        written.join(", ")
    );
}

/// What the simulator did with its time.
fn speed(digests: &[Digest], cost: Cost) -> String {
    if cost.before > 0 {
        return format!(
            "{:.1} s, {:.1} s of processor time; {} of {} runs were finished before",
            cost.wall_s,
            cost.cpu_s,
            cost.before,
            digests.len()
        );
    }
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let total = |of: fn(&Digest) -> u64| digests.iter().map(of).sum::<u64>() as f64;
    let blocks = total(|one| one.useful_blocks);
    let calls = total(|one| one.calls);
    // Peers that are there in a window, summed over windows, by the share of time each was there.
    let peer_windows = total(|one| one.peer_windows);
    let window = digests[digests.len() - 1].window;
    format!(
        "{:.1} s, {:.1} s of processor time: {:.0} blocks and {:.0} engine calls per CPU-second; \
         windows of {window:?}, {:.2} calls per peer and window",
        cost.wall_s,
        cost.cpu_s,
        blocks / cost.cpu_s.max(0.01),
        calls / cost.cpu_s.max(0.01),
        calls / peer_windows.max(1.0),
    )
}
