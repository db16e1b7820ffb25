//! What all nodes of a run may read and nobody may change.

use std::sync::Arc;

use swarmbed_engine::{
    Accomplice, Behaviour as Falsehood, Bitfield, Config, Detail, Exchange, PieceIndex, Rate, Seed,
};

use crate::address::{address_of, alias_of, peer_id_of};
use crate::latency::Latencies;
use crate::mail::block_bytes;
use crate::mutant::Mutant;
use crate::observer::PeerFacts;
use crate::setup::{Behaviour, Class, Setup};

/// What all nodes may read.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) setup: Setup,
    pub(crate) seed: Seed,
    pub(crate) peers: Vec<PeerFacts>,
    pub(crate) latencies: Latencies,
    /// What the longest block costs on a link.
    pub(crate) block_bytes: u64,
    /// By class: who is in league, by number.
    leagues: Vec<Arc<[Accomplice]>>,
    /// A bug on purpose.
    pub(crate) mutant: Option<Mutant>,
}

impl Shared {
    /// Gathers it.
    pub(crate) fn new(
        setup: Setup,
        seed: Seed,
        peers: Vec<PeerFacts>,
        latencies: Latencies,
    ) -> Self {
        let longest = setup
            .geometry
            .length_of(PieceIndex(0))
            .min(setup.geometry.block_length());
        let league = |place: usize| {
            let colludes = setup.classes[place].behaviour == Behaviour::Colluder;
            let members = peers.iter().filter(|peer| usize::from(peer.class) == place);
            let accomplice = |peer: &PeerFacts| Accomplice {
                peer_id: peer_id_of(peer.number),
                listen: address_of(peer.number),
            };
            members.filter(|_| colludes).map(accomplice).collect()
        };
        let leagues = (0..setup.classes.len()).map(league).collect();
        Self {
            leagues,
            setup,
            seed,
            peers,
            latencies,
            block_bytes: block_bytes(longest),
            mutant: None,
        }
    }

    /// The class of a peer.
    pub(crate) fn class(&self, number: u32) -> &Class {
        &self.setup.classes[self.peers[number as usize].class as usize]
    }

    /// What a peer's engine is told at birth.
    pub(crate) fn config(&self, number: u32) -> Config {
        let class = self.class(number);
        let mut limits = self.setup.limits;
        if class.behaviour == Behaviour::Passive {
            limits.dial_below = 0;
        }
        Config {
            peer_id: peer_id_of(number),
            listen: Some(address_of(number)),
            geometry: self.setup.geometry,
            bitrate: self.setup.bitrate,
            selector: class.selector.clone(),
            choker: class.choker.clone(),
            seed_choker: class.seed_choker.clone(),
            playback: class.playback,
            limits,
            announce_interval: self.setup.tracker.interval,
            upload: class.behaviour.uploads(),
            behaviour: self.falsehood(number),
            web_seed: self
                .setup
                .web_seed
                .filter(|_| class.asks_server)
                .map(|server| server.when),
            exchange: Exchange::default(),
            live: self.channel(number),
            detail: if self.setup.detailed.contains(&number) {
                Detail::Blocks
            } else {
                Detail::Summary
            },
        }
    }

    /// What a peer says that is not so.
    fn falsehood(&self, number: u32) -> Falsehood {
        match self.class(number).behaviour {
            Behaviour::Liar => Falsehood::Liar,
            Behaviour::HaveLiar => Falsehood::HaveLiar,
            Behaviour::Colluder => {
                let place = usize::from(self.peers[number as usize].class);
                Falsehood::Colluder(Arc::clone(&self.leagues[place]))
            }
            Behaviour::Sybil { identities } => {
                let invented = (1..=identities).map(|alias| alias_of(number, alias));
                Falsehood::Sybil(invented.collect())
            }
            Behaviour::Honest
            | Behaviour::Passive
            | Behaviour::Idle
            | Behaviour::FreeRider
            | Behaviour::Polluter
            | Behaviour::LateServer { .. }
            | Behaviour::Whitewasher => Falsehood::Honest,
        }
    }

    /// What a peer holds at birth.
    pub(crate) fn holds(&self, number: u32) -> Option<Bitfield> {
        let pieces = self.setup.geometry.pieces();
        let all = self.class(number).source && self.setup.live.is_none();
        all.then(|| Bitfield::full(pieces))
    }

    /// What an uplink that declares this rate really serves.
    pub(crate) fn served(&self, declared: u64) -> u64 {
        match self.mutant {
            Some(Mutant::FastLinks) => declared * 105 / 100,
            _ => declared,
        }
    }

    /// A peer's downlink in bytes per second.
    pub(crate) fn downlink(&self, number: u32) -> Option<u64> {
        self.peers[number as usize].downlink.map(Rate::bytes_per_s)
    }
}
