//! The rows of the table: what each runs, and what it must reach. Owns targets and sizes; knows neither how a run is
//! measured nor how a row is printed.

use serde::{Deserialize, Serialize};

use super::machine::Machine;
use super::measure::{Job, Measured};

/// A row as it is to be measured.
pub(super) struct Spec {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    /// Its runs, at full size and small.
    pub(super) jobs: fn(quick: bool) -> Vec<Job>,
    /// What the runs, in the same order, must reach.
    pub(super) targets: fn(&[&Measured]) -> Vec<Target>,
}

/// A row that was measured.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) what: String,
    pub(super) quick: bool,
    pub(super) machine: Machine,
    pub(super) measured: Vec<Measured>,
    pub(super) targets: Vec<Target>,
}

/// Something that is asked of a row.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Target {
    pub(super) what: String,
    pub(super) unit: String,
    pub(super) measured: f64,
    pub(super) wanted: f64,
    pub(super) bound: Bound,
    /// Small sizes can tell.
    pub(super) any_size: bool,
}

/// On which side of what is wanted it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Bound {
    AtLeast,
    AtMost,
    /// It is so, or not: 1 or 0.
    Holds,
}

impl Target {
    fn at_least(what: &str, unit: &str, measured: f64, wanted: f64) -> Self {
        Self {
            what: what.into(),
            unit: unit.into(),
            measured,
            wanted,
            bound: Bound::AtLeast,
            any_size: false,
        }
    }

    fn at_most(what: &str, unit: &str, measured: f64, wanted: f64) -> Self {
        let bound = Bound::AtMost;
        Self {
            bound,
            ..Self::at_least(what, unit, measured, wanted)
        }
    }

    /// However large the swarms.
    fn holds(what: &str, measured: bool) -> Self {
        let measured = f64::from(u8::from(measured));
        Self {
            bound: Bound::Holds,
            any_size: true,
            ..Self::at_least(what, "", measured, 1.0)
        }
    }

    pub(super) fn is_met(&self) -> bool {
        match self.bound {
            Bound::AtLeast | Bound::Holds => self.measured >= self.wanted,
            Bound::AtMost => self.measured <= self.wanted,
        }
    }
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Meets,
    FallsShort,
    /// Nothing is asked of it, or not of this size.
    Shown,
}

impl Verdict {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Meets => "meets",
            Self::FallsShort => "falls short",
            Self::Shown => "shown",
        }
    }
}

impl Row {
    /// The targets that this size can tell of.
    pub(super) fn judged(&self) -> impl Iterator<Item = &Target> {
        let quick = self.quick;
        self.targets
            .iter()
            .filter(move |one| one.any_size || !quick)
    }

    pub(super) fn verdict(&self) -> Verdict {
        if self.judged().next().is_none() {
            Verdict::Shown
        } else if self.judged().all(Target::is_met) {
            Verdict::Meets
        } else {
            Verdict::FallsShort
        }
    }
}

const KIB: f64 = 1024.0;
const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
const PER_CPU_S: &str = "useful blocks per CPU-second";

fn memory(of: &Measured, gib: f64) -> Target {
    Target::at_most("peak memory", "GiB", of.peak_memory_bytes / GIB, gib)
}

fn rate(of: &Measured, wanted: f64) -> Target {
    Target::at_least(PER_CPU_S, "", of.blocks_per_cpu_s(), wanted)
}

/// The film, and the same with another policy set.
fn vod(quick: bool) -> Job {
    let small = &[
        "swarm.viewers=400",
        "swarm.arrival.poisson=4 /s",
        "class.seed.count=1",
        "content.duration=1 min",
    ];
    Job::new("vod-10k", "vod-10k", if quick { small } else { &[] })
}

const GIVE_TO_GET: &str = "policy=[{name=\"give-to-get\", selector=\"give-to-get\", \
     choker=\"give-to-get\", seed_choker=\"give-to-get\"}]";

