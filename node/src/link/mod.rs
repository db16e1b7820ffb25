//! One connection: its handshake, its reading task and its writing task.
//!
//! Owns bytes on a socket; must not know what they are for. Reading and writing are separate
//! tasks that talk to the swarm's task by bounded queues, so neither waits for the other.

mod handshake;
mod reader;
mod stream;
mod writer;

use std::sync::Arc;

use swarmbed_engine::wire::{Encoder, Handshake};
use swarmbed_engine::{Block, ConnId, Message};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::line::Line;
use crate::mail::MailSender;
use crate::store::Store;

pub(crate) use handshake::{OBFUSCATED, dial, greet, hear};
pub(crate) use stream::Stream;
pub(crate) use writer::CREDITS_FIRST;

/// Messages that may wait for one neighbour's socket; one more and it is closed.
const OUTGOING_MAX: usize = 16 * 1024;

/// What all connections of a swarm share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) storage: Store,
    pub(crate) pieces: u32,
    pub(crate) mail: MailSender,
    pub(crate) line: Arc<Line>,
}

/// Something to write.
#[derive(Debug)]
enum Outgoing {
    /// May pass blocks that are not begun.
    Control(Vec<u8>),
    /// May pass nothing: a choke after a block means that the block is still meant.
    Ordered(Vec<u8>),
    /// A block, to be read from storage, and its name on the wire.
    Block(Block, Block),
}

/// The queue of this connection is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overflow;

/// The swarm's end of an open connection. Dropping it ends the connection.
#[derive(Debug)]
pub(crate) struct Link {
    outgoing: mpsc::Sender<Outgoing>,
    encoder: Encoder,
    tasks: [AbortHandle; 2],
}

impl Link {
    /// Starts reading and writing; writes `greeting` first, on a connection that came in.
    pub(crate) fn start(
        conn: ConnId,
        stream: Stream,
        shared: &Arc<Shared>,
        greeting: Option<Handshake>,
    ) -> Self {
        let (read, write) = stream.split();
        let (outgoing, queue) = mpsc::channel(OUTGOING_MAX);
        if let Some(ours) = greeting {
            let first = Outgoing::Control(ours.encode().to_vec());
            outgoing.try_send(first).expect("an empty queue has room");
        }
        let reader = tokio::spawn(reader::run(conn, read, Arc::clone(shared)));
        let writer = tokio::spawn(writer::run(conn, write, queue, Arc::clone(shared)));
        Self {
            outgoing,
            encoder: Encoder::new(),
            tasks: [reader.abort_handle(), writer.abort_handle()],
        }
    }

    /// A message came; an extension handshake teaches how to speak to this neighbour.
    pub(crate) fn learn(&mut self, message: &Message) {
        if let Message::Extended(extended) = message
            && let swarmbed_engine::Extended::Handshake(handshake) = &**extended
        {
            self.encoder.learn(handshake);
        }
    }

    /// Queues a control message; what the neighbour does not speak is dropped.
    pub(crate) fn send(&self, message: &Message) -> Result<(), Overflow> {
        let mut bytes = Vec::with_capacity(message.wire_len() as usize);
        if self.encoder.encode(message, &mut bytes).is_err() {
            return Ok(());
        }
        let outgoing = match message {
            Message::Choke => Outgoing::Ordered(bytes),
            _ => Outgoing::Control(bytes),
        };
        self.outgoing.try_send(outgoing).or(Err(Overflow))
    }

    /// Queues a block that is named `written` on the wire.
    pub(crate) fn send_block(&self, block: Block, written: Block) -> Result<(), Overflow> {
        self.outgoing
            .try_send(Outgoing::Block(block, written))
            .or(Err(Overflow))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}
