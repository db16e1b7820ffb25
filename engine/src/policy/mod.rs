//! The seams. A policy reads a view and answers; the engine checks the answer and acts.
//!
//! Each policy is one file that opens with its source and its constants, and is named in
//! scenarios by that file's name. Adding one touches that file and one line of a table here.

mod playback;
mod table;

pub use playback::{LatePolicy, PlaybackConfig, StartRule};
pub use table::{ChokerConfig, ParamError, ParamValue, PolicyInfo, SelectorConfig};
