//! How many pieces each neighbour has of which a block is asked of nobody: its *candidates*.
//!
//! Owns the count, so every change of who has a piece, and of which pieces are selectable, goes through here. Nearly
//! all neighbours have none nearly always, and each is looked at whenever anything comes.

use super::PieceTable;
use crate::bitfield::Bitfield;

impl PieceTable {
    /// Candidates of the neighbour in `slot`.
    pub(crate) fn candidates_of(&self, slot: usize) -> u32 {
        self.candidates[slot]
    }

    /// The neighbour in `slot` has the piece; true if that is new.
    pub(crate) fn insert_owner(&mut self, offset: usize, slot: usize) -> bool {
        let new = self.owners.insert(offset, slot);
        self.candidates[slot] += u32::from(new && self.selectable.contains(offset));
        new
    }

    /// The neighbour in `slot` has the piece no longer; true if it had.
    pub(crate) fn remove_owner(&mut self, offset: usize, slot: usize) -> bool {
        let had = self.owners.remove(offset, slot);
        self.candidates[slot] -= u32::from(had && self.selectable.contains(offset));
        had
    }

    /// The neighbour in `slot`, of whom nothing was known, has these pieces.
    pub(crate) fn set_owner(&mut self, theirs: &Bitfield, slot: usize) {
        self.owners.set(theirs, slot);
        self.candidates[slot] = self.count(slot);
    }

    /// The neighbour in `slot` has these pieces and no others.
    pub(crate) fn replace_owner(&mut self, theirs: &Bitfield, slot: usize) {
        self.owners.replace(theirs, slot);
        self.candidates[slot] = self.count(slot);
    }

    /// The neighbour in `slot` is gone.
    pub(crate) fn clear_owner(&mut self, slot: usize) {
        self.owners.clear(slot);
        self.candidates[slot] = 0;
    }

    /// Every offset becomes lower by `by`. Of what falls out nothing may be selectable, but in a table that is to stand
    /// for somebody else next: `stand_for` counts anew.
    pub(crate) fn shift_owners(&mut self, by: usize) {
        self.owners.shift_down(by);
    }

    /// A block of the piece is asked of nobody.
    pub(super) fn select(&mut self, offset: usize) {
        if self.selectable.insert(offset) {
            let owners = self.owners.of_all(offset);
            for (candidates, has) in self.candidates.iter_mut().zip(owners) {
                *candidates = candidates.wrapping_add(has);
            }
        }
    }

    /// Nothing of the piece is left to ask for.
    pub(super) fn deselect(&mut self, offset: usize) {
        if self.selectable.remove(offset) {
            let owners = self.owners.of_all(offset);
            for (candidates, has) in self.candidates.iter_mut().zip(owners) {
                *candidates = candidates.wrapping_sub(has);
            }
        }
    }

    pub(super) fn count(&self, slot: usize) -> u32 {
        let theirs = self.owners.from(0).map(|owned| owned.map(slot));
        let both = theirs.zip(self.selectable.words());
        both.map(|(theirs, ours)| (theirs & ours).count_ones())
            .sum()
    }
}
