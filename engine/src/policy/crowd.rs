//! The other neighbours, as a selector may see them: who is fast, and who was asked for what.
//!
//! Nothing is worked out before it is asked for: most policies never look.

use core::time::Duration;

use crate::geometry::PieceIndex;
use crate::id::ConnId;
use crate::peer::{Flag, Link, Neighbour, PieceTable};
use crate::rate::Rate;
use crate::time::Instant;

/// All neighbours at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Crowd<'a> {
    pub(crate) neighbours: &'a [Option<Neighbour>],
    pub(crate) order: &'a [u16],
    /// The neighbour that is to be asked.
    pub(crate) me: ConnId,
    pub(crate) links: &'a [Link],
    pub(crate) table: &'a PieceTable,
    pub(crate) now: Instant,
}

/// One neighbour at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    neighbour: &'a Neighbour,
    link: &'a Link,
    table: &'a PieceTable,
    now: Instant,
}

impl<'a> Crowd<'a> {
    /// Now.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// How many neighbours, those being dialled among them.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is nobody.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The neighbour that is to be asked.
    #[must_use]
    pub const fn me(&self) -> ConnId {
        self.me
    }

    /// A neighbour by name.
    #[must_use]
    pub fn member(&self, conn: ConnId) -> Option<Member<'a>> {
        let neighbour = self.neighbours.get(conn.slot())?.as_ref()?;
        (neighbour.conn == conn).then_some(Member {
            neighbour,
            link: &self.links[conn.slot()],
            table: self.table,
            now: self.now,
        })
    }

    /// All that are connected, oldest first.
    pub fn members(self) -> impl Iterator<Item = Member<'a>> {
        self.order.iter().filter_map(move |&slot| {
            let neighbour = self.neighbours[usize::from(slot)].as_ref()?;
            self.links[usize::from(slot)]
                .is(Flag::Open)
                .then_some(Member {
                    neighbour,
                    link: &self.links[usize::from(slot)],
                    table: self.table,
                    now: self.now,
                })
        })
    }

    /// All that are connected but the one that is to be asked.
    pub fn others(self) -> impl Iterator<Item = Member<'a>> {
        let me = self.me;
        self.members().filter(move |one| one.conn() != me)
    }
}

impl Member<'_> {
    /// Who.
    #[must_use]
    pub const fn conn(&self) -> ConnId {
        self.neighbour.conn
    }

    /// What it gives us, over the last 20 s.
    #[must_use]
    pub fn down(&self) -> Rate {
        self.neighbour.down.rate(self.now)
    }

    /// Blocks it gave us since it connected.
    #[must_use]
    pub const fn blocks_in(&self) -> u32 {
        self.neighbour.blocks_in
    }

    /// It lets us ask, and does not leave us waiting.
    #[must_use]
    pub const fn answers(&self) -> bool {
        !self.link.is(Flag::TheyChoke) && !self.neighbour.snubbed
    }

    /// It chokes us.
    #[must_use]
    pub const fn chokes_us(&self) -> bool {
        self.link.is(Flag::TheyChoke)
    }

    /// Whether it has the piece.
    #[must_use]
    pub fn has(&self, offset: usize) -> bool {
        self.table.owners().owns(offset, self.neighbour.conn.slot())
    }

    /// Requests it has not answered.
    #[must_use]
    pub const fn outstanding(&self) -> usize {
        self.neighbour.requests.len()
    }

    /// Blocks of the piece that it was asked for, and that are not asked of others instead.
    #[must_use]
    pub fn asked_of(&self, offset: usize) -> usize {
        let piece = self.table.window().piece(offset);
        self.requests(piece, false)
    }

    /// It is late with a block of the piece, which others are asked for instead.
    #[must_use]
    pub fn is_late_with(&self, offset: usize) -> bool {
        let piece = self.table.window().piece(offset);
        self.requests(piece, true) > 0
    }

    fn requests(&self, piece: PieceIndex, given_up: bool) -> usize {
        self.neighbour
            .requests
            .iter()
            .filter(|one| one.block().piece == piece && one.given_up == given_up)
            .count()
    }

    /// How long until one more block would be here, if it gives `rate`.
    #[must_use]
    pub fn queue_time(&self, rate: Rate) -> Duration {
        let blocks = u64::try_from(self.outstanding()).unwrap_or(u64::MAX);
        let bytes = blocks.saturating_add(1) * u64::from(self.table.geometry().block_length());
        Duration::from_nanos(rate.nanos_for(bytes))
    }
}
