//! The world around simulated engines.

mod setup;

pub use setup::*;
