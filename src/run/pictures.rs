//! The figures of a run's results: which data goes into which.

use swarmbed_analysis::compare::RunMetrics;
use swarmbed_analysis::results::{Results, WriteError};
use swarmbed_sim::scenario::Scenario;

use super::replicate::Replicate;

/// Writes all figures.
pub(crate) fn write(
    _results: &mut Results,
    _scenario: &Scenario,
    _replicates: &[Replicate],
    _runs: &[RunMetrics],
) -> Result<(), WriteError> {
    Ok(())
}
