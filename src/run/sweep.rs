//! The figure of a sweep: which runs make which line of which panel.

use swarmbed_analysis::closed_form::firewall;
use swarmbed_analysis::compare::{RunMetrics, summarise_of};
use swarmbed_analysis::figures::{Curve, Curves, Interval, Scale, Tile};
use swarmbed_analysis::metric::{METRICS, Metric};
use swarmbed_sim::scenario::{Scenario, SweepFigure, Variant};

/// The metric with that column.
fn metric(key: &str) -> Option<usize> {
    METRICS.iter().position(|metric| metric.key == key)
}

/// Whether every metric that the figure wants exists, and fits.
pub(crate) fn check(scenario: &Scenario) -> Result<(), String> {
    let Some(figure) = &scenario.figure else {
        return Ok(());
    };
    for key in &figure.y {
        let Some(index) = metric(key) else {
            let keys: Vec<&str> = METRICS.iter().map(|metric| metric.key).collect();
            return Err(format!(
                "[figure]: no metric is called `{key}`; there are {}",
                keys.join(", ")
            ));
        };
        if !METRICS[index].applies(scenario.stalls) {
            return Err(format!(
                "[figure]: `{key}` says nothing with [playback] late = \"{}\"",
                if scenario.stalls { "stall" } else { "skip" }
            ));
        }
        let some = figure.of.iter().find(|of| *of != SweepFigure::GROUPS[0]);
        if let Some(group) = some
            && !METRICS[index].grouped
        {
            return Err(format!(
                "[figure]: `{key}` is of all viewers, not of `{group}` alone; leave `of` out"
            ));
        }
    }
    Ok(())
}

/// The figure, with its lines in the order of the variants.
pub(crate) fn curves(
    scenario: &Scenario,
    figure: &SweepFigure,
    runs: &[RunMetrics],
    title: String,
    caption: String,
) -> Curves {
    let sketch = Sketch {
        scenario,
        figure,
        runs,
        xs: values(scenario, &figure.x),
        lines: lines(scenario, figure),
    };
    let columns = figure
        .panels
        .as_ref()
        .map_or_else(Vec::new, |key| values(scenario, key));
    let metrics: Vec<usize> = figure.y.iter().filter_map(|key| metric(key)).collect();
    let name = if figure.x_name.is_empty() {
        short(&figure.x)
    } else {
        &figure.x_name
    };
    let heading = |value: &String| match &figure.panels {
        Some(key) if key != SweepFigure::POLICY => format!("{} {value}", short(key)),
        _ => value.clone(),
    };
    let wanted = |column: usize| columns.get(column).map(String::as_str);
    Curves {
        rule: if figure.firewall_bounds {
            sketch.firewall_line()
        } else {
            figure.supply_line.then(|| sketch.supply_line()).flatten()
        },
        title,
        caption,
        x: Scale::of(name, &sketch.xs),
        rows: metrics
            .iter()
            .map(|&index| named(&METRICS[index]))
            .collect(),
        tiles: metrics
            .iter()
            .flat_map(|&index| (0..columns.len().max(1)).map(move |column| (index, column)))
            .map(|(index, column)| sketch.bounded_tile(index, wanted(column)))
            .collect(),
        columns: if columns.is_empty() {
            vec![String::new()]
        } else {
            columns.iter().map(heading).collect()
        },
    }
}

/// What stands beside a row of panels.
fn named(metric: &Metric) -> String {
    if metric.unit.is_empty() {
        metric.label.into()
    } else {
        format!("{}, {}", metric.label, metric.unit)
    }
}

/// The last part of a dotted key.
fn short(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// The value of a key at a variant.
fn value<'a>(variant: &'a Variant, key: &str) -> Option<&'a str> {
    if key == SweepFigure::POLICY {
        return Some(&variant.policy);
    }
    let found = variant.axes.iter().find(|axis| axis.0 == key);
    found.map(|axis| axis.1.as_str())
}

/// The values a key takes, in the order of the scenario.
fn values(scenario: &Scenario, key: &str) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for found in scenario.variants.iter().filter_map(|one| value(one, key)) {
        if !values.iter().any(|known| known == found) {
            values.push(found.into());
        }
    }
    values
}

/// What tells a variant's line from others: the policy set and the keys that stand elsewhere.
fn lines(scenario: &Scenario, figure: &SweepFigure) -> Vec<String> {
    let policies = values(scenario, SweepFigure::POLICY).len();
    let elsewhere = |key: &str| key == figure.x || figure.panels.as_deref() == Some(key);
    let line = |variant: &Variant| {
        let mut parts: Vec<String> = Vec::new();
        if policies > 1 && !elsewhere(SweepFigure::POLICY) {
            parts.push(variant.policy.clone());
        }
        for (key, value) in variant.axes.iter().filter(|axis| !elsewhere(&axis.0)) {
            parts.push(format!("{} {value}", short(key)));
        }
        parts.join(", ")
    };
    scenario.variants.iter().map(line).collect()
}

