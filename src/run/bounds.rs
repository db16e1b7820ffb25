//! Curves that a figure over the share of firewalled viewers is compared with: what follows from
//! that share alone, whatever anybody's policy is (papers.md 2.3 and 3.1, derived).

use swarmbed_analysis::closed_form::firewall;
use swarmbed_analysis::figures::{Curve, Interval, Scale};

/// The bounds on a metric, if there are any, in the unit of `runs.csv`; colours from 0 on.
pub(super) fn of(metric: &str, shares: &[String], supply: f64) -> Vec<Curve> {
    let curve = |name: &str, of: &dyn Fn(f64) -> f64| {
        let marks = Scale::of("", shares).marks.into_iter();
        let point = |((mark, _), share): ((f64, String), &String)| {
            let mean = share.parse().map_or(f64::NAN, of);
            let (low, high) = (mean, mean);
            (mark, Interval { mean, low, high })
        };
        Curve {
            name: name.into(),
            colour: 0,
            dashed: true,
            points: marks.zip(shares).map(point).collect(),
        }
    };
    match metric {
        "give_ratio" => vec![
            curve(
                "firewalled: at most (1-f)/f",
                &firewall::firewalled_ratio_max,
            ),
            // Nobody gives more than its uplink: beyond that the swarm is not fed.
            curve("open: at least f/(1-f)", &|share| {
                Some(firewall::open_ratio_min(share))
                    .filter(|ratio| *ratio <= supply)
                    .unwrap_or(f64::NAN)
            }),
        ],
        "skipped_media" => vec![curve("firewalled: at least 1-(1-f)u/(fr)", &|share| {
            firewall::firewalled_loss_min(share, supply)
        })],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_stand_where_shares_do() {
        let shares: Vec<String> = ["0.0", "0.5", "0.9"].map(str::to_owned).into();
        let loss = of("skipped_media", &shares, 1.8);
        let points: Vec<(f64, f64)> = loss[0].points.iter().map(|(x, y)| (*x, y.mean)).collect();
        assert_eq!(points[..2], [(0.0, 0.0), (50.0, 0.0)]);
        assert!((points[2].0 - 90.0).abs() < 1e-9 && (points[2].1 - 0.8).abs() < 1e-9);
        let ratios = of("give_ratio", &shares, 1.8);
        assert!(
            ratios[1].points[2].1.mean.is_nan(),
            "9 is more than anybody has"
        );
        assert!(of("startup_mean_s", &shares, 1.8).is_empty());
    }
}
