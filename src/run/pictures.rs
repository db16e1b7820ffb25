//! The figures of a run's results: which data goes into which.

use swarmbed_analysis::compare::{RunMetrics, summarise};
use swarmbed_analysis::digits::six;
use swarmbed_analysis::figures::{
    Axis, Comparison, Figure, FigureError, Interval, Lines, OverlayFigure, OverlaySeries, Panel,
    Series, png, svg,
};
use swarmbed_analysis::metric::METRICS;
use swarmbed_analysis::overlay::{Overlay, Snapshot};
use swarmbed_analysis::results::{Results, WriteError};
use swarmbed_analysis::timeline::Moment;
use swarmbed_sim::OverlaySnapshot;
use swarmbed_sim::scenario::Scenario;

use super::clock::Clock;
use super::kept::{Bulk, Digest};
use super::memory;
use super::portrait::Portrait;

/// Most variants that a figure of lines shows: beyond it nobody tells them apart.
const LINES_MAX: usize = 7;

/// Measures of the overlay, as a row of `overlay.csv`, after variant and seed.
pub(super) fn overlay_row(overlay: &Overlay) -> Vec<String> {
    overlay.values().into_iter().map(six).collect()
}

/// Writes all figures.
pub(super) fn write(
    results: &mut Results,
    scenario: &Scenario,
    digests: &[Digest],
    portraits: &[Portrait],
    runs: &[RunMetrics],
) -> Result<(), WriteError> {
    let album = Album {
        scenario,
        digests,
        portraits,
        runs,
    };
    if let Some(figure) = &scenario.figure {
        let caption = album.judged(album.means());
        let drawn = super::sweep::curves(scenario, figure, runs, album.title_of(), caption);
        return save(results, "sweep", &drawn);
    }
    if let Some(figure) = album.swarm() {
        save(results, "swarm", &figure)?;
    }
    if let Some(figure) = album.loss_over_time() {
        save(results, "loss-over-time", &figure)?;
    }
    for (place, spread) in spreads(scenario.stalls).iter().enumerate() {
        if let Some(figure) = album.distribution(place, spread) {
            save(results, spread.file, &figure)?;
        }
    }
    save(results, "comparison", &album.comparison())?;
    if let Some(figure) = album.overlay() {
        save(results, "overlay", &figure)?;
    }
    for what in memory::FIGURES.iter().filter(|_| scenario.memory) {
        save(results, what.file, &album.held(what))?;
    }
    Ok(())
}

fn save(results: &mut Results, name: &str, figure: &impl Figure) -> Result<(), WriteError> {
    let drawn = |error: FigureError| -> ! { panic!("figure {name}: {error}") };
    let text = svg(figure).unwrap_or_else(|error| drawn(error));
    let bytes = png(figure).unwrap_or_else(|error| drawn(error));
    results.write(&format!("{name}.svg"), text.as_bytes())?;
    results.write(&format!("{name}.png"), &bytes)
}

/// Who was whose neighbour at a moment.
pub(super) fn measured(snapshot: &OverlaySnapshot, sources: &[u32]) -> Overlay {
    Overlay::measure(Snapshot {
        at_s: snapshot.at.as_secs_f64(),
        present: &snapshot.present,
        edges: &snapshot.edges,
        sources,
    })
}

/// Something that viewers differ in.
pub(crate) struct Spread {
    /// The name of its figure.
    file: &'static str,
    pub(crate) title: &'static str,
    /// What is measured, with its unit.
    pub(crate) x: &'static str,
    /// Of the viewers of a run that count, those of whom it can be told.
    pub(crate) of: fn(&Bulk) -> Vec<f64>,
}

/// What viewers differ in: start-up, and what late pieces cost them.
pub(crate) fn spreads(stalls: bool) -> [Spread; 2] {
    let startup = Spread {
        file: "startup",
        title: "Start-up delay",
        x: "start-up delay, s",
        of: |one| one.startups.clone(),
    };
    let cost = if stalls {
        Spread {
            file: "rebuffering",
            title: "Rebuffering",
            x: "rebuffering ratio S/(S+P), %",
            of: |one| one.rebuffering.iter().map(|ratio| ratio * 100.0).collect(),
        }
    } else {
        Spread {
            file: "loss",
            title: "Chunk loss",
            x: "chunks skipped of those due, %",
            of: |one| one.skipped.iter().map(|share| share * 100.0).collect(),
        }
    };
    [startup, cost]
}

