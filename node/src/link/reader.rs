//! Bytes from a neighbour → mail.

use std::sync::Arc;
use std::time::Duration;

use swarmbed_engine::wire::{Decoded, Decoder};
use swarmbed_engine::{CloseReason, ConnId, Message};
use tokio::io::AsyncReadExt as _;
use tokio::time::{sleep, timeout};

use super::Shared;
use super::stream::Reading;
use crate::mail::Mail;

/// Not a byte for this long, and the connection is over; keep-alives come every two minutes.
const SILENCE_MAX: Duration = Duration::from_secs(150);
const BUFFER: usize = 64 * 1024;

pub(super) async fn run(conn: ConnId, stream: Reading, shared: Arc<Shared>) {
    if let Some(reason) = read(conn, stream, &shared).await {
        let _ = shared.mail.send(Mail::Closed(conn, reason)).await;
    }
}

/// Reads until the connection is over, and says why; `None` if the swarm is gone.
async fn read(conn: ConnId, mut stream: Reading, shared: &Shared) -> Option<CloseReason> {
    let mut decoder = Decoder::new(shared.pieces);
    let mut buffer = vec![0; BUFFER];
    // The block under way; its length is bounded by the decoder.
    let mut data = Vec::new();
    loop {
        let got = match timeout(SILENCE_MAX, stream.read(&mut buffer)).await {
            Err(_) => return Some(CloseReason::Idle),
            Ok(Ok(0) | Err(_)) => return Some(CloseReason::Remote),
            Ok(Ok(got)) => got,
        };
        sleep_if(shared.line.download.take(got)).await;
        let mut input = &buffer[..got];
        let mut progress = 0;
        loop {
            let mail = match decoder.decode(&mut input) {
                Err(reason) => return Some(reason),
                Ok(None) => break,
                Ok(Some(Decoded::Payload {
                    block,
                    offset,
                    bytes,
                })) => {
                    if offset == 0 {
                        data = Vec::with_capacity(block.length as usize);
                    }
                    data.extend_from_slice(bytes);
                    progress += u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                    continue;
                }
                Ok(Some(Decoded::Message(Message::Piece(block)))) => {
                    progress = 0;
                    Mail::Block(conn, block, std::mem::take(&mut data))
                }
                Ok(Some(Decoded::Message(message))) => Mail::Message(conn, message),
            };
            shared.mail.send(mail).await.ok()?;
        }
        if progress > 0 {
            let mail = Mail::Progress(conn, progress);
            shared.mail.send(mail).await.ok()?;
        }
    }
}

async fn sleep_if(wait: Duration) {
    if !wait.is_zero() {
        sleep(wait).await;
    }
}
