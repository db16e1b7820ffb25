//! What a node does with what its engine asks for.

use std::net::SocketAddr;

use swarmbed_engine::{
    Block, Datagram, Event, Geometry, Input, Output, PieceIndex, StoreResult, Verdict,
};

use super::{Net, Node};
use crate::address::host_at;
use crate::links::DATAGRAM_HEADER;
use crate::mail::{Body, Door, TRACKER};
use crate::mutant::Mutant;
use crate::network::Network;
use crate::observer::Observer;

impl<O: Observer, N: Network> Node<O, N> {
    /// One thing to do. Answers that come at once are left in `pending`.
    #[inline(always)]
    pub(super) fn output(&mut self, now: u64, output: Output, net: &mut Net<'_>) {
        match output {
            Output::Dial { conn, addr } => self.dial(now, conn, addr, net),
            Output::Send(conn, message) => self.say(now, conn, Body::Message(message), net),
            Output::SendHave(piece, conns) => self.say_have(now, piece, &conns, net),
            Output::SendBlock(conn, block) => self.queue_block(now, conn, block, net),
            Output::Close(conn, _) => self.close(now, conn, true, net),
            Output::Store(block) => self.store(block, net),
            Output::Discard(_) => {}
            Output::Verify(piece) => self.verify(now, piece, net),
            Output::Announce(kind) => self.announce(now, kind, net),
            Output::Fetch(piece) => {
                let latency = net.shared.latencies.tracker;
                self.post(
                    now,
                    (TRACKER, Door::NONE),
                    latency,
                    Body::Fetch { piece },
                    net,
                );
            }
            Output::SendMetadata(..) => unreachable!("simulated peers have the torrent"),
            Output::Datagram { to, datagram } => self.send_datagram(now, to, datagram, net),
            Output::Event(event) => {
                self.event(now, &event);
                if self.sulks && matches!(event, Event::Traffic(_)) {
                    self.consider_renaming(now, net);
                }
                self.consider_leaving(now, net);
            }
        }
    }

    fn store(&mut self, block: Block, net: &mut Net<'_>) {
        if !self.storage.store(block, &net.shared.setup.geometry) {
            net.out.work.useful_blocks += u64::from(block.length.div_ceil(Geometry::BLOCK));
            net.out.work.useful_bytes += u64::from(block.length);
        }
        let result = StoreResult::Done;
        net.out.pending.push_back(Input::Stored { block, result });
    }

    fn verify(&mut self, now: u64, piece: PieceIndex, net: &mut Net<'_>) {
        let setup = &net.shared.setup;
        let picos = u64::from(setup.network.hash_picos_per_byte)
            * u64::from(setup.geometry.length_of(piece));
        if picos == 0 {
            let verdict = self.verdict(piece, net);
            net.out
                .pending
                .push_back(Input::Verified { piece, verdict });
        } else {
            self.storage.hash(now, piece, picos.div_ceil(1000));
            self.look();
        }
    }

    /// What hashing says of a piece; of a channel's, what its signature says.
    pub(super) fn verdict(&mut self, piece: PieceIndex, net: &Net<'_>) -> Verdict {
        let verdict = match net.shared.mutant {
            Some(Mutant::NothingVerified) => Verdict::Good,
            _ => self.storage.verdict(piece),
        };
        if net.shared.setup.live.is_none() {
            return verdict;
        }
        let differing = match verdict {
            Verdict::GoodAfterBad { differing } => differing,
            Verdict::Bad => return Verdict::Bad,
            Verdict::Good | Verdict::GoodLive { .. } => Vec::new(),
        };
        Verdict::GoodLive {
            produced_at: net.shared.made_at(piece),
            last: net.shared.is_last(piece),
            differing,
        }
    }

    fn send_datagram(
        &mut self,
        now: u64,
        to: SocketAddr,
        datagram: Box<Datagram>,
        net: &mut Net<'_>,
    ) {
        let known = host_at(to).filter(|host| (host.0 as usize) < net.shared.peers.len());
        let Some(host) = known else {
            let bytes = DATAGRAM_HEADER + u64::from(datagram.wire_len());
            self.uplink.control(now, bytes);
            self.counts.up += bytes;
            self.counts.lost += bytes;
            return;
        };
        self.post_datagram(now, self.alias, host, datagram, net);
    }

    /// Sends a datagram from one of our addresses to one of a host's.
    pub(super) fn post_datagram(
        &mut self,
        now: u64,
        from: u16,
        (peer, to): (u32, u16),
        datagram: Box<Datagram>,
        net: &mut Net<'_>,
    ) {
        let latency = self.punch(now, peer, &net.shared.latencies);
        let body = Body::Datagram(datagram);
        self.post(now, (peer, Door::between(from, to)), latency, body, net);
    }
}
