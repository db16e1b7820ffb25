//! What a peer wants done, until its driver does it.

use super::thin::Thin;
use crate::output::Output;

/// A queue of outputs; see [`Peer::lend_queue`](super::Peer::lend_queue). A word, so that it is lent as one, and no
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

    /// An empty queue takes the room of another, and gives up its own: with that in no cache, the peer would be slower for
    /// it at every call. From one without room it takes nothing.
    #[inline]
    pub(super) fn take_room(&mut self, from: &mut Self) {
        if from.0.has_room() {
            if self.0.has_room() {
                self.give_up_room();
            }
            core::mem::swap(&mut self.0, &mut from.0);
        }
    }

    /// It was called by somebody who lent it nothing.
    #[cold]
    fn give_up_room(&mut self) {
        self.0 = Thin::new();
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
        let filled = || {
            let mut queue = Outputs::default();
            queue.push_back(Output::Announce(Announce::Started));
            assert!(!queue.is_empty() && queue.pop_front().is_some() && queue.is_empty());
            queue
        };
        let rooms = |own: &Outputs, lent: &Outputs| (own.bytes() > 0, lent.bytes() > 0);
        for (has, lends) in [(false, false), (false, true), (true, false), (true, true)] {
            let queue = |room: bool| room.then(filled).unwrap_or_default();
            let (mut own, mut lent) = (queue(has), queue(lends));
            own.take_room(&mut lent);
            assert_eq!(rooms(&own, &lent), (has || lends, false), "lent");
            lent.take_room(&mut own);
            assert_eq!(rooms(&own, &lent), (false, has || lends), "given back");
        }
    }
}
