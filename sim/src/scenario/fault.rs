//! `[[fault]]`: what goes wrong on purpose, and when.

use std::time::Duration;

use toml::Spanned;

use super::ScenarioError;
use super::file::{self, File};
use super::resolve::{Result, error};
use crate::setup;

pub(super) fn faults(file: &File) -> Result<Vec<(Duration, setup::Fault)>> {
    let faults = file.fault.iter();
    faults
        .map(|fault| Ok((fault.get_ref().at.0, self::fault(file, fault)?)))
        .collect()
}

pub(super) fn fault(file: &File, spanned: &Spanned<file::Fault>) -> Result<setup::Fault> {
    use file::FaultKind;
    let fault = spanned.get_ref();
    let missing = |key: &str, example: &str| ScenarioError {
        message: format!("this fault needs `{key}`"),
        help: Some(format!("write {key} = {example}")),
        span: Some(spanned.span()),
        text: None,
    };
    let peer = || fault.peer.ok_or_else(|| missing("peer", "0"));
    let taken: &[&str] = match fault.kind {
        FaultKind::Crash | FaultKind::CorruptBlock => &["peer"],
        FaultKind::SourceGone => &[],
        FaultKind::UplinkStep => &["class", "percent"],
    };
    let given = [
        ("peer", fault.peer.is_some()),
        ("class", fault.class.is_some()),
        ("percent", fault.percent.is_some()),
    ];
    for (key, given) in given {
        if given && !taken.contains(&key) {
            return error(
                format!("`{key}` is of no use to this kind of fault"),
                "leave it out",
                spanned.span(),
            );
        }
    }
    Ok(match fault.kind {
        FaultKind::Crash => setup::Fault::Crash { peer: peer()? },
        FaultKind::CorruptBlock => setup::Fault::CorruptBlock { peer: peer()? },
        FaultKind::SourceGone => setup::Fault::SourceGone,
        FaultKind::UplinkStep => {
            let Some(class) = &fault.class else {
                return Err(missing("class", "\"viewer\""));
            };
            let classes = file.class.get_ref().iter();
            let place = classes
                .map(|one| &one.get_ref().name)
                .position(|name| name == class);
            let Some(place) = place else {
                return error(format!("no class is called `{class}`"), "", spanned.span());
            };
            let Some(percent) = fault.percent else {
                return Err(missing("percent", "50"));
            };
            setup::Fault::UplinkStep {
                class: u16::try_from(place).unwrap_or(u16::MAX),
                percent,
            }
        }
    })
}
