//! What a peer wants done, until its driver does it.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use crate::output::Output;

/// A queue of outputs; see [`Peer::swap_queue`](super::Peer::swap_queue). A word, so that it is exchanged as one, and no
/// memory until something is put in.
#[derive(Debug, Default)]
#[expect(clippy::box_collection, reason = "a word, not four")]
pub struct Outputs(Option<Box<VecDeque<Output>>>);

impl Outputs {
    /// Nothing is to be done.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|queue| queue.is_empty())
    }

    /// Bytes of memory beside its own.
    pub(super) fn bytes(&self) -> usize {
        let queue = self.0.as_ref();
        queue.map_or(0, |queue| {
            size_of::<VecDeque<Output>>() + queue.capacity() * size_of::<Output>()
        })
    }

    /// Exchanges an empty queue for another. One that both have is one too many: with its room in no cache, the peer
    /// would be slower for it at every call.
    #[inline]
    pub(super) fn exchange(&mut self, other: &mut Self) {
        if self.0.is_some() && other.0.is_some() {
            self.0 = None;
        }
        core::mem::swap(self, other);
    }

    /// This is to be done after all else.
    #[inline]
    pub(super) fn push_back(&mut self, output: Output) {
        self.0.get_or_insert_default().push_back(output);
    }

    /// What is to be done first.
    #[inline]
    pub(super) fn pop_front(&mut self) -> Option<Output> {
        let queue = self.0.as_mut()?;
        let output = queue.pop_front()?;
        if queue.is_empty() {
            // Begins again at its first place, which is in the cache.
            queue.clear();
        }
        Some(output)
    }
}
