//! The peers of one run, by the parts that metrics are made of: who counts, and what they did.

use swarmbed_engine::Instant;

use crate::ledger::Ledger;
use crate::metric::Content;
use crate::record::{Ending, PeerRecord};
use crate::stats::{mean, sum};

/// The peers of a run.
pub(crate) struct Run<'a> {
    pub(crate) peers: Vec<&'a PeerRecord>,
    pub(crate) content: Content,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "bytes of a run fit a double well enough for a ratio"
)]
pub(crate) const fn big(value: u64) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
pub(crate) const fn count(value: usize) -> f64 {
    value as f64
}

impl<'a> Run<'a> {
    fn peers(&self) -> impl Iterator<Item = &'a PeerRecord> {
        self.peers.iter().copied()
    }

    pub(crate) fn came(&self) -> impl Iterator<Item = &'a PeerRecord> {
        self.peers().filter(|peer| peer.ending != Ending::NeverCame)
    }

    pub(crate) fn sources(&self) -> impl Iterator<Item = &'a PeerRecord> {
        self.came().filter(|peer| peer.source)
    }

    pub(crate) fn viewers(&self) -> impl Iterator<Item = &'a PeerRecord> {
        self.peers().filter(|peer| peer.counts())
    }

    pub(crate) fn started(&self) -> impl Iterator<Item = &'a PeerRecord> {
        self.viewers().filter(|peer| peer.ledger.startup.is_some())
    }

    pub(crate) fn startups(&self) -> Vec<f64> {
        self.viewers()
            .filter_map(|peer| peer.ledger.startup)
            .map(|delay| delay.as_secs_f64())
            .collect()
    }

    /// Media that was jumped over, over media that was due (field.md D2).
    pub(crate) fn skipped_media(&self, peer: &PeerRecord) -> Option<f64> {
        let bitrate = big(self.content.bitrate?.bytes_per_s());
        let piece = f64::from(self.content.piece_length) / bitrate;
        let skipped = f64::from(peer.ledger.skipped) * piece + peer.ledger.rehooked.as_secs_f64();
        Some(skipped / (skipped + peer.ledger.played.as_secs_f64()))
    }

    /// Mean age of what each viewer was shown, live.
    pub(crate) fn lags(&self) -> Vec<f64> {
        let live = self.viewers().filter(|peer| !peer.ledger.lags.is_empty());
        let lag = |peer: &PeerRecord| {
            let lags = peer
                .ledger
                .lags
                .iter()
                .map(std::time::Duration::as_secs_f64);
            mean(&lags.collect::<Vec<_>>())
        };
        live.map(lag).collect()
    }

    pub(crate) fn stall_lengths(&self) -> Vec<f64> {
        let stalls = self.viewers().flat_map(|peer| &peer.ledger.stalls);
        stalls.map(|stall| f64::from(stall.millis) / 1e3).collect()
    }

    /// A count of pieces over the pieces due, on average over viewers that started.
    pub(crate) fn of_due(&self, of: impl Fn(&Ledger) -> u32) -> f64 {
        let share =
            |peer: &PeerRecord| f64::from(of(&peer.ledger)) / f64::from(peer.due(self.content));
        mean(&self.started().map(share).collect::<Vec<_>>())
    }

    pub(crate) fn downloads(&self) -> Vec<f64> {
        let took =
            |peer: &PeerRecord| Some(peer.ledger.completed_at?.since(peer.arrival).as_secs_f64());
        self.peers()
            .filter(|peer| !peer.source)
            .filter_map(took)
            .collect()
    }

    /// Bytes a peer could have sent while it was there.
    pub(crate) fn offered(peer: &PeerRecord) -> f64 {
        let there = peer
            .left_at
            .unwrap_or(Instant::ZERO)
            .since(peer.arrival)
            .as_secs_f64();
        big(peer.uplink.bytes_per_s()) * there
    }

    /// Upload offered ÷ demand. With a bitrate: mean uplink of sharing viewers and the sources'
    /// part, over the bitrate, while the swarm plays (papers.md 1.3); for a file: what could be
    /// sent while peers were there, over what they want.
    pub(crate) fn resource_index(&self) -> f64 {
        match self.content.bitrate {
            Some(bitrate) => {
                let viewers: Vec<&PeerRecord> = self
                    .peers()
                    .filter(|peer| peer.plays && peer.ending != Ending::NeverCame)
                    .collect();
                let sharing = viewers.iter().filter(|peer| !peer.free_rider);
                let uplinks: Vec<f64> =
                    sharing.map(|peer| big(peer.uplink.bytes_per_s())).collect();
                sum(&uplinks) / (count(viewers.len()) * big(bitrate.bytes_per_s()))
            }
            None => {
                let offered: Vec<f64> = self
                    .came()
                    .filter(|peer| !peer.free_rider)
                    .map(Self::offered)
                    .collect();
                let wanting = self.came().filter(|peer| !peer.source).count();
                sum(&offered) / (count(wanting) * big(self.content.bytes))
            }
        }
    }
}
