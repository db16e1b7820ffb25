//! Everything that reads a stranger's bytes: none of it may panic, and what a neighbour says must
//! not depend on how its bytes arrive.
#![no_main]

use libfuzzer_sys::fuzz_target;
use swarmbed_engine::CloseReason;
use swarmbed_engine::recording::Recording;
use swarmbed_engine::wire::{
    Decoded, Decoder, Handshake, bencode, decode_datagram, encode_datagram, metainfo::Metainfo,
};

/// All messages and payload in `bytes`, fed in portions of `size`, and how it ended.
fn decode(bytes: &[u8], size: usize) -> (Vec<String>, Vec<u8>, Option<CloseReason>) {
    let mut decoder = Decoder::new(100);
    let (mut messages, mut payload) = (Vec::new(), Vec::new());
    for mut portion in bytes.chunks(size) {
        loop {
            match decoder.decode(&mut portion) {
                Ok(Some(Decoded::Message(message))) => messages.push(format!("{message:?}")),
                Ok(Some(Decoded::Payload { bytes, .. })) => payload.extend_from_slice(bytes),
                Ok(None) => break,
                Err(reason) => return (messages, payload, Some(reason)),
            }
        }
    }
    (messages, payload, None)
}

fuzz_target!(|bytes: &[u8]| {
    let whole = decode(bytes, usize::MAX);
    assert_eq!(whole, decode(bytes, 1));
    assert_eq!(whole, decode(bytes, 7));
    if let Ok(recording) = Recording::parse(bytes) {
        for step in recording.steps() {
            let _ = step;
        }
    }
    let _ = bencode::parse(bytes, 1000);
    let _ = Metainfo::parse(bytes);
    if let Some(datagram) = decode_datagram(bytes) {
        assert_eq!(encode_datagram(&datagram), bytes);
    }
    if let Some(head) = bytes.first_chunk() {
        let _ = Handshake::decode(head);
    }
});
