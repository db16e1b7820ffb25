//! One neighbour: what it has, what each wants of the other, and what is under way between us.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::claims::Claims;
use super::heard::Heard;
use crate::bitfield::Bitfield;
use crate::geometry::{Block, BlockRef, PieceIndex};
use crate::id::{ConnId, PeerId};
use crate::input::Remote;
use crate::rate::{Rate, RateMeter};
use crate::time::Instant;

/// BEP 3's reference client measures over at most 20 s (`max_rate_period`).
pub(crate) const RATE_WINDOW: Duration = Duration::from_secs(20);
/// Requests given up (cancelled, choked away) whose block may still come, remembered per
/// neighbour so that it is not taken for an unasked one.
const RELEASED_MAX: usize = 256;
/// Blocks received that a Give-to-Get report can speak of.
const RECENT_MAX: usize = 2048;

/// A request that waits for its block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outstanding {
    pub(crate) block: BlockRef,
    pub(crate) at: Instant,
    /// The request was the only one: the time to its block is a round trip and no queue.
    pub(crate) alone: bool,
    /// The block was given to others to ask for, since this neighbour is late with it.
    pub(crate) given_up: bool,
}

/// What this neighbour's receivers said it forwarded in this round (Give-to-Get).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Forwarded {
    /// Blocks of pieces that it got from us.
    pub(crate) ours: u32,
    /// Blocks of all pieces.
    pub(crate) total: u32,
}

/// See the module.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the protocol's own flags")]
pub(crate) struct Neighbour {
    pub(crate) conn: ConnId,
    pub(crate) addr: SocketAddr,
    /// Where others can reach it, as far as we know.
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) outbound: bool,
    /// Handshakes are exchanged; before that it is only being dialled.
    pub(crate) remote: Option<Remote>,
    pub(crate) connected_at: Instant,
    /// In a live swarm, from its extension handshake on.
    pub(crate) heard: Option<Heard>,

    pub(crate) unchoked_at: Instant,

    pub(crate) down: RateMeter,
    pub(crate) up: RateMeter,
    pub(crate) last_block: Instant,
    /// Blocks it sent us.
    pub(crate) blocks_in: u32,
    /// Part of a block that `Progress` has counted already.
    pub(crate) counted: u32,
    pub(crate) requests: Vec<Outstanding>,
    pub(crate) released: VecDeque<BlockRef>,
    /// Smallest time from a lone request to its block.
    pub(crate) rtt: Duration,
    /// Time from request to block, queues and all: a moving average over about four blocks.
    pub(crate) response: Duration,
    /// Asked, and silent for a minute (BEP 3 anti-snubbing).
    pub(crate) snubbed: bool,
    /// Requests it bears, as it said.
    pub(crate) requests_max: u16,

    pub(crate) uploads: VecDeque<Block>,
    pub(crate) credit: u16,

    /// It speaks Give-to-Get as we do.
    pub(crate) g2g: bool,
    /// Pieces we sent it blocks of; made when the first is sent.
    pub(crate) sent: Option<Bitfield>,
    /// Blocks went to it since the last choke round.
    pub(crate) served: bool,
    /// Whom it says it uploads to.
    pub(crate) receivers: Vec<SocketAddr>,
    pub(crate) forwarded: Forwarded,
    /// What it says it forwards, once it or we have said or sent something.
    pub(crate) claims: Option<Box<Claims>>,
    /// Blocks it sent us, newest last.
    pub(crate) recent: VecDeque<(Instant, PieceIndex)>,
}

impl Neighbour {
    /// What it gives now, by Little's law: what is asked for over the time that an answer takes.
    /// Behind a bottleneck that time grows with what is asked for, so that this does not.
    pub(crate) fn rate_of_requests(&self, block_length: u32) -> Rate {
        let bytes = self.requests.len() as u64 * u64::from(block_length);
        let millis = self.response.as_millis().max(1);
        Rate::from_bytes_per_s(bytes * 1000 / u64::try_from(millis).unwrap_or(u64::MAX))
    }

    pub(crate) fn new(conn: ConnId, addr: SocketAddr, outbound: bool, now: Instant) -> Self {
        Self {
            conn,
            addr,
            listen: outbound.then_some(addr),
            outbound,
            remote: None,
            connected_at: now,
            heard: None,
            unchoked_at: now,
            down: RateMeter::new(now, RATE_WINDOW),
            up: RateMeter::new(now, RATE_WINDOW),
            last_block: now,
            blocks_in: 0,
            counted: 0,
            requests: Vec::new(),
            released: VecDeque::new(),
            rtt: Duration::from_millis(500),
            response: Duration::from_secs(1),
            snubbed: false,
            requests_max: u16::MAX,
            uploads: VecDeque::new(),
            credit: 0,
            g2g: false,
            sent: None,
            served: false,
            receivers: Vec::new(),
            forwarded: Forwarded::default(),
            claims: None,
            recent: VecDeque::new(),
        }
    }

    pub(crate) const fn is_open(&self) -> bool {
        self.remote.is_some()
    }

    pub(crate) fn peer_id(&self) -> Option<PeerId> {
        self.remote.map(|remote| remote.peer_id)
    }

    pub(crate) fn speaks_fast(&self) -> bool {
        self.remote.is_some_and(|remote| remote.fast)
    }

    /// Remembers that it was asked for a block.
    pub(crate) fn push_request(&mut self, block: BlockRef, at: Instant) {
        let alone = self.requests.is_empty();
        self.requests.push(Outstanding {
            block,
            at,
            alone,
            given_up: false,
        });
    }

    /// Takes a request off the list.
    pub(crate) fn take_request(&mut self, block: BlockRef) -> Option<Outstanding> {
        let index = self
            .requests
            .iter()
            .position(|request| request.block == block)?;
        Some(self.requests.remove(index))
    }

    /// Remembers a request that was given up, since its block may still come.
    pub(crate) fn remember_released(&mut self, block: BlockRef) {
        if self.released.len() == RELEASED_MAX {
            self.released.pop_front();
        }
        self.released.push_back(block);
    }

    /// Whether the block was asked for once; forgets that it was.
    pub(crate) fn take_released(&mut self, block: BlockRef) -> bool {
        match self.released.iter().position(|&released| released == block) {
            Some(index) => self.released.remove(index).is_some(),
            None => false,
        }
    }

    /// Logs a block it sent us, for Give-to-Get reports of the last `keep`.
    pub(crate) fn remember_recent(&mut self, now: Instant, piece: PieceIndex, keep: Duration) {
        while self
            .recent
            .front()
            .is_some_and(|(at, _)| now.since(*at) > keep)
            || self.recent.len() >= RECENT_MAX
        {
            self.recent.pop_front();
        }
        self.recent.push_back((now, piece));
    }

    /// Since when it owes us a block and has sent nothing.
    pub(crate) fn silent_since(&self) -> Option<Instant> {
        self.requests
            .first()
            .map(|oldest| oldest.at.max(self.last_block))
    }
}
