//! Prints the table of some rows: `table [--quick] [ROW…]`.

use swarmbed_validate::{Plan, ROWS, run};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let quick = args.iter().any(|arg| arg == "--quick");
    let rows: Vec<_> = ROWS
        .iter()
        .filter(|row| {
            args.iter().all(|arg| arg.starts_with("--")) || args.iter().any(|arg| arg == row.name)
        })
        .collect();
    for line in run(&rows, &Plan::new(quick, &|_| {})) {
        println!(
            "{:<6} {:<8} expected {:<9.4} measured {:.4} ± {:.4} (worst {:.4}) {} | {} | {}",
            line.row,
            line.verdict().word(),
            line.expected,
            line.measured.mean,
            line.measured.half,
            line.worst,
            line.unit,
            line.tolerance.text(),
            line.what
        );
        if let swarmbed_validate::Verdict::Fails(why) = line.verdict() {
            println!("       {why}");
        }
    }
}
