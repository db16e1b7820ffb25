//! Values on the command line: rates, sizes, times, policies, each with its unit or its name.

use std::time::Duration;

use swarmbed_engine::Rate;
use swarmbed_engine::policy::{ChokerConfig, PolicyInfo, SelectorConfig};

/// A number and its unit.
fn split(text: &str) -> Result<(f64, &str), String> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let number: f64 = text[..end]
        .parse()
        .map_err(|_| format!("`{text}` does not begin with a number"))?;
    Ok((number, text[end..].trim()))
}

fn whole(value: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and the cast saturates"
    )]
    let whole = value as u64;
    whole
}

/// `"500 kbit/s"`, `"1 MB/s"`, `"64 KiB/s"`, or 0.
pub(super) fn rate(text: &str) -> Result<Rate, String> {
    let (number, unit) = split(text)?;
    let bytes = match unit {
        "bit/s" => 0.125,
        "kbit/s" => 125.0,
        "Mbit/s" => 125_000.0,
        "Gbit/s" => 125_000_000.0,
        "B/s" => 1.0,
        "kB/s" => 1e3,
        "KiB/s" => 1024.0,
        "MB/s" => 1e6,
        "MiB/s" => 1024.0 * 1024.0,
        "" if number == 0.0 => 0.0,
        _ => return Err("write a unit, such as \"500 kbit/s\" or \"1 MB/s\"".into()),
    };
    Ok(Rate::from_bytes_per_s(whole(number * bytes)))
}

/// `"64 KiB"`, or bytes.
pub(super) fn size(text: &str) -> Result<u32, String> {
    let (number, unit) = split(text)?;
    let bytes = match unit {
        "" | "B" => 1.0,
        "kB" => 1e3,
        "KiB" | "k" | "K" => 1024.0,
        "MB" => 1e6,
        "MiB" | "M" => 1024.0 * 1024.0,
        _ => return Err("write bytes, or a unit such as \"64 KiB\"".into()),
    };
    u32::try_from(whole(number * bytes)).map_err(|_| "too large".into())
}

/// `90`, `"90 s"`, `1:30` or `0:01:30`; at least a second.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    const WRITE: &str = "write seconds, or [hh:]mm:ss";
    let plain = text.trim().trim_end_matches('s').trim_end();
    let parts: Vec<&str> = plain.split(':').collect();
    if parts.len() > 3 {
        return Err(WRITE.into());
    }
    let mut seconds = 0.0;
    for part in parts {
        let (number, rest) = split(part).map_err(|_| WRITE)?;
        if !rest.is_empty() {
            return Err(WRITE.into());
        }
        seconds = seconds * 60.0 + number;
    }
    if !(1.0..1e9).contains(&seconds) {
        return Err("must be at least a second".into());
    }
    Ok(Duration::from_secs_f64(seconds))
}

pub(crate) fn selector(name: &str) -> Result<SelectorConfig, String> {
    SelectorConfig::from_name(name).ok_or_else(|| one_of(SelectorConfig::TABLE))
}

pub(crate) fn choker(name: &str) -> Result<ChokerConfig, String> {
    let choker = ChokerConfig::from_name(name).ok_or_else(|| one_of(ChokerConfig::TABLE))?;
    if matches!(choker, ChokerConfig::Receipts { .. }) {
        return Err("receipts are for the simulator alone: the node does not sign them".into());
    }
    Ok(choker)
}

fn one_of(table: &[PolicyInfo]) -> String {
    let names: Vec<&str> = table.iter().map(|policy| policy.name).collect();
    format!("there are: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_node_cannot_do_is_refused_by_name() {
        assert!(choker("give-to-get").is_ok());
        assert!(choker("receipts").is_err_and(|said| said.contains("simulator")));
        assert!(choker("receipt").is_err_and(|said| said.contains("there are: ")));
    }

    #[test]
    fn units_are_written() {
        let bytes = |text| rate(text).map(Rate::bytes_per_s);
        assert_eq!(bytes("500 kbit/s"), Ok(62_500));
        assert_eq!(bytes("1.5MB/s"), Ok(1_500_000));
        assert_eq!(bytes("0"), Ok(0));
        assert!(bytes("500").is_err() && bytes("fast").is_err());
        assert_eq!(size("64 KiB"), Ok(65_536));
        assert!(size("9999 MiB").is_err());
        assert_eq!(time("1:30"), Ok(Duration::from_secs(90)));
        assert_eq!(time("90 s"), Ok(Duration::from_secs(90)));
        assert!(time("0").is_err() && time("1:2:3:4").is_err() && time("a").is_err());
    }
}
