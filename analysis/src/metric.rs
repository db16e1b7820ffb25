//! The table of metrics: the peers of a run, to one number each. Definitions: field.md D2.

use swarmbed_engine::Rate;

use crate::record::{Ending, PeerRecord};
use crate::run::{Run, big, count};
use crate::stats::{jain, mean, quantile, sum};

/// What is needed beside the peers.
#[derive(Clone, Copy, Debug)]
pub struct Content {
    /// Bytes of the content.
    pub bytes: u64,
    /// Pieces of it.
    pub pieces: u32,
    /// Bytes of every piece but the last.
    pub piece_length: u32,
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
    /// It says something of some viewers too, not only of all.
    pub grouped: bool,
    of: fn(&Run<'_>) -> f64,
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
        grouped: false,
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

    const fn grouped(self) -> Self {
        Self {
            grouped: true,
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
        self.of_some(peers.iter().collect(), content)
    }

    /// Its value for some peers of a run.
    pub(crate) fn of_some(&self, peers: Vec<&PeerRecord>, content: Content) -> f64 {
        (self.of)(&Run { peers, content })
    }
}

/// A mean of what nobody did is no measurement.
fn some(mean: f64) -> f64 {
    if mean > 0.0 { mean } else { f64::NAN }
}

/// All metrics, in the order of the columns.
pub const METRICS: &[Metric] = &[
    metric("startup_mean_s", "start-up", "s", |run| {
        mean(&run.startups())
    })
    .headline()
    .grouped(),
    metric("startup_median_s", "median start-up", "s", |run| {
        quantile(&run.startups(), 0.5)
    })
    .grouped(),
    metric("startup_p95_s", "95th percentile start-up", "s", |run| {
        quantile(&run.startups(), 0.95)
    })
    .grouped(),
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
    .only(Mode::Stalling)
    .grouped(),
    metric("rebuffering_ratio", "rebuffering", "", |run| {
        mean(
            &run.started()
                .filter_map(|peer| peer.ledger.rebuffering_ratio())
                .collect::<Vec<_>>(),
        )
    })
    .percent()
    .headline()
    .only(Mode::Stalling)
    .grouped(),
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
    .only(Mode::Stalling)
    .grouped(),
    metric("stalls_per_viewer", "stalls", "", |run| {
        mean(
            &run.started()
                .map(|peer| count(peer.ledger.stalls.len()))
                .collect::<Vec<_>>(),
        )
    })
    .only(Mode::Stalling)
    .grouped(),
    metric("stall_mean_s", "length of a stall", "s", |run| {
        mean(&run.stall_lengths())
    })
    .only(Mode::Stalling),
    metric("stall_max_s", "longest stall", "s", |run| {
        run.stall_lengths().into_iter().fold(f64::NAN, f64::max)
    })
    .only(Mode::Stalling),
    metric("chunk_loss", "chunk loss", "", |run| {
        run.of_due(|ledger| ledger.skipped)
    })
    .percent()
    .headline()
    .only(Mode::Skipping)
    .grouped(),
    metric("chunk_never", "chunks that never came", "", |run| {
        run.of_due(|ledger| ledger.skipped - ledger.wasted)
    })
    .percent()
    .only(Mode::Skipping)
    .grouped(),
    metric("late_share", "late chunks", "", |run| {
        run.of_due(|ledger| ledger.late)
    })
    .percent()
    .headline()
    .grouped(),
    metric("seek_mean_s", "seek latency", "s", |run| {
        let seeks = run.viewers().flat_map(|peer| &peer.ledger.seeks);
        mean(
            &seeks
                .map(std::time::Duration::as_secs_f64)
                .collect::<Vec<_>>(),
        )
    })
    .headline()
    .grouped(),
    metric("live_lag_mean_s", "live lag", "s", |run| mean(&run.lags()))
        .headline()
        .grouped(),
    metric("live_lag_p95_s", "95th percentile live lag", "s", |run| {
        quantile(&run.lags(), 0.95)
    })
    .grouped(),
    metric(
        "live_lag_spread_s",
        "live lag, 5th to 95th percentile of viewers",
        "s",
        |run| {
            let lags = run.lags();
            quantile(&lags, 0.95) - quantile(&lags, 0.05)
        },
    ),
    metric("skipped_media", "skipped media", "", |run| {
        let live = run.started().filter(|peer| peer.ledger.diffusion.0 > 0);
        mean(
            &live
                .filter_map(|peer| run.skipped_media(peer))
                .collect::<Vec<_>>(),
        )
    })
    .percent()
    .headline()
    .grouped(),
    metric(
        "diffusion_mean_s",
        "age of live pieces on arrival",
        "s",
        |run| {
            let came = run.viewers().filter(|peer| peer.ledger.diffusion.0 > 0);
            let age = |peer: &PeerRecord| {
                let (pieces, age) = peer.ledger.diffusion;
                age.as_secs_f64() / f64::from(pieces)
            };
            mean(&came.map(age).collect::<Vec<_>>())
        },
    )
    .headline(),
    metric("download_mean_s", "download", "s", |run| {
        mean(&run.downloads())
    })
    .grouped(),
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
    .more_is_better()
    .grouped(),
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
        "adversary_gap",
        "rebuffering of adversaries less that of others",
        "",
        |run| {
            let ratios = |honest: bool| -> Vec<f64> {
                let some = run.started().filter(|peer| peer.is_honest() == honest);
                some.filter_map(|peer| peer.ledger.rebuffering_ratio())
                    .collect()
            };
            mean(&ratios(false)) - mean(&ratios(true))
        },
    )
    .percent()
    .only(Mode::Stalling),
    metric("give_ratio", "given per byte got", "", |run| {
        let given: Vec<f64> = run
            .viewers()
            .map(|peer| big(peer.ledger.traffic.payload_up))
            .collect();
        let got: Vec<f64> = run
            .viewers()
            .map(|peer| big(peer.ledger.traffic.payload_down))
            .collect();
        sum(&given) / sum(&got)
    })
    .grouped()
    .more_is_better(),
    metric("corrupt_share", "corrupt bytes", "", |run| {
        let bad: Vec<f64> = run
            .viewers()
            .map(|peer| big(peer.ledger.traffic.corrupt))
            .collect();
        let got: Vec<f64> = run
            .viewers()
            .map(|peer| big(peer.ledger.traffic.payload_down))
            .collect();
        sum(&bad) / sum(&got)
    })
    .grouped()
    .percent(),
    metric(
        "report_answer_share",
        "Give-to-Get reports that came and counted",
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
    metric("seek_p95_s", "95th percentile seek latency", "s", |run| {
        let seeks = run.viewers().flat_map(|peer| &peer.ledger.seeks);
        quantile(
            &seeks
                .map(std::time::Duration::as_secs_f64)
                .collect::<Vec<_>>(),
            0.95,
        )
    })
    .grouped(),
    metric("seeks_per_viewer", "jumps", "", |run| {
        let sought = run.started().map(|peer| f64::from(peer.ledger.sought));
        some(mean(&sought.collect::<Vec<_>>()))
    })
    .grouped(),
    metric("pauses_per_viewer", "pauses", "", |run| {
        let paused = run.started().map(|peer| f64::from(peer.ledger.pauses));
        some(mean(&paused.collect::<Vec<_>>()))
    })
    .grouped(),
    metric(
        "server_mb_per_viewer",
        "web seed, per viewer",
        "MB",
        |run| {
            let came = run.came().filter(|peer| !peer.source);
            let sent: Vec<f64> = came
                .map(|peer| big(peer.ledger.traffic.from_web_seed))
                .collect();
            some(mean(&sent) / 1e6)
        },
    )
    .headline(),
    metric(
        "server_share",
        "of what came: from the web seed",
        "",
        |run| {
            let of = |bytes: fn(&swarmbed_engine::Traffic) -> u64| {
                let all = run.came().filter(|peer| !peer.source);
                sum(&all
                    .map(|peer| big(bytes(&peer.ledger.traffic)))
                    .collect::<Vec<_>>())
            };
            let server = of(|traffic| traffic.from_web_seed);
            some(server / (server + of(|traffic| traffic.payload_down)))
        },
    )
    .percent(),
    metric("viewers", "viewers", "", |run| count(run.viewers().count())).grouped(),
    metric("exits_before_start", "exits before start", "", |run| {
        count(
            run.viewers()
                .filter(|peer| peer.ledger.startup.is_none())
                .count(),
        )
    })
    .grouped(),
    metric("cut_by_horizon", "cut by the horizon", "", |run| {
        count(
            run.peers
                .iter()
                .filter(|peer| peer.plays && peer.ending == Ending::CutByHorizon)
                .filter(|peer| !peer.counts())
                .count(),
        )
    }),
    metric("never_came", "came after the horizon", "", |run| {
        let late = run
            .peers
            .iter()
            .filter(|peer| peer.ending == Ending::NeverCame);
        count(late.filter(|peer| peer.plays).count())
    }),
    metric("incomplete", "downloads not complete", "", |run| {
        let others = run.came().filter(|peer| !peer.source);
        count(
            others
                .filter(|peer| peer.ledger.completed_at.is_none())
                .count(),
        )
    })
    .grouped(),
    metric("warm_up", "came in warm-up", "", |run| {
        count(
            run.peers
                .iter()
                .filter(|peer| peer.plays && peer.ending == Ending::WarmUp)
                .count(),
        )
    }),
];
