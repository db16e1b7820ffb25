//! How full a live viewer's buffer is: Zhou, Chiu and Lui, "A Simple Model for Analyzing P2P
//! Streaming Protocols", ICNP 2007 (abstract read, model as recalled, checked by Monte Carlo,
//! papers.md 4.4).
//!
//! M peers hold buffers of positions 1 (newest) to n (played next). In each slot the server gives
//! the newest chunk to one random peer, and every peer takes one chunk from one random peer. p(i) is
//! the probability that position i is filled; p(n) is the continuity.

/// Which chunk a peer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The newest, which is the rarest.
    RarestFirst,
    /// The one that is played soonest.
    Greedy,
    /// Rarest first in positions 1 to m, then greedy.
    Mixed(usize),
}

/// p(1) to p(n); place 0 is empty.
///
/// # Panics
/// If m is 0 or above n.
#[must_use]
pub fn filled(order: Order, n: usize, peers: u32) -> Vec<f64> {
    match order {
        Order::RarestFirst => rarest_first(n, peers),
        Order::Greedy => greedy(&[0.0, 1.0 / f64::from(peers)], n),
        Order::Mixed(m) => greedy(&rarest_first(m, peers), n),
    }
}

/// p(i + 1) = p(i) + p(i) (1 - p(i))².
fn rarest_first(n: usize, peers: u32) -> Vec<f64> {
    assert!(n > 0, "a buffer holds something");
    let mut p = vec![0.0, 1.0 / f64::from(peers)];
    for i in 1..n {
        p.push(p[i] + p[i] * (1.0 - p[i]) * (1.0 - p[i]));
    }
    p
}

/// p(i + 1) = p(i) + p(i) (1 - p(i)) (1 - p(m) - p(n) + p(i + 1)) from the last of `before` on,
/// which is p(m): p(n) stands on both sides, and is found by halving.
fn greedy(before: &[f64], n: usize) -> Vec<f64> {
    let m = before.len() - 1;
    assert!((1..=n).contains(&m), "m is within the buffer");
    let with = |last: f64| {
        let mut p = before.to_vec();
        for i in m..n {
            let a = p[i] * (1.0 - p[i]);
            p.push((p[i] + a * (1.0 - p[m] - last)) / (1.0 - a));
        }
        p
    };
    let (mut low, mut high) = (before[m], 1.0);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if with(middle)[n] > middle {
            low = middle;
        } else {
            high = middle;
        }
    }
    with(f64::midpoint(low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continuity_is_as_in_the_reference_table() {
        for (n, peers, expected) in [
            (20, 1000, [0.9005, 0.6441, 0.9441]),
            (30, 1000, [0.9500, 0.7917, 0.9932]),
            (40, 1000, [0.9666, 0.8584, 0.9991]),
            (60, 1000, [0.9800, 0.9182, 1.0000]),
            (40, 10_000, [0.9625, 0.7781, 0.9704]),
        ] {
            let orders = [Order::RarestFirst, Order::Greedy, Order::Mixed(10)];
            for (order, expected) in orders.into_iter().zip(expected) {
                let p = filled(order, n, peers);
                assert_eq!(p.len(), n + 1);
                assert!((p[n] - expected).abs() < 6e-5, "{order:?} {n}: {}", p[n]);
            }
        }
    }
}
