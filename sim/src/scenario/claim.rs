//! What a scenario expects to see, so that a verdict can be computed and none is written by hand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Value;

use super::file::File;
use super::resolve::{Result, error, find, plain};
use super::{SweepFigure, Variant};

/// How sure it is that the source says so.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// It was read there.
    Read,
    /// It was recalled, and not read.
    Recalled,
    /// It follows from what was read or recalled; no source says it.
    Derived,
}

impl Mark {
    /// How captions say it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Recalled => "as recalled",
            Self::Derived => "derived",
        }
    }
}

/// `[[claim]]`, as it is written.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// What the source says, in words.
    pub says: String,
    /// How sure that is.
    pub mark: Mark,
    /// What is measured: a column of `runs.csv`.
    pub metric: String,
    /// Of whom: a class or a group; all viewers if absent.
    pub of: Option<String>,
    /// At which place of the sweep, and of which `policy`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub at: BTreeMap<String, Value>,
    /// Less the same at this place, on the same seeds.
    pub than: Option<BTreeMap<String, Value>>,
    /// Of whom there; as `of` if absent.
    pub than_of: Option<String>,
    /// Agrees if the whole interval is below this.
    pub below: Option<f64>,
    /// Agrees if the whole interval is above this.
    pub above: Option<f64>,
    /// Agrees if the whole interval is between these.
    pub within: Option<(f64, f64)>,
}

/// A claim that can be checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// What the source says, in words.
    pub says: String,
    /// How sure that is.
    pub mark: Mark,
    /// What is measured; names are not checked here.
    pub metric: String,
    /// Of which class or group.
    pub of: String,
    /// Under which variant.
    pub variant: usize,
    /// Less the same of this variant and group, if it is a difference.
    pub than: Option<(usize, String)>,
    /// From where on the claim holds; minus infinity if there is no such bound.
    pub low: f64,
    /// Up to where.
    pub high: f64,
}

/// The claims of a scenario.
pub(super) fn claims(file: &File, variants: &[Variant], text: &str) -> Result<Vec<Claim>> {
    file.claim
        .iter()
        .map(|spanned| {
            let (written, span) = (spanned.get_ref(), spanned.span());
            let (low, high) = match (written.below, written.above, written.within) {
                (Some(high), None, None) => (f64::NEG_INFINITY, high),
                (None, Some(low), None) => (low, f64::INFINITY),
                (None, None, Some((low, high))) if low <= high => (low, high),
                _ => {
                    return error(
                        "[[claim]] takes one of `below`, `above` and `within`",
                        "write below = 0.05, or within = [0.0, 0.05], in the unit of runs.csv",
                        span,
                    );
                }
            };
            let of = written
                .of
                .clone()
                .unwrap_or_else(|| SweepFigure::GROUPS[0].into());
            let than = match &written.than {
                None => None,
                Some(at) => {
                    let group = written.than_of.clone().unwrap_or_else(|| of.clone());
                    Some((place(at, variants, text)?, group))
                }
            };
            Ok(Claim {
                says: written.says.clone(),
                mark: written.mark,
                metric: written.metric.clone(),
                variant: place(&written.at, variants, text)?,
                of,
                than,
                low,
                high,
            })
        })
        .collect()
}

/// The one variant at a place.
fn place(at: &BTreeMap<String, Value>, variants: &[Variant], text: &str) -> Result<usize> {
    let here = |variant: &Variant| {
        at.iter().all(|(key, value)| {
            let value = plain(value);
            if key == SweepFigure::POLICY {
                return variant.policy == value;
            }
            let mut axes = variant.axes.iter();
            axes.any(|(axis, there)| axis == key && *there == value)
        })
    };
    let mut found = (0..variants.len()).filter(|&index| here(&variants[index]));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (first, _) => {
            let count = if first.is_none() {
                "no"
            } else {
                "more than one"
            };
            let names: Vec<&str> = variants.iter().map(|one| one.name.as_str()).collect();
            error(
                format!("[[claim]]: {count} variant stands at {at:?}"),
                format!(
                    "name every axis that varies, as the sweep writes it, and `policy` if there are several; \
                     the variants are: {}",
                    names.join("; ")
                ),
                find(text, "[[claim]]"),
            )
        }
    }
}
