//! What a scenario wants drawn of its sweep, and how well known.

use std::time::Duration;

use super::file::{File, Sweep};
use super::resolve::{Result, error, find};
use super::{SweepFigure, Until};

/// The figure of the sweep, if the scenario wants one.
pub(super) fn figure(file: &File, text: &str) -> Result<Option<SweepFigure>> {
    let written = &file.figure;
    let Some(x) = &written.x else {
        let unused = [
            ("x_name", written.x_name.is_some()),
            ("y", !written.y.is_empty()),
            ("of", !written.of.is_empty()),
            ("panels", written.panels.is_some()),
            ("supply_line", written.supply_line),
            ("firewall_bounds", written.firewall_bounds),
        ];
        return match unused.iter().find(|(_, used)| *used) {
            Some((key, _)) => error(
                format!("[figure]: `{key}` is of no use without `x`"),
                "write x = \"class.viewer.share\", or another key of [sweep.axes]",
                find(text, "[figure]"),
            ),
            None => Ok(None),
        };
    };
    let place = || find(text, "[figure]");
    for key in [Some(x), written.panels.as_ref()].into_iter().flatten() {
        if key != SweepFigure::POLICY && !file.sweep.axes.contains_key(key) {
            let keys: Vec<&str> = file.sweep.axes.keys().map(String::as_str).collect();
            return error(
                format!("[figure]: `{key}` is no key of the sweep"),
                format!("there are {}, {}", SweepFigure::POLICY, keys.join(", ")),
                place(),
            );
        }
    }
    if written.panels.as_ref() == Some(x) {
        return error("[figure]: `x` and `panels` are the same", "", place());
    }
    if written.y.is_empty() {
        let help = "write y = [\"rebuffering_ratio\"]; the columns of runs.csv are metrics";
        return error("[figure]: there is no metric in `y`", help, place());
    }
    let classes = || {
        file.class
            .get_ref()
            .iter()
            .map(|class| &class.get_ref().name)
    };
    for name in &written.of {
        let group = SweepFigure::GROUPS.contains(&name.as_str());
        if !group && !classes().any(|class| class == name) {
            let names: Vec<&str> = classes().map(String::as_str).collect();
            return error(
                format!("[figure]: no class is called `{name}`"),
                format!(
                    "there are {}, and the groups {}",
                    names.join(", "),
                    SweepFigure::GROUPS.join(", ")
                ),
                place(),
            );
        }
    }
    let of = if written.of.is_empty() {
        vec![SweepFigure::GROUPS[0].to_owned()]
    } else {
        written.of.clone()
    };
    Ok(Some(SweepFigure {
        x: x.clone(),
        x_name: written.x_name.clone().unwrap_or_default(),
        y: written.y.clone(),
        of,
        panels: written.panels.clone(),
        supply_line: written.supply_line,
        firewall_bounds: written.firewall_bounds,
    }))
}

/// What start-up delays are compared with: of use where their distribution is drawn.
pub(super) fn startup_mark(file: &File, text: &str) -> Result<Option<(Duration, String)>> {
    let Some(mark) = &file.figure.startup_mark else {
        return Ok(None);
    };
    if file.figure.x.is_some() {
        return error(
            "[figure]: `startup_mark` is of no use with `x`",
            "it stands in the distribution of start-up delays, which a sweep's figure has not",
            find(text, "startup_mark"),
        );
    }
    Ok(Some((mark.at.0, mark.says.clone())))
}

/// Seeds at most, unless the scenario says otherwise.
const SEEDS_MAX: u32 = 30;

/// When seeds are added no more.
pub(super) fn until(sweep: &Sweep, seeds: usize, text: &str) -> Result<Option<Until>> {
    let Some(written) = &sweep.until else {
        return if sweep.until_metric.is_some() || sweep.seeds_max.is_some() {
            error(
                "[sweep]: `until_metric` and `seeds_max` are of no use without `until`",
                "write until = \"5 %\"",
                find(text, "[sweep]"),
            )
        } else {
            Ok(None)
        };
    };
    let number = written.strip_suffix('%').map(str::trim);
    let percent = number.and_then(|number| number.parse::<f64>().ok());
    let Some(percent) = percent.filter(|percent| *percent > 0.0 && *percent <= 100.0) else {
        return error(
            format!("[sweep]: `until = \"{written}\"` is no percentage above 0"),
            "write until = \"5 %\"",
            find(text, "until"),
        );
    };
    let seeds_max = sweep.seeds_max.unwrap_or(SEEDS_MAX) as usize;
    if seeds < 2 || seeds > seeds_max {
        return error(
            format!("[sweep]: from {seeds} seeds to `seeds_max` = {seeds_max} there is no way"),
            "begin with at least 2 seeds, and with no more than `seeds_max`",
            find(text, "seeds"),
        );
    }
    let metric = sweep.until_metric.as_deref().unwrap_or("startup_mean_s");
    Ok(Some(Until {
        share: percent / 100.0,
        metric: metric.into(),
        seeds_max,
    }))
}
