//! What a viewer does beside watching: pauses, jumps, loses patience. Each moment is drawn by whose
//! it is and the how-manieth, so a jump moves no later pause, and no policy moves any of them.

use swarmbed_engine::{Instant, Peer};

use super::{Net, Node, Step};
use crate::latency::nanos;
use crate::network::Network;
use crate::observer::Observer;
use crate::report::Ending;
use crate::shared::Shared;

/// What it does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whim {
    /// Pauses for the so-manieth time.
    Pause(u32),
    /// Goes on, after that pause.
    Resume(u32),
    /// Jumps for the so-manieth time.
    Seek(u32),
    /// Leaves, if nothing was shown yet.
    Impatience,
}

/// An exponential time with this mean, drawn by name.
fn drawn(shared: &Shared, what: &str, number: u32, count: u32, mean: std::time::Duration) -> u64 {
    let name = u64::from(number) << 32 | u64::from(count);
    let seconds = shared
        .seed
        .stream(what, name)
        .exponential(mean.as_secs_f64());
    nanos(std::time::Duration::from_secs_f64(seconds.clamp(0.0, 1e9)))
}

impl<O: Observer, N: Network> Node<O, N> {
    /// It has pressed play: what it will do first of each kind.
    pub(super) fn plan_viewing(&mut self, now: u64, shared: &Shared) {
        let viewing = shared.class(self.number).viewing;
        if viewing.pause.is_some() {
            self.plan(now, Whim::Pause(0), shared);
        }
        if viewing.seek.is_some() {
            self.plan(now, Whim::Seek(0), shared);
        }
        if viewing.patience.is_some() {
            self.plan(now, Whim::Impatience, shared);
        }
    }

    /// Plans what comes some time from now.
    fn plan(&mut self, now: u64, whim: Whim, shared: &Shared) {
        let viewing = shared.class(self.number).viewing;
        let pause = viewing.pause.unwrap_or_default();
        let (what, count, mean) = match whim {
            Whim::Pause(count) => ("pause", count, pause.0),
            Whim::Resume(count) => ("resume", count, pause.1),
            Whim::Seek(count) => ("seek", count, viewing.seek.unwrap_or_default()),
            Whim::Impatience => ("patience", 0, viewing.patience.unwrap_or_default()),
        };
        let after = drawn(shared, what, self.number, count, mean);
        self.plan_step(now.saturating_add(after), Step::Viewer(whim));
    }

    /// The moment has come. What the player refuses (to pause before play, to jump at the end)
    /// does not happen.
    pub(super) fn whim(&mut self, now: u64, whim: Whim, net: &mut Net<'_>) {
        let shared = net.shared;
        let Some(engine) = &mut self.engine else {
            return;
        };
        let at = Instant::from_nanos(now);
        let next = match whim {
            Whim::Pause(count) => {
                self.trace.pause(now);
                match engine.pause(at) {
                    Ok(()) => Whim::Resume(count),
                    Err(_) => Whim::Pause(count + 1),
                }
            }
            Whim::Resume(count) => {
                self.trace.resume(now);
                // A jump may have ended the film meanwhile; then there is nothing to go on with.
                let _ = engine.resume(at);
                Whim::Pause(count + 1)
            }
            Whim::Seek(count) => {
                let byte = place(shared, self.number, count);
                if !self.ended {
                    self.trace.seek(now, byte);
                    let _ = Peer::seek(engine, at, byte);
                }
                Whim::Seek(count + 1)
            }
            Whim::Impatience => {
                if !self.started {
                    self.leave(now, Ending::Left, net);
                }
                return;
            }
        };
        net.out.work.calls += 1;
        self.settle(now, net);
        if self.engine.is_some() && !self.ended {
            self.plan(now, next, shared);
        }
    }
}

/// Where a viewer jumps to.
fn place(shared: &Shared, number: u32, count: u32) -> u64 {
    let name = u64::from(number) << 32 | u64::from(count);
    let total = shared.setup.geometry.total();
    shared.seed.stream("seek to", name).below(total.max(1))
}
