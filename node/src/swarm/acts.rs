//! What the peer wants done → doing it. What would block is a task that answers by mail.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use swarmbed_engine::wire::encode_datagram;
use swarmbed_engine::{
    Announce, Block, CloseReason, ConnId, Event, Extended, FetchResult, Message, Metadata, Output,
    PieceIndex,
};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::{Connection, Swarm};
use crate::error::NodeError;
use crate::link::{self, Link, Overflow};
use crate::mail::{Fault, Mail};

impl Swarm {
    pub(super) fn act(&mut self, output: Output) -> Result<(), NodeError> {
        match output {
            Output::Dial { conn, addr } => self.dial(conn, addr),
            Output::Send(conn, message) => self.with(conn, |link| link.send(&message)),
            Output::SendHave(piece, conns) => {
                for conn in conns {
                    self.with(conn, |link| link.send(&Message::Have(piece)));
                }
            }
            Output::SendBlock(conn, block) => {
                self.state.turns.served(conn, self.clock.now());
                let written = self.peer.written(block);
                self.with(conn, |link| link.send_block(block, written));
            }
            Output::SendMetadata(conn, piece) => self.send_metadata(conn, piece),
            Output::Close(conn, _) => {
                self.state.connections.remove(&conn);
            }
            Output::Store(block) => self.store(block),
            Output::Discard(_) => self.state.arrived = None,
            Output::Verify(piece) => self.verify(piece),
            Output::Fetch(piece) => self.fetch(piece),
            Output::Announce(announce) => self.announce(announce),
            Output::Datagram { to, datagram } => {
                if let Some(udp) = &self.udp {
                    // Lost without a word, as datagrams are.
                    let _ = udp.try_send_to(&encode_datagram(&datagram), to);
                }
            }
            Output::Event(event) => self.happened(&event)?,
        }
        Ok(())
    }

    fn send_metadata(&mut self, conn: ConnId, piece: u32) {
        let info = &self.torrent.metainfo.info;
        let mut pieces = info.chunks(Metadata::PIECE as usize);
        let bytes = pieces.nth(piece as usize);
        let data = Metadata::Data {
            piece,
            total: u32::try_from(info.len()).expect("bounded by SIZE_MAX"),
            bytes: bytes.expect("the engine knows how many").to_vec(),
        };
        let message = Message::Extended(Box::new(Extended::Metadata(data)));
        self.with(conn, |link| link.send(&message));
    }

    fn with(&mut self, conn: ConnId, send: impl FnOnce(&Link) -> Result<(), Overflow>) {
        let Some(Connection::Open(link)) = self.state.connections.get(&conn) else {
            return;
        };
        if send(link) == Err(Overflow) {
            // By mail, because the peer must be drained before it is told.
            let (mail, reason) = (self.shared.mail.clone(), CloseReason::Overflow);
            tokio::spawn(async move { mail.send(Mail::Closed(conn, reason)).await });
        }
    }

    fn dial(&mut self, conn: ConnId, addr: SocketAddr) {
        let (mail, ours, ip) = (self.shared.mail.clone(), self.ours, self.ip);
        let utp = self.utp.clone();
        let task = tokio::spawn(async move {
            let outcome = match link::dial(addr, ip, utp.as_ref(), &ours).await {
                Ok((stream, theirs)) => Mail::Dialled {
                    conn,
                    stream,
                    remote: theirs.remote,
                },
                Err(reason) => Mail::Closed(conn, reason),
            };
            let _ = mail.send(outcome).await;
        });
        let dialling = Connection::Dialling(task.abort_handle());
        self.state.connections.insert(conn, dialling);
    }

    fn store(&mut self, block: Block) {
        let Some((arrived, data)) = self.state.arrived.take() else {
            panic!("the engine stores {block:?}, which did not arrive");
        };
        assert_eq!(
            arrived,
            self.peer.written(block),
            "the engine stores what arrived"
        );
        let Some(job) = self.state.writes.add(block, data) else {
            return;
        };
        let (storage, mail) = (self.shared.storage.clone(), self.shared.mail.clone());
        tokio::task::spawn_blocking(move || {
            job.run(|block, data| {
                let result = storage.write(block, data);
                mail.blocking_send(Mail::Stored(block, result)).is_ok()
            });
        });
    }

