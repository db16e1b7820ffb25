//! Some of the neighbours, oldest first, as the order of all has them.
//!
//! Of the many neighbours of a peer, few let it ask and few owe it anything. What looks after those is
//! called all the time, and shall not walk the others, whose lines lie in no cache.

use alloc::vec::Vec;

use super::Link;
use crate::fetch::Fetch;

/// The slots of some neighbours.
#[derive(Debug, Default)]
pub(super) struct Slots(Vec<u16>);

impl Slots {
    /// Bytes of memory beside its own.
    pub(super) const fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<u16>()
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// The one at this place.
    pub(super) fn get(&self, place: usize) -> Option<u16> {
        self.0.get(place).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().map(|&slot| usize::from(slot))
    }

    #[inline]
    pub(super) fn fetch<F: Fetch>(&self) {
        F::front(&self.0, usize::MAX);
    }

    /// This one belongs to them, which it did not. `links` are all there are.
    pub(super) fn insert(&mut self, slot: usize, links: &[Link]) {
        // Names are given in the order in which neighbours come.
        let age = |slot: usize| links[slot].conn().serial();
        let place = self
            .0
            .partition_point(|&other| age(usize::from(other)) < age(slot));
        self.0.insert(place, links[slot].conn().short_slot());
    }

    /// This one does no longer, if it did.
    pub(super) fn remove(&mut self, slot: usize) {
        self.0.retain(|&other| usize::from(other) != slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ConnId;
    use crate::time::Instant;

    #[test]
    fn they_stand_by_age_whatever_their_slots_are() {
        // The neighbour in slot 1 left, and another came.
        let serials = [0, 7, 2, 3];
        let link = |(slot, &serial)| Link::new(ConnId::new(serial, slot), Instant::ZERO);
        let links: Vec<Link> = (0..).zip(&serials).map(link).collect();
        let mut slots = Slots::default();
        for slot in [3, 1, 0, 2] {
            slots.insert(slot, &links);
        }
        assert_eq!(slots.iter().collect::<Vec<_>>(), [0, 2, 3, 1]);
        slots.remove(2);
        slots.remove(2);
        assert_eq!(
            (slots.len(), slots.get(1), slots.get(3)),
            (3, Some(3), None)
        );
    }
}