/// The variant that stands at the first value across, in the same line and panel as `variant`; of a
/// sweep that is not drawn, the first of the same policy set.
pub(crate) fn line_begins(scenario: &Scenario, variant: usize) -> Option<usize> {
    let Some(figure) = &scenario.figure else {
        let mut all = scenario.variants.iter();
        return all.position(|one| one.policy == scenario.variants[variant].policy);
    };
    let all = lines(scenario, figure);
    let panel = |one: &Variant| {
        let key = figure.panels.as_deref()?;
        value(one, key).map(ToOwned::to_owned)
    };
    let here = &scenario.variants[variant];
    let first = values(scenario, &figure.x).into_iter().next()?;
    (0..scenario.variants.len()).find(|&place| {
        let one = &scenario.variants[place];
        all[place] == all[variant]
            && panel(one) == panel(here)
            && value(one, &figure.x) == Some(first.as_str())
    })
}

/// What the tiles are made of.
struct Sketch<'a> {
    scenario: &'a Scenario,
    figure: &'a SweepFigure,
    runs: &'a [RunMetrics],
    /// Values across, in order.
    xs: Vec<String>,
    /// The line of each variant.
    lines: Vec<String>,
}

impl Sketch<'_> {
    /// A tile, and what follows from the share of firewalled viewers alone, if it is wanted.
    fn bounded_tile(&self, index: usize, column: Option<&str>) -> Tile {
        let mut tile = self.tile(index, column);
        if self.figure.firewall_bounds {
            let supply = self.supply();
            let colours = tile.curves.len();
            let bounds = super::bounds::of(METRICS[index].key, &self.xs, supply);
            for (place, mut bound) in bounds.into_iter().enumerate() {
                bound.colour += colours + place;
                for (_, at) in &mut bound.points {
                    at.mean *= METRICS[index].factor;
                    (at.low, at.high) = (at.mean, at.mean);
                }
                tile.curves.push(bound);
            }
        }
        tile
    }

    /// Mean uplink over bitrate, of the first variant: no policy changes it.
    fn supply(&self) -> f64 {
        let Some(index) = metric("resource_index") else {
            return f64::NAN;
        };
        self.interval(index, 0, SweepFigure::GROUPS[0]).mean
    }

    /// Beyond it open viewers cannot feed the firewalled ones. Shares stand there as per cent.
    fn firewall_line(&self) -> Option<(f64, String)> {
        let share = firewall::share_max(self.supply());
        let said = "u/r = f/(1-f), derived".to_owned();
        share.is_finite().then_some((share * 100.0, said))
    }

    fn tile(&self, index: usize, column: Option<&str>) -> Tile {
        let mut names: Vec<&String> = Vec::new();
        for line in &self.lines {
            if !names.contains(&line) {
                names.push(line);
            }
        }
        let groups = &self.figure.of;
        let mut curves = Vec::new();
        for (line, name) in names.iter().enumerate() {
            for (place, group) in groups.iter().enumerate() {
                let alone = groups.len() == 1;
                let legend = match (name.as_str(), alone) {
                    ("", true) => "all runs".to_owned(),
                    ("", false) => group.clone(),
                    (name, true) => name.to_owned(),
                    (name, false) => format!("{name}: {group}"),
                };
                // Two groups share their line's colour, if there are lines to tell apart.
                let pair = groups.len() <= 2 && names.len() > 1;
                curves.push(Curve {
                    name: legend,
                    colour: if pair {
                        line
                    } else {
                        line * groups.len() + place
                    },
                    dashed: pair && place == 1,
                    points: self.points(index, column, name, group),
                });
            }
        }
        Tile { curves }
    }

    fn points(
        &self,
        index: usize,
        column: Option<&str>,
        line: &str,
        group: &str,
    ) -> Vec<(f64, Interval)> {
        let scale = Scale::of("", &self.xs);
        let at = |x: &str| {
            let here = |(place, variant): &(usize, &Variant)| {
                self.lines[*place] == line
                    && value(variant, &self.figure.x) == Some(x)
                    && column.is_none_or(|column| {
                        let key = self.figure.panels.as_deref().unwrap_or_default();
                        value(variant, key) == Some(column)
                    })
            };
            let variants = self.scenario.variants.iter().enumerate();
            let (variant, _) = variants.into_iter().find(here)?;
            Some(self.interval(index, variant, group))
        };
        let marks = scale.marks.iter().zip(&self.xs);
        marks
            .filter_map(|(mark, x)| Some((mark.0, at(x)?)))
            .collect()
    }

    /// Where the resource index of the first line crosses 1, straight between the values across.
    fn supply_line(&self) -> Option<(f64, String)> {
        let index = metric("resource_index")?;
        let line = self.lines.first()?;
        let points = self.points(index, None, line, SweepFigure::GROUPS[0]);
        points.windows(2).find_map(|pair| {
            let ((x0, y0), (x1, y1)) = ((pair[0].0, pair[0].1.mean), (pair[1].0, pair[1].1.mean));
            let crosses = (y0 - 1.0) * (y1 - 1.0) < 0.0;
            crosses.then(|| {
                let x = x0 + (x1 - x0) * (y0 - 1.0) / (y0 - y1);
                (x, "supply = demand".to_owned())
            })
        })
    }

    fn interval(&self, index: usize, variant: usize, group: &str) -> Interval {
        let metric = &METRICS[index];
        let estimate = summarise_of(self.runs, variant, group)[index].estimate;
        Interval {
            mean: estimate.mean * metric.factor,
            low: (estimate.mean - estimate.half) * metric.factor,
            high: (estimate.mean + estimate.half) * metric.factor,
        }
    }
}
