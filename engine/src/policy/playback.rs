//! When to start, what to do about a late piece, when to go on.

use core::time::Duration;

use super::param::PolicyInfo;

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
    /// As the trial client of July 2008 did (swarmplayer.md 5.4, read in code): this much is
    /// complete; or, of a live stream that skips late pieces, more pieces have come than it holds,
    /// and less than a tenth of it is missing, or more than twice as many have come as are missing.
    SwarmPlayer2008(Duration),
}

impl StartRule {
    /// The media that is gathered before the picture moves.
    #[must_use]
    pub const fn prebuffer(self) -> Duration {
        match self {
            Self::GiveToGet { h: media }
            | Self::Prebuffer(media)
            | Self::SwarmPlayer2008(media) => media,
        }
    }
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

impl PlaybackConfig {
    /// When to start.
    pub const STARTS: &[PolicyInfo] = &[
        PolicyInfo {
            name: "give-to-get",
            source: "Mol et al., MMCN 2008 (as recalled); Tribler G2G-0b, VideoOnDemand.py (read in code)",
            summary: "10 s are complete, and the rest would be here before it is played",
        },
        PolicyInfo {
            name: "prebuffer",
            source: "ours: a fixed amount, as players have whose network is no swarm",
            summary: "this much is complete: { prebuffer = \"10 s\" }",
        },
        PolicyInfo {
            name: "swarmplayer-2008",
            source: "SwarmPlayer 1.0, July 2008, VideoOnDemand.py (read in code)",
            summary: "as prebuffer; a channel that skips also starts with gaps, when more came than twice what is missing",
        },
    ];

    /// What to do about a piece that is not there when it is due.
    pub const LATES: &[PolicyInfo] = &[
        PolicyInfo {
            name: "stall",
            source: "ours: a threshold of its own, `resume`, between stopping and going on",
            summary: "the picture stands still until 5 s are complete from there",
        },
        PolicyInfo {
            name: "skip",
            source: "Tribler G2G-0b, refill_buffer (read in code); the papers' chunk loss (as recalled)",
            summary: "the piece is jumped over when it is due",
        },
    ];
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
