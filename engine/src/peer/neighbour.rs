//! One neighbour: what it has, what each wants of the other, and what is under way between us.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::num::NonZeroU16;
use core::time::Duration;

use super::address::Address;
use super::forwards::Forwards;
use super::thin::Thin;
use crate::bitfield::Bitfield;
use crate::fetch::Fetch;
use crate::geometry::{Block, BlockRef, PieceIndex};
use crate::id::{ConnId, PeerId};
use crate::input::Remote;
use crate::rate::{Rate, RateMeter};
use crate::time::{Instant, nanos};

/// Requests given up (cancelled, choked away) whose block may still come, remembered per
/// neighbour so that it is not taken for an unasked one.
const RELEASED_MAX: usize = 256;

/// A request that waits for its block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outstanding {
    pub(crate) at: Instant,
    piece: PieceIndex,
    index: u16,
    /// The request was the only one: the time to its block is a round trip and no queue.
    pub(crate) alone: bool,
    /// The block was given to others to ask for, since this neighbour is late with it.
    pub(crate) given_up: bool,
}

impl Outstanding {
    /// Which block.
    pub(crate) const fn block(&self) -> BlockRef {
        BlockRef {
            piece: self.piece,
            index: self.index,
        }
    }
}

/// See the module. Its fields stand in this order in memory, a line at a time: first what uploads read, then downloads, then
/// the rest; for among thousands of peers every line of it is a miss.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Neighbour {
    pub(crate) conn: ConnId,
    /// Also what tells that there is none in a place: so it stands in the first line.
    pub(crate) requests: Vec<Outstanding>,
    pub(crate) up: RateMeter,
    /// Blocks it asked for, and how many: most of the time none.
    uploads: Thin<Block>,
    waiting: u16,
    pub(crate) credit: u16,
    /// Blocks went to it since the last choke round, where grandchildren report.
    pub(crate) served: bool,
    pub(crate) outbound: bool,
    /// Asked, and silent for a minute (BEP 3 anti-snubbing).
    pub(crate) snubbed: bool,
    /// It speaks Give-to-Get as we do.
    pub(crate) g2g: bool,

    pub(crate) down: RateMeter,
    /// Its forwarding, once there is something to note.
    pub(crate) forwards: Option<Box<Forwards>>,
    /// Time from request to block, queues and all: a moving average over about four blocks, in nanoseconds.
    response: u64,
    pub(crate) last_block: Instant,
    /// Smallest time from a lone request to its block, in nanoseconds.
    pub(crate) rtt: u32,
    /// Part of a block that `Progress` has counted already.
    pub(crate) counted: u32,
    /// Blocks it sent us.
    pub(crate) blocks_in: u32,
    /// Requests it bears, as it said.
    pub(crate) requests_max: u16,
    /// At which port of its host others can reach it, as far as we know.
    pub(crate) listen_port: Option<NonZeroU16>,
    pub(crate) unchoked_at: Instant,

    pub(crate) connected_at: Instant,
    addr: Address,
    /// Handshakes are exchanged; before that it is only being dialled.
    pub(crate) remote: Option<Remote>,
    pub(crate) released: Thin<BlockRef>,
}

const _: () = assert!(size_of::<Option<Neighbour>>() == 184);

impl Neighbour {
    /// What it gives now, by Little's law: what is asked for over the time that an answer takes.
    /// Behind a bottleneck that time grows with what is asked for, so that this does not.
    pub(crate) fn rate_of_requests(&self, block_length: u32) -> Rate {
        let bytes = self.requests.len() as u64 * u64::from(block_length);
        let millis = (self.response / 1_000_000).max(1);
        Rate::from_bytes_per_s(bytes * 1000 / millis)
    }

    /// Time from request to block, queues and all.
    pub(crate) const fn response(&self) -> Duration {
        Duration::from_nanos(self.response)
    }

    /// The block of a request came.
    pub(crate) fn answered(&mut self, request: Outstanding, now: Instant) {
        let took = nanos(now.since(request.at));
        // A driver's clock may leap, a recording's anywhere.
        self.response = self.response.saturating_mul(3).saturating_add(took) / 4;
        if request.alone {
            self.rtt = self.rtt.min(u32::try_from(took).unwrap_or(u32::MAX));
        }
    }

    /// What it is asked for.
    #[inline]
    pub(super) fn fetch_requests<F: Fetch>(&self) {
        F::item(&self.requests, self.requests.len().saturating_sub(1));
        F::item(&self.requests, 0);
        self.fetch_forwards::<F>();
    }

    /// What waits for it.
    #[inline]
    pub(super) fn fetch_uploads<F: Fetch>(&self) {
        if self.waits() {
            self.uploads.fetch::<F>();
        }
        self.fetch_forwards::<F>();
    }

    #[inline]
    fn fetch_forwards<F: Fetch>(&self) {
        if let Some(forwards) = self.forwards.as_deref() {
            F::all(forwards);
        }
    }

    /// Then the first that waits, or that will, and the last it sent.
    #[inline]
    pub(super) fn fetch_ends<F: Fetch>(&self) {
        if self.waits() {
            self.uploads.fetch_ends::<F>();
        }
        if let Some(forwards) = self.forwards.as_deref() {
            F::ends(&forwards.recent);
        }
    }