    /// Asks the web seed, stores what it sends, and says so.
    fn fetch(&self, piece: PieceIndex) {
        let server = Arc::clone(self.web_seed.as_ref().expect("the engine was told of one"));
        let (torrent, shared) = (Arc::clone(&self.torrent), Arc::clone(&self.shared));
        tokio::spawn(async move {
            let (result, fault) = match server.fetch(&torrent.metainfo, piece).await {
                Err(failed) => {
                    let retry_after = failed.retry_after;
                    let fault = Err(Fault::Server(failed.why));
                    (FetchResult::Failed { retry_after }, fault)
                }
                Ok(bytes) => {
                    sleep(shared.line.download.take(bytes.len())).await;
                    let storage = shared.storage.clone();
                    let block = Block {
                        piece,
                        begin: 0,
                        length: torrent.metainfo.geometry.length_of(piece),
                    };
                    let write = move || storage.write(block, &bytes);
                    let written = tokio::task::spawn_blocking(write).await;
                    match written.expect("writing does not panic") {
                        Ok(_) => (FetchResult::Done, Ok(())),
                        Err(error) => {
                            let retry_after = Duration::from_secs(3600);
                            let fault = Err(Fault::Disk(error));
                            (FetchResult::Failed { retry_after }, fault)
                        }
                    }
                }
            };
            let _ = shared.mail.send(Mail::Fetched(piece, result, fault)).await;
        });
    }

    fn verify(&self, piece: PieceIndex) {
        let (storage, mail) = (self.shared.storage.clone(), self.shared.mail.clone());
        let clock = self.clock;
        tokio::task::spawn_blocking(move || {
            let (verdict, why) = storage.verify(piece, clock);
            let _ = mail.blocking_send(Mail::Verified(piece, verdict, why));
        });
    }

    fn announce(&mut self, announce: Announce) {
        self.state.announcing += 1;
        let geometry = self.peer.config().geometry;
        let left = self.peer.pieces();
        let missing = u64::from(geometry.pieces() - left.count());
        let left = (missing * u64::from(geometry.piece_length())).min(geometry.total());
        // Nobody has all of a live stream.
        let left = if geometry.is_endless() {
            left.max(1)
        } else {
            left
        };
        let traffic = self.peer.traffic();
        let (announcer, mail) = (Arc::clone(&self.announcer), self.shared.mail.clone());
        tokio::spawn(async move {
            let (tell, mut told) = mpsc::channel(1);
            let passing_on = async {
                while let Some(peers) = told.recv().await {
                    let _ = mail.send(Mail::Found(peers)).await;
                }
            };
            let announcing = announcer.announce(announce, traffic, left, tell);
            let (answer, ()) = tokio::join!(announcing, passing_on);
            let outcome = answer.map_or_else(Mail::AnnounceFailed, Mail::Announced);
            let _ = mail.send(outcome).await;
        });
    }

    fn happened(&mut self, event: &Event) -> Result<(), NodeError> {
        let now = self.clock.now();
        if let Some(log) = &mut self.log {
            log.add(self.clock.since_start(now), event)?;
        }
        match event {
            Event::PieceVerified(piece) => self.board.verified(*piece),
            Event::Started { .. } => {
                if let Some(error_s) = self.state.forecast.started(now) {
                    self.board.foretold(error_s);
                    if let Some(log) = &mut self.log {
                        log.foretold(self.clock.since_start(now), error_s)?;
                    }
                }
            }
            Event::Completed => {
                self.shared.storage.complete()?;
                self.board.publish(&self.peer);
            }
            _ => {}
        }
        self.board.happened(event);
        Ok(())
    }
}
