//! The table of piece selectors: names, sources, parameters.

use alloc::boxed::Box;
use core::time::Duration;

use super::param::{
    ParamError, ParamValue, PolicyInfo, count, duration, either, exponent, flag, share,
};
use super::select::PieceSelector;
use super::{
    bitos, give_to_get, in_order, latest_useful, libtorrent_deadline, live_rarest_first, mixed,
    rarest_first, rqbit_look_ahead, swarmplayer_2010, webtorrent_critical, zipf,
};

/// Which piece next.
#[derive(Clone, Debug, PartialEq)]
pub enum SelectorConfig {
    /// `rarest-first`
    RarestFirst,
    /// `in-order`
    InOrder,
    /// `give-to-get`
    GiveToGet {
        /// Length of the high set, 10 s.
        h: Duration,
        /// The mid set is `mu` times as long, 4.
        mu: u32,
        /// `mid = "mu"`: the mid set ends at m + μh, not m + (μ+1)h.
        mid_ends_at_mu: bool,
        /// `ties = "first"`: the lowest of equally rare pieces, not a random one.
        ties_first: bool,
    },
    /// `swarmplayer-2010`
    Swarmplayer2010 {
        /// Length of the high set, and what a stall adds, 10 s.
        h: Duration,
        /// The mid set ends at `mu` times the high set, 4.
        mu: u32,
    },
    /// `bitos`
    Bitos {
        /// Probability of the high set, 0.8.
        p: f64,
        /// Its share of all pieces, 0.05.
        high: f64,
    },
    /// `zipf`
    Zipf {
        /// Exponent, 1.25.
        theta: f64,
    },
    /// `mixed`
    Mixed {
        /// The buffer, 40 s.
        buffer: Duration,
        /// Its share that is rarest first, 0.25.
        rarest: f64,
    },
    /// `libtorrent-deadline`
    LibtorrentDeadline {
        /// How far ahead pieces have deadlines, 60 s.
        window: Duration,
    },
    /// `rqbit-look-ahead`
    RqbitLookAhead {
        /// KiB before the reader, 32 Mi.
        look_ahead_kib: u32,
    },
    /// `webtorrent-critical`
    WebtorrentCritical {
        /// Slow neighbours' blocks are taken over.
        hotswap: bool,
    },
    /// `live-rarest-first`
    LiveRarestFirst {
        /// The download window, 450 s.
        ahead: Duration,
    },
    /// `latest-useful`
    LatestUseful,
}

impl SelectorConfig {
    /// All of them.
    pub const TABLE: &[PolicyInfo] = &[
        PolicyInfo {
            name: "rarest-first",
            source: "BEP 3; Legout et al., IMC 2006 (as recalled)",
            summary: "the piece that fewest neighbours have; ties at random; started pieces first",
        },
        PolicyInfo {
            name: "in-order",
            source: "Tribler G2G-0, VideoOnDemand.py, PiecePickerEDF (read in code)",
            summary: "the lowest missing piece from the playhead on: earliest deadline first",
        },
        PolicyInfo {
            name: "give-to-get",
            source: "Mol et al., MMCN 2008 (as recalled); Tribler G2G-0, PiecePickerG2G (read in code)",
            summary: "high set in order (rarest first before playback), then mid, then low rarest first",
        },
        PolicyInfo {
            name: "swarmplayer-2010",
            source: "Tribler 2010-2012, PiecePickerStreaming.py, VideoStatus.py (read in code)",
            summary: "give-to-get whose high set grows by 10 s at each stall, up to 180 s",
        },
        PolicyInfo {
            name: "bitos",
            source: "Vlavianos et al., 2006 (as recalled); Tribler G2G-0, PiecePickerBiToS (read in code)",
            summary: "the next 5 % of the pieces with probability 0.8, else the rest; rarest first in both",
        },
        PolicyInfo {
            name: "zipf",
            source: "Carlsson and Eager, Networking 2007 (as recalled)",
            summary: "drawn with weight 1/distance^1.25 from the first missing piece",
        },
        PolicyInfo {
            name: "mixed",
            source: "Zhou, Chiu and Lui, ICNP 2007 (as recalled)",
            summary: "rarest first in the far quarter of the buffer, then greedy in the near part",
        },
        PolicyInfo {
            name: "libtorrent-deadline",
            source: "libtorrent, docs/streaming.rst, src/torrent.cpp (read in code, August 2026)",
            summary: "fast neighbours fetch what is due soon by deadline; late pieces are asked twice",
        },
        PolicyInfo {
            name: "rqbit-look-ahead",
            source: "rqbit, torrent_state/streaming.rs, piece_tracker.rs (read in code, August 2026)",
            summary: "32 MiB before the reader in order, whole pieces from one neighbour, stolen if slow",
        },
        PolicyInfo {
            name: "webtorrent-critical",
            source: "WebTorrent, lib/torrent.js, lib/file-iterator.js (read in code, July 2026)",
            summary: "in order; critical pieces are taken over from slow neighbours (hotswap)",
        },
        PolicyInfo {
            name: "live-rarest-first",
            source: "SwarmPlayer 1.0, July 2008, next_new (read in code)",
            summary: "live: the rarest piece within 450 s of the playhead",
        },
        PolicyInfo {
            name: "latest-useful",
            source: "Bonald et al., SIGMETRICS 2008 (as recalled), turned from push to pull",
            summary: "live: the newest piece the neighbour has and we lack",
        },
    ];

