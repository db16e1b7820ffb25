//! What a peer wants done, until its driver does it.

use super::thin::Thin;
use crate::output::Output;

/// A queue of outputs; see [`Peer::swap_queue`](super::Peer::swap_queue). A word, so that it is exchanged as one, and no
/// memory until something is put in.
#[derive(Debug, Default)]
pub struct Outputs(Thin<Output>);

impl Outputs {
    /// Nothing is to be done.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes of memory beside its own.
    pub(super) fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// Exchanges an empty queue for another. One that both have is one too many: with its room in no cache, the peer
    /// would be slower for it at every call.
    #[inline]
    pub(super) fn exchange(&mut self, other: &mut Self) {
        if self.0.has_room() && other.0.has_room() {
            self.0 = Thin::new();
        }
        core::mem::swap(self, other);
    }

    /// This is to be done after all else.
    #[inline]
    pub(super) fn push_back(&mut self, output: Output) {
        self.0.push_back(output);
    }

    /// What is to be done first.
    #[inline]
    pub(super) fn pop_front(&mut self) -> Option<Output> {
        let output = self.0.pop_front()?;
        if self.0.is_empty() {
            // Begins again at its first place, which is in the cache.
            self.0.rewind();
        }
        Some(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Announce;

    #[test]
    fn one_that_is_lent_takes_the_place_of_its_own() {
        let (mut own, mut lent) = (Outputs::default(), Outputs::default());
        for queue in [&mut own, &mut lent] {
            queue.push_back(Output::Announce(Announce::Started));
            assert!(!queue.is_empty() && queue.pop_front().is_some() && queue.is_empty());
        }
        let room = lent.bytes();
        own.exchange(&mut lent);
        assert_eq!(
            (own.bytes(), lent.bytes()),
            (room, 0),
            "its own is given up"
        );
        own.exchange(&mut lent);
        assert_eq!((own.bytes(), lent.bytes()), (0, room), "given back");
        assert!(own.pop_front().is_none());
    }
}
