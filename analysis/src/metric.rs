//! The table of metrics: the peers of a run, to one number each. Definitions: field.md D2.

use swarmbed_engine::{Instant, Rate};

use crate::record::{Ending, PeerRecord};
use crate::stats::{jain, mean, quantile, sum};

/// What is needed beside the peers.
#[derive(Clone, Copy, Debug)]
pub struct Content {
    /// Bytes of the content.
    pub bytes: u64,
    /// Pieces of it.
    pub pieces: u32,
    /// Media rate; `None` for a plain file.
    pub bitrate: Option<Rate>,
}

/// When a metric says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Always.
    Any,
    /// Only when playback stalls for late pieces.
    Stalling,
    /// Only when playback skips them.
    Skipping,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its column.
    pub key: &'static str,
    /// Its heading.
    pub label: &'static str,
    /// What it is shown in.
    pub unit: &'static str,
    /// What the number is multiplied with to be shown.
    pub factor: f64,
    /// When it says something.
    pub mode: Mode,
    /// In the table a person reads.
    pub headline: bool,
    /// Less is better.
    pub less: bool,
    of: fn(&Run<'_>) -> f64,
}

/// The peers of a run.
struct Run<'a> {
    peers: &'a [PeerRecord],
    content: Content,
}

const fn metric(
    key: &'static str,
    label: &'static str,
    unit: &'static str,
    of: fn(&Run<'_>) -> f64,
) -> Metric {
    Metric {
        key,
        label,
        unit,
        factor: 1.0,
        mode: Mode::Any,
        headline: false,
        less: true,
        of,
    }
}

impl Metric {
    const fn percent(self) -> Self {
        Self {
            unit: "%",
            factor: 100.0,
            ..self
        }
    }

    const fn headline(self) -> Self {
        Self {
            headline: true,
            ..self
        }
    }

    const fn only(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    const fn more_is_better(self) -> Self {
        Self {
            less: false,
            ..self
        }
    }

    /// Whether it says something when playback stalls (or, if not, skips).
    #[must_use]
    pub fn applies(&self, stalls: bool) -> bool {
        match self.mode {
            Mode::Any => true,
            Mode::Stalling => stalls,
            Mode::Skipping => !stalls,
        }
    }

    /// Its value for a run; not a number where there is nothing to measure.
    #[must_use]
    pub fn of(&self, peers: &[PeerRecord], content: Content) -> f64 {
        (self.of)(&Run { peers, content })
    }
}

/// All metrics, in the order of the columns.
pub const METRICS: &[Metric] = &[
    metric("startup_mean_s", "start-up", "s", |run| {
        mean(&run.startups())
    })
    .headline(),
    metric("startup_median_s", "median start-up", "s", |run| {
        quantile(&run.startups(), 0.5)
    }),
    metric("startup_p95_s", "95th percentile start-up", "s", |run| {
        quantile(&run.startups(), 0.95)
    }),
    metric("stall_free_share", "stall-free", "", |run| {
        mean(
            &run.started()
                .map(|peer| f64::from(u8::from(peer.ledger.stalls.is_empty())))
                .collect::<Vec<_>>(),
        )
    })
    .percent()
    .headline()
    .more_is_better()
    .only(Mode::Stalling),
    metric("rebuffering_ratio", "rebuffering", "", |run| {
        mean(
            &run.started()
                .filter_map(|peer| peer.ledger.rebuffering_ratio())
                .collect::<Vec<_>>(),
        )
    })
    .percent()
    .headline()
    .only(Mode::Stalling),
    metric(
        "rebuffering_ratio_p95",
        "95th percentile rebuffering",
        "",
        |run| {
            quantile(
                &run.started()
                    .filter_map(|peer| peer.ledger.rebuffering_ratio())
                    .collect::<Vec<_>>(),
                0.95,
            )
        },
    )
    .percent()
    .only(Mode::Stalling),
    metric("stalls_per_viewer", "stalls", "", |run| {
        mean(
            &run.started()
                .map(|peer| count(peer.ledger.stalls.len()))
                .collect::<Vec<_>>(),
        )
    })
    .only(Mode::Stalling),
    metric("chunk_loss", "chunk loss", "", |run| {
        let pieces = f64::from(run.content.pieces);
        mean(
            &run.started()
                .map(|peer| f64::from(peer.ledger.skipped) / pieces)
                .collect::<Vec<_>>(),
        )
    })
    .percent()
    .headline()
    .only(Mode::Skipping),
    metric("late_share", "late chunks", "", |run| {
        let pieces = f64::from(run.content.pieces);
        mean(
            &run.started()
                .map(|peer| f64::from(peer.ledger.late) / pieces)
                .collect::<Vec<_>>(),
        )
    })
    .percent()
    .headline(),
    metric("download_mean_s", "download", "s", |run| {
        mean(&run.downloads())
    }),
    metric("source_multiple", "source upload", "x", |run| {
        let sent: Vec<f64> = run
            .sources()
            .map(|peer| big(peer.ledger.traffic.payload_up))
            .collect();
        sum(&sent) / big(run.content.bytes)
    })
    .headline(),
    metric("resource_index", "resource index", "", |run| {
        run.resource_index()
    })
    .headline()
    .more_is_better(),
    metric("upload_utilisation", "upload used", "", |run| {
        let used: Vec<f64> = run.came().map(|peer| big(peer.bytes_up)).collect();
        let offered: Vec<f64> = run.came().map(Run::offered).collect();
        sum(&used) / sum(&offered)
    })
    .percent()
    .more_is_better(),
    metric("control_overhead", "control", "", |run| {
        let payload: Vec<f64> = run
            .came()
            .map(|peer| big(peer.ledger.traffic.payload_up))
            .collect();
        let all: Vec<f64> = run.came().map(|peer| big(peer.bytes_up)).collect();
        sum(&all) / sum(&payload) - 1.0
    })
    .percent(),
    metric("duplicate_share", "duplicate bytes", "", |run| {
        let twice: Vec<f64> = run
            .came()
            .map(|peer| big(peer.ledger.traffic.duplicate))
            .collect();
        let all: Vec<f64> = run
            .came()
            .map(|peer| big(peer.ledger.traffic.payload_down))
            .collect();
        sum(&twice) / sum(&all)
    })
    .percent(),
    metric("fairness", "Jain index of upload/capacity", "", |run| {
        let shares: Vec<f64> = run
            .viewers()
            .filter(|peer| !peer.free_rider)
            .map(|peer| big(peer.bytes_up) / Run::offered(peer))
            .collect();
        jain(&shares)
    })
    .more_is_better(),
    metric(
        "free_rider_gap",
        "rebuffering of free-riders less that of others",
        "",
        |run| {
            let ratios = |free: bool| -> Vec<f64> {
                let some = run.started().filter(|peer| peer.free_rider == free);
                some.filter_map(|peer| peer.ledger.rebuffering_ratio())
                    .collect()
            };
            mean(&ratios(true)) - mean(&ratios(false))
        },
    )
    .percent()
    .only(Mode::Stalling),
    metric(
        "startup_honest_s",
        "start-up of others than free-riders",
        "s",
        |run| {
            let some = run.started().filter(|peer| !peer.free_rider);
            mean(
                &some
                    .filter_map(|peer| peer.ledger.startup)
                    .map(|delay| delay.as_secs_f64())
                    .collect::<Vec<_>>(),
            )
        },
    ),
    metric(
        "startup_free_rider_s",
        "start-up of free-riders",
        "s",
        |run| {
            let some = run.started().filter(|peer| peer.free_rider);
            mean(
                &some
                    .filter_map(|peer| peer.ledger.startup)
                    .map(|delay| delay.as_secs_f64())
                    .collect::<Vec<_>>(),
            )
        },
    ),
    metric(
        "report_answer_share",
        "Give-to-Get queries answered",
        "",
        |run| {
            let asked: Vec<f64> = run
                .came()
                .map(|peer| big(peer.ledger.traffic.queries))
                .collect();
            let answered: Vec<f64> = run
                .came()
                .map(|peer| big(peer.ledger.traffic.answers))
                .collect();
            sum(&answered) / sum(&asked)
        },
    )
    .percent()
    .more_is_better(),
    metric("viewers", "viewers", "", |run| count(run.viewers().count())),
    metric("exits_before_start", "exits before start", "", |run| {
        count(
            run.viewers()
                .filter(|peer| peer.ledger.startup.is_none())
                .count(),
        )
    }),
    metric("cut_by_horizon", "cut by the horizon", "", |run| {
        count(
            run.peers
                .iter()
                .filter(|peer| peer.plays && peer.ending == Ending::CutByHorizon)
                .count(),
        )
    }),
    metric("warm_up", "came in warm-up", "", |run| {
        count(
            run.peers
                .iter()
                .filter(|peer| peer.plays && peer.ending == Ending::WarmUp)
                .count(),
        )
    }),
];

#[expect(
    clippy::cast_precision_loss,
    reason = "bytes of a run fit a double well enough for a ratio"
)]
const fn big(value: u64) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
const fn count(value: usize) -> f64 {
    value as f64
}

