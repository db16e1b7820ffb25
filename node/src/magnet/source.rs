//! One peer that is asked for the whole `info` of a torrent (BEP 9).
//!
//! Each peer is asked for all of it: so a copy that is wrong names who sent it, and nobody can
//! spoil what another sends. What comes is bounded before it is kept.

use std::time::Duration;

use swarmbed_engine::wire::{Decoded, Decoder, Encoder, UT_METADATA};
use swarmbed_engine::{CloseReason, Extended, ExtendedHandshake, Message, Metadata, Name};
use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};

use crate::link::Stream;
use crate::torrent::sha1;

/// Nothing of use for so long, and the peer is let go.
const PATIENCE: Duration = Duration::from_secs(20);
/// For all of it, however steadily it trickles.
const PATIENCE_ALL: Duration = Duration::from_secs(120);
/// Requests under way.
const PIPELINE: u32 = 8;
/// rTorrent (0.9.8) never reads again from one who asks while it answers: so one request at a time, to
/// who calls itself by its library's name (the other libtorrent writes itself small).
const ONE_AT_A_TIME: &str = "libTorrent ";
const BUFFER: usize = 32 * 1024;

/// Why a peer was of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Useless {
    /// The connection ended, or said what is no message.
    #[error(transparent)]
    Closed(#[from] CloseReason),
    /// It does not speak BEP 9, or has only the name itself.
    #[error("does not send the torrent")]
    Without,
    /// It says that it sends none of it now.
    #[error("refuses to send the torrent")]
    Rejects,
    /// An `info` that is empty, or beyond what is read.
    #[error("says that the torrent's info is {0} bytes long: at most 8 MiB are read")]
    Size(u32),
    /// It sent something else than it was asked for.
    #[error("sent a piece of another torrent")]
    Another,
    /// All of it came, and is not what the link names.
    #[error("sent a torrent that is not the one of the link")]
    Wrong,
}

impl Useless {
    /// It lied: it is not asked again.
    pub(super) const fn is_a_lie(self) -> bool {
        matches!(
            self,
            Self::Size(_) | Self::Another | Self::Wrong | Self::Closed(CloseReason::Malformed(_))
        )
    }
}

/// What has come so far.
struct Copy {
    size: u32,
    /// The next piece to come; they come in order, as they are asked for.
    next: u32,
    asked: u32,
    /// Requests under way at most.
    pipeline: u32,
    bytes: Vec<u8>,
}

/// Asks this peer, whose handshake is done, for all of it.
pub(super) async fn fetch(
    mut stream: Stream,
    info_hash: [u8; 20],
    port: u16,
) -> Result<Vec<u8>, Useless> {
    let mut encoder = Encoder::new();
    let hello = ExtendedHandshake {
        extensions: vec![(UT_METADATA.into(), own_id())],
        port: Some(port),
        client: Some(concat!("swarmbed ", env!("CARGO_PKG_VERSION")).into()),
        ..ExtendedHandshake::default()
    };
    let mut out = Vec::new();
    write(&encoder, Extended::Handshake(hello), &mut out);
    let (end, mut until) = (Instant::now() + PATIENCE_ALL, Instant::now() + PATIENCE);
    let mut decoder = Decoder::of_any_torrent();
    let mut buffer = vec![0; BUFFER];
    let mut copy: Option<Copy> = None;
    loop {
        let exchange = async {
            stream.write_all(&out).await?;
            stream.read(&mut buffer).await
        };
        let got = match timeout_at(until.min(end), exchange).await {
            Err(_) => return Err(CloseReason::Idle.into()),
            Ok(Ok(0) | Err(_)) => return Err(CloseReason::Remote.into()),
            Ok(Ok(got)) => got,
        };
        out.clear();
        let mut input = &buffer[..got];
        while let Some(decoded) = decoder.decode(&mut input)? {
            let Decoded::Message(Message::Extended(extended)) = decoded else {
                continue;
            };
            match (*extended, &mut copy) {
                (Extended::Handshake(theirs), None) => {
                    encoder.learn(&theirs);
                    copy = Some(Copy::begin(&theirs)?);
                }
                (Extended::Metadata(said), Some(copy)) => {
                    copy.take(said)?;
                    until = Instant::now() + PATIENCE;
                }
                _ => {}
            }
        }
        let Some(copy) = &mut copy else { continue };
        if copy.is_whole() {
            let right = sha1(&copy.bytes) == info_hash;
            let bytes = std::mem::take(&mut copy.bytes);
            return right.then_some(bytes).ok_or(Useless::Wrong);
        }
        for piece in copy.ask() {
            write(
                &encoder,
                Extended::Metadata(Metadata::Request(piece)),
                &mut out,
            );
        }
    }
}

impl Copy {
    fn begin(theirs: &ExtendedHandshake) -> Result<Self, Useless> {
        let speaks = |(name, id): &(Name, u8)| &**name == UT_METADATA && *id != 0;
        let size = theirs
            .metadata_size
            .filter(|_| theirs.extensions.iter().any(speaks));
        match size {
            None => Err(Useless::Without),
            Some(size) if size == 0 || size > Metadata::SIZE_MAX => Err(Useless::Size(size)),
            Some(size) => Ok(Self {
                size,
                next: 0,
                asked: 0,
                pipeline: match &theirs.client {
                    Some(client) if client.starts_with(ONE_AT_A_TIME) => 1,
                    _ => PIPELINE,
                },
                bytes: Vec::new(),
            }),
        }
    }

    /// The pieces to ask for now.
    fn ask(&mut self) -> std::ops::Range<u32> {
        let from = self.asked;
        let to = Metadata::pieces(self.size).min(self.next + self.pipeline);
        self.asked = to.max(from);
        from..self.asked
    }

    fn take(&mut self, said: Metadata) -> Result<(), Useless> {
        let (piece, total, bytes) = match said {
            // It may think that we have what it lacks: it is told nothing.
            Metadata::Request(_) => return Ok(()),
            Metadata::Reject(_) => return Err(Useless::Rejects),
            Metadata::Data {
                piece,
                total,
                bytes,
            } => (piece, total, bytes),
        };
        let expected = (self.size - self.next * Metadata::PIECE).min(Metadata::PIECE);
        let fits = bytes.len() == expected as usize && total == self.size;
        if !fits || piece != self.next || piece >= self.asked {
            return Err(Useless::Another);
        }
        self.bytes.extend_from_slice(&bytes);
        self.next += 1;
        Ok(())
    }

    const fn is_whole(&self) -> bool {
        self.next == Metadata::pieces(self.size)
    }
}

/// The id that our decoder knows it by.
fn own_id() -> u8 {
    let ours = swarmbed_engine::wire::EXTENSIONS;
    let known = ours.iter().find(|(name, _)| *name == UT_METADATA);
    known.expect("it is in the table").1
}

fn write(encoder: &Encoder, extended: Extended, out: &mut Vec<u8>) {
    // To one who does not speak it, nothing is said; `Copy::begin` has looked.
    let _ = encoder.encode(&Message::Extended(Box::new(extended)), out);
}
