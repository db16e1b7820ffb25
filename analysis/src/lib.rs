//! swarmbed-analysis
