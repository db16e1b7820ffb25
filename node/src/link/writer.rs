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
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep_until, timeout};

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
/// A socket that takes nothing for this long is over.
const STUCK_MAX: Duration = Duration::from_secs(60);

struct Writer {
    conn: ConnId,
    stream: OwnedWriteHalf,
    incoming: Receiver<Outgoing>,
    shared: Arc<Shared>,
    control: Vec<u8>,
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
    stream: OwnedWriteHalf,
    incoming: Receiver<Outgoing>,
    shared: Arc<Shared>,
) {
    let mut writer = Writer {
        conn,
        stream,
        incoming,
        shared,
        control: Vec::new(),
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
            match self.queue.pop_front() {
                Some(Outgoing::Block(block, written)) => {
                    self.write_block(block, written).await?;
                }
                Some(Outgoing::Ordered(bytes) | Outgoing::Control(bytes)) => {
                    self.write_all(&bytes).await?;
                }
                None => {}
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

    async fn write_block(&mut self, block: Block, written: Block) -> Result<(), End> {
        let storage = self.shared.storage.clone();
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = vec![0; 13 + block.length as usize];
            bytes[..13].copy_from_slice(&encode_piece_header(written));
            storage.read(block, &mut bytes[13..]).map(|()| bytes)
        });
        let bytes = match read.await {
            Ok(Ok(bytes)) => bytes,
            // Its socket was so slow that the window moved on meanwhile (BEP 6).
            _ if self.shared.storage.moves_on() => return self.refuse(written).await,
            // A block that we said we have and cannot read: better no neighbour than a broken word.
            _ => return Err(End::Closed(CloseReason::Leaving)),
        };
        let due = Instant::now() + self.shared.line.upload.take(bytes.len());
        while Instant::now() < due {
            tokio::select! {
                () = sleep_until(due) => {}
                outgoing = self.incoming.recv() => {
                    self.sort(outgoing.ok_or(End::Dropped)?);
                    self.write_control().await?;
                }
            }
        }
        self.write_all(&bytes).await?;
        self.credit().await
    }

    async fn refuse(&mut self, written: Block) -> Result<(), End> {
        let mut bytes = Vec::new();
        let refusal = Encoder::new().encode(&Message::Reject(written), &mut bytes);
        refusal.expect("no extension is needed for it");
        self.write_all(&bytes).await?;
        self.credit().await
    }

    /// Gives the block's credit back, and more or none as the rate changes.
    async fn credit(&mut self) -> Result<(), End> {
        self.measured.1 += 1;
        let elapsed = self.measured.0.elapsed();
        let mut blocks = 1;
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
                self.credits -= 1;
                blocks = 0;
            }
        }
        if blocks > 0 {
            let mail = Mail::Credit(self.conn, blocks);
            self.shared.mail.send(mail).await.or(Err(End::Dropped))?;
        }
        Ok(())
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
