//! Bugs on purpose, to see that they are found. Tests alone put one into a world
//! ([`World::mutated`](crate::World)); no scenario and no command can name them.

/// A bug of the world around the engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// Every uplink serves 1.05 times the rate it declares.
    FastLinks,
    /// A block that is cut with its connection arrives all the same.
    LostArrives,
    /// Every piece passes for verified, corrupt or not.
    NothingVerified,
}
