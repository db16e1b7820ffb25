//! Nothing unverified is played: behind the playhead there are only verified and skipped pieces,
//! and no byte of the verified ones is corrupt, whatever the engine was told.

use swarmbed_engine::{Event, Peer, PieceIndex};

use crate::node::Storage;

/// What a viewer has seen so far.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct Played {
    /// The playhead may have passed pieces.
    due: bool,
    sought: bool,
    /// All pieces below were fine.
    checked: u32,
    /// Pieces jumped over, ascending.
    skipped: Vec<u32>,
}

impl Played {
    /// Something happened; the check itself waits until the engine is drained.
    pub(crate) fn event(&mut self, event: &Event) {
        match event {
            Event::Skipped(piece) => {
                self.skipped.push(piece.0);
                self.due = true;
            }
            Event::Stalled(_) | Event::Resumed { .. } | Event::Ended => self.due = true,
            // After a seek, what lies behind the playhead was not played.
            Event::SeekStarted { .. } => self.sought = true,
            // Nor was what a viewer of a channel jumped over.
            Event::HookedIn { piece, .. } | Event::Rehooked { piece, .. } => {
                self.checked = piece.0;
                self.skipped.clear();
            }
            _ => {}
        }
    }

    /// Looks at what was played since; what is wrong, if anything is.
    #[inline]
    pub(crate) fn check(&mut self, peer: &Peer, storage: &Storage) -> Option<String> {
        if self.due {
            self.due = false;
            self.look(peer, storage)
        } else {
            None
        }
    }

    fn look(&mut self, peer: &Peer, storage: &Storage) -> Option<String> {
        if self.sought {
            return None;
        }
        let geometry = peer.config().geometry;
        let position = peer.playback()?.position;
        let window = peer.window();
        let end = geometry.piece_at(position).0;
        let end = end.min(window.base.0 + window.length);
        // What a channel's viewer has dropped cannot be looked at any more.
        self.checked = self.checked.max(window.base.0);
        while self.checked < end {
            let piece = self.checked;
            self.checked += 1;
            if self.skipped.binary_search(&piece).is_ok() {
                continue;
            }
            if !peer.has(PieceIndex(piece)) {
                return Some(format!("played piece {piece}, which is not verified"));
            }
            if storage.is_corrupt(PieceIndex(piece)) {
                return Some(format!("played piece {piece}, which is corrupt"));
            }
        }
        None
    }
}
