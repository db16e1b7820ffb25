//! Metrics against what a sweep varies: rows of panels, one line for each policy, bars for 95 %
//! intervals.
//!
//! Panels of a row share their y axis, and every y axis holds zero: no difference is to look large.

use plotters::backend::DrawingBackend;
use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::comparison::Interval;
use super::lines::{Plot, dashes};
use super::palette::{QUIET, colour};
use super::sheet::{Sheet, label, more_lines};
use super::{Figure, FigureError};

/// The figure.
#[derive(Clone, Debug)]
pub struct Curves {
    /// Above.
    pub title: String,
    /// Below: what was run, and how often.
    pub caption: String,
    /// Across, in all panels.
    pub x: Scale,
    /// What stands above each column of panels; one empty name if there is one column.
    pub columns: Vec<String>,
    /// From above: what each row measures, with its unit.
    pub rows: Vec<String>,
    /// Row by row, as many in each as there are columns.
    pub tiles: Vec<Tile>,
    /// An upright line in all panels: where, and what it says.
    pub rule: Option<(f64, String)>,
}

/// The axis across.
#[derive(Clone, Debug)]
pub struct Scale {
    /// What is varied, with its unit.
    pub name: String,
    /// Where the values stand, ascending, and how each is written.
    pub marks: Vec<(f64, String)>,
    /// They are names, not values: all are shown, and nothing lies between two of them.
    pub named: bool,
}

/// One panel.
#[derive(Clone, Debug, Default)]
pub struct Tile {
    /// In the order of the legend, which names each line once.
    pub curves: Vec<Curve>,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Curve {
    /// In the legend.
    pub name: String,
    /// Which colour: lines that belong together share one.
    pub colour: usize,
    /// Broken, to tell it from another of its colour.
    pub dashed: bool,
    /// From left to right; a mean that is no number leaves a gap.
    pub points: Vec<(f64, Interval)>,
}

const LEFT: i32 = 78;
const TOP: i32 = 74;
const GAP: i32 = 34;
/// Height of a panel, and of what stands below a row of them.
const PLOT: i32 = 220;
const BELOW: i32 = 62;
const LEGEND_ROW: i32 = 20;
/// Pixels between the bars of two lines at one place, so that none hides another.
const APART: i32 = 4;

impl Scale {
    /// Values as they are written in a scenario: numbers with one unit for all stand where they
    /// are, all else at equal distances, in the order given. Shares become per cent.
    #[must_use]
    pub fn of(name: &str, values: &[String]) -> Self {
        let parsed: Option<Vec<(f64, &str)>> = values.iter().map(|text| number(text)).collect();
        let parsed = parsed.filter(|all| all.windows(2).all(|pair| pair[0].1 == pair[1].1));
        let Some(numbers) = parsed else {
            let place = |(index, text): (u32, &String)| (f64::from(index), text.clone());
            return Self {
                name: name.into(),
                marks: (0..).zip(values).map(place).collect(),
                named: true,
            };
        };
        let unit = numbers.first().map_or("", |first| first.1);
        let share = unit.is_empty()
            && numbers.iter().all(|(value, _)| (0.0..=1.0).contains(value))
            && numbers.iter().any(|(value, _)| value.fract() != 0.0);
        let (factor, unit) = if share { (100.0, "%") } else { (1.0, unit) };
        let mark = |(value, _): &(f64, &str)| (value * factor, label(value * factor));
        Self {
            name: if unit.is_empty() {
                name.into()
            } else {
                format!("{name}, {unit}")
            },
            marks: numbers.iter().map(mark).collect(),
            named: false,
        }
    }

    fn range(&self) -> (f64, f64) {
        let places = || self.marks.iter().map(|mark| mark.0);
        let low = places().fold(f64::INFINITY, f64::min);
        let high = places().fold(f64::NEG_INFINITY, f64::max);
        if high > low {
            // Names are wide, and those at the ends need room too.
            let room = if self.named { 0.5 } else { (high - low) * 0.05 };
            (low - room, high + room)
        } else {
            (low.min(0.0) - 0.5, high.max(0.0) + 0.5)
        }
    }

