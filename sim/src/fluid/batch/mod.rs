//! Shares that are solved in batches (DESIGN 5 "Network", the coarse mode): for swarms of any size.
//!
//! At every border of a batch the max-min fair shares of all blocks that are being sent are solved anew.
//! What uplinks are told of the solution is what the downlinks that are full offer each block; until
//! the next border an uplink divides its rate among its own blocks, none faster than its receiver's
//! offer, which gives the solution itself while the same blocks are being sent. Meanwhile it needs to
//! know of nobody else, so such a run goes window by window, in any number of threads.
//!
//! What is lost: a block that begins within a batch may be sent faster than its receiver can take it,
//! and one that ends frees its receiver's link for others only at the border. So downlinks are those of
//! `links`, first come first served and cut through: what comes too fast waits there, and no link is
//! used beyond its rate.

mod uplink;

use std::ops::RangeInclusive;
use std::time::Duration;

pub(crate) use uplink::Uplink;

use super::capacity;
use super::filling::Filling;

/// Shorter ones would be no longer than windows, and in longer ones tit-for-tat goes round.
pub(crate) const LENGTHS: RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_secs(10);

/// Solves the shares of a run, batch by batch.
#[derive(Debug)]
pub(crate) struct Batches {
    /// A whole number of windows.
    length: u64,
    /// The next border.
    border: u64,
    filling: Filling,
    /// Of all uplinks, then of all downlinks.
    capacities: Vec<u64>,
    /// Sender and receiver of each block.
    flows: Vec<(u32, u32)>,
    /// By receiver.
    offers: Vec<u64>,
}

/// What is looked at of a peer.
pub(crate) struct Sending<I> {
    /// Bytes per second.
    pub(crate) uplink: u64,
    /// The same; `None`: no limit.
    pub(crate) downlink: Option<u64>,
    /// A receiver for each block that is being sent.
    pub(crate) receivers: I,
}

impl Batches {
    /// Batches of so many nanoseconds, rounded up to whole windows.
    pub(crate) fn new(length: u64, window: u64) -> Self {
        let length = length.div_ceil(window).max(1) * window;
        Self {
            length,
            border: length,
            filling: Filling::default(),
            capacities: Vec::new(),
            flows: Vec::new(),
            offers: Vec::new(),
        }
    }

    /// When the next batch begins: at a window's border.
    pub(crate) const fn border(&self) -> u64 {
        self.border
    }

    /// A batch begins: what each receiver's downlink offers each block, by number; `u64::MAX` where it
    /// is not full.
    pub(crate) fn solve<I: Iterator<Item = u32>>(
        &mut self,
        peers: impl Iterator<Item = Sending<I>> + Clone,
    ) -> &[u64] {
        self.border += self.length;
        self.capacities.clear();
        self.flows.clear();
        let up = peers.clone().map(|peer| capacity(peer.uplink));
        self.capacities.extend(up);
        let down = peers.clone().map(|peer| peer.downlink);
        self.capacities
            .extend(down.map(|rate| rate.map_or(u64::MAX, capacity)));
        for (sender, peer) in (0..).zip(peers) {
            self.flows.extend(peer.receivers.map(|to| (sender, to)));
        }
        self.filling.shares(&self.capacities, &self.flows);
        let downlinks = self.filling.levels().skip(self.capacities.len() / 2);
        self.offers.clear();
        self.offers.extend(downlinks);
        &self.offers
    }
}
