//! The world around simulated engines: links, latencies, a tracker, arrivals, departures, faults.
//!
//! A [`Setup`] spells a run out; [`World`] plays it and returns a [`Report`]. Everything a
//! [`Peer`](swarmbed_engine::Peer) is told is a function of the setup alone, so the trace hash is
//! the same on any machine, with any number of threads, and under the plain heap driver.
//!
//! # Map
//!
//! | file | owns |
//! |---|---|
//! | `setup.rs` | a run, fully spelled out |
//! | `scenario/` | from a scenario file to the setups of its runs |
//! | `cast.rs` | who there is: numbers, classes, links, arrivals; all draws by name |
//! | `world.rs`, `watch.rs`, `report.rs`, `observer.rs` | the way in and out |
//! | `windows.rs`, `chunk.rs`, `calendar.rs`, `outbox.rs` | the parallel driver (DESIGN 5) |
//! | `heap.rs` | the plain driver, the oracle of the other; that of `fluid` |
//! | `node/` | one peer's engine and all that is its own: links, connections, storage, viewer |
//! | `network.rs` | what a node needs of a network model |
//! | `links/` | the network model of every large run, as arithmetic without a world |
//! | `fluid/` | the exact one of small runs: max-min fair rates, a check on the other; and solved in batches, the coarse one of long large runs |
//! | `tracker.rs` | the tracker |
//! | `trace.rs`, `trace/` | the trace hash |
//! | `check/` | what must hold in every run |
//! | `mutant.rs` | bugs on purpose, for the tests of the checks |
//! | `hot.rs` | what `benches/` may see |
//!
//! # Determinism
//!
//! * A peer's calls are ordered by `(time, class, source, source's own number)`; two equal keys
//!   panic.
//! * Every draw is named by whose it is and what for; nobody shares a generator.
//! * State is integers: nanoseconds, bytes, bytes per second. Floats only in draws.

mod address;
mod calendar;
mod cast;
mod channel;
mod check;
mod chunk;
mod error;
mod fluid;
mod heap;
#[doc(hidden)]
pub mod hot;
mod latency;
mod links;
mod mail;
mod mutant;
mod network;
mod node;
mod observer;
mod outbox;
mod prefetch;
mod report;
pub mod scenario;
mod setup;
mod shared;
mod trace;
mod tracker;
mod watch;
mod windows;
mod world;

pub use address::{address_of, number_at, peer_id_of};
pub use check::Checks;
pub use error::SetupError;
#[doc(hidden)]
pub use mutant::Mutant;
pub use observer::{Observer, PeerFacts};
pub use report::{Ending, OverlaySnapshot, PeerOutcome, Report, Totals};
pub use setup::*;
pub use world::{Aborted, Driver, Options, Progress, World};
