//! What the swarm has to say → bytes to a neighbour.
//!
//! Control messages pass blocks that are not begun. Credit goes back for each block the socket
//! took, so that at most 200 ms' worth of blocks (two at least) have left the engine's hands.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use swarmbed_engine::wire::{Encoder, encode_piece_header};
use swarmbed_engine::{Block, CloseReason, ConnId, Message};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep_until, timeout};

use super::stream::Writing;
use super::{Outgoing, Shared};
use crate::mail::Mail;

/// Blocks granted at first, and at least.
pub(crate) const CREDITS_FIRST: u16 = 2;
/// Blocks granted at most: 200 ms at 20 MiB/s.
const CREDITS_MAX: u16 = 256;
/// What is granted lasts about this long.
const CREDIT_TIME: Duration = Duration::from_millis(200);
/// A socket that takes nothing for this long belongs to a neighbour that is better not served now.
const UNREAD_AFTER: Duration = Duration::from_secs(4);
/// Blocks read and written at one go: as many as go in a twentieth of a second, so that control
/// messages do not wait longer for them.
const BATCH_MAX: usize = 16;
const BATCH_TIMES: u16 = 4;
/// A socket that takes nothing for this long is over.
const STUCK_MAX: Duration = Duration::from_secs(60);

struct Writer {
    conn: ConnId,
    stream: Writing,
    incoming: Receiver<Outgoing>,
    shared: Arc<Shared>,
    control: Vec<u8>,
    /// What blocks are read into, again and again.
    buffer: Vec<u8>,
    queue: VecDeque<Outgoing>,
    credits: u16,
    /// Blocks written since the time given.
    measured: (Instant, u32),
}

/// Why writing ended.
enum End {
    /// The swarm let go of the link.
    Dropped,
    /// This happened.
    Closed(CloseReason),
}

pub(super) async fn run(
    conn: ConnId,
    stream: Writing,
    incoming: Receiver<Outgoing>,
    shared: Arc<Shared>,
) {
    let mut writer = Writer {
        conn,
        stream,
        incoming,
        shared,
        control: Vec::new(),
        buffer: Vec::new(),
        queue: VecDeque::new(),
        credits: CREDITS_FIRST,
        measured: (Instant::now(), 0),
    };
    if let Err(End::Closed(reason)) = writer.write().await {
        let mail = Mail::Closed(conn, reason);
        let _ = writer.shared.mail.send(mail).await;
    }
}

impl Writer {
    async fn write(&mut self) -> Result<(), End> {
        loop {
            if self.control.is_empty() && self.queue.is_empty() {
                let outgoing = self.incoming.recv().await.ok_or(End::Dropped)?;
                self.sort(outgoing);
            }
            while let Ok(outgoing) = self.incoming.try_recv() {
                self.sort(outgoing);
            }
            self.write_control().await?;
            let blocks = self.next_blocks();
            if !blocks.is_empty() {
                self.write_blocks(blocks).await?;
            } else if let Some(Outgoing::Ordered(bytes) | Outgoing::Control(bytes)) =
                self.queue.pop_front()
            {
                self.write_all(&bytes).await?;
            }
        }
    }

    /// A control message passes blocks, but never another message.
    fn sort(&mut self, outgoing: Outgoing) {
        let behind_choke = || {
            let is_message = |waiting: &Outgoing| !matches!(waiting, Outgoing::Block(..));
            self.queue.iter().any(is_message)
        };
        match outgoing {
            Outgoing::Control(bytes) if !behind_choke() => self.control.extend_from_slice(&bytes),
            other => self.queue.push_back(other),
        }
    }

