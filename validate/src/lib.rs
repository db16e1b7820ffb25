//! Can the numbers be trusted? Closed forms of the papers against this simulator.
//!
//! Formulas come from `swarmbed_analysis::closed_form`, peers from the engine, the world from the
//! simulator. A *reduced* world keeps the shipped piece selectors ([`Chooser`]) and replaces network
//! and neighbours by what the model says of them; each row tells which it uses. The command line
//! prints what [`run`] returns and knows nothing of it.
//!
//! | file | owns |
//! |---|---|
//! | `row.rs` | the table of rows |
//! | `line.rs`, `known.rs` | expected, measured, tolerance, verdict; differences that are understood |
//! | `plan.rs` | quick or whole; bugs on purpose, for tests |
//! | `stage.rs` | setups of the simulator, what is written down of a run |
//! | `rate.rs` | 1: the streaming rate |
//! | `universal.rs` | 2: universal streaming |
//! | `distribution.rs` | 3: the time to distribute a file |
//! | `load.rs` | 4: leechers, seeds and download time in steady state |
//! | `progress.rs` | 5: prefix under rarest first, start-up in order |
//! | `buffer.rs` | 6: continuity of a live buffer |
//! | `club.rs` | 7: stability |
//! | `firewall.rs` | 8: sharing ratios behind firewalls |
//! | `network.rs` | the network model of large runs beside the exact one of small runs |
//! | `checks.rs` | what must hold in every run |
//!
//! [`Chooser`]: swarmbed_engine::policy::Chooser

#![forbid(unsafe_code)]

mod buffer;
mod checks;
mod club;
mod distribution;
mod firewall;
pub mod known;
mod line;
mod load;
mod network;
mod plan;
mod progress;
mod rate;
mod row;
mod stage;
mod universal;

pub use line::{Line, Tolerance, Verdict};
pub use network::{Felt, Networks, networks};
pub use plan::{Mutant, Plan};
pub use row::{ROWS, Row, World, run};
