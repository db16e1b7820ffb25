//! Why a missing piece is missing: the causes that a stall is explained by (DESIGN 4).

use core::time::Duration;

use super::{Peer, Player};
use crate::event::Cause;
use crate::geometry::PieceIndex;
use crate::rate::Rate;

/// Who is asked for the piece, and sent nothing for longer than this, is the cause.
const SILENT: Duration = Duration::from_secs(2);

impl Peer {
    /// Why a piece is not here, as a stall for want of it would be explained; `None` if it is here.
    #[must_use]
    pub fn why_missing(&self, piece: PieceIndex) -> Option<Cause> {
        (!self.has(piece)).then(|| self.cause_of(piece))
    }

    /// Why this missing piece is missing (DESIGN 4, the first cause that holds). A viewer that stands still asks at every
    /// call: so those are looked at first who are few, the asked and those who may be; if one of them has the piece,
    /// none of the causes before theirs holds.
    pub(super) fn cause_of(&self, piece: PieceIndex) -> Cause {
        let Some(offset) = self.pieces.offset(piece) else {
            return Cause::NobodyHasIt;
        };
        if self.suspects.iter().any(|suspect| suspect.offset == offset) {
            return Cause::VerificationFailed;
        }
        let owns = self.pieces.owners().of(offset);
        let request = self.asked.iter().find_map(|slot| {
            if !owns(slot) {
                return None;
            }
            let owner = self.neighbours[slot].as_ref()?;
            let mut requests = owner.requests.iter();
            let asked = requests.find(|request| request.block().piece == piece)?;
            Some((owner, asked.at))
        });
        if let Some((owner, at)) = request {
            let silent = self.now.since(at.max(owner.last_block)) > SILENT;
            let bitrate = self.player.as_deref().map_or(Rate::ZERO, Player::bitrate);
            return if silent || owner.down.rate(self.now) < bitrate {
                Cause::SlowOrSilent
            } else {
                Cause::AskedTooLate
            };
        }
        if self.askable.iter().any(owns) {
            Cause::AskedTooLate
        } else if self.pieces.owners().anybody(offset) {
            Cause::AllChokeUs
        } else {
            Cause::NobodyHasIt
        }
    }
}
