//! Asking the processor for memory that will be read soon: nothing is read, and nothing waits.
//!
//! The one place of swarmbed that is not safe Rust by the compiler's word: the instruction takes any address, is allowed
//! to do nothing, and changes nothing but what lies in a cache.

use swarmbed_engine::Fetch;

/// See the module.
pub(crate) struct Prefetch;

impl Fetch for Prefetch {
    /// Into the second cache, not the first: more lines can be on their way there at once (half as many again, measured),
    /// and a window asks for hundreds of them for each block.
    #[inline(always)]
    #[cfg_attr(
        any(target_arch = "x86_64", target_arch = "aarch64"),
        expect(unsafe_code, reason = "no safe wrapper names the second cache")
    )]
    fn line(address: usize) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a hint, whatever the address; every processor of this kind knows it.
        unsafe {
            use core::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T1>(core::ptr::without_provenance(address));
        }
        #[cfg(target_arch = "aarch64")]
        // SAFETY: a hint, whatever the address; it touches no memory, no stack and no flags.
        unsafe {
            core::arch::asm!(
                "prfm pldl2keep, [{address}]",
                address = in(reg) address,
                options(nostack, preserves_flags, readonly),
            );
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let _ = address;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_where_nothing_is_may_be_named() {
        for address in [0, 1, usize::MAX / 2, usize::MAX] {
            Prefetch::line(address);
        }
    }
}
