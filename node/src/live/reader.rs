//! One local reader of a live stream: an HTTP player, or a file.
//!
//! Each goes at its own pace. One that is too slow, or whose next piece will not come any more,
//! jumps forward to where playback is, and goes on from the next place that can be decoded.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use swarmbed_engine::PieceIndex;
use swarmbed_engine::wire::SealedEnd;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use super::ts::Boundary;
use super::window::{Found, LiveWindow};
use crate::content::Content;

/// A reader that takes nothing for this long is let go.
const STUCK_MAX: Duration = Duration::from_secs(600);
/// How often a waiting reader looks where playback is.
const LOOK: Duration = Duration::from_millis(250);

/// Writes the stream to `out`, from where playback is to its end, if it has one.
pub(crate) async fn follow<W: AsyncWrite + Unpin>(
    content: &Content,
    window: &Arc<LiveWindow>,
    out: &mut W,
) -> io::Result<()> {
    let mut boundary = Boundary::default();
    let mut bytes = Vec::new();
    let mut piece = begin(content).await;
    loop {
        match next(content, window, piece).await? {
            Next::Content(found, end) => {
                if end.restarted {
                    boundary.lost();
                }
                boundary.pass(&found, &mut bytes);
                timeout(STUCK_MAX, out.write_all(&bytes)).await??;
                bytes.clear();
                if end.last {
                    return out.flush().await;
                }
                piece = PieceIndex(piece.0 + 1);
            }
            Next::Jump(to) => {
                boundary.lost();
                piece = to;
            }
            Next::Ended => return out.flush().await,
        }
    }
}

enum Next {
    Content(Vec<u8>, SealedEnd),
    /// The piece will not come.
    Jump(PieceIndex),
    Ended,
}

/// The piece that playback is at, once there is one.
fn playhead(content: &Content) -> Option<PieceIndex> {
    let status = content.board.status();
    let status = status.borrow();
    let hooked = status.live?.hooked_in?;
    let position = status.playback.map_or(0, |playback| playback.position);
    let geometry = content.torrent.metainfo.geometry;
    Some(geometry.piece_at(position).max(hooked))
}

async fn begin(content: &Content) -> PieceIndex {
    let mut status = content.board.status();
    loop {
        if let Some(piece) = playhead(content) {
            return piece;
        }
        // The board is ours too, so that it cannot be gone.
        let _ = status.changed().await;
    }
}

async fn next(content: &Content, window: &Arc<LiveWindow>, piece: PieceIndex) -> io::Result<Next> {
    let mut verified = content.board.pieces_verified();
    loop {
        verified.mark_unchanged();
        let found = {
            let window = Arc::clone(window);
            tokio::task::spawn_blocking(move || window.find(piece))
        };
        let ended = window.end().is_some_and(|end| piece >= end);
        match found.await.map_err(io::Error::other)?? {
            Found::Content(bytes, end) => return Ok(Next::Content(bytes, end)),
            Found::Gone => {
                let later = PieceIndex(piece.0 + 1);
                let place = playhead(content).map_or(later, |place| place.max(later));
                return Ok(Next::Jump(place));
            }
            Found::Missing if ended => return Ok(Next::Ended),
            Found::Missing => {}
        }
        // Playback has passed it by: nobody asks for it any more.
        if let Some(place) = playhead(content).filter(|&place| place > piece) {
            return Ok(Next::Jump(place));
        }
        let _ = timeout(LOOK, verified.changed()).await;
    }
}
