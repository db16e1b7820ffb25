//! When the pieces of a live stream were made, from the playhead on.

use alloc::collections::VecDeque;

use crate::geometry::{PieceIndex, Window};
use crate::time::Instant;

/// A piece that is not here.
const NEVER: Instant = Instant::FAR;

/// See the module. By place, so that one is found at once: as long as two windows at most.
#[derive(Debug, Default)]
pub(super) struct Made {
    first: PieceIndex,
    at: VecDeque<Instant>,
}

impl Made {
    /// Bytes of memory beside its own.
    pub(super) fn bytes(&self) -> usize {
        self.at.capacity() * size_of::<Instant>()
    }

    /// This piece of the window was made then; what lies before the window will not be asked for again.
    pub(super) fn note(&mut self, piece: PieceIndex, at: Instant, window: Window) {
        self.forget_before(window.base);
        let end = u64::from(piece.0) + u64::from(window.length);
        if self.at.is_empty() || end <= u64::from(self.first.0) {
            // The window has gone back: nothing of what is known lies in it.
            self.at.clear();
            self.first = piece;
        }
        while piece < self.first {
            self.at.push_front(NEVER);
            self.first.0 -= 1;
        }
        let place = (piece.0 - self.first.0) as usize;
        if self.at.len() <= place {
            self.at.resize(place + 1, NEVER);
        }
        self.at[place] = at;
    }

    /// When the piece was made; `None` of one that is not here.
    pub(super) fn of(&self, piece: PieceIndex) -> Option<Instant> {
        let place = piece.0.checked_sub(self.first.0)?;
        let at = self.at.get(place as usize).copied();
        at.filter(|&at| at != NEVER)
    }

    /// Pieces before this one are played.
    pub(super) fn forget_before(&mut self, first: PieceIndex) {
        if let Some(played @ 1..) = first.0.checked_sub(self.first.0) {
            self.at.drain(..self.at.len().min(played as usize));
            self.first = first;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    fn window(base: u32) -> Window {
        Window {
            base: PieceIndex(base),
            length: 10,
        }
    }

    #[test]
    fn what_is_noted_is_found_until_it_is_played() {
        let mut made = Made::default();
        let second = Instant::from_nanos;
        let note = |made: &mut Made, piece: u32, base| {
            made.note(PieceIndex(piece), second(piece.into()), window(base));
        };
        let found = |made: &Made| -> Vec<u32> {
            let all = (0..3000).filter(|&piece| {
                let of = made.of(PieceIndex(piece));
                assert!(of.is_none_or(|at| at == second(piece.into())));
                of.is_some()
            });
            all.collect()
        };
        // In any order, with holes.
        for piece in [14, 12, 19, 13] {
            note(&mut made, piece, 11);
        }
        assert_eq!(found(&made), [12, 13, 14, 19]);
        made.forget_before(PieceIndex(13));
        made.forget_before(PieceIndex(12));
        assert_eq!(found(&made), [13, 14, 19]);
        // Never longer than two windows, wherever they go.
        note(&mut made, 2009, 2000);
        assert_eq!((found(&made), made.at.len()), (vec![2009], 1));
        note(&mut made, 2001, 2000);
        assert_eq!((found(&made), made.at.len()), (vec![2001, 2009], 9));
        note(&mut made, 7, 5);
        assert_eq!((found(&made), made.at.len()), (vec![7], 1));
        note(&mut made, 6, 5);
        assert_eq!((found(&made), made.at.len()), (vec![6, 7], 2));
        // A source forgets without being told: a day of its pieces takes a window's room.
        for piece in 8..2500 {
            note(&mut made, piece, piece.saturating_sub(9));
        }
        assert_eq!((made.at.len(), made.of(PieceIndex(2489))), (10, None));
        assert!(made.of(PieceIndex(2490)).is_some() && made.bytes() < 1000);
    }
}
