//! `[figure]`: what is drawn.

use serde::{Deserialize, Serialize};

use super::super::units::Time;

/// `[figure]`
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Figure {
    /// What the figures are called.
    pub title: String,
    /// Of a sweep, the key that stands across, or `"policy"`.
    pub x: Option<String>,
    /// What that axis is called; else its key.
    pub x_name: Option<String>,
    /// What stands upwards: metrics by their columns in `runs.csv`, a row of panels each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub y: Vec<String>,
    /// Of whom, a line each: classes, `"all"`, `"honest"`, `"adversary"`; all viewers if absent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<String>,
    /// The key of the sweep whose values are panels beside each other, or `"policy"`.
    pub panels: Option<String>,
    /// A line where supply meets demand: where the resource index crosses 1.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub supply_line: bool,
    /// Across stands the share of viewers whom nobody can dial: what follows from it alone is drawn
    /// too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub firewall_bounds: bool,
    /// What peers hold over time is told too, as often as the overlay is looked at.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub memory: bool,
    /// A start-up delay to compare the distribution of start-up delays with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub startup_mark: Option<StartupMark>,
}

/// A start-up delay that somebody measured.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StartupMark {
    /// How long.
    pub at: Time,
    /// Whose, in the legend.
    pub says: String,
}
