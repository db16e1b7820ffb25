//! Lines over an axis: how many there are over time, and cumulative distributions.

use plotters::backend::DrawingBackend;
use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::palette::{GRID, QUIET, colour};
use super::sheet::{Sheet, label, more_lines, ticks};
use super::{Figure, FigureError};

/// A figure of lines.
#[derive(Clone, Debug)]
pub struct Lines {
    /// Above.
    pub title: String,
    /// Below: what was run, and how often.
    pub caption: String,
    /// Across.
    pub x: Axis,
    /// Upwards.
    pub y: Axis,
    /// In the order of the legend, which stands below the plot, where it hides nothing.
    pub series: Vec<Series>,
}

/// An axis from zero on.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What it measures, with its unit.
    pub name: String,
    /// Where it ends; `None`: at the largest value.
    pub end: Option<f64>,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Series {
    /// In the legend; lines of one name stand there once.
    pub name: String,
    /// Which colour: lines that belong together share one.
    pub colour: usize,
    /// Broken, to tell it from another of its colour.
    pub dashed: bool,
    /// From left to right.
    pub points: Vec<(f64, f64)>,
}

/// The cumulative distribution of `values`, as steps; thinned to 200 where there are more.
#[must_use]
pub fn distribution(values: &[f64]) -> Vec<(f64, f64)> {
    const STEPS: usize = 200;
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len();
    let mut points = Vec::new();
    let mut below = 0.0;
    for step in 1..=count.min(STEPS) {
        let upto = step * count / count.min(STEPS);
        let value = sorted[upto - 1];
        #[expect(clippy::cast_precision_loss, reason = "counts of peers are small")]
        let share = upto as f64 / count as f64;
        points.push((value, below));
        points.push((value, share));
        below = share;
    }
    points
}

/// Room around the plot.
const LEFT: i32 = 74;
const RIGHT: i32 = 24;
const TOP: i32 = 48;
const PLOT: i32 = 368;
/// Height of a row of the legend.
const ROW: i32 = 20;
/// From one row of marks to the next, where they stand in two.
const MARK_ROW: i32 = 14;

impl Figure for Lines {
    fn size(&self) -> (u32, u32) {
        let height = TOP + PLOT + 66 + self.legend_rows() * ROW + 24;
        let height = height + more_lines(&self.caption, 880);
        (880, height.unsigned_abs())
    }

    fn draw<B: DrawingBackend>(&self, sheet: &Sheet<'_, B>) -> Result<(), FigureError> {
        sheet.frame(&self.title, &self.caption)?;
        let plot = Plot {
            from: (LEFT, TOP),
            to: (sheet.width() - RIGHT, TOP + PLOT),
            x: (0.0, self.x.end_of(&self.series, |(x, _)| x)),
            y: (0.0, self.y.end_of(&self.series, |(_, y)| y)),
        };
        plot.axes(sheet, &self.x.name, &self.y.name, 8, 6)?;
        for series in &self.series {
            plot.line(sheet, series)?;
        }
        self.legend(sheet)
    }
}

impl Axis {
    fn end_of(&self, series: &[Series], of: impl Fn((f64, f64)) -> f64) -> f64 {
        let largest = series
            .iter()
            .flat_map(|series| series.points.iter().copied().map(&of))
            .filter(|value| value.is_finite())
            .fold(0.0, f64::max);
        let end = self.end.unwrap_or(largest * 1.05);
        if end > 0.0 { end } else { 1.0 }
    }
}

impl Lines {
    /// The series whose names the legend has: each name once.
    fn entries(&self) -> Vec<&Series> {
        let mut entries: Vec<&Series> = Vec::new();
        for series in &self.series {
            if !entries.iter().any(|entry| entry.name == series.name) {
                entries.push(series);
            }
        }
        entries
    }

    fn legend_rows(&self) -> i32 {
        i32::try_from(self.entries().len().div_ceil(2)).expect("few series")
    }

