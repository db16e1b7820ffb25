//! The network model `fluid` (DESIGN 5 "Network"): blocks flow at max-min fair rates over uplinks
//! and downlinks, solved anew whenever one begins or ends. Exact, and slow: for small swarms, as a
//! check on `links`.
//!
//! A block is a flow. At every moment the rates of all flows are the max-min fair ones: no rate can
//! be raised without lowering one that is no higher. There are no windows and no queues of blocks:
//! the allocation is what congestion control is meant to arrive at. A block has left and has passed
//! the downlink when its last byte has flowed; it arrives one latency later. Control messages are as
//! with `links`: one takes an uplink, and later a downlink, whole for a moment, in which the blocks
//! on that link stand still and keep their shares.
//!
//! Arithmetic is in integers: nanoseconds, bytes, and shares in [`FRACTION`] bits of a byte per
//! second, rounded down. So a block ends at most some nanoseconds later than it would on paper, and
//! no link is ever used beyond its rate.
//!
//! Rates depend on both ends at once, so nothing can be handled ahead of time: such a run is driven
//! by the plain heap driver, in one thread. `batch` solves them now and then instead: not exact, and
//! for any number of peers and threads.

pub(crate) mod batch;
mod coupling;
mod filling;
mod uplink;

pub(crate) use coupling::{Access, Coupling};
pub(crate) use uplink::Uplink;

/// Most peers of a run: what one block costs grows with their number.
pub(crate) const PEERS_MAX: usize = 100;

/// Bits of a share below one byte per second. A block of 16 KiB is 2^60.1 units of (share ×
/// nanoseconds), a whole piece of at most 256 KiB 2^63.94: a `u64` holds both.
const FRACTION: u32 = 16;

/// A rate in bytes per second as a capacity; rates above 2^47 count as that.
fn capacity(rate: u64) -> u64 {
    rate.min(1 << 47) << FRACTION
}
