//! How a peer begins.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use super::claims::Forwarding;
use super::{
    Book, Live, Outputs, Peer, PieceTable, Player, Receipts, Reports, Slots, TICK, WebSeed,
};
use crate::behaviour::Behaviour;
use crate::bitfield::Bitfield;
use crate::config::{Config, Detail};
use crate::error::ConfigError;
use crate::event::Traffic;
use crate::exchange::Exchange;
use crate::output::Announce;
use crate::policy::Reporting;
use crate::rate::Rate;
use crate::seed::Seed;
use crate::time::Instant;

impl Peer {
    /// A peer that holds the pieces in `have` (verified by the driver), or none. Its first outputs
    /// wait already: drain them. A live source that goes on holds pieces of the window before its
    /// first: offset 0 is the first piece minus [`Numbering::behind`](crate::live::Numbering), or 0.
    ///
    /// # Errors
    /// If the configuration makes no sense.
    pub fn new(
        config: Config,
        seed: Seed,
        now: Instant,
        have: Option<Bitfield>,
    ) -> Result<Self, ConfigError> {
        let geometry = config.geometry;
        let have = have.unwrap_or_else(|| Bitfield::new(geometry.pieces()));
        if have.length() != geometry.pieces() {
            return Err(ConfigError::BitfieldLength {
                expected: geometry.pieces(),
                got: have.length(),
            });
        }
        if config.bitrate == Some(Rate::ZERO) {
            return Err(ConfigError::Bitrate);
        }
        let live = Live::new(config.live.as_ref(), &geometry, config.bitrate)?;
        let mut choke_rng = seed.stream("choke", 0);
        let selector = config.selector.build();
        let choker = config.choker.build();
        let seed_choker = config.seed_choker.build();
        // What a seed's choker wants to know must be asked for from the start.
        let reporting = match choker.reporting() {
            Reporting::None => seed_choker.reporting(),
            reporting => reporting,
        };
        // Peers that start together must not choke together.
        let phase = Duration::from_nanos(choke_rng.below(crate::time::nanos(choker.period())));
        let slots_max = config.limits.slots();
        let mut pieces = PieceTable::new(geometry, have, slots_max, &mut seed.stream("order", 0));
        let mut player = config
            .bitrate
            .map(|bitrate| Player::new(config.playback, bitrate, geometry.total(), now))
            .map(Box::new);
        if let (Some(live), Some(player)) = (&live, &mut player) {
            pieces.begin_at(live.first_base());
            player.go_live(live.prebuffer_max(&geometry));
        }
        let mut peer = Self {
            now,
            left: false,
            lies: config.behaviour != Behaviour::Honest,
            tells_blocks: config.detail == Detail::Blocks,
            needs_candidates: selector.needs_candidates(),
            selector,
            select_rng: seed.stream("select", 0),
            wants: Vec::new(),
            unstored: 0,
            busy_slots: 0,
            early_below: [choker.early_below(), seed_choker.early_below()],
            suspects: Vec::new(),
            player,
            live,
            neighbours: Vec::new(),
            order: Vec::new(),
            links: Vec::new(),
            tags: Vec::new(),
            askable: Slots::default(),
            asked: Slots::default(),
            next_serial: 0,
            book: Book::new(config.announce_interval, config.limits.redial_after, now),
            reporting,
            seed_choker,
            choker,
            choke_rng,
            choke_at: now + phase,
            due: now,
            choker_asked_at: Instant::ZERO,
            reports: Reports::new(seed.stream("nonce", 0)),
            receipts: Receipts::default(),
            web_seed: WebSeed::new(&config).map(Box::new),
            talks: (config.exchange != Exchange::default()).then(Box::default),
            forwarding: Forwarding::new(),
            uplink: None,
            tick_at: now + TICK,
            limits: config.limits,
            traffic: Traffic::default(),
            outbox: Outputs::default(),
            pieces,
            config,
        };
        peer.announce(Announce::Started);
        peer.reschedule();
        Ok(peer)
    }
}
