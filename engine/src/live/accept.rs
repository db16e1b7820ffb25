//! Which signed piece a receiver accepts: the rules of the 2008-2012 clients (swarmplayer.md 3.3)
//! without their false kick.
//!
//! Payload-free: the driver reads the trailer and checks the signature. A piece that is refused is
//! judged `Bad`; whom that closes is decided by where its blocks came from, never by who sent the
//! last one.

use core::time::Duration;

use thiserror::Error;

use crate::geometry::PieceIndex;

/// What a piece's trailer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trailer {
    /// The piece's absolute number.
    pub sequence: u64,
    /// The source's clock when it was signed, in microseconds since the Unix epoch (or any epoch
    /// that all agree on).
    pub source_micros: u64,
    /// The signature over content and trailer is the source's.
    pub signature_ok: bool,
}

/// Why a piece is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum Rejection {
    /// Not the source's, or changed on the way.
    #[error("the signature is not the source's")]
    Signature,
    /// The source's, but another piece than was asked for: replayed or reordered.
    #[error("piece {0} was sent in its place")]
    Sequence(u64),
    /// Too old to be a piece of the window.
    #[error("it is from an earlier lap")]
    Old,
    /// Signed long before we came.
    #[error("it was signed too long ago")]
    Stale,
}

/// One receiver's memory of what it has accepted. 32 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Acceptance {
    /// Pieces behind the newest that are still believed: half a ring.
    reach: u64,
    newest: Option<u64>,
    not_before_micros: u64,
}

impl Acceptance {
    /// Pieces signed this long before the first that was accepted are stale.
    pub const STALE: Duration = Duration::from_secs(300);

    /// For a ring, or a window, of `pieces`.
    #[must_use]
    pub const fn new(pieces: u32) -> Self {
        Self {
            reach: pieces as u64 / 2,
            newest: None,
            not_before_micros: 0,
        }
    }

    /// Judges the piece that was asked for as `asked`, by the trailer that came with it.
    ///
    /// # Errors
    /// If it is refused; nothing is remembered of it.
    pub fn judge(&mut self, asked: PieceIndex, trailer: Trailer) -> Result<(), Rejection> {
        if !trailer.signature_ok {
            return Err(Rejection::Signature);
        }
        if self
            .newest
            .is_some_and(|newest| trailer.sequence + self.reach < newest)
        {
            return Err(Rejection::Old);
        }
        if trailer.sequence != u64::from(asked.0) {
            return Err(Rejection::Sequence(trailer.sequence));
        }
        if trailer.source_micros < self.not_before_micros {
            return Err(Rejection::Stale);
        }
        if self.newest.is_none() {
            let stale = u64::try_from(Self::STALE.as_micros()).expect("five minutes");
            self.not_before_micros = trailer.source_micros.saturating_sub(stale);
        }
        self.newest = self.newest.max(Some(trailer.sequence));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000_000;

    fn trailer(sequence: u64, minutes: u64) -> Trailer {
        Trailer {
            sequence,
            source_micros: minutes * MINUTE,
            signature_ok: true,
        }
    }

    #[test]
    fn replayed_reordered_and_stale_pieces_are_refused() {
        let mut rules = Acceptance::new(12);
        assert_eq!(rules.judge(PieceIndex(100), trailer(100, 60)), Ok(()));
        assert_eq!(rules.judge(PieceIndex(98), trailer(98, 60)), Ok(()));
        // The same place of the ring, a lap ago.
        assert_eq!(
            rules.judge(PieceIndex(101), trailer(89, 60)),
            Err(Rejection::Old)
        );
        assert_eq!(
            rules.judge(PieceIndex(101), trailer(99, 60)),
            Err(Rejection::Sequence(99))
        );
        assert_eq!(
            rules.judge(PieceIndex(101), trailer(101, 54)),
            Err(Rejection::Stale)
        );
        let forged = Trailer {
            signature_ok: false,
            ..trailer(101, 60)
        };
        assert_eq!(
            rules.judge(PieceIndex(101), forged),
            Err(Rejection::Signature)
        );
        // What was refused left no trace.
        assert_eq!(rules.judge(PieceIndex(101), trailer(101, 55)), Ok(()));
    }
}
