//! Rebuilt results against committed ones: the first difference, in words.

use std::fs;
use std::path::Path;

/// The data that every result has.
const NEEDED: [&str; 3] = ["manifest.json", "summary.json", "runs.csv"];

/// Compares data byte for byte, and SVG if this is the pinned toolchain; says what was compared.
/// `manifest.json` holds the hashes of the data that is not committed.
pub(super) fn files(rebuilt: &Path, committed: &Path) -> Result<String, String> {
    if !committed.is_dir() {
        return Err(format!("nothing is committed in {}", committed.display()));
    }
    let drawn = pinned();
    let mut names: Vec<String> = NEEDED.map(str::to_owned).into();
    let all = fs::read_dir(committed)
        .map_err(|error| format!("cannot read {}: {error}", committed.display()))?
        .chain(fs::read_dir(rebuilt).map_err(|error| error.to_string())?);
    for entry in all {
        let entry = entry.map_err(|error| error.to_string())?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let committable = name == "groups.csv" || (drawn && name.ends_with(".svg"));
        if committable && !names.contains(&name) {
            names.push(name);
        }
    }
    names.sort();
    // The data first: a figure differs because they do.
    names.sort_by_key(|name| (name.ends_with(".svg"), name == "manifest.json"));
    for name in &names {
        let old = fs::read(committed.join(name));
        let old = old.map_err(|_| format!("{name} is rebuilt, but not committed"))?;
        let new = fs::read(rebuilt.join(name));
        let new = new.map_err(|_| format!("{name} is committed, but not rebuilt"))?;
        if old != new {
            let (old, new) = (String::from_utf8_lossy(&old), String::from_utf8_lossy(&new));
            return Err(first_difference(name, &old, &new));
        }
    }
    let note = if drawn {
        ""
    } else {
        "; SVG not compared, since this is not the pinned toolchain"
    };
    Ok(format!("{}{note}", names.join(", ")))
}

/// Whether the compiler at hand is the one that `rust-toolchain.toml` names.
fn pinned() -> bool {
    let wanted = fs::read_to_string("rust-toolchain.toml").unwrap_or_default();
    let wanted = wanted
        .lines()
        .find_map(|line| line.strip_prefix("channel = "))
        .map(|channel| channel.trim().trim_matches('"').to_owned());
    let output = std::process::Command::new("rustc")
        .arg("--version")
        .output();
    let found = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    match (wanted, found) {
        (Some(wanted), Ok(found)) => found.split_whitespace().nth(1) == Some(wanted.as_str()),
        _ => false,
    }
}

/// Line and, in a table, column of the first difference.
fn first_difference(name: &str, old: &str, new: &str) -> String {
    let (old_lines, new_lines): (Vec<&str>, Vec<&str>) =
        (old.lines().collect(), new.lines().collect());
    let place = old_lines.iter().zip(&new_lines).position(|(a, b)| a != b);
    let Some(place) = place else {
        return format!(
            "{name} has {} lines committed and {} rebuilt",
            old_lines.len(),
            new_lines.len()
        );
    };
    let (was, is) = (old_lines[place], new_lines[place]);
    let line = place + 1;
    if name.ends_with(".csv") && place > 0 {
        let cells = |line: &str| cells(line);
        let (head, was, is) = (cells(old_lines[0]), cells(was), cells(is));
        if let Some(column) = was.iter().zip(&is).position(|(a, b)| a != b) {
            let row: Vec<&str> = was.iter().take(2).map(String::as_str).collect();
            let heading = head.get(column).map_or("?", String::as_str);
            return format!(
                "{name}, line {line} ({}), {heading}: {} committed, {} rebuilt",
                row.join(", seed "),
                was[column],
                is[column]
            );
        }
    }
    let short = |text: &str| text.trim().chars().take(160).collect::<String>();
    format!(
        "{name}, line {line}:\n  committed {}\n  rebuilt   {}",
        short(was),
        short(is)
    )
}

/// The cells of a line of CSV; quoted ones may hold commas.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            _ => cells.last_mut().expect("one at least").push(letter),
        }
    }
    cells
}

/// Compares each rebuilt run with the same run among the committed; says how many there were.
pub(super) fn runs(rebuilt: &Path, committed: &Path) -> Result<String, String> {
    let read = |folder: &Path| -> Result<Vec<Vec<String>>, String> {
        let path = folder.join("runs.csv");
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Ok(text.lines().map(cells).collect())
    };
    let (old, new) = (read(committed)?, read(rebuilt)?);
    let rows = |table: &[Vec<String>]| table.get(1..).map(<[_]>::to_vec).unwrap_or_default();
    let (old_head, new_head) = (
        old.first().cloned().unwrap_or_default(),
        new.first().cloned().unwrap_or_default(),
    );
    let old_rows = rows(&old);
    let mut count = 0;
    for row in rows(&new) {
        let same = old_rows.iter().find(|known| known[..2] == row[..2]);
        let Some(known) = same else {
            return Err(format!(
                "no committed run is of {}, seed {}",
                row[0], row[1]
            ));
        };
        for (heading, value) in new_head.iter().zip(&row) {
            let column = old_head.iter().position(|known| known == heading);
            let was = column.map_or("nothing", |column| known[column].as_str());
            if was != value {
                return Err(format!(
                    "runs.csv, {}, seed {}, {heading}: {was} committed, {value} rebuilt",
                    row[0], row[1]
                ));
            }
        }
        count += 1;
    }
    if count == 0 {
        return Err("nothing was rebuilt".into());
    }
    Ok(format!("{count} runs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_its_place() {
        let old = "variant,seed,loss\n\"a, b\",1,0.5\n\"a, b\",2,0.25\n";
        let new = old.replace("0.25", "0.75");
        assert_eq!(
            first_difference("runs.csv", old, &new),
            "runs.csv, line 3 (a, b, seed 2), loss: 0.25 committed, 0.75 rebuilt"
        );
        let more = first_difference("runs.csv", old, &format!("{old}x\n"));
        assert_eq!(more, "runs.csv has 3 lines committed and 4 rebuilt");
        let drawn = first_difference("a.svg", "<a>\n<b x=\"1\">", "<a>\n<b x=\"2\">");
        assert!(drawn.starts_with("a.svg, line 2:"), "{drawn}");
    }
}
