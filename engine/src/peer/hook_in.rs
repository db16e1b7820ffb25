//! Where a viewer of a live stream begins, and begins again.

use core::time::Duration;

use super::live::Live;
use super::{Flag, Peer, Player};
use crate::event::Event;
use crate::geometry::PieceIndex;
use crate::policy::HookInView;

impl Peer {
    /// The window begins anew around `place`: everything known of pieces is forgotten, and
    /// neighbours are asked what they have. Returns the media that playback jumps over.
    pub(super) fn stand_at(
        &mut self,
        place: PieceIndex,
        except: Option<crate::ConnId>,
    ) -> Duration {
        for index in 0..self.order.len() {
            let slot = self.order[index];
            self.drop_requests(slot, PieceIndex(u32::MAX));
            // What they asked of us we have no longer.
            self.refuse_before(slot, PieceIndex(u32::MAX));
            let link = &mut self.links[usize::from(slot)];
            link.pieces = 0;
            link.wanted = 0;
            let neighbour = self.at_mut(slot);
            if let Some(sent) = neighbour.sent_mut() {
                sent.clear();
            }
        }
        self.suspects.clear();
        if let Some(live) = &mut self.live {
            let behind = live.config.numbering.behind();
            let base = PieceIndex(place.0.saturating_sub(behind));
            self.pieces.restart_at(base);
            live.anchored = true;
            live.standing = place;
            live.hooked_at = self.now;
            live.announced_from = base;
        }
        // In a ring all must know which lap we are in.
        let ring = self.is_ring();
        let mut skipped = Duration::ZERO;
        if let Some(player) = self
            .player
            .as_deref_mut()
            .filter(|player| player.is_hooked())
        {
            skipped = player.hook_in(self.now, place, &self.pieces);
        }
        for index in 0..self.order.len() {
            let link = self.links[usize::from(self.order[index])];
            let conn = link.conn();
            if link.is(Flag::Live) && (Some(conn) != except || ring) {
                self.send_window(conn, Some(conn) != except);
            }
        }
        skipped
    }

    /// Decides where playback begins, or goes on after the viewer fell behind.
    pub(super) fn hook_in(&mut self) {
        let now = self.now;
        let (Some(live), Some(player)) = (&self.live, &self.player) else {
            return;
        };
        if live.is_source() || !live.anchored || !player.is_starting() {
            return;
        }
        let Some((piece, newest)) = self.hook_in_place(live, player) else {
            return;
        };
        if player.is_hooked() {
            let position = player.piece(now, &self.pieces);
            let Some(by) = live.rule.moves_by() else {
                return;
            };
            let least = self.pieces_in(by).max(1);
            if piece.0 < position.0.saturating_add(least) {
                return;
            }
        }
        self.event(Event::HookedIn {
            piece,
            behind: newest.0 - piece.0,
        });
        self.jump_to(piece);
    }

    pub(super) fn hook_in_view(&self, live: &Live, player: &Player) -> HookInView<'_> {
        let neighbours = self
            .order
            .iter()
            .filter(|&&slot| self.links[usize::from(slot)].pieces > 0);
        HookInView {
            table: &self.pieces,
            neighbours: u32::try_from(neighbours.count()).expect("bounded by neighbours_max"),
            source_newest: self.source_newest(live),
            prebuffer: self.config.playback.start.prebuffer(),
            bitrate: player.bitrate(),
        }
    }

    /// How many pieces before the newest playback begins.
    pub(super) fn distance(&self, live: &Live, player: &Player) -> u32 {
        let view = self.hook_in_view(live, player);
        live.rule.distance(&view).min(live.distance_max())
    }

    /// Where the rule says, and the newest piece it counted from.
    pub(super) fn hook_in_place(
        &self,
        live: &Live,
        player: &Player,
    ) -> Option<(PieceIndex, PieceIndex)> {
        let view = self.hook_in_view(live, player);
        let newest = live.rule.newest(&view)?;
        let distance = self.distance(live, player);
        // Forward to a piece that somebody has.
        let window = self.pieces.window();
        let from = newest.0.saturating_sub(distance).max(window.base.0);
        let piece = (from..newest.0).map(PieceIndex).find(|&piece| {
            window.offset(piece).is_some_and(|offset| {
                self.pieces.owners().anybody(offset) || self.pieces.have().contains(offset)
            })
        });
        Some((piece.unwrap_or(newest), newest))
    }

    /// The newest piece of the source, if it is a neighbour.
    pub(super) fn source_newest(&self, live: &Live) -> Option<PieceIndex> {
        let at = live.config.source_at?;
        self.order
            .iter()
            .filter(|&&slot| self.at(slot).addr().ip() == at)
            .filter_map(|&slot| live.heard_of(slot.into())?.head.0.checked_sub(1))
            .max()
            .map(PieceIndex)
            .filter(|&newest| self.pieces.offset(newest).is_some())
    }
}