/// So many runs, one seed each.
fn sweep(runs: u32, threads: u32, quick: bool) -> Job {
    let plural = |count: u32| if count == 1 { "" } else { "s" };
    let name = format!(
        "{runs} run{}, {threads} thread{}",
        plural(runs),
        plural(threads)
    );
    let sets: &[&str] = if quick { &["swarm.viewers=10"] } else { &[] };
    let job = Job::new(&name, "sweep", sets);
    job.seeds(&format!("1..={runs}")).threads(threads as usize)
}

/// Swarms of the scaling row; each 3.2 times the one before.
const SIZES: [u32; 7] = [100, 316, 1000, 3162, 10_000, 31_623, 100_000];

fn scale(quick: bool) -> Vec<Job> {
    let sizes = &SIZES[..if quick { 2 } else { SIZES.len() }];
    let job = |&viewers: &u32| {
        let sets = [
            format!("swarm.viewers={viewers}"),
            format!("swarm.arrival.poisson={} /s", f64::from(viewers) / 100.0),
            format!("class.seed.count={}", viewers.div_ceil(500)),
        ];
        let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        // Small swarms often, so that each size moves some hundred thousand blocks.
        let runs = (if quick { 300 } else { 3000 } / viewers).max(1);
        Job::new(&format!("{viewers} viewers"), "scale", &sets).seeds(&format!("1..={runs}"))
    };
    sizes.iter().map(job).collect()
}