    /// The policy of that name, with its default parameters.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let h = Duration::from_secs(10);
        Some(match name {
            "rarest-first" => Self::RarestFirst,
            "in-order" => Self::InOrder,
            "give-to-get" => Self::GiveToGet {
                h,
                mu: 4,
                mid_ends_at_mu: false,
                ties_first: false,
            },
            "swarmplayer-2010" => Self::Swarmplayer2010 { h, mu: 4 },
            "bitos" => Self::Bitos { p: 0.8, high: 0.05 },
            "zipf" => Self::Zipf { theta: 1.25 },
            "mixed" => Self::Mixed {
                buffer: Duration::from_secs(40),
                rarest: 0.25,
            },
            "libtorrent-deadline" => Self::LibtorrentDeadline {
                window: Duration::from_secs(60),
            },
            "rqbit-look-ahead" => Self::RqbitLookAhead {
                look_ahead_kib: 32 * 1024,
            },
            "webtorrent-critical" => Self::WebtorrentCritical { hotswap: true },
            "live-rarest-first" => Self::LiveRarestFirst {
                ahead: Duration::from_secs(450),
            },
            "latest-useful" => Self::LatestUseful,
            _ => return None,
        })
    }

    /// Sets a parameter.
    ///
    /// # Errors
    /// If there is no such parameter, or its value is out of range.
    pub fn set(&mut self, key: &str, value: &ParamValue) -> Result<(), ParamError> {
        match (&mut *self, key) {
            (Self::GiveToGet { h, .. } | Self::Swarmplayer2010 { h, .. }, "h") => {
                *h = duration(value)?;
            }
            (Self::GiveToGet { mu, .. } | Self::Swarmplayer2010 { mu, .. }, "mu") => {
                *mu = count(value)?;
            }
            (Self::GiveToGet { mid_ends_at_mu, .. }, "mid") => {
                *mid_ends_at_mu = either(value, ["mu", "mu+1"], "\"mu\" or \"mu+1\"")?;
            }
            (Self::GiveToGet { ties_first, .. }, "ties") => {
                *ties_first = either(value, ["first", "random"], "\"first\" or \"random\"")?;
            }
            (Self::LiveRarestFirst { ahead }, "ahead") => *ahead = duration(value)?,
            (Self::Bitos { p, .. }, "p") => *p = share(value)?,
            (Self::Bitos { high, .. }, "high") => *high = share(value)?,
            (Self::Zipf { theta }, "theta") => *theta = exponent(value)?,
            (Self::Mixed { buffer, .. }, "buffer") => *buffer = duration(value)?,
            (Self::Mixed { rarest, .. }, "rarest") => *rarest = share(value)?,
            (Self::LibtorrentDeadline { window }, "window") => *window = duration(value)?,
            (Self::RqbitLookAhead { look_ahead_kib }, "look-ahead-kib") => {
                *look_ahead_kib = count(value)?;
            }
            (Self::WebtorrentCritical { hotswap }, "hotswap") => *hotswap = flag(value)?,
            _ => return Err(ParamError::Unknown(self.parameters())),
        }
        Ok(())
    }

    /// What it takes, by name; `none` if nothing.
    #[must_use]
    pub const fn parameters(&self) -> &'static str {
        match self {
            Self::RarestFirst | Self::InOrder | Self::LatestUseful => "none",
            Self::LiveRarestFirst { .. } => "ahead",
            Self::GiveToGet { .. } => "h, mu, mid, ties",
            Self::Swarmplayer2010 { .. } => "h, mu",
            Self::Bitos { .. } => "p, high",
            Self::Zipf { .. } => "theta",
            Self::Mixed { .. } => "buffer, rarest",
            Self::LibtorrentDeadline { .. } => "window",
            Self::RqbitLookAhead { .. } => "look-ahead-kib",
            Self::WebtorrentCritical { .. } => "hotswap",
        }
    }

    /// The policy itself.
    #[must_use]
    pub fn build(&self) -> Box<dyn PieceSelector> {
        match *self {
            Self::RarestFirst => Box::new(rarest_first::RarestFirst),
            Self::InOrder => Box::new(in_order::InOrder),
            Self::GiveToGet {
                h,
                mu,
                mid_ends_at_mu,
                ties_first,
            } => Box::new(give_to_get::GiveToGetSets {
                h,
                mid_end: mu + u32::from(!mid_ends_at_mu),
                ties_first,
            }),
            Self::Swarmplayer2010 { h, mu } => {
                Box::new(swarmplayer_2010::Swarmplayer2010 { h, mu })
            }
            Self::Bitos { p, high } => Box::new(bitos::Bitos { p, high }),
            Self::Zipf { theta } => Box::new(zipf::Zipf::new(theta)),
            Self::Mixed { buffer, rarest } => Box::new(mixed::Mixed { buffer, rarest }),
            Self::LibtorrentDeadline { window } => {
                Box::new(libtorrent_deadline::LibtorrentDeadline::new(window))
            }
            Self::RqbitLookAhead { look_ahead_kib } => Box::new(
                rqbit_look_ahead::RqbitLookAhead::new(u64::from(look_ahead_kib) * 1024),
            ),
            Self::WebtorrentCritical { hotswap } => {
                Box::new(webtorrent_critical::WebtorrentCritical { hotswap })
            }
            Self::LiveRarestFirst { ahead } => {
                Box::new(live_rarest_first::LiveRarestFirst { ahead })
            }
            Self::LatestUseful => Box::new(latest_useful::LatestUseful),
        }
    }
}
