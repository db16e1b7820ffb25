//! The streaming rate that a swarm can carry: Kumar, Liu and Ross, "Stochastic Fluid Theory for P2P
//! Streaming Systems", INFOCOM 2007 (abstract read, formulas as recalled and checked, papers.md 4.1).

/// The highest rate at which a source of uplink `source` can stream to viewers of these uplinks,
/// downlinks without limit: min(u_s, (u_s + Σu) / n). All in one unit.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "viewers are far fewer than 2^53"
)]
pub fn rate_max(source: f64, uplinks: &[f64]) -> f64 {
    let all = crate::stats::sum(uplinks) + source;
    source.min(all / uplinks.len() as f64)
}

/// Two classes of viewers, one that can give more than it takes and one that cannot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoClasses {
    /// The source's uplink.
    pub source: f64,
    /// Uplink of the strong, above `rate`.
    pub strong: f64,
    /// Uplink of the weak, below `rate`.
    pub weak: f64,
    /// The stream's rate.
    pub rate: f64,
}

impl TwoClasses {
    /// Strong viewers needed for each weak one: c = (r - u2) / (u1 - r).
    #[must_use]
    pub fn critical_ratio(&self) -> f64 {
        (self.rate - self.weak) / (self.strong - self.rate)
    }

    /// Upload offered over download demanded, by so many strong and weak viewers.
    #[must_use]
    pub fn resource_index(&self, strong: u32, weak: u32) -> f64 {
        let offered = self.source + f64::from(strong) * self.strong + f64::from(weak) * self.weak;
        offered / (f64::from(strong + weak) * self.rate)
    }

    /// Whether so many viewers can all be streamed to.
    #[must_use]
    pub fn is_universal(&self, strong: u32, weak: u32) -> bool {
        self.source >= self.rate && (strong + weak == 0 || self.resource_index(strong, weak) >= 1.0)
    }

    /// The probability of that when the numbers are independent Poisson variables of these means
    /// (viewers who come at random and stay as they like, M/G/∞).
    #[must_use]
    pub fn probability(&self, strong_mean: f64, weak_mean: f64) -> f64 {
        if self.source < self.rate {
            return 0.0;
        }
        let strong_most = most(strong_mean);
        let mut below = vec![0.0; strong_most as usize + 2];
        for k in 0..=strong_most {
            below[k as usize + 1] = below[k as usize] + poisson(strong_mean, k);
        }
        let terms: Vec<f64> = (0..=most(weak_mean))
            .map(|weak| {
                let lacking = f64::from(weak) * (self.rate - self.weak) - self.source;
                let needed = libm::ceil(lacking / (self.strong - self.rate) - 1e-12).max(0.0);
                // Beyond the last term the sum is 1.
                let place = whole(needed).min(below.len() - 1);
                poisson(weak_mean, weak) * (1.0 - below[place])
            })
            .collect();
        crate::stats::sum(&terms)
    }
}

/// Beyond this, a Poisson variable has no probability worth counting.
fn most(mean: f64) -> u32 {
    u32::try_from(whole(mean + 12.0 * libm::sqrt(mean) + 20.0)).unwrap_or(u32::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and counts of viewers"
)]
const fn whole(value: f64) -> usize {
    value as usize
}

fn poisson(mean: f64, k: u32) -> f64 {
    if mean <= 0.0 {
        return if k == 0 { 1.0 } else { 0.0 };
    }
    let k = f64::from(k);
    libm::exp(-mean + k * libm::log(mean) - libm::lgamma(k + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference's classes: u1 = 7, u2 = 1, r = 3, u_s = 3.
    const CLASSES: TwoClasses = TwoClasses {
        source: 3.0,
        strong: 7.0,
        weak: 1.0,
        rate: 3.0,
    };

    #[test]
    fn the_rate_is_bounded_by_the_source_and_by_all_uplinks() {
        assert!((rate_max(1.0, &[2.0, 2.0]) - 1.0).abs() < 1e-12);
        assert!((rate_max(6.0, &[1.0, 2.0, 3.0]) - 4.0).abs() < 1e-12);
    }

    #[test]
    fn universal_streaming_is_as_in_the_reference_table() {
        assert!((CLASSES.critical_ratio() - 0.5).abs() < 1e-12);
        let ratios = [0.4, 0.45, 0.5, 0.55, 0.6, 0.7];
        for (size, row) in [
            (20.0, [0.403, 0.498, 0.584, 0.661, 0.725, 0.823]),
            (200.0, [0.081, 0.264, 0.527, 0.760, 0.902, 0.990]),
            (1000.0, [0.001, 0.063, 0.512, 0.928, 0.997, 1.000]),
        ] {
            for (ratio, expected) in ratios.into_iter().zip(row) {
                let weak = size / (1.0 + ratio);
                let p = CLASSES.probability(size - weak, weak);
                assert!((p - expected).abs() < 6e-4, "{size} {ratio}: {p}");
            }
        }
    }

    #[test]
    fn the_resource_index_is_the_inequality() {
        for (strong, weak) in [(10, 20), (10, 21), (10, 22), (0, 1), (0, 0), (3, 7), (3, 8)] {
            let lacking = f64::from(weak) * 2.0;
            let universal = f64::from(strong) * 4.0 + 3.0 >= lacking;
            assert_eq!(
                CLASSES.is_universal(strong, weak),
                universal,
                "{strong} {weak}"
            );
        }
    }
}
