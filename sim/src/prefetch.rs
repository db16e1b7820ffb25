//! Asking the processor for memory that will be read soon: nothing is read, and nothing waits.

use prefetch_index::prefetch_index;
use swarmbed_engine::Fetch;

/// See the module.
pub(crate) struct Prefetch;

impl Fetch for Prefetch {
    #[inline(always)]
    fn line(address: usize) {
        // An address is a distance from where nothing is.
        let nothing: &[u8] = &[];
        prefetch_index(nothing, address.wrapping_sub(nothing.as_ptr().addr()));
    }
}
