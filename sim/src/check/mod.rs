//! What must hold in every run, whatever the policies (DESIGN 5 "Checks"): one file each. All of
//! these are cheap and always on; a violation is a bug of ours and is told in the report.

mod asked;
mod capacity;
mod conservation;
mod played;

pub(crate) use asked::asked;
pub(crate) use capacity::capacity;
pub(crate) use conservation::conservation;
pub(crate) use played::Played;

/// What was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// Bytes that left on all uplinks, and the tracker's.
    pub sent: u64,
    /// Bytes that came through all downlinks, and the tracker's.
    pub received: u64,
    /// Bytes cut, dropped by a firewall, or that found nobody.
    pub lost: u64,
    /// Bytes under way when the run ended.
    pub in_flight: u64,
    /// What did not hold; empty unless there is a bug.
    pub violations: Vec<String>,
}
