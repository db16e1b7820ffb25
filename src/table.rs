//! The table a person reads.

use swarmbed_analysis::compare::Summary;
use swarmbed_analysis::metric::{METRICS, Metric};
use swarmbed_analysis::stats::Estimate;

/// `mean ± half`, in the metric's unit.
pub(crate) fn cell(metric: &Metric, estimate: &Estimate) -> String {
    let digits = |value: f64| {
        let value = value * metric.factor;
        let places = if value.abs() >= 99.95 {
            0
        } else if value.abs() >= 0.995 {
            1
        } else {
            2
        };
        (value, places)
    };
    if !estimate.mean.is_finite() {
        return "-".into();
    }
    let (mean, places) = digits(estimate.mean);
    if estimate.half.is_finite() {
        let (half, finer) = digits(estimate.half);
        let places = places.max(finer.min(2));
        format!("{mean:.places$} ± {half:.places$}")
    } else {
        format!("{mean:.places$}")
    }
}

/// Lines of a table: a heading, then a row for each name.
pub(crate) fn lines(stalls: bool, rows: &[(String, Vec<Estimate>)]) -> Vec<String> {
    let columns: Vec<usize> = (0..METRICS.len())
        .filter(|&index| METRICS[index].headline && METRICS[index].applies(stalls))
        .filter(|&index| rows.iter().any(|row| row.1[index].mean.is_finite()))
        .collect();
    let mut grid = vec![vec![String::new()]];
    for &column in &columns {
        let metric = &METRICS[column];
        let unit = if metric.unit.is_empty() {
            String::new()
        } else {
            format!(" ({})", metric.unit)
        };
        grid[0].push(format!("{}{unit}", metric.label));
    }
    for (name, estimates) in rows {
        let cells = columns
            .iter()
            .map(|&column| cell(&METRICS[column], &estimates[column]));
        grid.push(std::iter::once(name.clone()).chain(cells).collect());
    }
    let widths: Vec<usize> = (0..=columns.len())
        .map(|column| {
            grid.iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    grid.iter()
        .map(|row| {
            let cells = row
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, width))| {
                    if column == 0 {
                        format!("{cell:<width$}")
                    } else {
                        format!("{cell:>width$}")
                    }
                });
            cells.collect::<Vec<_>>().join("   ").trim_end().to_owned()
        })
        .collect()
}

/// The estimates of a variant's summaries.
pub(crate) fn estimates(summaries: &[Summary]) -> Vec<Estimate> {
    summaries.iter().map(|summary| summary.estimate).collect()
}
