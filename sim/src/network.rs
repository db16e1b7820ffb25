//! What a node needs of a network model: its own uplink, and how records come through its downlink.
//!
//! A model is a type parameter of [`Node`](crate::node::Node), so no event asks which one it is. It
//! knows neither peers nor mail: a receiver is a number, a record is whatever it is.

use swarmbed_engine::Fetch;

use crate::links::Downlink;

/// A network model, as the state of one uplink.
pub(crate) trait Network: Sized {
    /// An idle uplink of `rate` bytes per second.
    fn new(rate: u64) -> Self;

    /// Bytes per second.
    fn rate(&self) -> u64;

    /// When control messages leave the link to blocks again.
    fn busy_until(&self) -> u64;

    /// Sends `bytes` before all blocks; returns when the last of them has left, and how long that
    /// is after the first began to.
    fn control(&mut self, now: u64, bytes: u64) -> (u64, u64);

    /// Begins a block of `bytes` to the peer `to`; returns when its first byte can leave.
    fn begin(&mut self, now: u64, slot: u16, to: u32, bytes: u64) -> u64;

    /// When the next block ends, if nothing changes; `u64::MAX` if none does.
    fn end(&self) -> u64;

    /// Whose block ends next, where that is at hand.
    fn first(&self) -> Option<u16> {
        None
    }

    /// Makes room for the blocks that most have under way at a time: where what else is read of the peer lies.
    fn reserve(&mut self) {}

    /// What most changes read beside itself will be read.
    fn fetch<F: Fetch>(&self) {}

    /// The block that ends now leaves the link; returns whose slot it was.
    fn finish(&mut self, now: u64) -> u16;

    /// Stops sending the block of `slot`; returns how many of its `bytes` had left.
    fn cancel(&mut self, now: u64, slot: u16, bytes: u64) -> u64;

    /// Changes the rate; what is left of the blocks being sent goes on at the new one.
    fn set_rate(&mut self, now: u64, rate: u64);

    /// A record comes to a downlink: gives it back if it is through at once, and queues it
    /// otherwise.
    fn arrive<T>(downlink: &mut Downlink<T>, record: Arriving, item: T) -> Option<T>;

    /// If the record would be through at once, with nothing else changed than when the downlink has
    /// done all its work: that time. A model that cannot tell says `None`.
    fn at_once<T>(_downlink: &Downlink<T>, _record: Arriving) -> Option<u64> {
        None
    }

    /// Where shares are solved in batches: a receiver for each block that is being sent.
    fn receivers(&self) -> impl Iterator<Item = u32> + Clone {
        std::iter::empty()
    }

    /// A batch begins, in which the downlinks of receivers, by number, offer each block so much; true
    /// if the link's next event may be another.
    fn offered(&mut self, _now: u64, _offers: &[u64]) -> bool {
        false
    }
}

/// A record that comes to a downlink.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arriving {
    /// When its last byte does: now.
    pub(crate) at: u64,
    /// When its first byte did.
    pub(crate) first: u64,
    pub(crate) bytes: u64,
    /// It brings a block.
    pub(crate) block: bool,
}
