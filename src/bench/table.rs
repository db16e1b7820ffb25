//! The table as a person reads it: a function of the rows alone.

use std::fmt::Write as _;

use super::measure::Measured;
use super::row::{Bound, Row, Target};

const HEADINGS: [&str; 9] = [
    "blocks/CPU-s",
    "messages/CPU-s",
    "x real time",
    "MiB",
    "KiB/peer",
    "B/connection",
    "us/block",
    "window",
    "others",
];

const NOTES: &str = "\
blocks: useful ones, a block received twice counts once. CPU-s: of the whole process, all threads. x real time: simulated
time by the wall time of playing it. MiB: most memory of the process; by peers of the scenario, and by connections where
somebody looked at them. us/block: processor time of set-up and playing. window: what nothing crosses in less between two
peers, so the simulator goes on by it. others: cores that other programs (+ other machines) had meanwhile.
a read of memory: of a line that is in no cache, one after the other; what a swarm of thousands waits for.
";

/// All rows, under the machine that they were measured on.
pub(super) fn text(rows: &[Row]) -> String {
    let names = rows.iter().flat_map(|row| &row.measured);
    let first = names.map(|one| one.job.name.chars().count() + 2).max();
    let first = first.unwrap_or(0);
    let grid: Vec<Vec<[String; 9]>> = rows
        .iter()
        .map(|row| row.measured.iter().map(cells).collect())
        .collect();
    let width = |column: usize| {
        let cells = grid
            .iter()
            .flatten()
            .map(|cells| cells[column].chars().count());
        cells.chain([HEADINGS[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..HEADINGS.len()).map(width).collect();
    let line = |name: &str, cells: &[String]| {
        let mut line = format!("{name:<first$}");
        for (cell, width) in cells.iter().zip(&widths) {
            let _ = write!(line, "  {cell:>width$}");
        }
        line.trim_end().to_owned() + "\n"
    };
    let mut text = line("", &HEADINGS.map(str::to_owned));
    let mut machine = None;
    for (row, grid) in rows.iter().zip(&grid) {
        if machine != Some(&row.machine) {
            machine = Some(&row.machine);
            let _ = writeln!(text, "\non {}", row.machine.text());
        }
        let small = if row.quick { ", in small" } else { "" };
        let _ = writeln!(text, "\n{}: {}{small}", row.name, row.what);
        for (measured, cells) in row.measured.iter().zip(grid) {
            text += &line(&format!("  {}", measured.job.name), cells);
        }
        for measured in &row.measured {
            let _ = writeln!(text, "    {}", spent(measured));
        }
        for target in row.judged() {
            let word = if target.is_met() {
                "meets"
            } else {
                "falls short"
            };
            let _ = writeln!(text, "    {word:<11}  {}", said(target));
        }
    }
    let count = |word: &str| {
        let verdicts = rows.iter().map(|row| row.verdict().word());
        verdicts.filter(|one| *one == word).count()
    };
    let _ = write!(
        text,
        "\n{} rows meet what is asked of them, {} fall short, of {} nothing is asked\n\n{NOTES}",
        count("meets"),
        count("falls short"),
        count("shown")
    );
    text
}

fn cells(of: &Measured) -> [String; 9] {
    let mib = of.peak_memory_bytes / 1_048_576.0;
    let others = if of.others.stolen >= 0.005 {
        format!("{:.2} + {:.2}", of.others.cores, of.others.stolen)
    } else {
        format!("{:.2}", of.others.cores)
    };
    [
        grouped(of.blocks_per_cpu_s()),
        grouped(of.messages_per_cpu_s()),
        short(of.times_real_time()),
        short(mib),
        short(of.bytes_per_peer() / 1024.0),
        short(of.bytes_per_connection()),
        short(of.micros_per_block()),
        format!("{} ms", of.window_ms),
        others,
    ]
}

/// Where the time went.
fn spent(of: &Measured) -> String {
    let share = |seconds: f64| 100.0 * seconds / of.cpu_s;
    let mut text = format!(
        "{:.1} s, {:.1} of processor time: set-up {:.0} %, playing {:.0} %, metrics {:.0} %, the rest {:.0} %; \
         {:.1} messages and {:.1} calls a block, {:.0} ns a call",
        of.wall_s,
        of.cpu_s,
        share(of.set_up_cpu_s),
        share(of.run_cpu_s),
        share(of.metrics_cpu_s),
        share(of.rest_cpu_s),
        of.messages / of.useful_blocks,
        of.engine_calls / of.useful_blocks,
        of.run_cpu_s * 1e9 / of.engine_calls,
    );
    if let Some([before, after]) = of.read_ns {
        let _ = write!(
            text,
            "; a read of memory {before:.0} ns before, {after:.0} after"
        );
    }
    text
}

/// What is asked, and what is so.
pub(super) fn said(target: &Target) -> String {
    let Target { what, unit, .. } = target;
    let space = if unit.is_empty() { "" } else { " " };
    let bound = match target.bound {
        Bound::AtLeast => "at least",
        Bound::AtMost => "at most",
        Bound::Holds => return what.clone(),
    };
    format!(
        "{}{space}{unit} {what}; {bound} {}{space}{unit}",
        short(target.measured),
        short(target.wanted)
    )
}

/// Three or four digits, or all of a large number; `-` for what is none.
fn short(value: f64) -> String {
    if !value.is_finite() {
        return "-".into();
    }
    match value.abs() {
        size if size >= 999.5 => grouped(value),
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 || size == 0.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Whole, in groups of three digits.
fn grouped(value: f64) -> String {
    if !value.is_finite() {
        return "-".into();
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [350_000.0, 999.6, 512.3, 40.0, 1.7, 0.0, f64::NAN].map(short),
            ["350,000", "1,000", "512", "40.0", "1.70", "0.0", "-"]
        );
    }
}
