//! `zipf`: a piece is drawn by how far it lies beyond the first missing one.
//!
//! Source: Carlsson and Eager, Networking 2007 (abstract read; rule as recalled, medium sure):
//! piece k is chosen with probability proportional to 1 / (k + 1 − k₀)^θ, where k₀ is the first
//! missing piece, among the pieces that the neighbour has and we lack. θ = 1.25 is theirs as
//! recalled (low). Started pieces are finished first (BEP 3), so there is one draw a piece.
//!
//! What lies behind the playhead (after a seek) comes last.

use alloc::vec::Vec;

use super::select::{PieceSelector, SelectView};
use crate::seed::Rng;

/// Draws before all candidates are weighed one by one.
const DRAWS: usize = 48;
/// With so few candidates they are weighed at once.
const FEW: usize = 8;

/// Distances whose chance of acceptance is worked out beforehand.
const NEAR: usize = 64;

/// See the module.
#[derive(Debug)]
pub(super) struct Zipf {
    theta: f64,
    /// For how many pieces, and the integral of x^-theta from 1 to one more.
    whole: (usize, f64),
    /// The integral from 1 to 2, the chance of acceptance of one far off.
    best: f64,
    /// Chance of acceptance of near distances.
    accept: Vec<f64>,
}

impl PieceSelector for Zipf {
    fn select(&mut self, view: &SelectView<'_>, rng: &mut Rng) -> Option<usize> {
        let all = 0..view.pieces();
        let ahead = view.playhead()..view.pieces();
        view.started_in(all)
            .or_else(|| self.draw(view, rng, ahead.start))
            .or_else(|| view.lowest_in(0..ahead.start))
    }

    fn needs_candidates(&self) -> bool {
        true
    }
}

impl Zipf {
    pub(super) fn new(theta: f64) -> Self {
        let mut zipf = Self {
            theta,
            whole: (0, 0.0),
            best: 0.0,
            accept: Vec::new(),
        };
        zipf.best = zipf.integral(2.0);
        zipf.accept = (1..=NEAR)
            .map(|k| {
                let drawn = zipf.integral(real(k + 1)) - zipf.integral(real(k));
                libm::pow(real(k), -theta) * zipf.best / drawn
            })
            .collect();
        zipf
    }

    fn draw(&mut self, view: &SelectView<'_>, rng: &mut Rng, first: usize) -> Option<usize> {
        let ahead = first..view.pieces();
        let (lowest, many) = {
            let mut candidates = view.candidates(ahead.clone());
            (candidates.next()?, candidates.nth(FEW).is_some())
        };
        if many {
            // A draw that is no candidate is thrown away: what remains has the right proportions.
            let below = match lowest - first {
                0 => 0.0,
                nearest => self.integral(real(nearest + 1)),
            };
            for _ in 0..DRAWS {
                if let Some(distance) = self.distance(below, ahead.len(), rng)
                    && view.is_candidate(first + distance)
                {
                    return Some(first + distance);
                }
            }
        }
        let theta = self.theta;
        let weight = |piece: usize| libm::pow(real(piece + 1 - first), -theta);
        let total: f64 = view.candidates(ahead.clone()).map(weight).sum();
        let mut ticket = rng.unit() * total;
        view.candidates(ahead)
            .find(|&piece| {
                ticket -= weight(piece);
                ticket < 0.0
            })
            .or(Some(lowest))
    }

    /// One try at a distance up to `n` with weight `(d + 1)^-theta`, from that on up to which the
    /// integral is `below`: a continuous draw, rounded down, and accepted with what rounding makes
    /// of its probability.
    fn distance(&mut self, below: f64, n: usize, rng: &mut Rng) -> Option<usize> {
        if self.whole.0 != n {
            self.whole = (n, self.integral(real(n + 1)));
        }
        let x = self.inverse(below + rng.unit() * (self.whole.1 - below));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to 1..=n"
        )]
        let distance = libm::floor(x).clamp(1.0, real(n)) as usize - 1;
        // Far off, rounding changes weights alike: the limit and its first term are good to 10^-4.
        let accept = self
            .accept
            .get(distance)
            .copied()
            .unwrap_or_else(|| self.best * (1.0 + self.theta / (2.0 * real(distance + 1))));
        rng.chance(accept).then_some(distance)
    }

    /// The integral of x^-theta from 1 to x.
    fn integral(&self, x: f64) -> f64 {
        let power = 1.0 - self.theta;
        if libm::fabs(power) < 1e-9 {
            libm::log(x)
        } else {
            (libm::pow(x, power) - 1.0) / power
        }
    }

    fn inverse(&self, y: f64) -> f64 {
        let power = 1.0 - self.theta;
        if libm::fabs(power) < 1e-9 {
            libm::exp(y)
        } else {
            libm::pow(y * power + 1.0, 1.0 / power)
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "pieces are far fewer than 2^53")]
const fn real(number: usize) -> f64 {
    number as f64
}
