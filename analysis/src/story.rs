//! One viewer's pieces over time: when each became known, was asked for, came, and was due. What a
//! person needs to see why a picture stood still. Sees events only.

use std::collections::BTreeMap;
use std::time::Duration;

use swarmbed_engine::{Event, Instant, PieceIndex};

/// What became of one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PieceStory {
    /// Which; a live stream's numbers may come round.
    pub piece: PieceIndex,
    /// The first neighbour had it.
    pub known: Option<Instant>,
    /// Its first block was first asked for.
    pub requested: Option<Instant>,
    /// It was verified.
    pub complete: Option<Instant>,
    /// It was absent at its first deadline, which was then.
    pub late: Option<Instant>,
    /// It was jumped over.
    pub skipped: bool,
}

/// How many neighbours there are, and how many of them let us ask, from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbours {
    /// From when on.
    pub at: Instant,
    /// Neighbours.
    pub connected: u32,
    /// Of those: they do not choke us.
    pub open: u32,
}

/// The picture's place at a moment; it goes straight from one to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// When.
    pub at: Instant,
    /// Media time.
    pub media: Duration,
}

/// Why a piece was not there when it was due, as far as its own times tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// No neighbour had it yet.
    Unknown,
    /// It was known, and nobody let us ask.
    Choked,
    /// It was known, somebody let us ask, and we had not.
    NotAsked,
    /// It was asked for, and had not come.
    NotCome,
}

impl Want {
    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "no neighbour had it",
            Self::Choked => "all neighbours choked us",
            Self::NotAsked => "not asked for yet",
            Self::NotCome => "asked for, not here yet",
        }
    }
}

/// The story of one viewer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// Pieces, in the order they were first heard of.
    pub pieces: Vec<PieceStory>,
    /// Steps of the neighbourhood.
    pub neighbours: Vec<Neighbours>,
    /// Corners of the playhead's way.
    pub playhead: Vec<Place>,
    /// Where a piece stands in `pieces`, plus 1, by number: the last, if its number came round; 0: nowhere.
    at: Vec<u32>,
    /// Connections by serial number, and whether each neighbour chokes us.
    links: BTreeMap<u32, bool>,
    /// How many of them let us ask.
    open: u32,
    /// The picture moves.
    moving: bool,
}

impl Story {
    /// Enters an event.
    pub fn enter(&mut self, now: Instant, event: &Event) {
        match event {
            Event::PieceKnown(piece) => self.known(now, *piece),
            Event::Requested { block, .. } => self.asked(now, block.piece),
            Event::PieceVerified(piece) => self.of(*piece).complete = Some(now),
            Event::Late(piece) => self.of(*piece).late = Some(now),
            Event::Skipped(piece) => self.of(*piece).skipped = true,
            Event::Connected { conn, .. } => self.link(now, conn.serial(), Some(true)),
            Event::TheyChoke { conn, choked } => self.link(now, conn.serial(), Some(*choked)),
            Event::Disconnected { conn, .. } => self.link(now, conn.serial(), None),
            Event::Started { .. } | Event::Resumed { .. } | Event::Unpaused => self.go(now),
            Event::Stalled(_) | Event::Paused | Event::Ended | Event::Left { .. } => self.stop(now),
            Event::SeekStarted { to } => {
                self.stop(now);
                self.jump(now, *to);
            }
            Event::SeekDone { .. } => self.go(now),
            Event::Rehooked { skipped, .. } => {
                let media = self.media(now) + *skipped;
                self.jump(now, media);
            }
            _ => {}
        }
    }

    /// The peer was gone at `at`, perhaps without a word.
    pub fn close(&mut self, at: Instant) {
        self.stop(at);
    }

    /// Why a late piece was not there, as far as its own times tell.
    #[must_use]
    pub fn why(&self, piece: &PieceStory) -> Option<Want> {
        let due = piece.late?;
        let before = |at: Option<Instant>| at.is_some_and(|at| at < due);
        Some(if before(piece.requested) {
            Want::NotCome
        } else if !before(piece.known) {
            Want::Unknown
        } else if self.open_at(due) == 0 {
            Want::Choked
        } else {
            Want::NotAsked
        })
    }

    fn open_at(&self, at: Instant) -> u32 {
        let place = self.neighbours.partition_point(|step| step.at <= at);
        place
            .checked_sub(1)
            .map_or(0, |last| self.neighbours[last].open)
    }

    fn known(&mut self, now: Instant, piece: PieceIndex) {
        // A number that came round is another piece.
        if let Some(place) = self.at.get_mut(piece.0 as usize)
            && *place > 0
            && self.pieces[*place as usize - 1].complete.is_some()
        {
            *place = 0;
        }
        let story = self.of(piece);
        story.known = story.known.or(Some(now));
    }

