//! Formulas that a simulator must come to, or never beat (`papers.md` section 4).
//!
//! Knows no simulator. Each file is one model, with its source and how sure it is.

pub mod buffer;
pub mod capacity;
pub mod distribution;
pub mod firewall;
pub mod fluid_swarm;
pub mod progress;
pub mod stability;
