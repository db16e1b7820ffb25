//! When a swarm grows without bound: Hajek and Zhu, "The Missing Piece Syndrome in Peer-to-Peer
//! Communication" (read, arXiv 1002.3493; papers.md 4.6).
//!
//! Peers arrive with nothing, contact each other at random and leave when they are complete; one
//! seed stays. All may come to hold all but one and the same piece, the one club, and then only the
//! seed's uploads let anybody leave.

/// Whether the swarm is stable: iff the seed gives more pieces a second than peers arrive, whatever
/// the choice among useful pieces.
#[must_use]
pub fn is_stable(arrivals: f64, seed_pieces: f64) -> bool {
    arrivals < seed_pieces
}

/// How fast the one club grows, in peers a second; below zero it shrinks. While it is large, each
/// upload of the seed lets one peer go, and all who arrive join.
#[must_use]
pub fn growth(arrivals: f64, seed_pieces: f64) -> f64 {
    arrivals - seed_pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boundary_is_the_seed_s_rate() {
        assert!(is_stable(0.8, 1.0) && growth(0.8, 1.0) < 0.0);
        assert!(!is_stable(1.25, 1.0) && growth(1.25, 1.0) > 0.0);
        assert!(!is_stable(1.0, 1.0));
    }
}