    /// The marks that have room, every one, every second, …, and in how many rows. Names are never
    /// left out: what has no room in one row stands in two.
    fn shown(&self, width: i32) -> (Vec<(f64, String)>, i32) {
        let longest = self.marks.iter().map(|mark| mark.1.chars().count()).max();
        let wide = 8 * i32::try_from(longest.unwrap_or(0)).unwrap_or(i32::MAX / 16) + 14;
        let room = usize::try_from((width / wide).max(1)).unwrap_or(1);
        let step = self.marks.len().div_ceil(room).max(1);
        if self.named {
            return (self.marks.clone(), if step > 1 { 2 } else { 1 });
        }
        (self.marks.iter().step_by(step).cloned().collect(), 1)
    }
}

/// A number and what follows it.
fn number(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text
        .find(|letter: char| !(letter.is_ascii_digit() || matches!(letter, '.' | '-' | '+')))
        .unwrap_or(text.len());
    let value: f64 = text[..end].parse().ok()?;
    value.is_finite().then(|| (value, text[end..].trim()))
}

impl Figure for Curves {
    fn size(&self) -> (u32, u32) {
        let columns = self.columns();
        let width = LEFT + columns * self.width() + (columns - 1) * GAP + 26;
        let rows = i32::try_from(self.rows.len()).expect("few metrics");
        let height = TOP + rows * (PLOT + BELOW) + self.legend_rows() * LEGEND_ROW + 36;
        let height = height + more_lines(&self.caption, width);
        (width.unsigned_abs(), height.unsigned_abs())
    }

    fn draw<B: DrawingBackend>(&self, sheet: &Sheet<'_, B>) -> Result<(), FigureError> {
        sheet.frame(&self.title, &self.caption)?;
        let mut left = LEFT;
        for name in &self.columns {
            let at = (left + self.width() / 2, TOP - 18);
            let style = sheet.style(14, RGBColor(0, 0, 0));
            sheet.text(name, at, style, (HPos::Center, VPos::Center))?;
            left += self.width() + GAP;
        }
        let columns = self.columns.len().max(1);
        let mut top = TOP;
        for (name, tiles) in self.rows.iter().zip(self.tiles.chunks(columns)) {
            let range = range(tiles);
            let mut left = LEFT;
            for (column, tile) in tiles.iter().enumerate() {
                let name = if column == 0 { name } else { "" };
                self.tile(sheet, tile, (left, top), (name, range))?;
                left += self.width() + GAP;
            }
            top += PLOT + BELOW;
        }
        self.legend(sheet, top)
    }
}

impl Curves {
    fn columns(&self) -> i32 {
        i32::try_from(self.columns.len().max(1)).expect("few panels")
    }

    /// Of one panel.
    fn width(&self) -> i32 {
        match self.columns.len() {
            0 | 1 => 640,
            2 => 380,
            _ => 290,
        }
    }

    /// The lines that the legend names: each name once.
    fn entries(&self) -> Vec<&Curve> {
        let mut entries: Vec<&Curve> = Vec::new();
        for curve in self.tiles.iter().flat_map(|tile| &tile.curves) {
            if !entries.iter().any(|entry| entry.name == curve.name) {
                entries.push(curve);
            }
        }
        entries
    }

    fn legend_rows(&self) -> i32 {
        i32::try_from(self.entries().len().div_ceil(2)).expect("few lines")
    }

    fn tile<B: DrawingBackend>(
        &self,
        sheet: &Sheet<'_, B>,
        tile: &Tile,
        (left, top): (i32, i32),
        (name, range): (&str, (f64, f64)),
    ) -> Result<(), FigureError> {
        let plot = Plot {
            from: (left, top),
            to: (left + self.width(), top + PLOT),
            x: self.x.range(),
            y: range,
        };
        let (marks, rows) = self.x.shown(self.width());
        plot.marked_axes(sheet, (&self.x.name, &marks, rows), name, 5)?;
        if range.0 < 0.0 {
            let (_, zero) = plot.at((0.0, 0.0));
            sheet.line(&[(plot.from.0, zero), (plot.to.0, zero)], QUIET, 1)?;
        }
        if let Some((x, says)) = &self.rule {
            let (at, _) = plot.at((*x, range.1));
            dashes(sheet, &[(at, top), (at, top + PLOT)], QUIET, true)?;
            let style = sheet.style(12, QUIET);
            sheet.text(says, (at + 6, top + 4), style, (HPos::Left, VPos::Top))?;
        }
        let count = i32::try_from(tile.curves.len()).expect("few lines");
        for (index, curve) in (0..).zip(&tile.curves) {
            let aside = (2 * index - count + 1) * APART / 2;
            self.curve(sheet, &plot, curve, aside)?;
        }
        Ok(())
    }

