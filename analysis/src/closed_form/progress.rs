//! What of a download can be played: Parvez, Williamson, Mahanti and Carlsson, SIGMETRICS 2008
//! (abstract read, formula as recalled and proved, papers.md 4.5).

/// The contiguous pieces at the front, in the mean, of one who holds `held` of `pieces` in random
/// order: k / (M - k + 1).
#[must_use]
pub fn prefix(held: u32, pieces: u32) -> f64 {
    f64::from(held) / f64::from(pieces - held + 1)
}

/// The shortest start-up, in seconds, that plays a film of `length` seconds without a stall when
/// it comes in order at `rate` and is shown at `bitrate`: max(0, L (B / R - 1)).
#[must_use]
pub fn start_up(length: f64, bitrate: f64, rate: f64) -> f64 {
    (length * (bitrate / rate - 1.0)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_that_of_all_orders() {
        // Of all sets of k pieces, the first missing one is at j with probability
        // C(M - 1 - j, k - j) / C(M, k).
        let pieces = 12_u32;
        for held in 0..pieces {
            let mut total = 0.0;
            let mut sets = 0.0;
            for bits in 0_u32..1 << pieces {
                if bits.count_ones() == held {
                    total += f64::from(bits.trailing_ones());
                    sets += 1.0;
                }
            }
            assert!((total / sets - prefix(held, pieces)).abs() < 1e-9, "{held}");
        }
        assert!((prefix(80, 100) - 3.81).abs() < 0.01);
    }

    #[test]
    fn the_start_up_is_that_of_every_second_in_turn() {
        for (rate, expected) in [(48.0, 100.0), (64.0, 0.0), (80.0, 0.0)] {
            assert!((start_up(300.0, 64.0, rate) - expected).abs() < 1e-9);
            // Second j is whole at j B / R and shown from j - 1 on.
            let needed = (1..=300)
                .map(|j| f64::from(j) * 64.0 / rate - f64::from(j - 1))
                .fold(0.0, f64::max);
            assert!((needed - expected - 64.0 / rate).abs() < 1.01, "{needed}");
        }
    }
}