    async fn write_control(&mut self) -> Result<(), End> {
        if self.control.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.control);
        self.write_all(&bytes).await
    }

    /// The blocks at the head of the queue that go together.
    fn next_blocks(&mut self) -> Vec<(Block, Block)> {
        // A limit is kept block by block.
        let most = match self.shared.line.is_limited() {
            true => 1,
            false => usize::from(self.credits / BATCH_TIMES).clamp(1, BATCH_MAX),
        };
        let mut blocks = Vec::new();
        while blocks.len() < most
            && let Some(Outgoing::Block(block, written)) = self.queue.front()
        {
            blocks.push((*block, *written));
            self.queue.pop_front();
        }
        blocks
    }

    async fn write_blocks(&mut self, blocks: Vec<(Block, Block)>) -> Result<(), End> {
        let storage = self.shared.storage.clone();
        let mut buffer = std::mem::take(&mut self.buffer);
        let read = tokio::task::spawn_blocking(move || {
            let (mut at, mut whole) = (0, 0);
            for (block, written) in &blocks {
                let end = at + 13 + block.length as usize;
                if buffer.len() < end {
                    buffer.resize(end, 0);
                }
                buffer[at..at + 13].copy_from_slice(&encode_piece_header(*written));
                if storage.read(*block, &mut buffer[at + 13..end]).is_err() {
                    break;
                }
                (at, whole) = (end, whole + 1);
            }
            (buffer, at, blocks, whole)
        });
        let Ok((buffer, length, blocks, whole)) = read.await else {
            return Err(End::Closed(CloseReason::Leaving));
        };
        if whole > 0 {
            self.wait_for_the_line(length).await?;
            self.write_all(&buffer[..length]).await?;
        }
        self.buffer = buffer;
        if whole < blocks.len() {
            // A block that we said we have and cannot read: better no neighbour than a broken word.
            if !self.shared.storage.moves_on() {
                return Err(End::Closed(CloseReason::Leaving));
            }
            // Its socket was so slow that the window moved on meanwhile (BEP 6).
            self.refuse(blocks[whole].1).await?;
            for (block, written) in blocks[whole + 1..].iter().rev() {
                self.queue.push_front(Outgoing::Block(*block, *written));
            }
        }
        let done = whole + usize::from(whole < blocks.len());
        self.credit(u16::try_from(done).expect("at most a batch"))
            .await
    }

    /// Until the limit lets so much pass; control messages go meanwhile.
    async fn wait_for_the_line(&mut self, bytes: usize) -> Result<(), End> {
        let due = Instant::now() + self.shared.line.upload.take(bytes);
        while Instant::now() < due {
            tokio::select! {
                () = sleep_until(due) => {}
                outgoing = self.incoming.recv() => {
                    self.sort(outgoing.ok_or(End::Dropped)?);
                    self.write_control().await?;
                }
            }
        }
        Ok(())
    }

    async fn refuse(&mut self, written: Block) -> Result<(), End> {
        let mut bytes = Vec::new();
        let refusal = Encoder::new().encode(&Message::Reject(written), &mut bytes);
        refusal.expect("no extension is needed for it");
        self.write_all(&bytes).await
    }

    /// Gives the blocks' credit back, and more or less as the rate changes.
    async fn credit(&mut self, mut blocks: u16) -> Result<(), End> {
        self.measured.1 += u32::from(blocks);
        let elapsed = self.measured.0.elapsed();
        if elapsed >= CREDIT_TIME {
            let share = CREDIT_TIME.as_secs_f64() / elapsed.as_secs_f64();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a small positive number; the cast saturates"
            )]
            let wish = (f64::from(self.measured.1) * share) as u16;
            let wish = wish.clamp(CREDITS_FIRST, CREDITS_MAX);
            if wish >= self.credits {
                blocks += wish - self.credits;
                self.credits = wish;
            }
            self.measured = (Instant::now(), 0);
            if wish < self.credits {
                let less = blocks.min(self.credits - wish);
                self.credits -= less;
                blocks -= less;
            }
            self.widen();
        }
        if blocks > 0 {
            let mail = Mail::Credit(self.conn, blocks);
            self.shared.mail.send(mail).await.or(Err(End::Dropped))?;
        }
        Ok(())
    }

    /// How much may wait in the kernel follows the rate: a twentieth of a second of it.
    fn widen(&self) {
        let bytes = u32::from(self.credits / BATCH_TIMES) * swarmbed_engine::Geometry::BLOCK;
        self.stream.let_wait(bytes);
    }

    async fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), End> {
        while !bytes.is_empty() {
            let written = match timeout(UNREAD_AFTER, self.stream.write(bytes)).await {
                Ok(written) => Ok(written),
                Err(_) => {
                    let mail = Mail::Unread(self.conn);
                    self.shared.mail.send(mail).await.or(Err(End::Dropped))?;
                    timeout(STUCK_MAX - UNREAD_AFTER, self.stream.write(bytes)).await
                }
            };
            match written {
                Err(_) => return Err(End::Closed(CloseReason::Overflow)),
                Ok(Ok(0) | Err(_)) => return Err(End::Closed(CloseReason::Remote)),
                Ok(Ok(written)) => bytes = &bytes[written..],
            }
        }
        Ok(())
    }
}
