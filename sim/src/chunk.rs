//! Peers that are handled together, one after the other: all of them, or several such for each thread.

use swarmbed_engine::Fetch;

use crate::calendar::Calendar;
use crate::mail::{Body, Mail};
use crate::network::Network;
use crate::node::{Ahead, Net, Node};
use crate::observer::Observer;
use crate::outbox::Outbox;
use crate::prefetch::Prefetch;
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

/// Peers of a group. In a window in which none of a group has anything to do, as nearly always of
/// those who have not come yet and of those who are gone, it is passed over whole.
const GROUP: usize = u32::BITS as usize;

/// Turns between the first step in which what a turn reads is asked for, and the turn: one for each further step along
/// the pointers. Of what a turn reads, most is in no cache that is near: each peer is back only after all the others.
const AHEAD: usize = 5;

/// Lists of what happens in turns that are fetched for: more than there are such turns, as a power of two.
const LISTS: usize = 8;

/// Peers from which on that pays (measured): fewer have most of it in a cache, and asking costs a sixth of the time.
const WORTH_AHEAD: usize = 512;

/// Records of a turn that are prepared: nearly all of nearly all turns.
const RECORDS: u32 = 8;

/// The peers of a group, taken together.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    /// The earliest of their own events.
    next_at: u64,
    /// Those who have mail, a bit each.
    mail: u32,
    /// Those on whose downlink something waits, a bit each.
    held: u32,
}

/// Which places of a window's order are of one peer's mail.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    from: u32,
    to: u32,
}

/// Peers that are handled by one thread at a time.
pub(crate) struct Chunk<O, N> {
    /// The number of the first.
    first: u32,
    pub(crate) nodes: Vec<Node<O, N>>,
    /// The next own event of each.
    next_at: Vec<u64>,
    groups: Vec<Group>,
    /// The earliest of them all.
    next_own: u64,
    /// What the chunks sent here in the last window, by chunk; the tracker is the last.
    pub(crate) inbox: Vec<Vec<Mail>>,
    /// Which of them sent something.
    pub(crate) senders: Vec<usize>,
    pub(crate) out: Outbox,
    /// The mail of this window, and its order: by peer, then by key. Places beyond the mail are
    /// of earlier windows.
    mail: Vec<Mail>,
    order: Vec<Place>,
    /// By peer; empty between windows.
    rows: Vec<Row>,
    /// Whose turn it is in this window; empty between windows.
    due: Vec<usize>,
    /// Turns between the first step of what is fetched for a turn, and it; 0: nothing is.
    ahead_by: usize,
    /// What happens in the next turns.
    ahead: [Ahead; LISTS],
}

impl<O: Observer, N: Network> Chunk<O, N> {
    /// A chunk of `chunks` with all of `peers` in them, with windows of `window` nanoseconds.
    pub(crate) fn new(
        first: u32,
        nodes: Vec<Node<O, N>>,
        (chunks, peers): (usize, usize),
        shift: u32,
        window: u64,
    ) -> Self {
        let next_at: Vec<u64> = nodes.iter().map(|node| node.next().0).collect();
        let earliest = |of: &[u64]| of.iter().copied().min().unwrap_or(u64::MAX);
        let group = |of: &[u64]| Group {
            next_at: earliest(of),
            mail: 0,
            held: 0,
        };
        let mut out = Outbox::new(chunks, shift);
        out.home = Some(((first >> shift) as usize, Calendar::new(window)));
        Self {
            first,
            next_own: earliest(&next_at),
            groups: next_at.chunks(GROUP).map(group).collect(),
            next_at,
            rows: vec![Row::default(); nodes.len()],
            due: Vec::new(),
            ahead_by: if peers < WORTH_AHEAD { 0 } else { AHEAD },
            ahead: Default::default(),
            nodes,
            inbox: (0..=chunks).map(|_| Vec::new()).collect(),
            senders: Vec::new(),
            out,
            mail: Vec::new(),
            order: Vec::new(),
        }
    }

    /// When something is next to do here, or on its way from here.
    pub(crate) fn next(&self, window: u64) -> u64 {
        let first = self.calendar().first().saturating_mul(window);
        self.next_own.min(self.out.earliest).min(first)
    }

    fn calendar(&self) -> &Calendar {
        let (_, calendar) = self.out.home.as_ref().expect("made with one");
        calendar
    }

