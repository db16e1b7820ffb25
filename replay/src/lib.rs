//! Recorded sessions, played again: the same peer, which must answer the same; or another policy in
//! its place, among neighbours who do what they did.
//!
//! Knows the engine and its recordings; must not know files, nor what events add up to.
//!
//! | file | owns |
//! |---|---|
//! | `again.rs` | the same peer, and the first answer that is not as recorded |
//! | `other.rs` | another policy among frozen neighbours |
//! | `owed.rs` | what a neighbour owes, in order: how what came is given to one who asked for other things |
//! | `verdicts.rs` | how long pieces were judged, and how |

#![forbid(unsafe_code)]

mod again;
mod other;
mod owed;
mod verdicts;

pub use again::{Difference, Fault, Played, again};
pub use other::{Other, other};
