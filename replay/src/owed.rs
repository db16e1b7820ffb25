//! What one neighbour owes one peer, in the order it was asked for.

use std::collections::VecDeque;

use swarmbed_engine::Block;

/// Blocks taken back that are remembered: they may come all the same.
const TAKEN_BACK_MAX: usize = 256;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owed {
    asked: VecDeque<Block>,
    taken_back: VecDeque<Block>,
}

/// Which of the blocks it owes a neighbour sent or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// So many had been asked for before it, and are owed still.
    After(usize),
    /// This one, which had been taken back.
    TakenBack(Block),
    /// None that was asked for.
    Unasked,
}

impl Owed {
    pub(crate) fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    pub(crate) fn ask(&mut self, block: Block) {
        self.asked.push_back(block);
    }

    pub(crate) fn take_back(&mut self, block: Block) {
        if let Some(place) = self.asked.iter().position(|one| *one == block) {
            self.asked.remove(place);
            self.taken_back.push_back(block);
            if self.taken_back.len() > TAKEN_BACK_MAX {
                self.taken_back.pop_front();
            }
        }
    }

    /// Nothing is owed any more; what it was.
    pub(crate) fn forgive(&mut self) -> VecDeque<Block> {
        std::mem::take(&mut self.asked)
    }

    /// The neighbour answers for `block`.
    pub(crate) fn answered(&mut self, block: Block) -> Which {
        if let Some(place) = self.asked.iter().position(|one| *one == block) {
            self.asked.remove(place);
            return Which::After(place);
        }
        match self.taken_back.iter().position(|one| *one == block) {
            Some(place) => {
                self.taken_back.remove(place);
                Which::TakenBack(block)
            }
            None => Which::Unasked,
        }
    }

    /// What the same answer is to this peer: it asked for other blocks, or in another order, and
    /// gets the one in the same place, or its last.
    pub(crate) fn same(&mut self, which: Which) -> Option<Block> {
        match which {
            Which::After(place) => {
                let place = place.min(self.asked.len().checked_sub(1)?);
                self.asked.remove(place)
            }
            Which::TakenBack(block) => {
                let place = self.taken_back.iter().position(|one| *one == block)?;
                self.taken_back.remove(place)
            }
            Which::Unasked => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmbed_engine::PieceIndex;

    fn block(piece: u32) -> Block {
        Block {
            piece: PieceIndex(piece),
            begin: 0,
            length: 16_384,
        }
    }

    #[test]
    fn an_answer_goes_to_the_same_place() {
        let (mut one, mut other) = (Owed::default(), Owed::default());
        for piece in 0..3 {
            one.ask(block(piece));
            other.ask(block(10 + piece));
        }
        let which = one.answered(block(1));
        assert_eq!(which, Which::After(1));
        assert_eq!(other.same(which), Some(block(11)));
        let which = one.answered(block(2));
        assert_eq!(other.same(which), Some(block(12)));
        // It asked for fewer: its last, then nothing.
        one.ask(block(3));
        let which = one.answered(block(3));
        assert_eq!(which, Which::After(1));
        assert_eq!(other.same(which), Some(block(10)));
        assert_eq!(other.same(Which::After(0)), None);
        // What was taken back comes to one who took the same back.
        one.take_back(block(0));
        let which = one.answered(block(0));
        assert_eq!(which, Which::TakenBack(block(0)));
        assert_eq!(other.same(which), None);
        other.ask(block(0));
        other.take_back(block(0));
        assert_eq!(other.same(which), Some(block(0)));
        assert_eq!(one.answered(block(9)), Which::Unasked);
        assert!(one.is_empty() && other.is_empty());
    }
}
