//! A running node's content, for those who read it while it comes, and for the source that makes it. They
//! ask by mail; the swarm alone changes anything.

use std::sync::Arc;

use swarmbed_engine::{CallError, PieceIndex};
use tokio::sync::oneshot;

use crate::mail::{Ask, Mail, MailSender, Seen};
use crate::status::Board;
use crate::store::Store;
use crate::torrent::Torrent;

/// What others need to read the content while it comes.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) torrent: Arc<Torrent>,
    pub(crate) store: Store,
    pub(crate) board: Arc<Board>,
    pub(crate) mail: MailSender,
}

/// Where a live stream's source hands over its pieces.
#[derive(Clone, Debug)]
pub struct Producer(MailSender);

impl Producer {
    pub(crate) const fn new(mail: MailSender) -> Self {
        Self(mail)
    }

    /// The piece is sealed and stored: it is announced.
    ///
    /// # Errors
    /// If it is not the next, or the node has left.
    pub(crate) async fn produce(&self, piece: PieceIndex, last: bool) -> Result<(), CallError> {
        let (answer, answered) = oneshot::channel();
        let ask = Ask::Produce {
            piece,
            last,
            answer,
        };
        let sent = self.0.send(Mail::Ask(ask)).await;
        sent.or(Err(CallError::Left))?;
        answered.await.unwrap_or(Err(CallError::Left))
    }
}

impl Content {
    /// Asks for these bytes before all others.
    pub(crate) async fn want(&self, from: u64, length: u64) -> Result<(), CallError> {
        let (answer, answered) = oneshot::channel();
        let ask = Ask::Want {
            from,
            length,
            answer,
        };
        let sent = self.mail.send(Mail::Ask(ask)).await;
        sent.or(Err(CallError::Left))?;
        answered.await.unwrap_or(Err(CallError::Left))
    }

    /// A reader of these bytes is gone.
    pub(crate) async fn unwant(&self, from: u64, length: u64) {
        let _ = self
            .mail
            .send(Mail::Ask(Ask::Unwant { from, length }))
            .await;
    }

    /// A player tells what it does.
    pub(crate) async fn saw(&self, seen: Seen, time_s: f64, byte: u64) {
        let ask = Ask::Saw { seen, time_s, byte };
        let _ = self.mail.send(Mail::Ask(ask)).await;
    }

    /// Somebody begins to watch.
    pub(crate) async fn play(&self) {
        let _ = self.mail.send(Mail::Ask(Ask::Play)).await;
    }
}
