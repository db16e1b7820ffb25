//! Who watches a run. An observer sees one peer's events and nothing else.

use swarmbed_engine::{Event, Instant, Rate};

/// What is settled about a peer before the run begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerFacts {
    /// Its number: its place in all tables and draws.
    pub number: u32,
    /// Its class, by place in the setup.
    pub class: u16,
    /// Holds everything from the start.
    pub source: bool,
    /// Presses play on arrival.
    pub plays: bool,
    /// Uplink at birth.
    pub uplink: Rate,
    /// Downlink; `None`: no limit.
    pub downlink: Option<Rate>,
    /// Others can dial it.
    pub connectable: bool,
    /// When it arrives.
    pub arrival: Instant,
    /// When it leaves whatever it is doing, if a session length was drawn.
    pub session_end: Option<Instant>,
}

/// Sees the events of one peer, in order.
pub trait Observer: Send {
    /// Something happened.
    fn event(&mut self, now: Instant, event: &Event);

    /// The run ended while the peer was there: what comes from now on (`Left`, `Traffic`) was
    /// caused by the horizon, not by the peer.
    fn cut(&mut self, _now: Instant) {}
}

/// Sees nothing.
impl Observer for () {
    fn event(&mut self, _: Instant, _: &Event) {}
}
