//! A stream without end: its configuration, piece numbers on the wire, and what makes a signed
//! piece acceptable.
//!
//! Inside the engine every piece has its absolute number, which never comes round. What this
//! module owns is pure: no state of a peer. That is in `peer/live.rs` and `peer/source.rs`.

mod accept;
mod config;
mod numbering;

pub use accept::{Acceptance, Rejection, Trailer};
pub use config::{Expiry, LiveConfig, Role, SuperSeeding};
pub use numbering::Numbering;

/// The highest piece number a live stream may reach: at two pieces a second, 34 years.
pub const PIECES_MAX: u32 = 1 << 31;
