//! The driver: window by window, chunks in parallel (DESIGN 5 "Windows").
//!
//! The smallest one-way latency is a lookahead: what is sent in a window arrives in a later one.
//! So chunks need nothing of each other within a window, and between two windows only boxes of
//! mail change hands, by pointer.

use rayon::prelude::*;

use crate::chunk::Chunk;
use crate::fluid::batch::Batches;
use crate::network::Network;
use crate::node::Node;
use crate::observer::Observer;
use crate::outbox::Outbox;
use crate::shared::Shared;
use crate::tracker::Tracker;
use crate::watch::Watch;
use crate::world::Outcome;

/// Records and due peers a window must have for threads to be worth waking.
const WORTH_THREADS: usize = 256;

/// Everybody, in chunks.
struct Driver<O, N> {
    chunks: Vec<Chunk<O, N>>,
    tracker: Tracker,
    window: u64,
    batches: Option<Batches>,
}

/// Peers in a chunk, as a power of two. What goes from one to another in a window has a box of its own, and with a
/// record in each, each is a miss: so one thread has one chunk. Several have some to do and some to take over, though
/// those who are there at a time came one after the other, and lie in few of them.
pub(crate) fn shift(peers: usize, threads: usize, chunk: Option<usize>) -> u32 {
    let size = chunk.unwrap_or_else(|| match threads {
        1 => peers,
        _ => {
            let many = peers.div_ceil(32 * threads).max(64);
            peers.div_ceil(4 * threads).min(many).max(16)
        }
    });
    size.max(1).next_power_of_two().trailing_zeros()
}

/// Runs to the end.
pub(crate) fn run<O: Observer, N: Network + Send>(
    shared: &Shared,
    nodes: Vec<Node<O, N>>,
    batches: Option<Batches>,
    (shift, threads): (u32, usize),
    watch: &mut Watch<'_>,
) -> Outcome<O, N> {
    let window = shared.latencies.smallest;
    let peers = nodes.len();
    let count = peers.div_ceil(1 << shift);
    let tracker = Tracker::new(peers, Outbox::new(count, shift));
    let mut rest = nodes.into_iter();
    let chunks = (0..count)
        .map(|index| {
            let nodes = rest.by_ref().take(1 << shift).collect();
            let first = u32::try_from(index << shift).expect("below PEERS_MAX");
            Chunk::new(first, nodes, (count, peers), shift, window)
        })
        .collect();
    drop(rest);
    let mut driver = Driver {
        chunks,
        tracker,
        window,
        batches,
    };
    let end = if threads > 1 {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("the system gives us threads");
        pool.install(|| driver.run(shared, true, watch))
    } else {
        driver.run(shared, false, watch)
    };
    driver.outcome(end)
}

impl<O: Observer, N: Network + Send> Driver<O, N> {
    /// Returns when the run ended.
    fn run(&mut self, shared: &Shared, parallel: bool, watch: &mut Watch<'_>) -> u64 {
        while watch.unfinished() > 0 {
            let next = self.next();
            if next >= watch.horizon {
                return watch.horizon;
            }
            let index = next / self.window;
            let start = index * self.window;
            let end = (start + self.window).min(watch.horizon);
            let nodes = || self.chunks.iter().flat_map(|chunk| &chunk.nodes);
            if !watch.window(start, nodes) {
                return start;
            }
            if self.border() <= start {
                self.solve(start);
            }
            let mails = self.exchange();
            self.tracker.window(end, shared);
            if parallel && mails > WORTH_THREADS {
                self.chunks
                    .par_iter_mut()
                    .with_max_len(1)
                    .for_each(|chunk| chunk.window(index, end, shared));
            } else {
                for chunk in &mut self.chunks {
                    chunk.window(index, end, shared);
                }
            }
            for chunk in &mut self.chunks {
                watch.released(std::mem::take(&mut chunk.out.released));
            }
            watch.ended_at(end);
        }
        watch.end()
    }

    /// When something is next to do.
    fn next(&self) -> u64 {
        self.chunks
            .iter()
            .map(|chunk| chunk.next(self.window))
            .min()
            .unwrap_or(u64::MAX)
            .min(self.tracker.next())
            .min(self.tracker.out.earliest)
            .min(self.border())
    }

    /// When the next batch of shares begins.
    fn border(&self) -> u64 {
        self.batches.as_ref().map_or(u64::MAX, Batches::border)
    }

    /// A batch begins.
    fn solve(&mut self, now: u64) {
        let Some(batches) = &mut self.batches else {
            return;
        };
        let nodes = self.chunks.iter().flat_map(|chunk| &chunk.nodes);
        let offers = batches.solve(nodes.map(Node::sending));
        for chunk in &mut self.chunks {
            chunk.offered(now, offers);
        }
    }

    /// Hands over what was sent in the last window; returns how many records.
    fn exchange(&mut self) -> usize {
        let count = self.chunks.len();
        let mut records = 0;
        for from in 0..=count {
            let out = match self.chunks.get_mut(from) {
                Some(chunk) => &mut chunk.out,
                None => {
                    self.tracker.out.earliest = u64::MAX;
                    &mut self.tracker.out
                }
            };
            let mut boxes = std::mem::take(&mut out.boxes);
            let mut used = std::mem::take(&mut out.used);
            for to in used.drain(..) {
                match self.chunks.get_mut(to) {
                    Some(chunk) => {
                        records += boxes[to].len();
                        std::mem::swap(&mut boxes[to], &mut chunk.inbox[from]);
                        chunk.senders.push(from);
                    }
                    None => self.tracker.collect(&mut boxes[to]),
                }
            }
            let out = match self.chunks.get_mut(from) {
                Some(chunk) => &mut chunk.out,
                None => &mut self.tracker.out,
            };
            (out.boxes, out.used) = (boxes, used);
        }
        records
    }

    fn outcome(self, end: u64) -> Outcome<O, N> {
        let sent = self.tracker.out.boxes.iter().flatten();
        let mut in_flight = self.tracker.in_flight();
        in_flight += sent.map(|mail| mail.body.bytes()).sum::<u64>();
        in_flight += self.chunks.iter().map(Chunk::in_flight).sum::<u64>();
        Outcome {
            end,
            work: self.chunks.iter().map(|chunk| chunk.out.work).collect(),
            nodes: self.chunks.into_iter().map(|chunk| chunk.nodes).collect(),
            in_flight,
            tracker: (self.tracker.up, self.tracker.down),
        }
    }
}
