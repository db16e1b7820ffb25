//! Some hundred peers that are handled together: small enough for a cache, and several per thread.

use crate::calendar::Calendar;
use crate::mail::Mail;
use crate::node::{Net, Node};
use crate::observer::Observer;
use crate::outbox::Outbox;
use crate::shared::Shared;

/// A record's place in the order, and where it lies.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    /// When its last byte arrives.
    pub(crate) at: u64,
    /// The sender, and below, its own count.
    sender: u64,
    pub(crate) index: u32,
}

/// Peers that are handled by one thread at a time.
pub(crate) struct Chunk<O> {
    /// The number of the first.
    first: u32,
    pub(crate) nodes: Vec<Node<O>>,
    /// The next own event of each.
    next_at: Vec<u64>,
    /// The earliest of them.
    next_own: u64,
    pub(crate) calendar: Calendar,
    /// What the chunks sent here in the last window, by chunk; the tracker is the last.
    pub(crate) inbox: Vec<Vec<Mail>>,
    pub(crate) out: Outbox,
    /// The mail of this window, and its order: by peer, then by key.
    mail: Vec<Mail>,
    order: Vec<Place>,
    starts: Vec<u32>,
}

impl<O: Observer> Chunk<O> {
    /// A chunk of `chunks`, with windows of `window` nanoseconds.
    pub(crate) fn new(
        first: u32,
        nodes: Vec<Node<O>>,
        chunks: usize,
        shift: u32,
        window: u64,
    ) -> Self {
        let next_at: Vec<u64> = nodes.iter().map(|node| node.next().0).collect();
        Self {
            first,
            next_own: next_at.iter().copied().min().unwrap_or(u64::MAX),
            next_at,
            starts: Vec::with_capacity(nodes.len() + 1),
            nodes,
            calendar: Calendar::new(window),
            inbox: (0..=chunks).map(|_| Vec::new()).collect(),
            out: Outbox::new(chunks, shift),
            mail: Vec::new(),
            order: Vec::new(),
        }
    }

    /// When something is next to do here, or on its way from here.
    pub(crate) fn next(&self, window: u64) -> u64 {
        let first = self.calendar.first().saturating_mul(window);
        self.next_own.min(self.out.earliest).min(first)
    }

    /// Handles window `index`, which is over at `end`.
    pub(crate) fn window(&mut self, index: u64, end: u64, shared: &Shared) {
        self.out.earliest = u64::MAX;
        for sent in &mut self.inbox {
            for mail in sent.drain(..) {
                self.calendar.file(mail);
            }
        }
        self.mail.clear();
        self.calendar.take(index, &mut self.mail);
        self.sort();
        let mut net = Net {
            shared,
            out: &mut self.out,
        };
        self.next_own = u64::MAX;
        for (place, node) in self.nodes.iter_mut().enumerate() {
            let (from, to) = (self.starts[place] as usize, self.starts[place + 1] as usize);
            if from < to || self.next_at[place] < end {
                let order = &self.order[from..to];
                self.next_at[place] = node.window(&mut self.mail, order, end, &mut net);
            }
            self.next_own = self.next_own.min(self.next_at[place]);
        }
    }

    /// Bytes on their way, to or from here.
    pub(crate) fn in_flight(&self) -> u64 {
        // Where the horizon cuts a window, some of its mail is left.
        let sent = self.out.boxes.iter().chain(&self.inbox).flatten();
        let all = sent.chain(&self.mail).chain(self.calendar.iter());
        all.map(|mail| mail.body.bytes()).sum()
    }

    /// Orders the window's mail: a counting sort by peer, then small sorts by key.
    fn sort(&mut self) {
        let peers = self.nodes.len();
        self.starts.clear();
        self.starts.resize(peers + 1, 0);
        for mail in &self.mail {
            self.starts[(mail.to - self.first) as usize] += 1;
        }
        let mut sum = 0;
        for start in &mut self.starts {
            sum += *start;
            *start = sum;
        }
        self.order.clear();
        self.order.resize(self.mail.len(), Place::default());
        // From the end, each start moves down to where its peer's mail begins.
        for (index, mail) in (0..).zip(&self.mail) {
            let start = &mut self.starts[(mail.to - self.first) as usize];
            *start -= 1;
            let (at, from, seq) = mail.key();
            self.order[*start as usize] = Place {
                at,
                sender: u64::from(from) << 32 | u64::from(seq),
                index,
            };
        }
        for place in 0..peers {
            let (from, to) = (self.starts[place] as usize, self.starts[place + 1] as usize);
            if to - from > 1 {
                let order = &mut self.order[from..to];
                let key = |place: &Place| (place.at, place.sender);
                order.sort_unstable_by_key(key);
                assert!(
                    order.windows(2).all(|two| key(&two[0]) < key(&two[1])),
                    "two records have one key"
                );
            }
        }
    }
}
