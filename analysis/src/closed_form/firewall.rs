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

/// The largest share of firewalled viewers of a stream whom the open ones can feed, if the mean
/// uplink is `supply` times the bitrate: f/(1-f) <= u/r (papers.md 2.3, derived; the source's own
/// uplink is left out).
#[must_use]
pub fn share_max(supply: f64) -> f64 {
    supply / (1.0 + supply)
}

/// What firewalled viewers lose of a stream at least: 1 - (1-f)u/(fr), and not less than nothing.
#[must_use]
pub fn firewalled_loss_min(f: f64, supply: f64) -> f64 {
    if f <= 0.0 {
        return 0.0;
    }
    (1.0 - (1.0 - f) * supply / f).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_cannot_be_fed_loses() {
        assert!((share_max(1.8) - 0.643).abs() < 1e-3);
        for supply in [0.5, 1.0, 1.8, 3.0] {
            let edge = share_max(supply);
            assert!((open_ratio_min(edge) - supply.max(1.0)).abs() < 1e-9);
            assert!(firewalled_loss_min(edge, supply) < 1e-9);
            assert!(firewalled_loss_min(edge + 0.1, supply) > 0.0);
        }
        assert!((firewalled_loss_min(0.9, 1.8) - 0.8).abs() < 1e-9);
        assert!(firewalled_loss_min(0.0, 1.8) < 1e-9);
    }

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
