//! The plain driver: one global heap, one event at a time. Slow, and simple enough to be believed:
//! its trace hash must be the windowed driver's.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::fluid::batch::Batches;
use crate::mail::{Mail, TRACKER};
use crate::network::Network;
use crate::node::{Net, Node, Turn};
use crate::observer::Observer;
use crate::outbox::Outbox;
use crate::shared::Shared;
use crate::tracker::Tracker;
use crate::watch::Watch;
use crate::world::Outcome;

/// `(time, turn, source, source's number, receiver)`, and where a record lies.
type Entry = Reverse<(u64, Turn, u32, u32, u32, usize)>;

/// Runs to the end. After each event of a peer, `couple` is given its number, does what the network
/// model ties to others, and names those whose next event may be another now.
pub(crate) fn run<O: Observer, N: Network>(
    shared: &Shared,
    mut nodes: Vec<Node<O, N>>,
    mut couple: impl FnMut(u64, u32, &mut [Node<O, N>], &mut Vec<u32>),
    mut batches: Option<Batches>,
    watch: &mut Watch<'_>,
) -> Outcome<O, N> {
    let window = shared.latencies.smallest;
    let mut tracker = Tracker::new(nodes.len(), Outbox::new(1, 31));
    let mut out = Outbox::new(1, 31);
    let mut store: Vec<Mail> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    let mut heap: BinaryHeap<Entry> = BinaryHeap::new();
    for (number, node) in (0..).zip(&nodes) {
        let (at, turn) = node.next();
        heap.push(Reverse((at, turn, number, 0, number, 0)));
    }
    let mut woken = Vec::new();
    let mut end = watch.end();
    let mut border = 0;
    while let Some(&Reverse((now, ..))) = heap.peek() {
        if let Some(batches) = &mut batches
            && batches.border() <= now.min(watch.horizon)
        {
            let begins = batches.border();
            let offers = batches.solve(nodes.iter().map(Node::sending));
            for (number, node) in (0..).zip(&mut nodes) {
                if node.offered(begins, offers) {
                    let (at, turn) = node.next();
                    heap.push(Reverse((at, turn, number, 0, number, 0)));
                }
            }
            continue;
        }
        let Some(Reverse((now, turn, source, _, to, place))) = heap.pop() else {
            break;
        };
        if now >= border {
            if watch.unfinished() == 0 || now >= watch.horizon {
                break;
            }
            let start = now / window * window;
            if !watch.window(start, || nodes.iter()) {
                break;
            }
            border = (start + window).min(watch.horizon);
            end = border;
        }
        if turn == Turn::Mail {
            let mail = store[place].take();
            free.push(place);
            if to == TRACKER {
                tracker.handle(&mail, shared);
                tracker.out.take().for_each(|mail| out.post(mail));
            } else {
                let net = &mut Net {
                    shared,
                    out: &mut out,
                };
                nodes[to as usize].mail(mail, net);
            }
        } else {
            // An entry that is no longer true was replaced by another.
            if nodes[source as usize].next() != (now, turn) {
                continue;
            }
            let net = &mut Net {
                shared,
                out: &mut out,
            };
            nodes[source as usize].own(now, turn, net);
        }
        if to != TRACKER {
            woken.push(to);
            couple(now, to, &mut nodes, &mut woken);
        }
        for number in woken.drain(..) {
            let (at, turn) = nodes[number as usize].next();
            heap.push(Reverse((at, turn, number, 0, number, 0)));
        }
        for mail in out.take() {
            let (at, from, seq) = mail.key();
            let place = free.pop().unwrap_or(store.len());
            heap.push(Reverse((at, Turn::Mail, from, seq, mail.to, place)));
            if place == store.len() {
                store.push(mail);
            } else {
                store[place] = mail;
            }
        }
        watch.released(std::mem::take(&mut out.released));
    }
    if watch.unfinished() > 0 {
        end = watch.horizon;
    }
    Outcome {
        end,
        in_flight: store.iter().map(|mail| mail.body.bytes()).sum(),
        nodes: vec![nodes],
        tracker: (tracker.up, tracker.down),
        work: vec![out.work],
    }
}
