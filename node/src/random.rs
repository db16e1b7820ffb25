//! What must be unguessable or unique among strangers. Nothing of the engine's is drawn here.

use swarmbed_engine::{PeerId, Seed};

/// Bytes from the operating system.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    bytes
}

/// `-SB0100-` and 12 random letters and digits (BEP 20).
#[must_use]
pub(crate) fn peer_id() -> PeerId {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut id = *b"-SB0100-............";
    for (letter, byte) in id[8..].iter_mut().zip(bytes::<12>()) {
        *letter = LETTERS[usize::from(byte % 32)];
    }
    PeerId(id)
}

/// A seed for one run of the engine.
#[must_use]
pub(crate) fn seed() -> Seed {
    Seed::new(bytes())
}
