//! How a peer comes and goes: arrival, faults, departure, the end of the run.

use std::collections::VecDeque;
use std::time::Duration;

use swarmbed_engine::{ConnId, Input, Instant, Peer, PieceIndex, Rate};

use super::{Counts, Net, Node, Step};
use crate::latency::nanos;
use crate::network::Network;
use crate::observer::{Observer, PeerFacts};
use crate::report::{Ending, PeerOutcome};
use crate::setup::{Behaviour, Departure, Fault};
use crate::shared::Shared;

/// The plan of one peer, by time. At one time: it arrives, then faults in the setup's order, then
/// its session ends.
pub(super) fn script(shared: &Shared, facts: &PeerFacts) -> VecDeque<(u64, Step)> {
    if shared.class(facts.number).behaviour == Behaviour::Idle {
        return VecDeque::new();
    }
    let mut steps = vec![(facts.arrival.as_nanos(), Step::Arrive)];
    for &(at, fault) in &shared.setup.faults {
        let concerned = match fault {
            Fault::Crash { peer } | Fault::CorruptBlock { peer } => peer == facts.number,
            Fault::SourceGone => facts.source,
            Fault::UplinkStep { class, .. } => class == facts.class,
        };
        if concerned {
            steps.push((nanos(at), Step::Fault(fault)));
        }
    }
    if shared.setup.live.is_some() && facts.source {
        let first = PieceIndex(0);
        let at = shared.made_at(first).max(facts.arrival);
        steps.push((at.as_nanos(), Step::Make(first)));
    }
    if let Some(end) = facts.session_end {
        steps.push((end.as_nanos(), Step::SessionEnd));
    }
    steps.sort_by_key(|step| step.0);
    steps.into()
}

/// When the first step of a plan is due.
pub(super) fn due(script: &VecDeque<(u64, Step)>) -> u64 {
    script.front().map_or(u64::MAX, |step| step.0)
}

/// Whether a run goes on for this peer's sake.
pub(super) fn is_waited_for(shared: &Shared, facts: &PeerFacts) -> bool {
    !facts.source && shared.class(facts.number).behaviour != Behaviour::Idle
}

/// What is left of a node when the run is over, for what is checked then.
pub(crate) struct Remains {
    pub(crate) counts: Counts,
    /// Bytes times 1e9 that could have left on the uplink.
    pub(crate) capacity: u128,
    pub(crate) completed: Option<Instant>,
    pub(crate) violations: Vec<String>,
}

impl<O: Observer, N: Network> Node<O, N> {
    /// The next step of its plan.
    pub(super) fn script(&mut self, now: u64, net: &mut Net<'_>) {
        let (_, step) = self.script.pop_front().expect("a step is due");
        self.script_at = due(&self.script);
        self.look();
        match step {
            Step::Arrive => self.arrive(now, net),
            Step::SessionEnd => self.leave(now, Ending::Left, net),
            Step::Fault(Fault::Crash { .. } | Fault::SourceGone) => self.crash(now, net),
            Step::Make(piece) => self.make(now, piece, net),
            Step::Viewer(whim) => self.whim(now, whim, net),
            Step::Send(conn, block) => self.send_late(now, conn, block, net),
            Step::Fault(Fault::CorruptBlock { .. }) => self.spoil += 1,
            Step::Fault(Fault::UplinkStep { percent, .. }) => {
                let birth = net.shared.peers[self.number as usize].uplink.bytes_per_s();
                let rate = birth.saturating_mul(u64::from(percent)) / 100;
                self.capacity = (self.capacity_until(now), now.max(self.capacity.1));
                self.declared = rate.max(1);
                self.uplink.set_rate(now, net.shared.served(rate));
                self.call(now, Input::Uplink(Rate::from_bytes_per_s(rate)), net);
            }
        }
    }

    /// The source has made a piece; the next is planned.
    fn make(&mut self, now: u64, piece: PieceIndex, net: &mut Net<'_>) {
        let Some(engine) = &mut self.engine else {
            return;
        };
        let last = net.shared.is_last(piece);
        self.trace.produce(now, piece, last);
        net.out.work.calls += 1;
        engine
            .produce(Instant::from_nanos(now), piece, last)
            .expect("one after the other");
        self.settle(now, net);
        if !last {
            let next = PieceIndex(piece.0 + 1);
            let at = net.shared.made_at(next).as_nanos();
            self.plan_step(at, Step::Make(next));
        }
    }

    /// Adds a step to the plan, after those of the same time.
    pub(super) fn plan_step(&mut self, at: u64, step: Step) {
        let place = self.script.partition_point(|planned| planned.0 <= at);
        self.script.insert(place, (at, step));
        self.script_at = due(&self.script);
        self.look();
    }

