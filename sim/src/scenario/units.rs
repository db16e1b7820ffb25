//! Written quantities: `"500 kbit/s"`, `"10 s"`, `"16 KiB"`, `"1 /s"`. A number without its unit
//! is an error that says what to write.

use std::fmt;
use std::time::Duration;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use swarmbed_engine::Rate;

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Duration);

/// A rate of bytes, written in bits or bytes per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed(pub Rate);

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

/// So many a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frequency(pub f64);

const TIMES: &[(&str, f64)] = &[
    ("ns", 1.0),
    ("us", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("min", 60e9),
    ("h", 3600e9),
    ("d", 86_400e9),
];
const SPEEDS: &[(&str, f64)] = &[
    ("bit/s", 0.125),
    ("kbit/s", 125.0),
    ("Mbit/s", 125e3),
    ("Gbit/s", 125e6),
    ("B/s", 1.0),
    ("kB/s", 1e3),
    ("MB/s", 1e6),
    ("KiB/s", 1024.0),
    ("MiB/s", 1_048_576.0),
];
const SIZES: &[(&str, f64)] = &[
    ("B", 1.0),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
];
const FREQUENCIES: &[(&str, f64)] = &[("/s", 1.0), ("/min", 1.0 / 60.0), ("/h", 1.0 / 3600.0)];

/// The value in the table's base unit, or what is wrong with the text.
fn parse(text: &str, table: &[(&str, f64)], example: &str) -> Result<f64, String> {
    let text = text.trim();
    let end = text
        .find(|letter: char| !(letter.is_ascii_digit() || ".-+_".contains(letter)))
        .unwrap_or(text.len());
    let (number, unit) = (text[..end].replace('_', ""), text[end..].trim());
    let units = || {
        table
            .iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let value: f64 = number
        .parse()
        .map_err(|_| format!("`{text}` is no quantity; write for example \"{example}\""))?;
    if unit.is_empty() {
        return Err(format!(
            "`{text}` lacks a unit; write for example \"{example}\" (units: {})",
            units()
        ));
    }
    let Some((_, factor)) = table.iter().find(|(name, _)| *name == unit) else {
        return Err(format!(
            "unknown unit `{unit}` in `{text}`; units are {}",
            units()
        ));
    };
    if !value.is_finite() || value < 0.0 {
        return Err(format!(
            "`{text}` is negative; write for example \"{example}\""
        ));
    }
    Ok(value * factor)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be in range"
)]
fn whole(value: f64) -> Result<u64, String> {
    let rounded = libm::round(value);
    if (0.0..9.0e18).contains(&rounded) {
        Ok(rounded as u64)
    } else {
        Err("out of range".into())
    }
}

/// Prints `value` in the largest unit that divides it.
fn print(value: u64, table: &[(&str, u64)]) -> String {
    let (name, factor) = table
        .iter()
        .rev()
        .find(|(_, factor)| value != 0 && value.is_multiple_of(*factor))
        .unwrap_or(&table[0]);
    format!("{} {name}", value / factor)
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = [
            ("ns", 1),
            ("us", 1000),
            ("ms", 1_000_000),
            ("s", 1_000_000_000),
            ("min", 60_000_000_000),
        ];
        f.write_str(&print(
            u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX),
            &table,
        ))
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print(
            self.0.bytes_per_s(),
            &[("B/s", 1), ("kbit/s", 125), ("Mbit/s", 125_000)],
        ))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print(
            self.0,
            &[("B", 1), ("KiB", 1024), ("MiB", 1_048_576)],
        ))
    }
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} /s", self.0)
    }
}

/// Reads a text, and turns down a bare number with a hint.
struct Text(&'static str);

impl Visitor<'_> for Text {
    type Value = String;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a quantity with its unit, such as \"{}\"", self.0)
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.into())
    }
}

macro_rules! quantity {
    ($name:ident, $example:literal, $make:expr) => {
        impl $name {
            /// Reads a text.
            ///
            /// # Errors
            /// What is wrong with it, and what to write.
            pub fn read(text: &str) -> Result<Self, String> {
                let make: fn(&str) -> Result<Self, String> = $make;
                make(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::read(&deserializer.deserialize_any(Text($example))?)
                    .map_err(de::Error::custom)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

quantity!(Time, "10 s", |text| Ok(Self(Duration::from_nanos(whole(
    parse(text, TIMES, "10 s")?
)?))));
quantity!(Speed, "500 kbit/s", |text| Ok(Self(
    Rate::from_bytes_per_s(whole(parse(text, SPEEDS, "500 kbit/s")?)?)
)));
quantity!(Size, "16 KiB", |text| Ok(Self(whole(parse(
    text, SIZES, "16 KiB"
)?)?)));
quantity!(Frequency, "1 /s", |text| Ok(Self(parse(
    text,
    FREQUENCIES,
    "1 /s"
)?)));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_and_printed() {
        assert_eq!(Speed::read("500 kbit/s").unwrap().0.bytes_per_s(), 62_500);
        assert_eq!(Speed::read("0.5 Mbit/s").unwrap().to_string(), "500 kbit/s");
        assert_eq!(Time::read("5 min").unwrap().0, Duration::from_secs(300));
        assert_eq!(Time::read("1.5 s").unwrap().to_string(), "1500 ms");
        assert_eq!(Size::read("16 KiB").unwrap().0, 16_384);
        assert!(Frequency::read("60 /min").unwrap().0 > 0.999);
    }

    #[test]
    fn errors_say_what_to_write() {
        assert!(Speed::read("500").unwrap_err().contains("lacks a unit"));
        assert!(Speed::read("-3 kbit/s").unwrap_err().contains("negative"));
        assert!(
            Time::read("3 parsecs")
                .unwrap_err()
                .contains("units are ns")
        );
        assert!(Size::read("many").unwrap_err().contains("16 KiB"));
    }
}
