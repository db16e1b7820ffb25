//! Policies side by side: a row for each, a column for each metric, a dot for the mean and a bar
//! for its 95 % interval. What would be too wide to read stands in several bands, one below the other.

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
/// Above a band's rows: its metrics' names. Below them: the ticks.
const HEADING: i32 = 44;
const BELOW: i32 = 30;
const ROW: i32 = 40;
const COLUMN: i32 = 190;
const GAP: i32 = 34;
/// Longest line of a row's name that is not cut; a name has two at most.
const NAME: usize = 40;
/// A name of one line that is longer than this is broken in two where it can be.
const NAME_LINE: usize = 28;
const NAME_ROW: i32 = 16;
/// Most metrics in a band.
const BAND: usize = 5;

impl Figure for Comparison {
    fn size(&self) -> (u32, u32) {
        let columns = self.bands().map(<[Panel]>::len).max().unwrap_or(0).max(2);
        let columns = i32::try_from(columns).expect("at most a band");
        let bands = i32::try_from(self.bands().len()).expect("few metrics");
        let width = self.names_width() + columns * (COLUMN + GAP) + 16;
        let height = TOP - HEADING + bands.max(1) * self.band_height() + BOTTOM - BELOW;
        let height = height + more_lines(&self.caption, width);
        (width.unsigned_abs(), height.unsigned_abs())
    }

    fn draw<B: DrawingBackend>(&self, sheet: &Sheet<'_, B>) -> Result<(), FigureError> {
        sheet.frame(&self.title, &self.caption)?;
        let mut top = TOP;
        for band in self.bands() {
            self.band(sheet, band, top)?;
            top += self.band_height();
        }
        Ok(())
    }
}

/// A row's name in one line or two.
fn lines(name: &str) -> Vec<String> {
    let length = name.chars().count();
    let breaks = |separator: &str| {
        let ends = name
            .match_indices(separator)
            .map(|(at, found)| at + found.len());
        ends.min_by_key(|&at| {
            let first = name[..at].trim_end().chars().count();
            first.max(length - first)
        })
    };
    let at = (length > NAME_LINE)
        .then(|| breaks(", ").or_else(|| breaks(" ")))
        .flatten();
    match at {
        None => vec![cut(name)],
        Some(at) => vec![cut(name[..at].trim_end()), cut(&name[at..])],
    }
}

fn cut(line: &str) -> String {
    if line.chars().count() <= NAME {
        return line.into();
    }
    line.chars().take(NAME - 1).chain(['…']).collect()
}

/// The middle of a row of a band whose rows begin at `top`.
fn middle(top: i32, row: usize) -> i32 {
    top + ROW * i32::try_from(row).expect("few policies") + ROW / 2
}

impl Comparison {
    /// The metrics, in bands of about the same length.
    fn bands(&self) -> std::slice::Chunks<'_, Panel> {
        let bands = self.panels.len().div_ceil(BAND).max(1);
        self.panels.chunks(self.panels.len().div_ceil(bands).max(1))
    }

    fn rows_height(&self) -> i32 {
        ROW * i32::try_from(self.rows.len()).expect("few policies")
    }

    /// From one band's rows to the next one's.
    fn band_height(&self) -> i32 {
        HEADING + self.rows_height() + BELOW
    }

    /// Room for the rows' names. By counting letters: the size is wanted before there is a sheet.
    fn names_width(&self) -> i32 {
        let lines = self.rows.iter().flat_map(|name| lines(name));
        let longest = lines.map(|line| line.chars().count()).max();
        30 + 8 * i32::try_from(longest.unwrap_or(0)).expect("bounded by NAME")
    }

    fn band<B: DrawingBackend>(
        &self,
        sheet: &Sheet<'_, B>,
        panels: &[Panel],
        top: i32,
    ) -> Result<(), FigureError> {
        let left = self.names_width();
        for (row, name) in self.rows.iter().enumerate() {
            let lines = lines(name);
            let half = NAME_ROW * i32::try_from(lines.len() - 1).expect("two at most") / 2;
            let mut at = (left - 14, middle(top, row) - half);
            for line in &lines {
                let style = sheet.style(14, RGBColor(0, 0, 0));
                sheet.text(line, at, style, (HPos::Right, VPos::Center))?;
                at.1 += NAME_ROW;
            }
        }
        let mut from = left;
        for panel in panels {
            self.panel(sheet, panel, (from, top))?;
            from += COLUMN + GAP;
        }
        Ok(())
    }

    fn panel<B: DrawingBackend>(
        &self,
        sheet: &Sheet<'_, B>,
        panel: &Panel,
        (left, top): (i32, i32),
    ) -> Result<(), FigureError> {
        let (low, high) = range(&panel.values);
        let x = |value: f64| {
            let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
            left + whole(share * f64::from(COLUMN))
        };
        let bottom = top + self.rows_height();
        let centre = left + COLUMN / 2;
        let heading = sheet.style(14, RGBColor(0, 0, 0));
        let anchor = (HPos::Center, VPos::Center);
        sheet.text(&panel.name, (centre, top - 34), heading, anchor)?;
        let hint = if panel.less_is_better {
            "← less is better"
        } else {
            "more is better →"
        };
        sheet.text(hint, (centre, top - 14), sheet.style(11, QUIET), anchor)?;
        for tick in ticks(low, high, 3) {
            sheet.line(&[(x(tick), top), (x(tick), bottom)], GRID, 1)?;
            let at = (x(tick), bottom + 6);
            let style = sheet.style(12, RGBColor(0, 0, 0));
            sheet.text(&label(tick), at, style, (HPos::Center, VPos::Top))?;
        }
        sheet.line(&[(left, bottom), (left + COLUMN, bottom)], QUIET, 1)?;
        for (row, value) in panel.values.iter().enumerate() {
            let y = middle(top, row);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_stand_in_two_lines() {
        assert_eq!(lines("give-to-get"), ["give-to-get"]);
        assert_eq!(
            lines("tit-for-tat, expiry announced, numbering ring"),
            ["tit-for-tat, expiry announced,", "numbering ring"]
        );
        assert_eq!(
            lines("tit-for-tat, rarest first"),
            ["tit-for-tat, rarest first"]
        );
        let long = "a".repeat(60);
        assert_eq!(lines(&long), [format!("{}…", "a".repeat(39))]);
        assert_eq!(lines(&format!("ü, {long}")).len(), 2);
    }

    #[test]
    fn many_metrics_stand_in_bands_that_are_no_wider_than_five() {
        let panel = Panel {
            name: "start-up, s".into(),
            less_is_better: true,
            values: Vec::new(),
        };
        let figure = |panels: usize| Comparison {
            title: "title".into(),
            caption: "caption".into(),
            rows: vec!["one".into(), "other".into()],
            panels: vec![panel.clone(); panels],
        };
        let lengths = |panels| {
            figure(panels)
                .bands()
                .map(<[Panel]>::len)
                .collect::<Vec<_>>()
        };
        assert!(lengths(0).is_empty());
        assert_eq!(lengths(5), [5]);
        assert_eq!(lengths(8), [4, 4]);
        assert_eq!(lengths(11), [4, 4, 3]);
        let ((five, one), (four, two)) = (figure(5).size(), figure(8).size());
        assert!(four < five && two > one);
    }
}