    fn curve<B: DrawingBackend>(
        &self,
        sheet: &Sheet<'_, B>,
        plot: &Plot,
        curve: &Curve,
        aside: i32,
    ) -> Result<(), FigureError> {
        let ink = colour(curve.colour);
        let place = |x: f64, y: f64| {
            let (across, up) = plot.at((x, y));
            (across + aside, up)
        };
        let runs = curve.points.split(|(_, value)| !value.mean.is_finite());
        for run in runs {
            if self.x.named {
                break;
            }
            let line: Vec<(i32, i32)> = run.iter().map(|(x, y)| place(*x, y.mean)).collect();
            dashes(sheet, &line, ink, curve.dashed)?;
        }
        for (x, value) in &curve.points {
            if value.low.is_finite() && value.high.is_finite() {
                let (low, high) = (place(*x, value.low), place(*x, value.high));
                sheet.line(&[low, high], ink, 1)?;
                for (across, up) in [low, high] {
                    sheet.line(&[(across - 3, up), (across + 3, up)], ink, 1)?;
                }
            }
            if value.mean.is_finite() {
                sheet.dot(place(*x, value.mean), ink)?;
            }
        }
        Ok(())
    }

    /// Two columns below the panels.
    fn legend<B: DrawingBackend>(&self, sheet: &Sheet<'_, B>, top: i32) -> Result<(), FigureError> {
        let column = (sheet.width() - LEFT) / 2;
        for (row, pair) in (0..).zip(self.entries().chunks(2)) {
            let y = top + 6 + row * LEGEND_ROW;
            for (left, entry) in [LEFT, LEFT + column].into_iter().zip(pair) {
                let sample = [(left, y), (left + 30, y)];
                dashes(sheet, &sample, colour(entry.colour), entry.dashed)?;
                let style = sheet.style(13, RGBColor(0, 0, 0));
                let at = (left + 38, y);
                sheet.text(&entry.name, at, style, (HPos::Left, VPos::Center))?;
            }
        }
        Ok(())
    }
}

/// From where to where a row of panels shows: zero is in it.
fn range(tiles: &[Tile]) -> (f64, f64) {
    let points = tiles.iter().flat_map(|tile| &tile.curves);
    let values = points
        .flat_map(|curve| &curve.points)
        .flat_map(|(_, value)| [value.mean, value.low, value.high])
        .filter(|value| value.is_finite());
    let (low, high) = values.fold((0.0_f64, 0.0_f64), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if high > low {
        let room = (high - low) * 0.06;
        (if low < 0.0 { low - room } else { 0.0 }, high + room)
    } else {
        (0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(values: &[&str]) -> Scale {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        Scale::of("axis", &values)
    }

    #[test]
    fn values_stand_where_they_are_if_they_are_numbers_of_one_unit() {
        let shares = scale(&["0.0", "0.25", "1"]);
        assert_eq!(shares.name, "axis, %");
        assert_eq!(shares.marks[1], (25.0, "25".to_owned()));
        let rates = scale(&["1 Mbit/s", "2.5 Mbit/s"]);
        assert_eq!(rates.name, "axis, Mbit/s");
        assert_eq!(rates.marks[1], (2.5, "2.5".to_owned()));
        let counts = scale(&["0", "1"]);
        assert_eq!(counts.marks[1], (1.0, "1".to_owned()));
        for other in [["1 s", "1 min"], ["liar", "sybil"]] {
            let named = scale(&other);
            assert_eq!(named.marks[1], (1.0, other[1].to_owned()));
            assert_eq!(
                named.shown(30).0.len(),
                2,
                "no name is left out for want of room"
            );
        }
    }

    #[test]
    fn a_row_s_axis_holds_zero_and_all_intervals() {
        let value = |mean: f64, half: f64| Interval {
            mean,
            low: mean - half,
            high: mean + half,
        };
        let tile = Tile {
            curves: vec![Curve {
                name: String::new(),
                colour: 0,
                dashed: false,
                points: vec![(0.0, value(5.0, 1.0)), (1.0, value(f64::NAN, 0.0))],
            }],
        };
        let (low, high) = range(&[tile]);
        assert!(low == 0.0 && high > 6.0 && high < 6.5, "{low} {high}");
        assert_eq!(range(&[]), (0.0, 1.0));
    }
}
