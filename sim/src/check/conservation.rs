//! No byte is made or lost unseen: sent = received + lost + in flight.

use super::Checks;
use crate::node::Remains;

/// Balances all links.
pub(crate) fn conservation(
    checks: &mut Checks,
    peers: &[Remains],
    (tracker_up, tracker_down): (u64, u64),
    in_flight: u64,
) {
    checks.sent = tracker_up + peers.iter().map(|peer| peer.counts.up).sum::<u64>();
    checks.received = tracker_down + peers.iter().map(|peer| peer.counts.down).sum::<u64>();
    checks.lost = peers.iter().map(|peer| peer.counts.lost).sum();
    checks.in_flight = in_flight;
    let found = checks.received + checks.lost + checks.in_flight;
    if checks.sent != found {
        let sent = checks.sent;
        checks
            .violations
            .push(format!("{sent} bytes were sent and {found} found again"));
    }
}
