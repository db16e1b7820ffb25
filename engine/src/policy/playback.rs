//! When to start, what to do about a late piece, when to go on.

use core::time::Duration;

/// When the picture starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StartRule {
    /// Give-to-Get (papers.md 1.2, RECALLED-H and READ-CODE): the first `h` of video is complete,
    /// and the rest would download, at the rate of the last 10 s, before it is played.
    GiveToGet {
        /// 10 s in the client.
        h: Duration,
    },
    /// As soon as this much is complete.
    Prebuffer(Duration),
}

/// What happens when the playhead reaches a piece that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LatePolicy {
    /// The picture stands still until this much is complete from there.
    Stall {
        /// Resume threshold.
        resume: Duration,
    },
    /// The piece is jumped over when it is due.
    Skip,
}

/// The player's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlaybackConfig {
    /// When to start, also after a seek.
    pub start: StartRule,
    /// Stall or skip.
    pub late: LatePolicy,
}

impl Default for PlaybackConfig {
    fn default() -> Self {
        Self {
            start: StartRule::GiveToGet {
                h: Duration::from_secs(10),
            },
            late: LatePolicy::Stall {
                resume: Duration::from_secs(5),
            },
        }
    }
}