/// The table.
pub(super) const ROWS: &[Spec] = &[
    Spec {
        name: "file-10k",
        what: "PeerSim's swarm: 10 MB among 10,000 peers with up to 80 neighbours",
        jobs: |quick| {
            let small = &["swarm.viewers=475", "class.seed.count=25"];
            let sets: &[&str] = if quick { small } else { &[] };
            vec![Job::new("file-10k", "file-10k", sets)]
        },
        targets: |of| {
            vec![
                rate(of[0], 350_000.0),
                Target::at_most("memory per peer", "KiB", of[0].bytes_per_peer() / KIB, 40.0),
            ]
        },
    },
    Spec {
        name: "vod-10k",
        what: "a film of 5 minutes for 10,000 viewers within 10 minutes, in order",
        jobs: |quick| vec![vod(quick)],
        targets: |of| vec![rate(of[0], 250_000.0), memory(of[0], 1.0)],
    },
    Spec {
        name: "give-to-get",
        what: "vod-10k under Give-to-Get",
        jobs: |quick| {
            let mut job = vod(quick).named("give-to-get");
            job.sets.push(GIVE_TO_GET.into());
            vec![job]
        },
        targets: |_| Vec::new(),
    },
    Spec {
        name: "coarse",
        what: "vod-10k in whole pieces: coarse, so beside the others",
        jobs: |quick| {
            let mut job = vod(quick).named("vod-10k, whole pieces");
            job.sets.push("network.granularity=piece".into());
            vec![vod(quick), job]
        },
        targets: |_| Vec::new(),
    },
    Spec {
        name: "vod-100k",
        what: "the same film for 100,000 viewers",
        jobs: |quick| {
            let small = &[
                "swarm.viewers=1000",
                "swarm.arrival.poisson=10 /s",
                "class.seed.count=2",
                "content.duration=1 min",
            ];
            let sets: &[&str] = if quick { small } else { &[] };
            vec![vod(quick), Job::new("vod-100k", "vod-100k", sets)]
        },
        targets: |of| {
            let share = 100.0 * of[1].blocks_per_cpu_s() / of[0].blocks_per_cpu_s();
            vec![
                memory(of[1], 10.0),
                Target::at_least("of the blocks per CPU-second of vod-10k", "%", share, 60.0),
            ]
        },
    },
    Spec {
        name: "live-1k",
        what: "a channel for 1,000 viewers, an hour",
        jobs: |quick| {
            let small = &[
                "swarm.viewers=100",
                "content.duration=3 min",
                "run.horizon=4 min",
            ];
            let sets: &[&str] = if quick { small } else { &[] };
            vec![Job::new("live-1k", "live-1k", sets)]
        },
        targets: |of| vec![rate(of[0], 200_000.0)],
    },
    Spec {
        name: "threads",
        what: "vod-10k on 2 threads against 1",
        jobs: |quick| {
            let job = vod(quick);
            vec![job.clone(), job.named("vod-10k, 2 threads").threads(2)]
        },
        targets: |of| {
            let faster = of[0].wall_s / of[1].wall_s;
            vec![
                Target::holds("the trace hash is the same", of[0].traces == of[1].traces),
                Target::at_least("times faster", "", faster, 1.7),
            ]
        },
    },
    Spec {
        name: "sweep",
        what: "200 runs of 200 viewers, a film of one minute, on 2 threads against 1",
        jobs: |quick| {
            let (few, many) = if quick { (1, 3) } else { (20, 200) };
            let job = |runs, threads| sweep(runs, threads, quick);
            vec![job(few, 1), job(many, 1), job(many, 2)]
        },
        targets: |of| {
            let grown = of[1].peak_memory_bytes / of[0].peak_memory_bytes;
            vec![
                Target::holds(
                    "the trace hashes are the same",
                    of[1].traces == of[2].traces,
                ),
                Target::at_least("times faster", "", of[1].wall_s / of[2].wall_s, 1.9),
                Target::at_most("times the memory of a tenth of the runs", "", grown, 1.1),
            ]
        },
    },
    Spec {
        name: "scale",
        what: "the quickstart's swarm and a film of one minute, from 100 to 100,000 viewers",
        jobs: scale,
        targets: |of| {
            let cost: Vec<f64> = of.iter().map(|one| one.micros_per_block()).collect();
            let least = cost.iter().copied().fold(f64::INFINITY, f64::min);
            let most = cost.iter().copied().fold(0.0, f64::max);
            let step = cost.windows(2).map(|pair| pair[1] / pair[0]);
            let step = step.fold(0.0, f64::max);
            vec![
                Target::at_most("times the least cost per block", "", most / least, 1.7),
                Target::at_most("times the cost of the next smaller", "", step, 1.35),
            ]
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn row(quick: bool, targets: Vec<Target>) -> Row {
        Row {
            name: String::new(),
            what: String::new(),
            quick,
            machine: Machine::this(),
            measured: Vec::new(),
            targets,
        }
    }

    #[test]
    fn a_row_is_judged_by_what_its_size_can_tell() {
        let slow = || Target::at_least("fast", "", 1.0, 2.0);
        let large = || Target::at_most("small", "", 3.0, 2.0);
        let fine = || Target::at_most("small", "", 1.0, 2.0);
        for (verdict, quick, targets) in [
            (Verdict::Meets, false, vec![fine()]),
            (Verdict::FallsShort, false, vec![fine(), slow()]),
            (Verdict::FallsShort, false, vec![fine(), large()]),
            (Verdict::Shown, true, vec![slow(), large()]),
            (
                Verdict::Meets,
                true,
                vec![slow(), Target::holds("so", true)],
            ),
            (Verdict::FallsShort, true, vec![Target::holds("so", false)]),
            (Verdict::Shown, false, vec![]),
            // What could not be measured is not met.
            (
                Verdict::FallsShort,
                false,
                vec![Target::at_most("", "", f64::NAN, 1.0)],
            ),
        ] {
            assert_eq!(
                row(quick, targets.clone()).verdict(),
                verdict,
                "{targets:?}"
            );
        }
    }

    #[test]
    fn what_rows_share_is_the_same_job() {
        let jobs = |name: &str| {
            let spec = ROWS.iter().find(|spec| spec.name == name);
            (spec.expect("a row of the table").jobs)(false)
        };
        assert!(jobs("vod-10k")[0].same(&jobs("threads")[0]));
        assert!(jobs("vod-10k")[0].same(&jobs("vod-100k")[0]));
        assert!(!jobs("vod-10k")[0].same(&jobs("threads")[1]));
        assert!(!jobs("vod-10k")[0].same(&jobs("give-to-get")[0]));
    }
}
