//! `swarmbed schema`: the JSON Schema of scenario files, so that editors complete them.

use std::process::ExitCode;

/// Prints the schema.
pub(crate) fn print() -> ExitCode {
    say!("{}", swarmbed_sim::scenario::SCHEMA);
    ExitCode::SUCCESS
}
