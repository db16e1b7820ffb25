//! One connection, as one end sees it: a small record that every message looks at, and a lane
//! with what only blocks need. They lie apart, for in a big swarm every cache line is a miss.

use std::collections::VecDeque;

use swarmbed_engine::{Block, ConnId};

use crate::links::Flow;
use crate::mail::{Body, Door};

/// What every message looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conn {
    pub(crate) id: ConnId,
    /// The other's name of it; none while dialling.
    pub(crate) door: Door,
    /// The other's number.
    pub(crate) peer: u32,
    /// One way, in nanoseconds.
    latency: u32,
    /// A block is being sent.
    pub(crate) busy: bool,
}

const _: () = assert!(size_of::<Option<Conn>>() <= 28);

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
    pub(crate) queue: VecDeque<Block>,
    pub(crate) sending: Option<Sending>,
    /// What was said while the block is being sent: it goes right after.
    pub(crate) waiting: VecDeque<Body>,
    pub(crate) flow: Flow,
}

impl Conn {
    /// A connection with nothing under way.
    pub(crate) fn new(id: ConnId, peer: u32, door: Door, latency: u64) -> Self {
        Self {
            id,
            door,
            peer,
            latency: u32::try_from(latency).expect("checked with the setup"),
            busy: false,
        }
    }

    /// Handshakes are exchanged.
    pub(crate) fn is_open(&self) -> bool {
        self.door != Door::NONE
    }

    /// One way, in nanoseconds.
    pub(crate) fn latency(&self) -> u64 {
        u64::from(self.latency)
    }

    /// Where mail to the other end goes.
    pub(crate) const fn other(&self) -> (u32, Door) {
        (self.peer, self.door)
    }
}

impl Lane {
    /// With nothing under way.
    pub(crate) const fn new(flow: Flow) -> Self {
        Self {
            queue: VecDeque::new(),
            sending: None,
            waiting: VecDeque::new(),
            flow,
        }
    }
}
