//! Links swarmbed-engine without std; see `Cargo.toml`. Calls what pulls in most of it.
#![no_std]

extern crate alloc;

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;
use core::ptr::null_mut;

use swarmbed_engine::wire::{Decoded, Decoder, metainfo::Metainfo, round_trip};
use swarmbed_engine::{Config, Input, Instant, Message, Peer, Seed};

struct Nothing;

// SAFETY: null says that there is no memory, which an allocator may say at any time.
unsafe impl GlobalAlloc for Nothing {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        null_mut()
    }
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Nothing = Nothing;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// A peer of `config` that is told one thing.
pub fn peer(config: Config) -> Option<Peer> {
    let mut peer = Peer::new(config, Seed::from_number(1), Instant::ZERO, None).ok()?;
    peer.handle(Instant::ZERO, Input::Timeout);
    while peer.poll_output().is_some() {}
    Some(peer)
}

/// The codec.
pub fn wire(bytes: &[u8]) -> Option<Message> {
    let _ = Metainfo::parse(bytes);
    let mut input = bytes;
    match Decoder::new(1).decode(&mut input) {
        Ok(Some(Decoded::Message(message))) => Some(round_trip(&message)),
        _ => None,
    }
}

/// Something for a linker to hold on to.
#[unsafe(no_mangle)]
pub extern "C" fn swarmbed_no_std(length: usize) -> bool {
    let zeros = alloc::vec![0_u8; length];
    wire(&zeros).is_some()
}