    /// Blocks it asked for wait to be given to the transport, or would.
    const fn waits(&self) -> bool {
        self.waiting > 0 || self.credit == 0
    }

    /// Bytes of memory in which they do.
    pub(crate) fn uploads_bytes(&self) -> usize {
        self.uploads.bytes()
    }

    /// How many wait.
    pub(crate) const fn waiting(&self) -> u16 {
        self.waiting
    }

    /// Another waits.
    pub(crate) fn queue_upload(&mut self, block: Block) {
        self.uploads.push_back(block);
        self.waiting += 1;
    }

    /// Takes the first.
    #[inline]
    pub(crate) fn next_upload(&mut self) -> Option<Block> {
        // Not to look where it would be, in another line.
        self.waiting = self.waiting.checked_sub(1)?;
        self.uploads.pop_front()
    }

    /// Takes this one out; whether it waited.
    pub(crate) fn cancel_upload(&mut self, block: Block) -> bool {
        let mut uploads = self.uploads.iter();
        let place = uploads.position(|&queued| queued == block);
        if let Some(place) = place {
            self.uploads.remove(place);
            self.waiting -= 1;
        }
        place.is_some()
    }

    /// Takes out those for which it is true.
    pub(crate) fn retain_uploads(&mut self, keep: impl FnMut(&Block) -> bool) {
        if self.waiting > 0 {
            self.uploads.retain(keep);
            self.waiting = u16::try_from(self.uploads.len()).expect("no more than there were");
        }
    }

    /// Takes all, and their room.
    pub(crate) fn take_uploads(&mut self) -> Vec<Block> {
        self.waiting = 0;
        core::mem::take(&mut self.uploads).drain().collect()
    }

    /// Where it is.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr.get()
    }

    /// Where others can reach it, as far as we know.
    pub(crate) fn listen(&self) -> Option<SocketAddr> {
        let port = self.listen_port?.get();
        let mut addr = self.addr();
        addr.set_port(port);
        Some(addr)
    }

    /// Its forwarding, to note something of it.
    pub(crate) fn forwards_mut(&mut self) -> &mut Forwards {
        self.forwards.get_or_insert_default()
    }

    /// Blocks it sent us in a while, newest last: when, and of which piece.
    pub(crate) fn recent(&self) -> impl DoubleEndedIterator<Item = (Instant, PieceIndex)> + '_ {
        let recent = self.forwards.iter().flat_map(|all| &all.recent);
        recent.copied()
    }

    /// Pieces we sent it blocks of, if that is noted and it got some.
    pub(crate) fn sent_mut(&mut self) -> Option<&mut Bitfield> {
        self.forwards.as_mut()?.sent.as_mut()
    }

    pub(crate) fn new(conn: ConnId, addr: SocketAddr, outbound: bool, now: Instant) -> Self {
        Self {
            conn,
            addr: addr.into(),
            listen_port: NonZeroU16::new(addr.port()).filter(|_| outbound),
            outbound,
            remote: None,
            connected_at: now,
            unchoked_at: now,
            down: RateMeter::new(now),
            up: RateMeter::new(now),
            last_block: now,
            blocks_in: 0,
            counted: 0,
            requests: Vec::new(),
            released: Thin::new(),
            rtt: 500_000_000,
            response: 1_000_000_000,
            snubbed: false,
            requests_max: u16::MAX,
            uploads: Thin::new(),
            waiting: 0,
            credit: 0,
            g2g: false,
            served: false,
            forwards: None,
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
            at,
            piece: block.piece,
            index: block.index,
            alone,
            given_up: false,
        });
    }

    /// Takes a request off the list.
    pub(crate) fn take_request(&mut self, block: BlockRef) -> Option<Outstanding> {
        let index = self
            .requests
            .iter()
            .position(|request| request.block() == block)?;
        Some(self.requests.remove(index))
    }

    /// It chokes us: room for requests is given back, if none waits.
    pub(crate) fn shed_requests(&mut self) {
        if self.requests.is_empty() {
            self.requests = Vec::new();
        }
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

    /// Since when it owes us a block and has sent nothing.
    pub(crate) fn silent_since(&self) -> Option<Instant> {
        self.requests
            .first()
            .map(|oldest| oldest.at.max(self.last_block))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_after_any_time_moves_the_mean() {
        let addr = SocketAddr::from(([10, 0, 0, 1], 6881));
        let mut one = Neighbour::new(ConnId::new(0, 0), addr, true, Instant::ZERO);
        let mut answer = |at: u64, nanos: u64| {
            one.answered(
                Outstanding {
                    at: Instant::from_nanos(at),
                    piece: PieceIndex(0),
                    index: 0,
                    alone: true,
                    given_up: false,
                },
                Instant::from_nanos(nanos),
            );
            (one.response(), one.rtt)
        };
        // From one second by a quarter of the way to 100 ms.
        let after = (Duration::from_millis(775), 100_000_000);
        assert_eq!(answer(0, 100_000_000), after);
        // However far a clock leaps.
        for _ in 0..4 {
            let (response, rtt) = answer(0, u64::MAX);
            assert!(response > Duration::from_secs(1 << 32), "{response:?}");
            assert_eq!(rtt, 100_000_000);
        }
    }
}
