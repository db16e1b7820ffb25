//! Differences that are understood: how large, and why. A test pins each (`tests/known.rs`); beyond
//! its bounds a line fails, on either side.

/// A difference that is understood.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The row.
    pub row: &'static str,
    /// How the line's text begins.
    pub what: &'static str,
    /// The mean lies at or above this.
    pub low: f64,
    /// And at or below this.
    pub high: f64,
    /// Why.
    pub why: &'static str,
}

/// All of them.
pub const DIFFERENCES: &[Known] = &[];

/// What is known of a line.
#[must_use]
pub fn difference(row: &str, what: &str) -> Option<&'static Known> {
    DIFFERENCES
        .iter()
        .find(|known| known.row == row && what.starts_with(known.what))
}
