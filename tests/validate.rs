//! `swarmbed validate` as a person meets it. What the rows measure is tested where they are.

use std::process::{Command, Output};

fn validate(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_swarmbed"))
        .arg("validate")
        .args(args)
        .output()
        .unwrap()
}

#[test]
fn the_table_says_what_was_expected_measured_and_found() {
    let output = validate(&["checks", "--quick"]);
    let table = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{table}");
    let first = table.lines().next().unwrap();
    let heading: Vec<&str> = first.split_whitespace().collect();
    assert_eq!(heading, ["expected", "measured", "tolerance", "verdict"]);
    assert!(table.contains("\nchecks: what must hold in every run"));
    assert!(table.contains("in the simulator"));
    assert!(table.ends_with("\n2 agree, 0 differ as explained, 0 fail\n"));
    let again = validate(&["checks", "--quick", "--threads", "1"]);
    assert_eq!(again.stdout, table.as_bytes(), "a function of the code");
    let quiet = validate(&["checks", "--quick", "--quiet"]);
    assert_eq!(quiet.status.code(), Some(0));
    assert!(quiet.stdout.is_empty() && quiet.stderr.is_empty());
}

#[test]
fn json_is_one_object_and_nothing_else() {
    let output = validate(&["checks", "--quick", "--json"]);
    assert!(output.stderr.is_empty());
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&object["quick"], &object["agrees"], &object["fails"]),
        (&true.into(), &2.into(), &0.into())
    );
    let line = &object["rows"][0]["lines"][0];
    assert_eq!(line["verdict"], "agrees");
    assert_eq!((&line["expected"], &line["mean"]), (&0.into(), &0.into()));
    assert!(line["why"].is_null());
}

#[test]
fn a_row_that_does_not_exist_is_answered_with_those_that_do() {
    let output = validate(&["3", "9"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("no row is called `9`; there are"), "{said}");
    for name in ["1", "8", "fluid", "checks"] {
        assert!(said.contains(&format!("\n  {name:<7} ")), "{said}");
    }
}
