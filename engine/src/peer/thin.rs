//! A queue that most of its kind never use: one word until something is put in.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use core::ops::Deref;

use crate::fetch::Fetch;

/// See the module. It is read as the queue that it stands for.
#[derive(Debug)]
#[expect(
    clippy::box_collection,
    reason = "a word where nothing waits, not four"
)]
pub(crate) struct Thin<T>(Option<Box<VecDeque<T>>>);

impl<T> Default for Thin<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: 'static> Thin<T> {
    const EMPTY: &'static VecDeque<T> = &VecDeque::new();

    /// An empty one.
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    /// Bytes of memory beside its own.
    pub(crate) fn bytes(&self) -> usize {
        let full = self.0.as_ref();
        full.map_or(0, |queue| {
            size_of::<VecDeque<T>>() + queue.capacity() * size_of::<T>()
        })
    }

    /// What is read to find its items.
    #[inline]
    pub(super) fn fetch<F: Fetch>(&self) {
        if let Some(queue) = self.0.as_deref() {
            F::all(queue);
        }
    }

    /// Then what is read when one is taken or put there.
    #[inline]
    pub(super) fn fetch_ends<F: Fetch>(&self) {
        if let Some(queue) = self.0.as_deref() {
            F::ends(queue);
        }
    }

    /// Something was put in once, and there is room for more.
    pub(crate) const fn has_room(&self) -> bool {
        self.0.is_some()
    }

    /// Empty, it begins again at its first place.
    pub(crate) fn rewind(&mut self) {
        if let Some(queue) = &mut self.0 {
            queue.clear();
        }
    }

    /// Puts it last.
    pub(crate) fn push_back(&mut self, item: T) {
        self.0.get_or_insert_default().push_back(item);
    }

    /// Takes the first.
    pub(crate) fn pop_front(&mut self) -> Option<T> {
        self.0.as_mut()?.pop_front()
    }

    /// Takes out the one at `index`.
    pub(crate) fn remove(&mut self, index: usize) -> Option<T> {
        self.0.as_mut()?.remove(index)
    }

    /// Keeps those for which it is true.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        if let Some(queue) = &mut self.0 {
            queue.retain(keep);
        }
    }

    /// Takes all, in order.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> + '_ {
        self.0.iter_mut().flat_map(|queue| queue.drain(..))
    }
}

impl<T: 'static> Deref for Thin<T> {
    type Target = VecDeque<T>;

    fn deref(&self) -> &VecDeque<T> {
        self.0.as_deref().unwrap_or(Self::EMPTY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn it_is_a_queue_and_takes_a_word() {
        let mut thin = Thin::new();
        assert_eq!((size_of_val(&thin), thin.bytes()), (size_of::<usize>(), 0));
        assert!(thin.is_empty() && thin.pop_front().is_none() && thin.remove(0).is_none());
        thin.retain(|_| false);
        assert_eq!(thin.drain().count(), 0);
        for item in 0..5 {
            thin.push_back(item);
        }
        assert!(thin.bytes() >= 5 * size_of::<i32>());
        assert_eq!(thin.pop_front(), Some(0));
        assert_eq!(thin.remove(1), Some(2));
        thin.retain(|&item| item != 4);
        assert_eq!(thin.iter().copied().collect::<Vec<_>>(), [1, 3]);
        assert_eq!(thin.drain().collect::<Vec<_>>(), [1, 3]);
        assert!(thin.is_empty());
    }
}
