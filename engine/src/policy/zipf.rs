//! `zipf`: a piece is drawn by how far it lies beyond the first missing one.
//!
//! Source: Carlsson and Eager, Networking 2007 (abstract read; rule as recalled, medium sure):
//! piece k is chosen with probability proportional to 1 / (k + 1 − k₀)^θ, where k₀ is the first
//! missing piece, among the pieces that the neighbour has and we lack. θ = 1.25 is theirs as
//! recalled (low). Started pieces are finished first (BEP 3), so there is one draw a piece.
//!
//! What lies behind the playhead (after a seek) comes last.

use super::select::{PieceSelector, SelectView};
use crate::seed::Rng;

/// Draws before all candidates are weighed one by one.
const DRAWS: usize = 24;
/// With so few candidates they are weighed at once.
const FEW: usize = 8;

/// See the module.
#[derive(Debug)]
pub(super) struct Zipf {
    pub(super) theta: f64,
}

impl PieceSelector for Zipf {
    fn select(&mut self, view: &SelectView<'_>, rng: &mut Rng) -> Option<usize> {
        let all = 0..view.pieces();
        let ahead = view.playhead()..view.pieces();
        view.started_in(all)
            .or_else(|| self.draw(view, rng, ahead.start))
            .or_else(|| view.lowest_in(0..ahead.start))
    }
}

impl Zipf {
    fn draw(&self, view: &SelectView<'_>, rng: &mut Rng, first: usize) -> Option<usize> {
        let ahead = first..view.pieces();
        let (lowest, many) = {
            let mut candidates = view.candidates(ahead.clone());
            (candidates.next()?, candidates.nth(FEW).is_some())
        };
        if many {
            // A draw that is no candidate is thrown away: what remains has the right proportions.
            for _ in 0..DRAWS {
                if let Some(distance) = self.distance(ahead.len(), rng)
                    && view.is_candidate(first + distance)
                {
                    return Some(first + distance);
                }
            }
        }
        let weight = |piece: usize| libm::pow(real(piece + 1 - first), -self.theta);
        let total: f64 = view.candidates(ahead.clone()).map(weight).sum();
        let mut ticket = rng.unit() * total;
        view.candidates(ahead)
            .find(|&piece| {
                ticket -= weight(piece);
                ticket < 0.0
            })
            .or(Some(lowest))
    }

    /// One try at a distance in `0..n` with weight `(d + 1)^-theta`: a continuous draw, rounded
    /// down, and accepted with what rounding makes of its probability.
    fn distance(&self, n: usize, rng: &mut Rng) -> Option<usize> {
        let whole = self.integral(real(n + 1));
        let x = libm::floor(self.inverse(rng.unit() * whole)).clamp(1.0, real(n));
        let drawn = self.integral(x + 1.0) - self.integral(x);
        let wanted = libm::pow(x, -self.theta) * self.integral(2.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to 1..=n"
        )]
        let distance = x as usize - 1;
        rng.chance(wanted / drawn).then_some(distance)
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
