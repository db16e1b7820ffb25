//! A recording played again by the same peer.

use std::fmt;

use swarmbed_engine::recording::{Malformed, Recording, Step};
use swarmbed_engine::{Call, Config, Detail, Event, Instant, Output, Peer};
use thiserror::Error;

/// What a peer did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// All events, those of single blocks too.
    pub events: Vec<(Instant, Event)>,
    /// Calls that were made.
    pub calls: u64,
    /// Outputs that were compared.
    pub outputs: u64,
    /// The first call, and the last.
    pub span: (Instant, Instant),
}

/// The first answer that is not as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which call, counted from 1; 0 is birth.
    pub call: u64,
    /// When, since birth.
    pub at: std::time::Duration,
    /// What was told; `None` at birth.
    pub told: Option<Call>,
    /// Which of its answers, counted from 1.
    pub answer: usize,
    /// As recorded; `None` if there was no more.
    pub recorded: Option<Output>,
    /// As it is now.
    pub now: Option<Output>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.at.as_secs_f64();
        write!(f, "call {} at {seconds:.3} s (", self.call)?;
        match &self.told {
            Some(told) => write!(f, "{told:?}")?,
            None => write!(f, "birth")?,
        }
        write!(f, "), answer {}: recorded was ", self.answer)?;
        let tell = |f: &mut fmt::Formatter<'_>, output: &Option<Output>| match output {
            Some(output) => write!(f, "{output:?}"),
            None => write!(f, "nothing more"),
        };
        tell(f, &self.recorded)?;
        write!(f, ", now it is ")?;
        tell(f, &self.now)
    }
}

/// Why a recording is not played to its end.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// An entry makes no sense.
    #[error("call {call}: {source}")]
    Malformed {
        /// Calls before it.
        call: u64,
        /// Why.
        source: Malformed,
    },
    /// It does not answer as recorded.
    #[error("{0}")]
    Differs(Box<Difference>),
}

/// Every block is told of, for who looks at a piece wants to see when it was asked for. It changes
/// nothing else.
pub(crate) fn in_detail(config: &mut Config) {
    config.detail = Detail::Blocks;
}

const fn is_detail(output: &Output) -> bool {
    matches!(
        output,
        Output::Event(
            Event::PieceKnown(_)
                | Event::Requested { .. }
                | Event::BlockReceived { .. }
                | Event::BlockSent { .. }
        )
    )
}

/// Plays the recording again, and compares every answer.
///
/// # Errors
/// At the first answer that differs, or entry that makes no sense.
///
/// # Panics
/// If the configuration, which was looked at when the recording was read, makes no sense.
pub fn again(recording: &Recording) -> Result<Played, Fault> {
    let mut peer = recording.peer(in_detail).expect("it was born before");
    let blocks = recording.config().detail == Detail::Blocks;
    let mut played = Played {
        span: (recording.began(), recording.began()),
        ..Played::default()
    };
    for (number, step) in (0..).zip(recording.steps()) {
        let call = number;
        let step = step.map_err(|source| Fault::Malformed { call, source })?;
        let Step { now, call, outputs } = step;
        if let Some(call) = &call {
            peer.call(now, call.clone());
            played.calls += 1;
            played.span.1 = now;
        }
        let answers = drain(&mut peer, now, &mut played);
        let mut answers = answers.into_iter().filter(|one| blocks || !is_detail(one));
        let mut recorded = outputs.into_iter();
        for answer in 1.. {
            let (then, this) = (recorded.next(), answers.next());
            if then != this {
                return Err(Fault::Differs(Box::new(Difference {
                    call: number,
                    at: now.since(recording.began()),
                    told: call,
                    answer,
                    recorded: then,
                    now: this,
                })));
            }
            if then.is_none() {
                break;
            }
            played.outputs += 1;
        }
    }
    Ok(played)
}

/// All that the peer has to say; its events are kept.
pub(crate) fn drain(peer: &mut Peer, now: Instant, played: &mut Played) -> Vec<Output> {
    let mut outputs = Vec::new();
    while let Some(output) = peer.poll_output() {
        if let Output::Event(event) = &output {
            played.events.push((now, event.clone()));
        }
        outputs.push(output);
    }
    outputs
}
