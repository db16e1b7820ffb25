//! How long a file takes to reach everybody (papers.md 4.2).
//!
//! Fluid: Kumar and Ross, "Peer-Assisted File Distribution", 2006 (bound read, that it can be
//! reached as recalled). Rounds: Mundinger, Weber and Weiss, J. Scheduling 2008 (abstract read,
//! formula as recalled, checked for one part).

/// The shortest time in which a source can give a file to all: max(F / u_s, F / d_min,
/// N F / (u_s + Σu)). Without a limit on downlinks `slowest_downlink` is infinite.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "peers are far fewer than 2^53")]
pub fn time_min(file: f64, source: f64, uplinks: &[f64], slowest_downlink: f64) -> f64 {
    let all = source + crate::stats::sum(uplinks);
    let copies = uplinks.len() as f64 * file;
    (file / source)
        .max(file / slowest_downlink)
        .max(copies / all)
}

/// The fewest rounds in which a server gives `parts` to `peers`, if everybody, the server too, may
/// send one part and receive one in each: M + floor(log2 N).
#[must_use]
pub const fn rounds_min(parts: u32, peers: u32) -> u32 {
    parts + peers.ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_part_doubles() {
        for peers in [1, 2, 3, 7, 8, 100] {
            let (mut holders, mut rounds) = (1, 0);
            while holders < peers + 1 {
                holders = (2 * holders).min(peers + 1);
                rounds += 1;
            }
            assert_eq!(rounds_min(1, peers), rounds, "{peers} peers");
        }
    }

    #[test]
    fn each_of_the_three_can_be_the_limit() {
        let time = |source, downlink| time_min(12.0, source, &[2.0, 2.0, 2.0], downlink);
        assert!((time(1.0, 9.0) - 12.0).abs() < 1e-12, "the source");
        assert!((time(3.0, 2.0) - 6.0).abs() < 1e-12, "a downlink");
        assert!(
            (time(3.0, f64::INFINITY) - 4.0).abs() < 1e-12,
            "all uplinks"
        );
    }
}