/// What the figures are made of.
struct Album<'a> {
    scenario: &'a Scenario,
    digests: &'a [Digest],
    portraits: &'a [Portrait],
    runs: &'a [RunMetrics],
}

impl Album<'_> {
    fn title(&self, what: &str) -> String {
        match self.scenario.title.as_str() {
            "" => what.into(),
            title => format!("{what}: {title}"),
        }
    }

    /// The scenario's own title, or else its question.
    fn title_of(&self) -> String {
        match self.scenario.title.as_str() {
            "" => self.scenario.question.clone(),
            title => title.into(),
        }
    }

    /// A caption, and what the runs say to the scenario's claims.
    fn judged(&self, caption: String) -> String {
        let claims = super::claims::judge(self.scenario, self.runs);
        let sentences = claims.iter().map(|one| one.sentence(self.scenario));
        std::iter::once(caption)
            .chain(sentences)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Says of how many runs a mean is.
    fn means(&self) -> String {
        let means = match self.scenario.seeds.len() {
            1 => "1 run of each, so no intervals".into(),
            runs => format!("mean over {runs} runs of each, with 95 % intervals (Student)"),
        };
        match super::stopping::said(self.scenario, self.runs) {
            Some(why) => format!("{means}; {why}"),
            None => means,
        }
    }

    /// Says how many runs, and which variants are left out.
    fn caption(&self, what: &str) -> String {
        let all = self.scenario.variants.len();
        if all > LINES_MAX {
            format!("{what}; the first {LINES_MAX} of {all} variants")
        } else {
            what.into()
        }
    }

    fn runs_of_each(&self) -> String {
        match self.scenario.seeds.len() {
            1 => "1 run of each".into(),
            runs => format!("{runs} runs of each"),
        }
    }

    /// Names of the variants that lines are drawn of.
    fn names(&self) -> impl Iterator<Item = (usize, &str)> {
        let variants = self.scenario.variants.iter().take(LINES_MAX);
        variants.map(|variant| variant.name.as_str()).enumerate()
    }

    fn portrait(&self, variant: usize) -> Option<&Portrait> {
        self.portraits.iter().find(|one| one.variant == variant)
    }

    fn first_seed(&self) -> String {
        let seed = self.scenario.seeds.first().copied().unwrap_or_default();
        self.caption(&format!("one run of each, seed {seed}"))
    }

    /// Swarm size, and how many stand still.
    fn swarm(&self) -> Option<Lines> {
        let plays = self.digests.iter().any(|one| one.played);
        let (what, second): (&str, fn(&Moment) -> u32) = if !plays {
            ("complete", |moment| moment.complete)
        } else if self.scenario.stalls {
            ("stalled", |moment| moment.stalled)
        } else {
            ("starting", |moment| moment.starting)
        };
        let clock = self.clock()?;
        let mut series = Vec::new();
        for (variant, name) in self.names() {
            let moments = &self.portrait(variant)?.timeline;
            let line = |label: &str, dashed: bool, of: fn(&Moment) -> u32| Series {
                name: format!("{name}: {label}"),
                colour: variant,
                dashed,
                points: clock.means(moments, of),
            };
            series.push(line("present", false, |moment| moment.present));
            series.push(line(what, true, second));
        }
        Some(Lines {
            title: self.title("Swarm size"),
            caption: self.judged(format!("{}{}", self.first_seed(), clock.said())),
            x: axis(clock.axis(), None),
            y: axis("peers", None),
            series,
        })
    }

    /// The time axis of what is counted over time.
    fn clock(&self) -> Option<Clock> {
        let (first, _) = self.names().next()?;
        Some(Clock::of(&self.portrait(first)?.timeline))
    }

    /// Pieces skipped of those due, every 20 s or more.
    fn loss_over_time(&self) -> Option<Lines> {
        if self.scenario.stalls {
            return None;
        }
        let clock = self.clock()?;
        let steps = clock.steps.max(10);
        let mut series = Vec::new();
        for (variant, name) in self.names() {
            let setup = &self.scenario.variants[variant].setup;
            let pieces_per_s =
                float(setup.bitrate?.bytes_per_s()) / f64::from(setup.geometry.piece_length());
            let moments = &self.portrait(variant)?.timeline;
            let points = moments.chunks(steps).filter_map(|part| {
                let step = moments.get(1)?.at.as_secs_f64();
                let due = part.iter().map(|one| f64::from(one.playing)).sum::<f64>()
                    * step
                    * pieces_per_s;
                let lost: f64 = part.iter().map(|one| f64::from(one.skipped)).sum();
                let at = part[part.len() - 1].at.as_secs_f64() / clock.unit();
                (due > 0.0).then(|| (at, 100.0 * lost / due))
            });
            series.push(Series {
                name: name.into(),
                colour: variant,
                dashed: false,
                points: points.collect(),
            });
        }
        let every = clock.every(steps);
        Some(Lines {
            title: self.title("Chunk loss over time"),
            caption: self.judged(format!("{}; {every}", self.first_seed())),
            x: axis(clock.axis(), None),
            y: axis("chunks skipped of those due, %", None),
            series,
        })
    }

    /// How viewers are spread, all runs together.
    fn distribution(&self, place: usize, spread: &Spread) -> Option<Lines> {
        let points = |variant: usize| Some(self.portrait(variant)?.spreads[place].clone());
        let mut series: Vec<Series> = self
            .names()
            .map(|(variant, name)| Series {
                name: name.into(),
                colour: variant,
                dashed: false,
                points: points(variant).unwrap_or_default(),
            })
            .collect();
        if series.iter().all(|line| line.points.is_empty()) {
            return None;
        }
        let mark = self.scenario.startup_mark.as_ref();
        if let Some((at, says)) = mark.filter(|_| spread.file == "startup") {
            let at = at.as_secs_f64();
            series.push(Series {
                name: says.clone(),
                colour: series.len(),
                dashed: true,
                points: vec![(at, 0.0), (at, 1.0)],
            });
        }
        Some(Lines {
            title: self.title(spread.title),
            caption: self.judged(self.caption(&format!(
                "all viewers that started and were not cut; {}",
                self.runs_of_each()
            ))),
            x: axis(spread.x, None),
            y: axis("share of viewers", Some(1.0)),
            series,
        })
    }

    /// Means and intervals of what a person reads first.
    fn comparison(&self) -> Comparison {
        let summaries: Vec<_> = (0..self.scenario.variants.len())
            .map(|variant| summarise(self.runs, variant))
            .collect();
        let shown = METRICS.iter().enumerate().filter(|(_, metric)| {
            // The resource index is what the scenario offers, not what a policy makes of it.
            metric.headline
                && metric.applies(self.scenario.stalls)
                && metric.key != "resource_index"
        });
        let panels = shown.filter_map(|(index, metric)| {
            let values: Vec<Interval> = summaries
                .iter()
                .map(|summary| {
                    let estimate = &summary[index].estimate;
                    Interval {
                        mean: estimate.mean * metric.factor,
                        low: (estimate.mean - estimate.half) * metric.factor,
                        high: (estimate.mean + estimate.half) * metric.factor,
                    }
                })
                .collect();
            let measured = values.iter().any(|value| value.mean.is_finite());
            measured.then(|| Panel {
                name: if metric.unit.is_empty() {
                    metric.label.into()
                } else {
                    format!("{}, {}", metric.label, metric.unit)
                },
                less_is_better: metric.less,
                values,
            })
        });
        let variants = &self.scenario.variants;
        Comparison {
            title: self.title("Comparison"),
            caption: self.judged(self.means()),
            rows: variants.iter().map(|one| one.name.clone()).collect(),
            panels: panels.collect(),
        }
    }

    /// What peers hold.
    fn held(&self, what: &memory::What) -> Lines {
        let runs = self
            .names()
            .filter_map(|(variant, name)| Some((name, self.portrait(variant)?.held.as_slice())));
        memory::figure(what, runs, self.title(what.title), self.first_seed())
    }

    /// Who is whose neighbour.
    fn overlay(&self) -> Option<OverlayFigure> {
        let mut series = Vec::new();
        for (variant, name) in self.names() {
            series.push(OverlaySeries {
                name: name.into(),
                snapshots: self.portrait(variant)?.overlay.clone(),
            });
        }
        if series.iter().all(|one| one.snapshots.is_empty()) {
            return None;
        }
        Some(OverlayFigure {
            title: self.title("Overlay"),
            caption: self.first_seed(),
            series,
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "rates of media are small")]
const fn float(bytes_per_s: u64) -> f64 {
    bytes_per_s as f64
}

fn axis(name: &str, end: Option<f64>) -> Axis {
    Axis {
        name: name.into(),
        end,
    }
}