impl Run<'_> {
    fn came(&self) -> impl Iterator<Item = &PeerRecord> {
        self.peers
            .iter()
            .filter(|peer| peer.ending != Ending::NeverCame)
    }

    fn sources(&self) -> impl Iterator<Item = &PeerRecord> {
        self.came().filter(|peer| peer.source)
    }

    fn viewers(&self) -> impl Iterator<Item = &PeerRecord> {
        self.peers.iter().filter(|peer| peer.counts())
    }

    fn started(&self) -> impl Iterator<Item = &PeerRecord> {
        self.viewers().filter(|peer| peer.ledger.startup.is_some())
    }

    fn startups(&self) -> Vec<f64> {
        self.viewers()
            .filter_map(|peer| peer.ledger.startup)
            .map(|delay| delay.as_secs_f64())
            .collect()
    }

    fn downloads(&self) -> Vec<f64> {
        let took =
            |peer: &PeerRecord| Some(peer.ledger.completed_at?.since(peer.arrival).as_secs_f64());
        self.peers
            .iter()
            .filter(|peer| !peer.source)
            .filter_map(took)
            .collect()
    }

    /// Bytes a peer could have sent while it was there.
    fn offered(peer: &PeerRecord) -> f64 {
        let there = peer
            .left_at
            .unwrap_or(Instant::ZERO)
            .since(peer.arrival)
            .as_secs_f64();
        big(peer.uplink.bytes_per_s()) * there
    }

    /// Upload offered ÷ demand. With a bitrate: mean uplink of sharing viewers and the sources'
    /// part, over the bitrate, while the swarm plays (papers.md 1.3); for a file: what could be
    /// sent while peers were there, over what they want.
    fn resource_index(&self) -> f64 {
        match self.content.bitrate {
            Some(bitrate) => {
                let viewers: Vec<&PeerRecord> = self
                    .peers
                    .iter()
                    .filter(|peer| peer.plays && peer.ending != Ending::NeverCame)
                    .collect();
                let sharing = viewers.iter().filter(|peer| !peer.free_rider);
                let uplinks: Vec<f64> =
                    sharing.map(|peer| big(peer.uplink.bytes_per_s())).collect();
                sum(&uplinks) / (count(viewers.len()) * big(bitrate.bytes_per_s()))
            }
            None => {
                let offered: Vec<f64> = self
                    .came()
                    .filter(|peer| !peer.free_rider)
                    .map(Self::offered)
                    .collect();
                let wanting = self.came().filter(|peer| !peer.source).count();
                sum(&offered) / (count(wanting) * big(self.content.bytes))
            }
        }
    }
}
