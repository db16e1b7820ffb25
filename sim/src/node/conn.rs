//! One connection, as one end sees it.

use std::collections::VecDeque;

use swarmbed_engine::{Block, ConnId};

use crate::links::Flow;
use crate::mail::{Body, Door};

/// A block being sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sending {
    pub(crate) block: Block,
    pub(crate) corrupt: bool,
    /// When its first byte could leave.
    pub(crate) first: u64,
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) id: ConnId,
    /// The other's number.
    pub(crate) peer: u32,
    /// The other's name of it; `None` while dialling.
    pub(crate) door: Option<Door>,
    /// One way, in nanoseconds.
    pub(crate) latency: u64,
    /// Blocks not begun.
    pub(crate) queue: VecDeque<Block>,
    pub(crate) sending: Option<Sending>,
    /// What was said while the block is being sent: it goes right after.
    pub(crate) waiting: VecDeque<Body>,
    pub(crate) flow: Flow,
}

impl Conn {
    /// A connection with nothing under way.
    pub(crate) const fn new(
        id: ConnId,
        peer: u32,
        door: Option<Door>,
        latency: u64,
        flow: Flow,
    ) -> Self {
        Self {
            id,
            peer,
            door,
            latency,
            queue: VecDeque::new(),
            sending: None,
            waiting: VecDeque::new(),
            flow,
        }
    }

    /// Handshakes are exchanged.
    pub(crate) const fn is_open(&self) -> bool {
        self.door.is_some()
    }
}
