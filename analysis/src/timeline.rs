//! How many viewers are there, play, and stand still, over time.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use swarmbed_engine::Instant;

use crate::exact;
use crate::record::PeerRecord;

/// The swarm at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// When.
    #[serde(with = "exact::instant")]
    pub at: Instant,
    /// Peers that are there, sources among them.
    pub present: u32,
    /// Viewers whose download is complete.
    pub complete: u32,
    /// Viewers that wait for the first frame.
    pub starting: u32,
    /// Viewers whose picture stands still.
    pub stalled: u32,
    /// Viewers between their first frame and the end.
    pub playing: u32,
    /// Pieces that were jumped over since the moment before.
    pub skipped: u32,
}

/// The swarm every `step`, from zero until everybody but the sources is gone.
#[must_use]
pub fn timeline(peers: &[PeerRecord], step: Duration) -> Vec<Moment> {
    let end = peers
        .iter()
        .filter(|peer| !peer.source)
        .filter_map(|peer| peer.left_at)
        .max();
    let mut moments = Vec::new();
    let mut at = Instant::ZERO;
    while end.is_some_and(|end| at <= end) {
        let here = |peer: &&PeerRecord| {
            peer.left_at
                .is_some_and(|left| peer.arrival <= at && at < left)
        };
        let mut moment = Moment {
            at,
            present: 0,
            complete: 0,
            starting: 0,
            stalled: 0,
            playing: 0,
            skipped: 0,
        };
        for peer in peers.iter().filter(here) {
            let ledger = &peer.ledger;
            moment.present += 1;
            moment.complete +=
                u32::from(ledger.completed_at.is_some_and(|completed| completed <= at));
            let started = ledger.started_at.is_some_and(|started| started <= at);
            moment.starting += u32::from(ledger.requested_at.is_some() && !started);
            let ended = ledger.ended_at.is_some_and(|ended| ended <= at);
            moment.playing += u32::from(started && !ended);
            let still = |stall: &crate::ledger::Stall| {
                stall.at <= at && at < stall.at + Duration::from_millis(u64::from(stall.millis))
            };
            moment.stalled += u32::from(ledger.stalls.iter().any(still));
        }
        // Of all peers: one that has left since the moment before may have skipped too.
        for peer in peers {
            let skips = &peer.ledger.skips;
            let upto = |at: Instant| skips.partition_point(|skip| *skip <= at);
            let before = moments.last().map_or(0, |last: &Moment| upto(last.at));
            moment.skipped += u32::try_from(upto(at) - before).unwrap_or(u32::MAX);
        }
        moments.push(moment);
        at += step;
    }
    moments
}
