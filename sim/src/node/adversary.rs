//! What the node of an adversary does to its messages. The honest pass each place with one look at
//! a number that is zero.

use swarmbed_engine::{Block, ConnId, Datagram, Instant, Peer};

use super::{Net, Node, Step};
use crate::address::{alias_of, identity_of};
use crate::latency::nanos;
use crate::mail::Door;
use crate::network::Network;
use crate::observer::{Observer, PeerFacts};
use crate::setup::Behaviour;
use crate::shared::Shared;

/// After so many choke rounds in which it got less than the bitrate, its name is worth nothing to
/// it.
const ROUNDS: u8 = 3;

/// What differs from an honest node from birth.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Vice {
    /// Blocks it will spoil.
    pub(super) spoil: u32,
    /// Nanoseconds by which its blocks are late.
    pub(super) late: u64,
    /// It changes its name when nobody serves it.
    pub(super) sulks: bool,
}

impl Vice {
    pub(super) fn of(shared: &Shared, facts: &PeerFacts) -> Self {
        match shared.class(facts.number).behaviour {
            Behaviour::Polluter => Self {
                spoil: u32::MAX,
                ..Self::default()
            },
            Behaviour::LateServer { lateness } => Self {
                late: nanos(lateness),
                ..Self::default()
            },
            Behaviour::Whitewasher => Self {
                sulks: true,
                ..Self::default()
            },
            _ => Self::default(),
        }
    }
}

impl<O: Observer, N: Network> Node<O, N> {
    /// A block that is to be late waits for its time. Meanwhile the engine may hand over more.
    pub(super) fn hold_back(&mut self, now: u64, conn: ConnId, block: Block, net: &mut Net<'_>) {
        self.plan_step(now + self.late, Step::Send(conn, block));
        net.out
            .pending
            .push_back(swarmbed_engine::Input::Credit { conn, blocks: 1 });
    }

    /// Its time has come.
    pub(super) fn send_late(&mut self, now: u64, id: ConnId, block: Block, net: &mut Net<'_>) {
        if let Some(conn) = self.conn(Door::from(id)) {
            self.lane(&conn, net.shared).queue.push_back(block);
            self.begin_block(now, id.into(), net);
            self.settle(now, net);
        }
    }

    /// A datagram came to an address where nobody is but an invention of this peer: its praise.
    pub(super) fn answer_for(
        &mut self,
        now: u64,
        from: (u32, u16),
        invented: u16,
        datagram: &Datagram,
        net: &mut Net<'_>,
    ) {
        let Behaviour::Sybil { .. } = net.shared.class(self.number).behaviour else {
            return;
        };
        if let (Datagram::Query(query), Some(engine)) = (datagram, self.engine.as_deref()) {
            let report = Datagram::Report(Peer::praise(engine, query));
            self.post_datagram(now, invented, from, Box::new(report), net);
        }
    }

    /// A choke round is over: comes back under a new name if it was served badly for some time, so
    /// badly that it cannot play; if it does not play: if nobody lets it ask.
    pub(super) fn consider_renaming(&mut self, now: u64, net: &mut Net<'_>) {
        let Some(engine) = &mut self.engine else {
            return;
        };
        let unwanted = match engine.config().bitrate {
            Some(bitrate) => {
                let served = engine.neighbours().map(|one| one.down.bytes_per_s());
                served.sum::<u64>() < bitrate.bytes_per_s()
            }
            None => engine.neighbours().all(|one| one.they_choke),
        };
        let missing = engine.pieces().count() < engine.window().length;
        self.unwanted = if unwanted && missing {
            self.unwanted + 1
        } else {
            0
        };
        if self.unwanted < ROUNDS {
            return;
        }
        self.unwanted = 0;
        self.alias = self.alias.saturating_add(1);
        let (id, addr) = (
            identity_of(self.number, self.alias),
            alias_of(self.number, self.alias),
        );
        self.trace.rename(now, &id, addr);
        net.out.work.calls += 1;
        engine.rename(Instant::from_nanos(now), id, Some(addr));
        self.settle(now, net);
    }
}
