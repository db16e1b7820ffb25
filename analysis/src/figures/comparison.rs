//! Policies side by side: a row for each, a column for each metric, a dot for the mean and a bar
//! for its 95 % interval.

use plotters::backend::DrawingBackend;
use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::lines::whole;
use super::palette::{GRID, QUIET, colour};
use super::sheet::{Sheet, label, more_lines, ticks};
use super::{Figure, FigureError};

/// The figure.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Above.
    pub title: String,
    /// Below: what was run, and how often.
    pub caption: String,
    /// What is compared, in order.
    pub rows: Vec<String>,
    /// The metrics.
    pub panels: Vec<Panel>,
}

/// One metric.
#[derive(Clone, Debug)]
pub struct Panel {
    /// What it measures, with its unit.
    pub name: String,
    /// Less of it is better.
    pub less_is_better: bool,
    /// One for each row; not a number where nothing was measured.
    pub values: Vec<Interval>,
}

/// A mean and its interval.
#[derive(Clone, Copy, Debug)]
pub struct Interval {
    /// The mean over runs.
    pub mean: f64,
    /// Where the interval begins; not a number with one run.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
}

const TOP: i32 = 88;
const BOTTOM: i32 = 66;
const ROW: i32 = 40;
const COLUMN: i32 = 190;
const GAP: i32 = 34;
/// Longest name of a row that is not cut.
const NAME: usize = 40;

impl Figure for Comparison {
    fn size(&self) -> (u32, u32) {
        let columns = i32::try_from(self.panels.len())
            .expect("few metrics")
            .max(2);
        let rows = i32::try_from(self.rows.len()).expect("few policies");
        let width = self.names_width() + columns * (COLUMN + GAP) + 16;
        let height = TOP + rows * ROW + BOTTOM + more_lines(&self.caption, width);
        (width.unsigned_abs(), height.unsigned_abs())
    }

    fn draw<B: DrawingBackend>(&self, sheet: &Sheet<'_, B>) -> Result<(), FigureError> {
        sheet.frame(&self.title, &self.caption)?;
        let left = self.names_width();
        for (row, name) in self.rows.iter().enumerate() {
            let at = (left - 14, middle(row));
            let style = sheet.style(14, RGBColor(0, 0, 0));
            sheet.text(&cut(name), at, style, (HPos::Right, VPos::Center))?;
        }
        let mut from = left;
        for panel in &self.panels {
            self.panel(sheet, panel, from)?;
            from += COLUMN + GAP;
        }
        Ok(())
    }
}

fn cut(name: &str) -> String {
    if name.chars().count() <= NAME {
        return name.into();
    }
    name.chars().take(NAME - 1).chain(['…']).collect()
}

fn middle(row: usize) -> i32 {
    TOP + ROW * i32::try_from(row).expect("few policies") + ROW / 2
}

impl Comparison {
    /// Room for the rows' names. By counting letters: the size is wanted before there is a sheet.
    fn names_width(&self) -> i32 {
        let longest = self.rows.iter().map(|name| name.chars().count().min(NAME));
        30 + 8 * i32::try_from(longest.max().unwrap_or(0)).expect("bounded by NAME")
    }

    fn panel<B: DrawingBackend>(
        &self,
        sheet: &Sheet<'_, B>,
        panel: &Panel,
        left: i32,
    ) -> Result<(), FigureError> {
        let (low, high) = range(&panel.values);
        let x = |value: f64| {
            let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
            left + whole(share * f64::from(COLUMN))
        };
        let bottom = TOP + ROW * i32::try_from(self.rows.len()).expect("few policies");
        let centre = left + COLUMN / 2;
        let heading = sheet.style(14, RGBColor(0, 0, 0));
        let anchor = (HPos::Center, VPos::Center);
        sheet.text(&panel.name, (centre, TOP - 34), heading, anchor)?;
        let hint = if panel.less_is_better {
            "← less is better"
        } else {
            "more is better →"
        };
        sheet.text(hint, (centre, TOP - 14), sheet.style(11, QUIET), anchor)?;
        for tick in ticks(low, high, 3) {
            sheet.line(&[(x(tick), TOP), (x(tick), bottom)], GRID, 1)?;
            let at = (x(tick), bottom + 6);
            let style = sheet.style(12, RGBColor(0, 0, 0));
            sheet.text(&label(tick), at, style, (HPos::Center, VPos::Top))?;
        }
        sheet.line(&[(left, bottom), (left + COLUMN, bottom)], QUIET, 1)?;
        for (row, value) in panel.values.iter().enumerate() {
            let y = middle(row);
            if value.low.is_finite() && value.high.is_finite() {
                let (from, to) = (x(value.low), x(value.high));
                sheet.line(&[(from, y), (to, y)], colour(row), 3)?;
                for end in [from, to] {
                    sheet.line(&[(end, y - 6), (end, y + 6)], colour(row), 2)?;
                }
            }
            if value.mean.is_finite() {
                sheet.dot((x(value.mean), y), colour(row))?;
            }
        }
        Ok(())
    }
}

/// From where to where a panel shows: zero is in it, for no difference is to look large.
fn range(values: &[Interval]) -> (f64, f64) {
    let all = values
        .iter()
        .flat_map(|value| [value.mean, value.low, value.high])
        .filter(|value| value.is_finite());
    let (low, high) = all.fold((0.0_f64, 0.0_f64), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if high > low {
        let room = (high - low) * 0.08;
        let low = if low < 0.0 { low - room } else { 0.0 };
        (low, high + room)
    } else {
        (0.0, 1.0)
    }
}
