//! Input → pieces: cuts it, dates, seals and hands them over, at the pace of the stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use swarmbed_engine::wire::SealedEnd;
use swarmbed_engine::{CallError, PieceIndex, Rate};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::input::{Input, Open};
use super::stream::{Stream, write_restart};
use super::ts;
use crate::content::Producer;
use crate::error::NodeError;

/// A file that was read too late, for the machine was busy, is not hurried through beyond this.
const LATE_MAX: Duration = Duration::from_secs(2);

/// What is broadcast, and how.
#[derive(Clone, Debug)]
pub struct Feed {
    /// Where the media comes from.
    pub input: Input,
    /// A file begins again at its end.
    pub loops: bool,
}

/// Makes a stream's pieces.
pub struct Broadcaster {
    stream: Arc<Stream>,
    input: Open,
    /// Only files are paced: the others come at their own pace.
    pace: Option<Pace>,
    next: PieceIndex,
    bytes: Bytes,
    stop: Arc<watch::Sender<bool>>,
}

/// Ends a stream before its input ends.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Stop {
    /// What was read until now is the end of the stream.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// Bytes of media read so far.
#[derive(Clone, Debug, Default)]
pub struct Bytes(Arc<AtomicU64>);

impl Bytes {
    /// So many.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Broadcaster {
    /// Opens the input.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub async fn open(stream: Arc<Stream>, feed: &Feed) -> Result<Self, NodeError> {
        let input = Open::open(&feed.input, feed.loops).await?;
        let paced = matches!(feed.input, Input::File(_));
        Ok(Self {
            pace: paced.then(|| Pace::new(stream.bitrate())),
            next: stream.first,
            bytes: Bytes::default(),
            stop: Arc::new(watch::Sender::new(false)),
            stream,
            input,
        })
    }

    /// How much has been read, also while it runs.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// Ends it while it runs.
    #[must_use]
    pub fn stop(&self) -> Stop {
        Stop(Arc::clone(&self.stop))
    }

    /// Makes pieces until the input ends, or [`Stop::stop`] ends it: bytes in all.
    ///
    /// # Errors
    /// If the input, or the disk, fails.
    pub async fn run(mut self, producer: Producer) -> Result<u64, NodeError> {
        let mut buffer = vec![0; self.stream.window.capacity() as usize];
        let (mut filled, mut total) = (0, 0_u64);
        let mut length = buffer.len();
        let mut stop = self.stop.subscribe();
        loop {
            // A read that is broken off has taken nothing.
            let (read, stopped) = tokio::select! {
                read = self.input.read(&mut buffer[filled..length]) => (read?, false),
                // We hold the sender, so that it cannot be gone.
                _ = stop.wait_for(|stop| *stop) => (0, true),
            };
            filled += read;
            total += read as u64;
            self.bytes.0.store(total, Ordering::Relaxed);
            if total == filled as u64 && ts::is_transport_stream(&buffer[..filled]) {
                // Whole packets in each piece: where pieces are missing, no packet is torn.
                length = buffer.len() / ts::PACKET * ts::PACKET;
            }
            let ended = read == 0;
            if ended && !stopped {
                self.input.ended(total).await?;
            }
            if ended || filled >= length {
                let rest = filled.saturating_sub(length);
                let content = buffer[..filled - rest].to_vec();
                if let Some(pace) = &mut self.pace {
                    pace.wait(content.len()).await;
                }
                self.produce(&producer, content, ended).await?;
                buffer.copy_within(filled - rest..filled, 0);
                filled = rest;
            }
            if ended {
                return Ok(total);
            }
        }
    }

    async fn produce(
        &mut self,
        producer: &Producer,
        content: Vec<u8>,
        last: bool,
    ) -> Result<(), NodeError> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let piece = self.next;
        let end = SealedEnd {
            sequence: u64::from(piece.0),
            source_micros: now.map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(0)),
            content: u32::try_from(content.len()).expect("at most a piece"),
            last,
            restarted: piece == self.stream.first && piece.0 > 0,
        };
        self.next = PieceIndex(piece.0 + 1);
        let (stream, next) = (Arc::clone(&self.stream), self.next);
        let sealed = tokio::task::spawn_blocking(move || {
            // Before anybody sees the piece, for its number must never be given to another.
            write_restart(&stream.restart, next)?;
            stream.window.seal(piece, &content, end, &stream.key)
        });
        sealed.await.expect("sealing does not panic")?;
        match producer.produce(piece, last).await {
            // The node has gone: nobody waits for pieces.
            Ok(()) | Err(CallError::Left) => Ok(()),
            Err(error) => Err(NodeError::Numbers(error)),
        }
    }
}

/// When what is read of a file is due.
struct Pace {
    rate: Rate,
    due: Instant,
}

impl Pace {
    fn new(rate: Rate) -> Self {
        Self {
            rate,
            due: Instant::now(),
        }
    }

    /// A piece is made when the last of its media is due.
    async fn wait(&mut self, bytes: usize) {
        let earliest = Instant::now().checked_sub(LATE_MAX);
        self.due = earliest.map_or(self.due, |earliest| self.due.max(earliest));
        self.due += Duration::from_nanos(self.rate.nanos_for(bytes as u64));
        sleep_until(self.due).await;
    }
}