    fn of(&mut self, piece: PieceIndex) -> &mut PieceStory {
        let number = piece.0 as usize;
        if number >= self.at.len() {
            self.at.resize(number + 1, 0);
        }
        let place = &mut self.at[number];
        if *place == 0 {
            self.pieces.push(PieceStory {
                piece,
                known: None,
                requested: None,
                complete: None,
                late: None,
                skipped: false,
            });
            *place = u32::try_from(self.pieces.len()).expect("a run has fewer pieces");
        }
        &mut self.pieces[*place as usize - 1]
    }

    fn asked(&mut self, now: Instant, piece: PieceIndex) {
        let story = self.of(piece);
        story.requested = story.requested.or(Some(now));
    }

    /// A neighbour chokes us or not, or is gone.
    fn link(&mut self, now: Instant, serial: u32, choked: Option<bool>) {
        let before = match choked {
            Some(choked) => self.links.insert(serial, choked),
            None => self.links.remove(&serial),
        };
        self.open += u32::from(choked == Some(false));
        self.open -= u32::from(before == Some(false));
        let step = Neighbours {
            at: now,
            connected: u32::try_from(self.links.len()).unwrap_or(u32::MAX),
            open: self.open,
        };
        if let Some(last) = self.neighbours.last_mut()
            && last.at == now
        {
            *last = step;
        } else {
            self.neighbours.push(step);
        }
    }

    /// Media time now.
    fn media(&self, now: Instant) -> Duration {
        self.playhead.last().map_or(Duration::ZERO, |last| {
            if self.moving {
                last.media + now.since(last.at)
            } else {
                last.media
            }
        })
    }

    fn jump(&mut self, now: Instant, media: Duration) {
        self.playhead.push(Place {
            at: now,
            media: self.media(now),
        });
        self.playhead.push(Place { at: now, media });
    }

    fn go(&mut self, now: Instant) {
        if !self.moving {
            let media = self.media(now);
            self.playhead.push(Place { at: now, media });
            self.moving = true;
        }
    }

    fn stop(&mut self, now: Instant) {
        if self.moving {
            let media = self.media(now);
            self.playhead.push(Place { at: now, media });
            self.moving = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmbed_engine::CauseMillis;

    const PIECE: PieceIndex = PieceIndex(7);

    fn at(second: u64) -> Instant {
        Instant::from_secs(second)
    }

    fn told(events: &[(u64, Event)]) -> Story {
        let mut story = Story::default();
        for (second, event) in events {
            story.enter(at(*second), event);
        }
        story
    }

    #[test]
    fn a_late_piece_says_what_it_waited_for() {
        for (steps, want) in [
            (0, Want::Unknown),
            (1, Want::Choked),
            (2, Want::NotAsked),
            (3, Want::NotCome),
        ] {
            let mut story = told(&[]);
            if steps >= 1 {
                story.enter(at(1), &Event::PieceKnown(PIECE));
            }
            if steps >= 2 {
                story.link(at(2), 0, Some(false));
            }
            if steps >= 3 {
                story.asked(at(3), PIECE);
            }
            story.enter(at(5), &Event::Late(PIECE));
            // What comes after the deadline excuses nothing.
            story.link(at(6), 1, Some(false));
            story.asked(at(6), PIECE);
            assert_eq!(story.why(&story.pieces[0]), Some(want));
        }
    }

    #[test]
    fn the_playhead_stands_while_it_stalls() {
        let delay = Duration::from_secs(4);
        let resumed = Event::Resumed {
            piece: PIECE,
            millis: 5000,
            causes: CauseMillis([0, 0, 5000, 0, 0, 0]),
        };
        let mut story = told(&[
            (4, Event::Started { delay }),
            (10, Event::Stalled(PIECE)),
            (15, resumed),
        ]);
        story.close(at(20));
        let way: Vec<(u64, u64)> = story
            .playhead
            .iter()
            .map(|place| {
                (
                    place.at.since(Instant::ZERO).as_secs(),
                    place.media.as_secs(),
                )
            })
            .collect();
        assert_eq!(way, [(4, 0), (10, 6), (15, 6), (20, 11)]);
    }

    #[test]
    fn a_number_that_comes_round_is_another_piece() {
        let story = told(&[
            (1, Event::PieceKnown(PIECE)),
            (2, Event::PieceVerified(PIECE)),
            (9, Event::PieceKnown(PIECE)),
        ]);
        assert_eq!(story.pieces.len(), 2);
        assert_eq!(story.pieces[1].known, Some(at(9)));
    }
}
