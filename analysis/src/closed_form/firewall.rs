//! What firewalled peers can give back: Mol, Pouwelse, Epema and Sips, "Free-riding, Fairness and
//! Firewalls in P2P File-Sharing", P2P 2008 (bound read in words, formula derived, papers.md 3.1).
//!
//! All download one copy; a share f is firewalled, and no two of them can connect.

/// The mean sharing ratio (uploaded over downloaded) of firewalled peers is at most min(1, (1-f)/f):
/// all they give goes to open peers, who take one copy each.
#[must_use]
pub fn firewalled_ratio_max(f: f64) -> f64 {
    ((1.0 - f) / f).min(1.0)
}

/// That of open peers is at least max(1, f/(1-f)): all that firewalled ones take comes from them.
#[must_use]
pub fn open_ratio_min(f: f64) -> f64 {
    (f / (1.0 - f)).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_as_in_the_reference() {
        for (f, firewalled, open) in [
            (0.3, 1.0, 1.0),
            (0.5, 1.0, 1.0),
            (0.61, 0.639, 1.564),
            (0.66, 0.515, 1.941),
            (0.75, 0.333, 3.0),
        ] {
            assert!((firewalled_ratio_max(f) - firewalled).abs() < 1e-3, "{f}");
            assert!((open_ratio_min(f) - open).abs() < 1e-3, "{f}");
        }
    }
}
