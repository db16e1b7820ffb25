//! A piece selector without a swarm: for reduced worlds, which take the network and the connections
//! away and leave the choice as shipped (the closed forms of papers.md 4.4 and 4.6 know no more).
//!
//! Owns what everybody has; it is told whose turn it is. Nobody plays, nothing is asked and not yet
//! here, and a selector that looks at the crowd sees nobody.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::crowd::Crowd;
use super::select::{PieceSelector, SelectView};
use super::selectors::SelectorConfig;
use crate::bitfield::Bitfield;
use crate::error::ConfigError;
use crate::geometry::Geometry;
use crate::id::ConnId;
use crate::peer::PieceTable;
use crate::seed::{Rng, Seed};
use crate::time::Instant;

/// See the module.
#[derive(Debug)]
pub struct Chooser {
    selector: Box<dyn PieceSelector>,
    table: PieceTable,
    rng: Rng,
    others: u16,
}

impl Chooser {
    /// A selector over a window of `pieces`, and `others` who have none of them.
    ///
    /// # Errors
    /// If there are no pieces, or too many.
    pub fn new(
        selector: &SelectorConfig,
        pieces: u32,
        others: u16,
        seed: Seed,
    ) -> Result<Self, ConfigError> {
        let piece = Geometry::BLOCK;
        let geometry = Geometry::new(u64::from(pieces) * u64::from(piece), piece)?;
        let have = Bitfield::new(pieces);
        Ok(Self {
            selector: selector.build(),
            table: PieceTable::new(geometry, have, others, &mut seed.stream("order", 0)),
            rng: seed.stream("select", 0),
            others,
        })
    }

    /// This other has the piece at `offset`.
    ///
    /// # Panics
    /// If there is no such other or no such piece.
    pub fn insert(&mut self, other: u16, offset: usize) {
        assert!(other < self.others, "there are {} others", self.others);
        self.table.insert_owner(offset, usize::from(other));
    }

    /// This other has nothing any more: another stands in its place.
    pub fn clear(&mut self, other: u16) {
        self.table.clear_owner(usize::from(other));
    }

    /// The window moves: every offset becomes lower by `by`, and the lowest fall out.
    pub fn slide(&mut self, by: u32) {
        self.table.shift_owners(by as usize);
    }

    /// The offset that one who has `have` asks of this other. Of equally rare pieces everybody
    /// has an order of their own; `whose` names it.
    ///
    /// # Panics
    /// If the selector chooses what is no candidate, as in a swarm.
    pub fn choose(&mut self, have: &Bitfield, whose: u32, other: u16) -> Option<usize> {
        self.table.stand_for(have, whose, usize::from(other));
        let no_neighbours = Vec::new();
        let view = SelectView {
            table: &self.table,
            slot: usize::from(other),
            playhead: 0,
            player: None,
            crowd: Crowd {
                neighbours: &no_neighbours,
                order: &[],
                me: ConnId::new(0, other),
                links: &[],
                table: &self.table,
                now: Instant::ZERO,
            },
        };
        let chosen = self.selector.select(&view, &mut self.rng)?;
        assert!(
            view.is_candidate(chosen),
            "the selector chose {chosen}, which is no candidate"
        );
        Some(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_chooses_as_the_policy_does() {
        let pieces = 10;
        let chooser = |name: &str| {
            let selector = SelectorConfig::from_name(name).unwrap();
            let mut chooser = Chooser::new(&selector, pieces, 3, Seed::from_number(1)).unwrap();
            for offset in 0..10 {
                chooser.insert(0, offset);
            }
            for offset in (0..10).filter(|offset| *offset != 7) {
                chooser.insert(1, offset);
            }
            chooser
        };
        let mut have = Bitfield::new(pieces);
        have.insert(0);
        assert_eq!(chooser("in-order").choose(&have, 0, 0), Some(1));
        assert_eq!(chooser("latest-useful").choose(&have, 0, 0), Some(9));
        let mut rarest = chooser("rarest-first");
        assert_eq!(rarest.choose(&have, 0, 0), Some(7));
        assert_eq!(rarest.choose(&have, 0, 2), None, "it has nothing");
        rarest.slide(2);
        assert_eq!(rarest.choose(&have, 0, 0), Some(5));
        rarest.clear(0);
        assert_eq!(rarest.choose(&have, 0, 0), None);
        // Equally rare pieces: an order of one's own.
        let mut even = chooser("rarest-first");
        even.clear(1);
        let choices: Vec<_> = (0..20).map(|who| even.choose(&have, who, 0)).collect();
        assert!(choices.iter().any(|choice| *choice != choices[0]));
    }
}
