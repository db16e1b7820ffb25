//! One connection, as one end sees it: a small record that every message looks at, and a lane
//! with what only blocks need. They lie apart, for in a big swarm every cache line is a miss.

use std::collections::VecDeque;

use swarmbed_engine::{Block, ConnId};

use crate::links::Flow;
use crate::mail::{Body, Door};

/// What every message looks at: two names, each a serial and a slot, taken apart to lie closer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conn {
    serial: u32,
    /// The other's name of it; none while dialling.
    door_serial: u32,
    /// The other's number.
    pub(crate) peer: u32,
    /// One way, in nanoseconds.
    pub(super) latency: u32,
    slot: u16,
    door_slot: u16,
    /// A block is being sent.
    pub(crate) busy: bool,
}

/// A place for a connection, and its lane if blocks were sent on it.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    pub(crate) conn: Option<Conn>,
    pub(crate) lane: Option<Box<Lane>>,
}

const _: () = assert!(size_of::<Slot>() == 32);

/// Blocks that may wait in the transport (DESIGN 4 "Back-pressure"): since one more is granted the
/// moment one begins, two always keep the link busy.
pub(crate) const CREDIT: u16 = 2;

/// Blocks that wait in the transport.
#[derive(Debug, Default)]
pub(crate) struct Queue([Option<Block>; CREDIT as usize]);

impl Queue {
    /// None waits.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0[0].is_none()
    }

    /// Puts one last.
    pub(crate) fn push_back(&mut self, block: Block) {
        let free = self.0.iter_mut().find(|place| place.is_none());
        *free.expect("no more than there is credit for") = Some(block);
    }

    /// Takes the first.
    pub(crate) fn pop_front(&mut self) -> Option<Block> {
        let first = self.0[0]?;
        self.0.rotate_left(1);
        self.0[CREDIT as usize - 1] = None;
        Some(first)
    }
}

/// A block being sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sending {
    pub(crate) block: Block,
    pub(crate) corrupt: bool,
    /// When its first byte could leave.
    pub(crate) first: u64,
}

/// What only blocks need.
#[derive(Debug)]
pub(crate) struct Lane {
    /// Blocks not begun.
    pub(crate) queue: Queue,
    pub(crate) sending: Option<Sending>,
    /// What was said while the block is being sent: it goes right after.
    pub(crate) waiting: VecDeque<Body>,
    pub(crate) flow: Flow,
}

impl Conn {
    /// A connection with nothing under way.
    pub(crate) fn new(id: ConnId, peer: u32, door: Door, latency: u64) -> Self {
        let Door { serial, slot } = id.into();
        Self {
            serial,
            door_serial: door.serial,
            peer,
            latency: u32::try_from(latency).expect("checked with the setup"),
            slot,
            door_slot: door.slot,
            busy: false,
        }
    }

    /// What its own end calls it.
    pub(crate) const fn id(&self) -> ConnId {
        ConnId::new(self.serial, self.slot)
    }

    /// Its place.
    pub(crate) const fn slot(&self) -> usize {
        self.slot as usize
    }

    /// What the other end calls it; none while dialling.
    pub(crate) const fn door(&self) -> Door {
        Door {
            serial: self.door_serial,
            slot: self.door_slot,
        }
    }

    /// The other end has named it.
    pub(crate) const fn named(&mut self, door: Door) {
        self.door_serial = door.serial;
        self.door_slot = door.slot;
    }

    /// This is its name.
    pub(crate) const fn is(&self, door: Door) -> bool {
        self.serial == door.serial
    }

    /// Handshakes are exchanged.
    pub(crate) fn is_open(&self) -> bool {
        self.door() != Door::NONE
    }

    /// One way, in nanoseconds.
    pub(crate) fn latency(&self) -> u64 {
        u64::from(self.latency)
    }

    /// Where mail to the other end goes.
    pub(crate) const fn other(&self) -> (u32, Door) {
        (self.peer, self.door())
    }
}

impl Lane {
    /// With nothing under way.
    pub(crate) fn new(flow: Flow) -> Self {
        Self {
            queue: Queue::default(),
            sending: None,
            waiting: VecDeque::new(),
            flow,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmbed_engine::PieceIndex;

    #[test]
    fn blocks_leave_in_the_order_they_came() {
        let block = |piece| Block {
            piece: PieceIndex(piece),
            begin: 0,
            length: 16_384,
        };
        let mut queue = Queue::default();
        assert!(queue.pop_front().is_none());
        queue.push_back(block(1));
        queue.push_back(block(2));
        assert_eq!(queue.pop_front(), Some(block(1)));
        queue.push_back(block(3));
        assert_eq!(queue.pop_front(), Some(block(2)));
        assert_eq!(queue.pop_front(), Some(block(3)));
        assert!(queue.pop_front().is_none());
    }
}
