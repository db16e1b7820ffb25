//! Magnet links (BEP 9): a torrent that is known by its name alone is fetched from its peers.
//!
//! | file | owns |
//! |---|---|
//! | `link.rs` | what a link says |
//! | `hunt.rs` | whom to ask: trackers, dials, strangers who connect |
//! | `source.rs` | asking one peer for all of it, and believing nothing it says |

mod hunt;
mod link;
mod source;

pub use hunt::{Hunt, Hunted};
pub use link::Magnet;
pub use source::Useless;