    /// Two columns below the plot.
    fn legend<B: DrawingBackend>(&self, sheet: &Sheet<'_, B>) -> Result<(), FigureError> {
        let column = (sheet.width() - LEFT - RIGHT) / 2;
        for (row, pair) in (0..).zip(self.entries().chunks(2)) {
            let y = TOP + PLOT + 66 + row * ROW;
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

/// A rectangle of the sheet with axes.
pub(super) struct Plot {
    pub(super) from: (i32, i32),
    pub(super) to: (i32, i32),
    /// From where to where it shows, across and upwards.
    pub(super) x: (f64, f64),
    pub(super) y: (f64, f64),
}

impl Plot {
    /// Where a point of data stands on the sheet, kept within the plot.
    pub(super) fn at(&self, (x, y): (f64, f64)) -> (i32, i32) {
        let along = |value: f64, (low, high): (f64, f64), from: i32, to: i32| {
            let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
            from + whole(share * f64::from(to - from))
        };
        (
            along(x, self.x, self.from.0, self.to.0),
            along(y, self.y, self.to.1, self.from.1),
        )
    }

    /// Grid, ticks at round numbers, and the axes' names.
    pub(super) fn axes<B: DrawingBackend>(
        &self,
        sheet: &Sheet<'_, B>,
        x: &str,
        y: &str,
        across: u32,
        upwards: u32,
    ) -> Result<(), FigureError> {
        let ticks = ticks(self.x.0, self.x.1, across);
        let marks: Vec<(f64, String)> = ticks.into_iter().map(|at| (at, label(at))).collect();
        self.marked_axes(sheet, (x, &marks, 1), y, upwards)
    }

    /// The same with marks across where the caller wants them, in so many rows by turns.
    pub(super) fn marked_axes<B: DrawingBackend>(
        &self,
        sheet: &Sheet<'_, B>,
        (x, marks, rows): (&str, &[(f64, String)], i32),
        y: &str,
        upwards: u32,
    ) -> Result<(), FigureError> {
        let black = RGBColor(0, 0, 0);
        for (row, (tick, name)) in (0..rows).cycle().zip(marks) {
            let (at, _) = self.at((*tick, self.y.0));
            sheet.line(&[(at, self.from.1), (at, self.to.1)], GRID, 1)?;
            let place = (at, self.to.1 + 6 + row * MARK_ROW);
            let style = sheet.style(12, black);
            sheet.text(name, place, style, (HPos::Center, VPos::Top))?;
        }
        for tick in ticks(self.y.0, self.y.1, upwards) {
            let (_, at) = self.at((self.x.0, tick));
            sheet.line(&[(self.from.0, at), (self.to.0, at)], GRID, 1)?;
            let place = (self.from.0 - 6, at);
            let style = sheet.style(12, black);
            sheet.text(&label(tick), place, style, (HPos::Right, VPos::Center))?;
        }
        let corner = (self.from.0, self.to.1);
        sheet.line(&[self.from, corner, self.to], QUIET, 1)?;
        let middle = i32::midpoint(self.from.0, self.to.0);
        let at = (middle, self.to.1 + 28 + (rows - 1) * (MARK_ROW - 4));
        let style = sheet.style(13, QUIET);
        sheet.text(x, at, style, (HPos::Center, VPos::Top))?;
        let middle = i32::midpoint(self.from.1, self.to.1);
        sheet.upward(y, (self.from.0 - 52, middle), 13)
    }

    pub(super) fn line<B: DrawingBackend>(
        &self,
        sheet: &Sheet<'_, B>,
        series: &Series,
    ) -> Result<(), FigureError> {
        let finite = |point: &&(f64, f64)| point.0.is_finite() && point.1.is_finite();
        let mut points: Vec<(i32, i32)> = Vec::new();
        // What lies beyond the right end is cut off there, not piled up on it.
        for &point in series.points.iter().filter(finite) {
            if point.0 > self.x.1 {
                if let Some(&(_, y)) = points.last() {
                    points.push((self.to.0, y));
                }
                break;
            }
            points.push(self.at(point));
        }
        points.dedup();
        dashes(sheet, &points, colour(series.colour), series.dashed)
    }
}

/// A line, broken every few pixels if it is to be.
pub(super) fn dashes<B: DrawingBackend>(
    sheet: &Sheet<'_, B>,
    points: &[(i32, i32)],
    colour: RGBColor,
    dashed: bool,
) -> Result<(), FigureError> {
    const DASH: f64 = 7.0;
    if !dashed {
        return sheet.line(points, colour, 2);
    }
    let mut gone = 0.0_f64;
    let mut dash: Vec<(i32, i32)> = Vec::new();
    for pair in points.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        let (dx, dy) = (f64::from(x1 - x0), f64::from(y1 - y0));
        let length = libm::sqrt(dx * dx + dy * dy);
        let mut done = 0.0;
        while done < length {
            if gone < 0.0 {
                // In a gap, which may cross a bend.
                let skip = (-gone).min(length - done);
                done += skip;
                gone += skip;
                continue;
            }
            let step = (DASH - gone).min(length - done);
            let point = |along: f64| {
                let share = along / length;
                (x0 + whole(share * dx), y0 + whole(share * dy))
            };
            if dash.is_empty() {
                dash.push(point(done));
            }
            done += step;
            gone += step;
            dash.push(point(done));
            if gone >= DASH {
                gone = -DASH;
                sheet.line(&dash, colour, 2)?;
                dash.clear();
            }
        }
    }
    if dash.len() > 1 {
        sheet.line(&dash, colour, 2)?;
    }
    Ok(())
}

/// The nearest whole pixel.
#[expect(clippy::cast_possible_truncation, reason = "pixels of a sheet")]
pub(super) fn whole(value: f64) -> i32 {
    libm::round(value) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_rises_to_one_in_steps() {
        let steps = distribution(&[3.0, 1.0, f64::NAN]);
        assert_eq!(steps, [(1.0, 0.0), (1.0, 0.5), (3.0, 0.5), (3.0, 1.0)]);
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        let steps = distribution(&values);
        assert_eq!(steps.len(), 400);
        assert_eq!(steps[399], (999.0, 1.0));
        assert!(distribution(&[]).is_empty());
    }
}