    /// Handles window `index`, which is over at `end`.
    pub(crate) fn window(&mut self, index: u64, end: u64, shared: &Shared) {
        self.out.earliest = u64::MAX;
        let (_, calendar) = self.out.home.as_mut().expect("made with one");
        for from in self.senders.drain(..) {
            for mail in self.inbox[from].drain(..) {
                calendar.file(mail);
            }
        }
        discard(&mut self.mail);
        calendar.take(index, &mut self.mail);
        self.tally(end);
        self.sort();
        let mut due = std::mem::take(&mut self.due);
        for (group, first) in self.groups.iter_mut().zip((0..).step_by(GROUP)) {
            if group.mail != 0 || group.next_at < end {
                let mut bits = std::mem::take(&mut group.mail);
                for (place, at) in (0..).zip(self.next_at[first..].iter().take(GROUP)) {
                    bits |= u32::from(*at < end) << place;
                }
                // To be found anew, below.
                group.next_at = 0;
                for place in places(bits) {
                    due.push(first + place);
                }
            }
        }
        for step in 0..due.len() + self.ahead_by {
            if self.ahead_by > 0 {
                self.fetch(&due, step, end);
            }
            let turn = step.checked_sub(self.ahead_by);
            let Some(&peer) = turn.and_then(|turn| due.get(turn)) else {
                continue;
            };
            let out = &mut self.out;
            let mut net = Net { shared, out };
            let Row { from, to } = std::mem::take(&mut self.rows[peer]);
            let order = &self.order[from as usize..to as usize];
            let node = &mut self.nodes[peer];
            self.next_at[peer] = node.window(&mut self.mail, order, end, &mut net);
            let (group, bit) = (&mut self.groups[peer / GROUP], 1 << (peer % GROUP));
            group.held = if node.holds_mail() {
                group.held | bit
            } else {
                group.held & !bit
            };
        }
        due.clear();
        self.due = due;
        self.next_own = u64::MAX;
        for (group, times) in self.groups.iter_mut().zip(self.next_at.chunks(GROUP)) {
            if group.next_at < end {
                group.next_at = times.iter().copied().min().unwrap_or(u64::MAX);
            }
            self.next_own = self.next_own.min(group.next_at);
        }
    }

    /// Has what turns to come will read fetched, of each a step further along the pointers. `step` is that of the turn
    /// that is the farthest off.
    fn fetch(&mut self, due: &[usize], step: usize, end: u64) {
        let Self {
            nodes,
            mail,
            order,
            rows,
            ahead,
            ..
        } = self;
        // Before the first turn there is none, as behind the last.
        let turn = |back: usize| {
            let turn = step.wrapping_sub(back);
            Some((turn % LISTS, *due.get(turn)?))
        };
        let records = |peer: usize| {
            let Row { from, to } = rows[peer];
            let places = &order[from as usize..to.min(from + RECORDS) as usize];
            places.iter().map(|place| &mail[place.index as usize])
        };
        if let Some((_, peer)) = turn(0) {
            nodes[peer].fetch();
            records(peer).for_each(Prefetch::all);
        }
        if let Some((_, peer)) = turn(1) {
            nodes[peer].fetch_engine(records(peer), end);
        }
        if let Some((place, peer)) = turn(2) {
            nodes[peer].fetch_events(records(peer), end, &mut ahead[place]);
        }
        if let Some((place, peer)) = turn(3) {
            nodes[peer].fetch_queues(&ahead[place]);
        }
        if let Some((place, peer)) = turn(4) {
            nodes[peer].fetch_ends(&ahead[place]);
        }
    }

    /// A batch of shares begins, between two windows.
    pub(crate) fn offered(&mut self, now: u64, offers: &[u64]) {
        let groups = self.nodes.chunks_mut(GROUP);
        let groups = groups.zip(self.next_at.chunks_mut(GROUP));
        self.next_own = u64::MAX;
        for ((nodes, times), group) in groups.zip(&mut self.groups) {
            let mut any = false;
            for (node, at) in nodes.iter_mut().zip(&mut *times) {
                if node.offered(now, offers) {
                    *at = node.next().0;
                    any = true;
                }
            }
            if any {
                group.next_at = times.iter().copied().min().unwrap_or(u64::MAX);
            }
            self.next_own = self.next_own.min(group.next_at);
        }
    }

    /// Bytes on their way, to or from here.
    pub(crate) fn in_flight(&self) -> u64 {
        // Where the horizon cuts a window, some of its mail is left.
        let sent = self.out.boxes.iter().chain(&self.inbox).flatten();
        let all = sent.chain(&self.mail).chain(self.calendar().iter());
        all.map(|mail| mail.body.bytes()).sum()
    }

