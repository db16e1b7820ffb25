//! A swarm as a fluid: Qiu and Srikant, "Modeling and Performance Analysis of BitTorrent-Like
//! Peer-to-Peer Networks", SIGCOMM 2004 (abstract read, formulas as recalled, checked against
//! numerical integration, papers.md 4.3).

/// Rates of the model, in files and seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FluidSwarm {
    /// Arrivals a second.
    pub lambda: f64,
    /// Leechers that give up, a second and leecher.
    pub theta: f64,
    /// Seeds that leave, a second and seed.
    pub gamma: f64,
    /// Downlink, files a second.
    pub c: f64,
    /// Uplink, files a second.
    pub mu: f64,
    /// Effectiveness: the share of a leecher's uplink that finds something to send.
    pub eta: f64,
}

/// What the swarm comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steady {
    /// Leechers.
    pub leechers: f64,
    /// Seeds.
    pub seeds: f64,
    /// Seconds a download takes.
    pub download_s: f64,
}

impl FluidSwarm {
    /// The steady state. Where uplinks are the limit it holds for 1/μ > 1/γ.
    #[must_use]
    pub fn steady(&self) -> Steady {
        let uplink_limited = (1.0 / self.mu - 1.0 / self.gamma) / self.eta;
        let beta = 1.0 / (1.0 / self.c).max(uplink_limited);
        let through = self.lambda / (1.0 + self.theta / beta);
        Steady {
            leechers: through / beta,
            seeds: through / self.gamma,
            download_s: 1.0 / (self.theta + beta),
        }
    }
}

/// η of peers that hold uniformly many of N pieces and have k neighbours to ask: 1 - (ln N / N)^k.
#[must_use]
pub fn effectiveness(pieces: f64, neighbours: f64) -> f64 {
    1.0 - libm::pow(libm::log(pieces) / pieces, neighbours)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (λ, θ, γ, c, μ, η) and what the reference found for x, y and T.
    const CASES: [([f64; 6], [f64; 3]); 3] = [
        (
            [0.04, 0.001, 0.005, 0.002, 0.00125, 1.0],
            [15.0, 5.0, 375.0],
        ),
        (
            [0.04, 0.001, 0.001, 0.002, 0.00125, 1.0],
            [13.33, 26.67, 333.3],
        ),
        ([0.1, 0.0, 0.01, 0.02, 0.005, 0.9], [11.11, 10.0, 111.1]),
    ];

    fn swarm([lambda, theta, gamma, c, mu, eta]: [f64; 6]) -> FluidSwarm {
        FluidSwarm {
            lambda,
            theta,
            gamma,
            c,
            mu,
            eta,
        }
    }

    #[test]
    fn the_steady_state_is_as_in_the_reference() {
        for (rates, expected) in CASES {
            let steady = swarm(rates).steady();
            let found = [steady.leechers, steady.seeds, steady.download_s];
            for (found, expected) in found.into_iter().zip(expected) {
                assert!((found / expected - 1.0).abs() < 1e-3, "{found} {expected}");
            }
        }
    }

    #[test]
    fn the_equations_come_to_it() {
        for (rates, _) in CASES {
            let swarm = swarm(rates);
            let (mut x, mut y, dt) = (0.0_f64, 0.0_f64, 0.1);
            for _ in 0..400_000 {
                let served = (swarm.c * x).min(swarm.mu * (swarm.eta * x + y));
                x += (swarm.lambda - swarm.theta * x - served) * dt;
                y += (served - swarm.gamma * y) * dt;
            }
            let steady = swarm.steady();
            assert!((x - steady.leechers).abs() < 1e-3 && (y - steady.seeds).abs() < 1e-3);
        }
    }

    #[test]
    fn with_several_neighbours_nobody_is_idle() {
        assert!((1.0 - effectiveness(100.0, 1.0) - 0.0461).abs() < 1e-4);
        assert!(effectiveness(100.0, 4.0) > 0.99999);
    }
}
