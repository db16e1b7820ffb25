//! Why a missing piece is missing: the causes that a stall is explained by (DESIGN 4).

use core::time::Duration;

use super::{Flag, Peer, Player};
use crate::event::Cause;
use crate::geometry::PieceIndex;
use crate::rate::Rate;

impl Peer {
    /// Why a piece is not here, as a stall for want of it would be explained; `None` if it is here.
    #[must_use]
    pub fn why_missing(&self, piece: PieceIndex) -> Option<Cause> {
        (!self.has(piece)).then(|| self.cause_of(piece))
    }

    /// Why this missing piece is missing (DESIGN 4, the first cause that holds).
    pub(super) fn cause_of(&self, piece: PieceIndex) -> Cause {
        let Some(offset) = self.pieces.offset(piece) else {
            return Cause::NobodyHasIt;
        };
        if self.suspects.iter().any(|suspect| suspect.offset == offset) {
            return Cause::VerificationFailed;
        }
        let bitrate = self.player.as_deref().map_or(Rate::ZERO, Player::bitrate);
        if !self.pieces.owners().anybody(offset) {
            return Cause::NobodyHasIt;
        }
        let mut all_choke = true;
        let owns = self.pieces.owners().of(offset);
        for &slot in self.order.iter().filter(|&&slot| owns(slot)) {
            let link = &self.links[usize::from(slot)];
            all_choke &= link.is(Flag::TheyChoke);
            if !link.is(Flag::Asked) {
                continue;
            }
            let owner = self.at(slot);
            let asked = owner
                .requests
                .iter()
                .find(|request| request.block().piece == piece);
            if let Some(request) = asked {
                let silent =
                    self.now.since(request.at.max(owner.last_block)) > Duration::from_secs(2);
                let slow = owner.down.rate(self.now) < bitrate;
                return if silent || slow {
                    Cause::SlowOrSilent
                } else {
                    Cause::AskedTooLate
                };
            }
        }
        if all_choke {
            Cause::AllChokeUs
        } else {
            Cause::AskedTooLate
        }
    }
}
