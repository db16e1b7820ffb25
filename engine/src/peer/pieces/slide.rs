//! Moving the window of a live stream: what falls out is dropped, what comes in is missing.
//!
//! Owns the two edges that a movie does not have: the window's base, and the floor below which a
//! missing piece is no longer wanted, for the playhead has passed it. The window moves in steps,
//! so that its cost is spread over many pieces.

use alloc::vec::Vec;

use super::PieceTable;
use crate::geometry::PieceIndex;

impl PieceTable {
    /// The first piece kept is this one; for a table in which nothing happened yet.
    pub(crate) fn begin_at(&mut self, base: PieceIndex) {
        self.window.base = base;
    }

    /// Missing pieces below this offset are no longer wanted.
    pub(crate) const fn floor(&self) -> usize {
        self.floor
    }

    /// Whether the piece is missing and wanted.
    pub(crate) fn lacks(&self, offset: usize) -> bool {
        offset >= self.floor && !self.have.contains(offset)
    }

    /// Playback has passed all before `offset`: what is missing there is no longer wanted.
    /// Returns the pieces given up.
    pub(crate) fn raise_floor(&mut self, offset: usize) -> Vec<usize> {
        let mut given_up = Vec::new();
        while self.floor < offset.min(self.window.length as usize) {
            let one = self.floor;
            if !self.have.contains(one) {
                self.started.finish(one);
                self.deselect(one);
                self.missing_bytes -= u64::from(self.geometry.piece_length());
                given_up.push(one);
            }
            self.floor += 1;
        }
        given_up
    }

    /// The source made the piece: it is had.
    pub(crate) fn made(&mut self, offset: usize) {
        self.deselect(offset);
        self.verified(offset);
    }

    /// The window's base becomes `by` pieces higher.
    pub(crate) fn advance(&mut self, by: u32) {
        let length = self.window.length;
        let shift = by.min(length) as usize;
        self.raise_floor(shift);
        self.window.base.0 += by;
        self.have.shift_down(by);
        self.selectable.shift_down(by);
        self.shift_owners(shift);
        self.started.shift_down(by);
        let kept = length as usize - shift;
        self.floor -= shift;
        for offset in kept..length as usize {
            self.select(offset);
        }
        self.missing_bytes += u64::from(self.geometry.piece_length()) * shift as u64;
    }

    /// Forgets everything and begins again at `base`.
    pub(crate) fn restart_at(&mut self, base: PieceIndex) {
        self.advance(self.window.length);
        self.window.base = base;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bitfield::Bitfield;
    use crate::geometry::Geometry;
    use crate::id::ConnId;
    use crate::seed::Seed;

    /// What is known of one piece: had, who has it, selectable.
    fn seen(table: &PieceTable, offset: usize) -> (bool, u32, bool) {
        (
            table.have().contains(offset),
            table.owners().availability(offset),
            table.selectable().contains(offset),
        )
    }

    /// Whatever happened before, after a slide every surviving piece is as it was.
    #[test]
    fn sliding_keeps_what_stays_and_forgets_what_falls_out() {
        let mut rng = Seed::from_number(3).stream("slide", 0);
        let length = 150;
        let geometry = Geometry::live(32_768, length).unwrap();
        let mut table = PieceTable::new(geometry, Bitfield::new(length), 70, &mut rng);
        let conn = ConnId::new(1, 0);
        for _ in 0..3000 {
            let offset = rng.index(length as usize);
            let slot = rng.index(70);
            match rng.below(12) {
                0..5 => drop(table.insert_owner(offset, slot)),
                5 => drop(table.remove_owner(offset, slot)),
                6 | 7 if table.selectable().contains(offset) => drop(table.ask(offset)),
                8 => {
                    let asked: Vec<_> = table.asked(offset).collect();
                    if let Some((block, _)) = asked.first() {
                        table.arrived(*block, conn);
                        if table.stored(*block) {
                            table.verified(offset);
                        }
                    }
                }
                9 if rng.chance(0.3) => {
                    let floor = table.floor() + rng.index(3);
                    for given_up in table.raise_floor(floor) {
                        assert!(!table.lacks(given_up));
                    }
                }
                10 if rng.chance(0.5) => {
                    let by = [1, 2, 5, 64, 70, 150][rng.index(6)];
                    let before: Vec<_> =
                        (0..length as usize).map(|one| seen(&table, one)).collect();
                    let base = table.window().base.0;
                    table.advance(by);
                    assert_eq!(table.window().base.0, base + by);
                    for one in 0..length as usize {
                        let was = before.get(one + by as usize);
                        let was = was.copied().unwrap_or((false, 0, true));
                        assert_eq!(seen(&table, one), was, "offset {one}");
                    }
                }
                _ => {}
            }
            table.check();
            let missing = (0..length as usize).filter(|&one| table.lacks(one));
            assert_eq!(table.missing_bytes(), missing.count() as u64 * 32_768);
        }
    }
}
