//! Four bugs on purpose: with each of them a row fails that passes without.

use swarmbed_validate::{Line, Mutant, Plan, ROWS, Verdict, run};

/// The lines of a row that fail, with the reasons.
fn failing(row: &str, mutant: Option<Mutant>) -> Vec<String> {
    let row = ROWS.iter().find(|one| one.name == row).expect("a row");
    let plan = Plan::new(true, &|_| {});
    let plan = match mutant {
        Some(mutant) => plan.mutated(mutant),
        None => plan,
    };
    let told = |line: Line| match line.verdict() {
        Verdict::Fails(why) => Some(format!("{}: {why}", line.what)),
        _ => None,
    };
    run(&[row], &plan).into_iter().filter_map(told).collect()
}

/// Every line that fails is `line`, for the reason that is meant.
fn finds(failing: &[String], line: &str, why: &str) {
    assert!(!failing.is_empty(), "not found");
    for one in failing {
        assert!(one.starts_with(line) && one.contains(why), "{one}");
    }
}

#[test]
fn without_a_bug_these_rows_pass() {
    for row in ["checks", "6"] {
        assert_eq!(failing(row, None), Vec::<String>::new(), "row {row}");
    }
}

#[test]
fn a_link_served_at_more_than_its_rate_fails() {
    let bug = Mutant::World(swarmbed_sim::Mutant::FastLinks);
    let found = failing("checks", Some(bug));
    finds(
        &found,
        "violations where a link is never idle",
        "its uplink allows",
    );
}

#[test]
fn a_lost_block_that_counts_as_received_fails() {
    let bug = Mutant::World(swarmbed_sim::Mutant::LostArrives);
    let found = failing("checks", Some(bug));
    finds(&found, "violations in a rough run", "bytes were sent and");
}

#[test]
fn an_unverified_piece_that_is_played_fails() {
    let bug = Mutant::World(swarmbed_sim::Mutant::NothingVerified);
    let found = failing("checks", Some(bug));
    finds(&found, "violations in a rough run", "which is corrupt");
}

#[test]
fn a_selector_that_asks_for_the_wrong_end_fails() {
    let found = failing("6", Some(Mutant::WrongEnd));
    finds(&found, "p(n), in-order (greedy)", "beyond the tolerance");
}
