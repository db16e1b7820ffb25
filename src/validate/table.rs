//! The validation as a person reads it: a function of the lines alone.

use std::fmt::Write as _;

use swarmbed_validate::{Line, Row, Verdict};

/// Columns of the page.
const WIDTH: usize = 118;

/// How many lines agree, differ and fail.
pub(super) fn counts(lines: &[Line]) -> [usize; 3] {
    let mut counts = [0; 3];
    for line in lines {
        counts[match line.verdict() {
            Verdict::Agrees => 0,
            Verdict::Differs(_) => 1,
            Verdict::Fails(_) => 2,
        }] += 1;
    }
    counts
}

/// The table: of every row its lines, and under a line that does not agree the reason.
pub(super) fn text(rows: &[&Row], lines: &[Line]) -> String {
    let heading = ["expected", "measured", "tolerance", "verdict"].map(str::to_owned);
    let cells: Vec<[String; 4]> = lines.iter().map(cells).collect();
    let width = |column: usize| {
        let all = cells.iter().chain([&heading]);
        all.map(|cells| cells[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths = [0, 1, 2, 3].map(width);
    let joined = |cells: &[String; 4]| {
        let padded = cells.iter().zip(widths);
        let padded: Vec<String> = padded
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        format!("  {}  ", padded.join("  "))
    };
    let indent = 2 + widths.iter().sum::<usize>() + 2 * widths.len();
    let mut text = joined(&heading).trim_end().to_owned() + "\n";
    for row in rows {
        let world = row.world.text();
        let _ = writeln!(text, "\n{}: {}", row.name, row.what);
        let _ = writeln!(text, "  from {}; {world}", row.source);
        let its = lines.iter().zip(&cells).filter(|one| one.0.row == row.name);
        for (line, cells) in its {
            text += &joined(cells);
            text += &wrapped(&line.what, indent);
            if let Verdict::Differs(why) = line.verdict() {
                let _ = write!(text, "      {}", wrapped(why, 6));
            } else if let Verdict::Fails(why) = line.verdict() {
                let _ = write!(text, "      {}", wrapped(&why, 6));
            }
        }
    }
    let [agrees, differs, fails] = counts(lines);
    let _ = writeln!(
        text,
        "\n{agrees} agree, {differs} differ as explained, {fails} fail"
    );
    text
}

fn cells(line: &Line) -> [String; 4] {
    let unit = if line.unit.is_empty() {
        String::new()
    } else {
        format!(" {}", line.unit)
    };
    let (mean, half) = (line.measured.mean, line.measured.half);
    let measured = if half.is_finite() {
        let places = places(mean).max(places(half).min(4));
        format!("{mean:.places$} ± {half:.places$}")
    } else if mean.is_finite() {
        format!("{mean:.*} (one run)", places(mean))
    } else {
        "never".into()
    };
    [
        format!("{:.*}{unit}", places(line.expected), line.expected),
        measured,
        line.tolerance.text(),
        line.verdict().word().into(),
    ]
}

/// Decimal places that show three or four digits.
fn places(value: f64) -> usize {
    match value.abs() {
        value if value >= 999.5 => 0,
        value if value >= 9.995 => 1,
        value if value >= 0.9995 => 2,
        _ => 3,
    }
}

/// The words of a text, in lines that end at the page's edge and begin at `indent`.
fn wrapped(words: &str, indent: usize) -> String {
    let mut text = String::new();
    let mut column = indent;
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if column > indent && column + 1 + length > WIDTH {
            let _ = write!(text, "\n{:indent$}", "");
            column = indent;
        } else if column > indent {
            text.push(' ');
            column += 1;
        }
        text += word;
        column += length;
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_wrapped_and_numbers_short() {
        let text = wrapped(&"word ".repeat(30), 10);
        assert_eq!(text.lines().count(), 2);
        assert!(text.lines().nth(1).unwrap().starts_with(&" ".repeat(10)));
        assert!(text.lines().next().unwrap().len() + 10 <= WIDTH);
        assert_eq!(
            [places(253.155), places(25.1), places(6.1), places(0.4026)],
            [1, 1, 2, 3]
        );
    }
}
