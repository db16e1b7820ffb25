//! A web seed (BEP 19): a server that has everything, asked for whole pieces. Of a live stream it
//! has what was made, and is asked for what neighbours are known to have.
//!
//! Owns the one request that is under way, and when the next may be made. The driver fetches and
//! stores; what came is verified like any piece. Source of "one at a time": swarmplayer.md 6.4.

use core::time::Duration;

use super::{Peer, PlayState};
use crate::config::{Config, WebSeedUse};
use crate::geometry::{BlockRef, PieceIndex};
use crate::id::ConnId;
use crate::input::FetchResult;
use crate::output::Output;
use crate::time::{Instant, nanos};

/// Stands for the server where a block's sender is remembered; no neighbour has this name.
pub(super) const SERVER: ConnId = ConnId::new(u32::MAX, u16::MAX);
/// A server is not asked again sooner, whatever it says.
const RETRY_LEAST: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(super) struct WebSeed {
    when: WebSeedUse,
    asked: Option<PieceIndex>,
    /// Not to be asked before; for ever, once it has sent a corrupt piece.
    not_before: Instant,
}

impl WebSeed {
    pub(super) const fn new(config: &Config) -> Option<Self> {
        match config.web_seed {
            Some(when) => Some(Self {
                when,
                asked: None,
                not_before: Instant::ZERO,
            }),
            None => None,
        }
    }
}

impl Peer {
    /// Asks for the next piece, if one is to be asked for.
    pub(super) fn ask_web_seed(&mut self) {
        let ready = |server: &&WebSeed| server.asked.is_none() && server.not_before <= self.now;
        let Some(when) = self
            .web_seed
            .as_deref()
            .filter(ready)
            .map(|server| server.when)
        else {
            return;
        };
        if self.left || self.pieces.is_complete() || !self.may_ask() {
            return;
        }
        let Some(offset) = self.piece_of_server(when) else {
            return;
        };
        let asked: alloc::vec::Vec<BlockRef> =
            self.pieces.asked(offset).map(|(block, _)| block).collect();
        for block in asked {
            self.pieces.ask_again(block);
        }
        while self.pieces.selectable().contains(offset) {
            self.pieces.ask(offset);
        }
        let piece = self.pieces.window().piece(offset);
        if let Some(server) = &mut self.web_seed {
            server.asked = Some(piece);
        }
        self.outbox.push_back(Output::Fetch(piece));
    }

    /// The piece that the server is to be asked for now.
    fn piece_of_server(&self, when: WebSeedUse) -> Option<usize> {
        let now = self.now;
        let live = self.live.is_some();
        let end = self.known_end();
        let player = self.player.as_deref();
        let first = player.map_or(0, |player| {
            player.needed_after(now, Duration::ZERO, &self.pieces)
        });
        let idle = |range: core::ops::Range<usize>| {
            let mut range = range;
            range.find(|&offset| self.pieces.is_idle(offset))
        };
        let bytes = |media: Duration| player.map_or(0, |one| one.bitrate().bytes_in(nanos(media)));
        match when {
            WebSeedUse::Always if live => idle(first..end),
            WebSeedUse::Always => idle(first..end).or_else(|| idle(0..first)),
            // A live stream has no beginning.
            WebSeedUse::Prefix(_) if live => None,
            WebSeedUse::Prefix(media) => {
                let length = u64::from(self.pieces.geometry().piece_length());
                let prefix = usize::try_from(bytes(media).div_ceil(length)).unwrap_or(end);
                idle(0..prefix.min(end))
            }
            WebSeedUse::BufferLow(media) => {
                let view = player?.view(now, &self.pieces);
                let watching = matches!(
                    view.state,
                    PlayState::Buffering | PlayState::Playing | PlayState::Stalled
                );
                if !watching || view.ahead >= bytes(media) {
                    return None;
                }
                let length = u64::from(self.pieces.geometry().piece_length());
                let base = u64::from(self.pieces.window().base.0);
                let due = (view.position + bytes(media)).div_ceil(length);
                let due = usize::try_from(due.saturating_sub(base)).unwrap_or(end);
                let due = due.min(end);
                let stands = view.state == PlayState::Stalled && first < end;
                let stands = stands && !self.pieces.is_unverified(first);
                idle(first..due).or_else(|| stands.then_some(first))
            }
        }
    }

    /// Where what the server can have ends: a film's end, or what of a live stream is made.
    fn known_end(&self) -> usize {
        let window = self.pieces.window();
        let length = window.length as usize;
        if self.live.is_none() {
            return length;
        }
        let newest = self.newest_of_two();
        newest.map_or(0, |newest| {
            let pieces = (newest.0 + 1).saturating_sub(window.base.0);
            length.min(pieces as usize)
        })
    }

    /// The server answered, or did not. An answer to nothing that was asked is ignored.
    pub(super) fn fetched(&mut self, piece: PieceIndex, result: FetchResult) {
        let now = self.now;
        let Some(server) = self
            .web_seed
            .as_mut()
            .filter(|one| one.asked == Some(piece))
        else {
            return;
        };
        server.asked = None;
        let Some(offset) = self.pieces.offset(piece) else {
            return;
        };
        match result {
            FetchResult::Done => self.take_from_server(piece),
            FetchResult::Failed { retry_after } => {
                let pause = retry_after.clamp(RETRY_LEAST, Duration::from_secs(86_400));
                server.not_before = server.not_before.max(now + pause);
                let asked: alloc::vec::Vec<BlockRef> =
                    self.pieces.asked(offset).map(|(block, _)| block).collect();
                for block in asked {
                    self.pieces.release(block);
                }
                self.ask_everybody();
            }
        }
    }

    /// All of the piece is stored: its blocks are here, as far as they were missing.
    fn take_from_server(&mut self, piece: PieceIndex) {
        let now = self.now;
        let geometry = *self.pieces.geometry();
        let length = u64::from(geometry.length_of(piece));
        self.traffic.from_web_seed += length;
        let mut of_use = 0;
        let mut whole = false;
        for index in 0..geometry.blocks_in(piece) {
            let block = BlockRef { piece, index };
            if !self.pieces.wants(block) {
                continue;
            }
            let others = self.pieces.times_asked(block) > 1;
            let bytes = geometry.block(block).length;
            of_use += u64::from(bytes);
            self.pieces.arrived(block, SERVER);
            whole |= self.pieces.stored(block);
            if let Some(player) = &mut self.player {
                player.received(now, bytes);
            }
            if others {
                self.cancel_elsewhere(block);
            }
        }
        self.traffic.duplicate += length - of_use;
        if whole {
            self.outbox.push_back(Output::Verify(piece));
        }
    }

    /// A server that sends corrupt pieces is asked no more.
    pub(super) fn give_up_server(&mut self) {
        if let Some(server) = &mut self.web_seed {
            server.not_before = Instant::FAR;
        }
    }
}
