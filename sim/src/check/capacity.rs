//! No link carries more than its rate allows, and no viewer is done before capacity allows: not
//! before its own downlink could bring the content, nor before the sources could give it away once
//! (Kumar & Ross 2006: the minimum distribution time).

use super::Checks;
use crate::node::Remains;
use crate::report::PeerOutcome;
use crate::shared::Shared;

/// Checks all links and all completions of a run that ended at `end`.
pub(crate) fn capacity<O>(
    checks: &mut Checks,
    (peers, remains): (&[PeerOutcome<O>], &[Remains]),
    shared: &Shared,
    end: u64,
) {
    let total = u128::from(shared.setup.geometry.total()) * 1_000_000_000;
    let mut violated = |number: u32, what: &str| {
        checks.violations.push(format!("peer {number}: {what}"));
    };
    let sources: u128 = peers
        .iter()
        .filter(|peer| peer.facts.source)
        .map(|peer| u128::from(peer.facts.uplink.bytes_per_s()))
        .sum();
    let server = shared
        .setup
        .web_seed
        .map(|server| server.rate.bytes_per_s());
    let sources = sources + u128::from(server.unwrap_or(0));
    let steps = !shared.setup.faults.is_empty();
    for (peer, remains) in peers.iter().zip(remains) {
        let facts = &peer.facts;
        let arrival = facts.arrival.as_nanos();
        if u128::from(remains.counts.up) * 1_000_000_000 > remains.capacity {
            violated(facts.number, "sent more than its uplink allows");
        }
        if let Some(rate) = facts.downlink {
            let time = end.saturating_sub(arrival);
            let most = u128::from(rate.bytes_per_s()) * u128::from(time);
            if u128::from(remains.counts.down) * 1_000_000_000 > most {
                violated(facts.number, "received more than its downlink allows");
            }
        }
        let Some(completed) = remains.completed.filter(|_| !facts.source) else {
            continue;
        };
        let time = completed.as_nanos();
        if let Some(rate) = facts.downlink
            && u128::from(rate.bytes_per_s()) * u128::from(time - arrival) < total
        {
            violated(facts.number, "was complete before its downlink allows");
        }
        if !steps && sources * u128::from(time) < total {
            violated(facts.number, "was complete before the sources allow");
        }
    }
}
