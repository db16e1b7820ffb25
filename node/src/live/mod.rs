//! A live stream on real sockets: the source's key, signed pieces in a window on disk, the input
//! that pieces are made of, and what local players are given.
//!
//! | file | owns |
//! |---|---|
//! | `key.rs` | the source's key, and its file |
//! | `window.rs` | the pieces of the window on disk, sealed, checked, read |
//! | `input.rs` | what is broadcast: standard input, a file, a command, HTTP |
//! | `stream.rs` | a stream's files: `.tstream`, key, window, restart state |
//! | `broadcast.rs` | input → pieces |
//! | `reader.rs`, `ts.rs` | pieces → one local player, from a decodable place on |

mod broadcast;
mod input;
mod key;
mod reader;
mod stream;
#[cfg(test)]
mod tests;
mod ts;
mod window;

pub use broadcast::{Broadcaster, Bytes, Feed, Stop};
pub use input::Input;
pub use key::SourceKey;
pub use stream::{Stream, Wishes};
pub use window::LiveWindow;

pub(crate) use reader::follow;
pub(crate) use window::Judged;
