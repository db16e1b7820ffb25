//! The overlay: how many neighbours peers have, whether they hang together, how far the sources
//! are.

use plotters::backend::DrawingBackend;
use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::lines::{Plot, Series};
use super::palette::colour;
use super::sheet::Sheet;
use super::{Figure, FigureError};
use crate::overlay::Overlay;

/// The figure.
#[derive(Clone, Debug)]
pub struct OverlayFigure {
    /// Above.
    pub title: String,
    /// Below.
    pub caption: String,
    /// What is compared, in order.
    pub series: Vec<OverlaySeries>,
}

/// One run's overlay over time.
#[derive(Clone, Debug)]
pub struct OverlaySeries {
    /// In the legend.
    pub name: String,
    /// From the first snapshot on.
    pub snapshots: Vec<Overlay>,
}

impl OverlaySeries {
    /// Degrees of all snapshots together, as the share of peers with so many neighbours.
    fn degrees(&self) -> Vec<(f64, f64)> {
        let longest = self.snapshots.iter().map(|at| at.degrees.len());
        let mut counts = vec![0_usize; longest.max().unwrap_or(0)];
        for snapshot in &self.snapshots {
            for (sum, count) in counts.iter_mut().zip(&snapshot.degrees) {
                *sum += count;
            }
        }
        let all: usize = counts.iter().sum();
        #[expect(clippy::cast_precision_loss, reason = "counts of peers are small")]
        let share = |(degree, count): (usize, &usize)| {
            (degree as f64, 100.0 * *count as f64 / all.max(1) as f64)
        };
        counts.iter().enumerate().map(share).collect()
    }

    fn over_time(&self, of: impl Fn(&Overlay) -> f64) -> Vec<(f64, f64)> {
        self.snapshots.iter().map(|at| (at.at_s, of(at))).collect()
    }
}

const TOP: i32 = 64;
const LEFT: i32 = 70;
const WIDTH: i32 = 250;
const GAP: i32 = 88;

impl Figure for OverlayFigure {
    fn size(&self) -> (u32, u32) {
        let width = LEFT + 3 * WIDTH + 2 * GAP + 20;
        let legend = 20 * i32::try_from(self.series.len()).expect("few policies");
        (
            width.unsigned_abs(),
            (TOP + 240 + 64 + legend + 28).unsigned_abs(),
        )
    }

    fn draw<B: DrawingBackend>(&self, sheet: &Sheet<'_, B>) -> Result<(), FigureError> {
        sheet.frame(&self.title, &self.caption)?;
        let degrees = |series: &OverlaySeries| series.degrees();
        let parts = |series: &OverlaySeries| {
            #[expect(clippy::cast_precision_loss, reason = "counts of parts are small")]
            series.over_time(|at| at.components as f64)
        };
        let hops = |series: &OverlaySeries| series.over_time(Overlay::hops_mean);
        self.panel(sheet, 0, ("neighbours of a peer", "peers, %", 0.0), degrees)?;
        self.panel(sheet, 1, ("time, s", "connected components", 4.0), parts)?;
        self.panel(sheet, 2, ("time, s", "mean hops from a source", 0.0), hops)?;
        let mut y = TOP + 240 + 66;
        for (index, series) in self.series.iter().enumerate() {
            sheet.line(&[(LEFT, y), (LEFT + 30, y)], colour(index), 2)?;
            let style = sheet.style(13, RGBColor(0, 0, 0));
            sheet.text(
                &series.name,
                (LEFT + 38, y),
                style,
                (HPos::Left, VPos::Center),
            )?;
            y += 20;
        }
        Ok(())
    }
}

impl OverlayFigure {
    fn panel<B: DrawingBackend>(
        &self,
        sheet: &Sheet<'_, B>,
        column: i32,
        (x, y, least): (&str, &str, f64),
        points: impl Fn(&OverlaySeries) -> Vec<(f64, f64)>,
    ) -> Result<(), FigureError> {
        let left = LEFT + column * (WIDTH + GAP);
        let lines: Vec<Series> = self
            .series
            .iter()
            .enumerate()
            .map(|(index, series)| Series {
                name: series.name.clone(),
                colour: index,
                dashed: false,
                points: points(series),
            })
            .collect();
        // The y axis reaches `least` at least: one component is no reason to show halves.
        let end = |of: fn(&(f64, f64)) -> f64| {
            let values = lines.iter().flat_map(|line| line.points.iter().map(of));
            let largest = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
            if largest > 0.0 { largest * 1.08 } else { 1.0 }
        };
        let plot = Plot {
            from: (left, TOP),
            to: (left + WIDTH, TOP + 240),
            x: (0.0, end(|point| point.0)),
            y: (0.0, end(|point| point.1).max(least)),
        };
        plot.axes(sheet, x, y, 5, 5)?;
        for line in &lines {
            plot.line(sheet, line)?;
        }
        Ok(())
    }
}
