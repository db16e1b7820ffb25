//! One peer's part in one BitTorrent swarm, without IO.
//!
//! [`Peer`] is driven by *mutate, drain, sleep*: call [`Peer::handle`] (which cannot fail) or an
//! application method (which can), drain [`Peer::poll_output`] to `None`, then sleep until
//! [`Peer::poll_timeout`]. `now` never goes back. A run is `(Config, Seed, [(now, Call)])`, so a
//! recording replays bit for bit anywhere.
//!
//! # Map
//!
//! | file | owns |
//! |---|---|
//! | `peer/` | [`Peer`]: routing of inputs, the outbox, the neighbours, the piece table |
//! | `input.rs`, `output.rs` | the vocabulary between a peer and its world |
//! | `message.rs` | what neighbours say to each other, typed; `wire/` is its bytes |
//! | `exchange.rs` | what is exchanged besides the content: the torrent, and addresses |
//! | `recording/` | calls and outputs as bytes, for a run to be played again |
//! | `event.rs` | what happened, for metrics; the only source of metrics |
//! | `geometry.rs`, `bitfield.rs` | pieces, blocks and the window they live in |
//! | `live/` | a stream without end: numbering, acceptance of signed pieces |
//! | `fetch.rs` | what a call will read, for a driver that has it brought near in time |
//! | `policy/` | the seams: who is unchoked, which piece is next, when to play |
//! | `behaviour.rs` | adversaries: what a peer may say that is not so |
//! | `time.rs`, `rate.rs`, `seed.rs` | time, rates and randomness as values |
//!
//! # Architecture invariants
//!
//! * No clock, socket, file, thread or OS randomness: `no_std` makes the compiler say so.
//! * Only [`Peer`] writes the outbox; components return what they want.
//! * A policy changes nothing: it reads a view and answers, and the engine checks the answer.
//! * No event, timer or draw of one peer changes another's except through a message.
//! * A viewer never sees an unverified byte.
//! * Every queue and table has a stated bound (see [`Limits`]).
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod behaviour;
mod bitfield;
mod config;
mod error;
mod event;
mod exchange;
mod fetch;
mod geometry;
mod id;
mod input;
pub mod live;
mod message;
mod output;
mod peer;
pub mod policy;
mod rate;
pub mod recording;
mod seed;
mod time;
pub mod wire;

pub use behaviour::{Accomplice, Behaviour};
pub use bitfield::Bitfield;
pub use config::{Config, Detail, Limits, WebSeedUse};
pub use error::{CallError, CloseReason, ConfigError, Refused};
pub use event::{Cause, CauseMillis, Event, LeaveReason, Traffic};
pub use exchange::{Exchange, Metadata, Pex, PexPeer};
pub use fetch::Fetch;
pub use geometry::{Block, BlockRef, Geometry, PieceIndex, Window};
pub use id::{ConnId, PeerId};
pub use input::{
    AddressSource, Call, FetchResult, Input, Playhead, Remote, Showing, StoreResult, Verdict,
};
pub use message::{
    Datagram, Extended, ExtendedHandshake, G2gQuery, G2gReport, G2gShares, LiveWindow, Message,
    Name, Receipt, Seal,
};
pub use output::{Announce, Output};
pub use peer::{Footprint, NeighbourView, Outputs, Overheard, Peer, PlayState, PlaybackView};
pub use rate::{Rate, RateMeter};
pub use seed::{Rng, Seed};
pub use time::Instant;