    fn arrive(&mut self, now: u64, net: &mut Net<'_>) {
        let shared = net.shared;
        self.downlink.begin(now);
        let at = Instant::from_nanos(now);
        let seed = shared.seed.child("peer", u64::from(self.number));
        let config = shared.config(self.number);
        let peer = Peer::new(config, seed, at, shared.holds(self.number));
        self.engine = Some(Box::new(peer.expect("tried before the run")));
        // What most turns read lies close together: in a big swarm, each page of it that is not known yet costs more than
        // the lines that are read there.
        self.downlink.reserve();
        self.uplink.reserve();
        self.slots
            .reserve_exact(shared.setup.limits.slots_at_once());
        self.settle(now, net);
        let rate = Rate::from_bytes_per_s(self.declared);
        self.call(now, Input::Uplink(rate), net);
        if shared.peers[self.number as usize].plays
            && let Some(engine) = &mut self.engine
        {
            self.trace.play(now);
            net.out.work.calls += 1;
            engine
                .play(at)
                .expect("it has a bitrate and has not played");
            self.settle(now, net);
            self.plan_viewing(now, shared);
        }
    }

    /// After an event: whether the viewer is done, and whether it goes.
    pub(super) fn consider_leaving(&mut self, now: u64, net: &mut Net<'_>) {
        let complete = self.completed.is_some();
        let live = net.shared.setup.live.is_some();
        if !(complete || live && self.ended) {
            return;
        }
        let plays = net.shared.peers[self.number as usize].plays;
        let done = (complete || live) && (self.ended || !plays && !live);
        if done {
            self.release(net);
        }
        let facts = &net.shared.peers[self.number as usize];
        let goes = match net.shared.class(self.number).departure {
            Departure::Never | Departure::Weibull { .. } => None,
            Departure::EndOfPlayback => done.then_some(now),
            Departure::EndOfDownload => complete.then_some(now),
            // Drawn once: what it has set stays.
            Departure::SeedsFor(mean) => (complete && self.leave_at == u64::MAX).then(|| {
                let mut rng = net.shared.seed.stream("seeding", u64::from(self.number));
                let stays = rng.exponential(mean.as_secs_f64()).min(1e9);
                now.saturating_add(nanos(Duration::from_secs_f64(stays)))
            }),
        };
        if let Some(at) = goes
            && !facts.source
            && self.engine.is_some()
        {
            self.leave_at = self.leave_at.min(at);
            self.look();
        }
    }

    fn release(&mut self, net: &mut Net<'_>) {
        if self.waited_for {
            self.waited_for = false;
            net.out.released += 1;
        }
    }

    /// Leaves as one should: closes, tells the tracker.
    pub(super) fn leave(&mut self, now: u64, ending: Ending, net: &mut Net<'_>) {
        self.leave_at = u64::MAX;
        self.look();
        let Some(engine) = &mut self.engine else {
            return;
        };
        self.trace.leave(now);
        net.out.work.calls += 1;
        engine.leave(Instant::from_nanos(now));
        self.settle(now, net);
        self.gone(now, ending, net);
    }

    /// Is gone without a word. Its system still is there for a moment: the neighbours see their
    /// connections reset one latency later.
    fn crash(&mut self, now: u64, net: &mut Net<'_>) {
        if self.engine.is_some() {
            self.gone(now, Ending::Crashed, net);
        } else if self.ending.is_none() {
            // Never comes.
            self.script
                .retain(|(_, step)| !matches!(step, Step::Arrive));
            self.script_at = due(&self.script);
            self.look();
            self.release(net);
        }
    }

    fn gone(&mut self, now: u64, ending: Ending, net: &mut Net<'_>) {
        // With what it still wanted.
        net.out.give_up();
        self.engine = None;
        net.out.pending.clear();
        let open: Vec<ConnId> = self.conns().map(|conn| conn.id()).collect();
        for conn in open {
            self.close(now, conn, true, net);
        }
        self.slots = Vec::new();
        self.dials.clear();
        self.dial_at = u64::MAX;
        self.storage.stop();
        self.timer = u64::MAX;
        self.leave_at = u64::MAX;
        self.look();
        self.ending = Some((now, ending));
        self.release(net);
    }

    fn capacity_until(&self, now: u64) -> u128 {
        let (before, since) = self.capacity;
        before + u128::from(self.declared) * u128::from(now.saturating_sub(since))
    }

    /// The run is over at `now`: who is still there leaves, and only its observer hears of it.
    pub(crate) fn finish(
        mut self,
        now: u64,
        facts: PeerFacts,
        net: &mut Net<'_>,
    ) -> (PeerOutcome<O>, Remains) {
        let counts = self.counts;
        // Control messages are counted when they are sent, and may still be leaving.
        let capacity = self.capacity_until(self.uplink.busy_until().max(now));
        let cut = self.engine.is_some();
        if cut {
            self.observer.cut(Instant::from_nanos(now));
            self.leave(now, Ending::Cut, net);
        }
        let outcome = PeerOutcome {
            facts,
            observer: self.observer,
            trace: self.trace.value(),
            left_at: self.ending.map(|(at, _)| Instant::from_nanos(at)),
            ending: self.ending.map_or(Ending::NeverCame, |(_, ending)| ending),
            cut_by_horizon: cut,
            bytes_up: counts.up,
            bytes_down: counts.down,
        };
        let remains = Remains {
            counts,
            capacity,
            completed: self.completed.map(Instant::from_nanos),
            violations: self.violations,
        };
        (outcome, remains)
    }
}
