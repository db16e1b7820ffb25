//! Setups that cannot be played, and why. (Scenario files have errors of their own.)

use std::time::Duration;

use swarmbed_engine::ConfigError;
use thiserror::Error;

/// A setup that cannot be played.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SetupError {
    /// Below the latency floor.
    #[error(
        "the smallest one-way latency is {0:?}, below the 5 ms this simulator needs: peers are \
         handled in windows as long as that latency, and shorter ones would hold too few events; \
         raise the round trip to 10 ms or more"
    )]
    Latency(Duration),
    /// A range with its ends swapped.
    #[error("{0}: the lower end of the range is above the upper end")]
    Range(&'static str),
    /// More peers than addresses.
    #[error("{0} peers are more than there are addresses for")]
    Peers(u64),
    /// No class has a share, or the shares are off.
    #[error("the shares of the classes sum to {0}, not to 1")]
    Shares(f64),
    /// A trace of another length.
    #[error("{arrivals} arrival times for {viewers} viewers")]
    Arrivals {
        /// Times given.
        arrivals: usize,
        /// Viewers announced.
        viewers: u32,
    },
    /// A number that is not finite or not in its range.
    #[error("{0} is out of range")]
    Number(&'static str),
    /// A fault or detail names a peer or class that is not there.
    #[error("{what} {number} does not exist")]
    Missing {
        /// Peer or class.
        what: &'static str,
        /// Its number.
        number: u32,
    },
    /// More peers than the network model `fluid` is for.
    #[error(
        "{0} peers are more than the 100 that the network model `fluid` is for: it solves all rates \
         anew at every block; take `links`"
    )]
    FluidPeers(usize),
    /// A web seed under `fluid`.
    #[error(
        "the network model `fluid` carries blocks between peers, and no web seed's pieces; take \
         `links`, or no web seed"
    )]
    FluidServer,
    /// Batches of `fluid` that are too short or too long.
    #[error("batches of {0:?} are not between 10 ms and 10 s")]
    Batch(Duration),
    /// Whole pieces, and messages that pass the codec.
    #[error(
        "no message of more than a block of 16 KiB passes the codec; take typed messages, or blocks"
    )]
    WholePieces,
    /// A channel with no source, or with several.
    #[error("a channel has one source, not {0}")]
    Source(usize),
    /// The horizon is zero or beyond a century.
    #[error("a horizon of {0:?} cannot be reached")]
    Horizon(Duration),
    /// The engine refuses its configuration.
    #[error("class \"{class}\": {error}")]
    Config {
        /// Its name.
        class: String,
        /// What the engine says.
        error: ConfigError,
    },
}
