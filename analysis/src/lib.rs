//! From events to metrics, statistics, tables and figures.
//!
//! Knows the engine's events and nothing of who made them, so one analyser serves a simulated and
//! a real run. Definitions follow `reference/field.md` D2 (CTA-2066 family): pause and seek are no
//! stalls, rebuffering ratio is S / (S + P), exits before start are counted apart.
//!
//! | file | owns |
//! |---|---|
//! | `ledger.rs` | one peer's events, summed up |
//! | `record.rs` | one peer of one run: what it was and what it did |
//! | `metric.rs` | the table of metrics: peers of a run to one number |
//! | `run.rs` | the peers of a run, by the parts that metrics are made of |
//! | `compare.rs` | runs to means, intervals and paired differences |
//! | `stats.rs` | Student's t, bootstrap, percentiles |
//! | `timeline.rs` | how many are there, play and stand still, over time |
//! | `overlay.rs` | degrees, components and hops of who is whose neighbour |
//! | `story.rs` | one viewer's pieces over time: why its picture stood still |
//! | `report/` | the page that shows a result to a person, offline |
//! | `claim.rs` | whether an interval agrees with a claim |
//! | `figures/` | figures, as SVG and PNG, from plain data |
//! | `results.rs` | the files of a result |
//! | `closed_form/` | formulas of the papers, that a run must come to or never beat |
//! | `digits.rs` | how numbers are written |
//! | `exact.rs` | how they are stored, to the last bit |

#![forbid(unsafe_code)]

pub mod claim;
pub mod closed_form;
pub mod compare;
pub mod digits;
pub mod exact;
pub mod figures;
pub mod ledger;
pub mod metric;
pub mod overlay;
pub mod record;
pub mod report;
pub mod results;
mod run;
pub mod stats;
pub mod story;
pub mod timeline;