    /// Who has mail in this window, and how much.
    ///
    /// Mail for those on whose downlink something waits will wait behind that, whatever it is: nothing comes of it
    /// before their own next event, the latest of which is that what waits is through. So their turn is then.
    fn tally(&mut self, end: u64) {
        let (_, calendar) = self.out.home.as_mut().expect("made with one");
        let mut index = 0;
        while let Some(mail) = self.mail.get(index) {
            let peer = (mail.to - self.first) as usize;
            let (group, bit) = (&mut self.groups[peer / GROUP], 1 << (peer % GROUP));
            if group.held & bit != 0 {
                let until = self.next_at[peer];
                if until >= end && calendar.reaches(until) {
                    calendar.put_off(until, self.mail.swap_remove(index));
                    continue;
                }
            }
            group.mail |= bit;
            self.rows[peer].to += 1;
            index += 1;
        }
    }

    /// Orders the window's mail: a counting sort by peer, then small sorts by key.
    fn sort(&mut self) {
        let receivers = || {
            let groups = self.groups.iter().zip((0..).step_by(GROUP));
            groups.flat_map(|(group, first)| places(group.mail).map(move |place| first + place))
        };
        let mut sum = 0;
        for peer in receivers() {
            let count = self.rows[peer].to;
            // Its end moves up with each record that finds its place.
            self.rows[peer] = Row { from: sum, to: sum };
            sum += count;
        }
        if self.order.len() < self.mail.len() {
            self.order.resize(self.mail.len(), Place::default());
        }
        for (index, mail) in (0..).zip(&self.mail) {
            let row = &mut self.rows[(mail.to - self.first) as usize];
            let (at, from, seq) = mail.key();
            self.order[row.to as usize] = Place {
                at,
                sender: u64::from(from) << 32 | u64::from(seq),
                index,
            };
            row.to += 1;
        }
        for peer in receivers() {
            let Row { from, to } = self.rows[peer];
            put_in_order(&mut self.order[from as usize..to as usize]);
        }
    }
}

/// A window's mail was delivered: of each record all was taken, so that nothing is to be given back.
fn discard(mail: &mut Vec<Mail>) {
    for mail in mail.drain(..) {
        debug_assert!(matches!(mail.body, Body::Taken), "mail was left");
        std::mem::forget(mail);
    }
}

/// Records that are put in order by insertion: nearly all turns have fewer.
const FEW: usize = 16;

/// Puts the records of one receiver in order, by key. No two keys are equal.
fn put_in_order(order: &mut [Place]) {
    let key = |place: &Place| (place.at, place.sender);
    if order.len() > FEW {
        order.sort_unstable_by_key(key);
        let distinct = order.windows(2).all(|two| key(&two[0]) < key(&two[1]));
        assert!(distinct, "two records have one key");
        return;
    }
    for end in 1..order.len() {
        let place = order[end];
        let mut to = end;
        while let Some(before) = to.checked_sub(1)
            && key(&order[before]) >= key(&place)
        {
            assert!(
                key(&order[before]) > key(&place),
                "two records have one key"
            );
            order[to] = order[before];
            to = before;
        }
        order[to] = place;
    }
}

/// The places of the bits that are set, ascending.
fn places(mut bits: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros();
        bits &= bits.checked_sub(1)?;
        Some(place as usize)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many records, shuffled: time and sender come in every combination.
    fn shuffled(count: u32) -> Vec<Place> {
        let place = |index: u32| Place {
            at: u64::from(index % 3),
            sender: u64::from(index / 3),
            index,
        };
        // 7 and the counts below have no common factor.
        let shuffled = (0..count).map(|number| place(number * 7 % count));
        shuffled.collect()
    }

    #[test]
    fn records_come_by_time_then_by_sender_few_or_many() {
        for count in [0, 1, 2, FEW - 1, FEW, FEW + 1, 40] {
            let count = u32::try_from(count).unwrap();
            let mut order = shuffled(count);
            put_in_order(&mut order);
            let keys = order.iter().map(|place| (place.at, place.sender));
            assert!(keys.is_sorted(), "{count}");
            let mut all: Vec<u32> = order.iter().map(|place| place.index).collect();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..count), "{count}: none is lost");
        }
    }

    #[test]
    fn two_records_of_one_key_are_refused_few_or_many() {
        for count in [2, FEW + 1] {
            let mut order = shuffled(u32::try_from(count).unwrap());
            order[count - 1] = order[0];
            let refused = std::panic::catch_unwind(move || put_in_order(&mut order));
            assert!(refused.is_err(), "{count}");
        }
    }
}
