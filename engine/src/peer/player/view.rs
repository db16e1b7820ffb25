//! The player, as others see it: what it does, where it is, and how much is ahead.

use core::time::Duration;

/// What the player does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlayState {
    /// Nobody pressed play.
    Idle,
    /// Waiting for the first frame, or for the frame after a seek.
    Buffering,
    /// The picture moves.
    Playing,
    /// The picture stands, for want of a piece.
    Stalled,
    /// The viewer paused.
    Paused,
    /// The end.
    Ended,
}

/// The player, as the page sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaybackView {
    /// What it does.
    pub state: PlayState,
    /// The playhead, in bytes of the content.
    pub position: u64,
    /// Verified bytes without a gap from the playhead on.
    pub ahead: u64,
    /// Media time played so far.
    pub played: Duration,
}
