//! Addresses of peers we might dial, and when to ask the tracker for more.
//!
//! Owns the address book and the announce clock. Knows nothing of connections but what it is told.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddr, SocketAddrV6};
use core::time::Duration;

use crate::fetch::Fetch;
use crate::time::Instant;

/// Banned addresses that are remembered.
const BANS_MAX: usize = 1000;
/// Asking again before the interval is over, for want of peers.
const HURRY: Duration = Duration::from_secs(30);

/// Addresses that room is made for at once.
const ROOM_MORE: usize = 16;

/// What is looked for and through, of one address: 8 bytes, as a peer of a big swarm knows a hundred and looks for
/// one of them with each connection that comes or goes.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Without meaning if the address is of IPv6.
    v4: Ipv4Addr,
    port: u16,
    what: What,
    failures: u8,
}

/// The rest of what is known of it.
#[derive(Clone, Debug)]
struct Rest {
    not_before: Instant,
    v6: Option<Box<SocketAddrV6>>,
}

const _: () = assert!(size_of::<Entry>() == 8 && size_of::<Rest>() == 16);

/// Facts of an address, a bit each.
#[derive(Clone, Copy, Debug)]
struct What(u8);

impl What {
    /// Dialled or connected now.
    const BUSY: u8 = 1;
    /// Has everything: of no use to one who has everything too.
    const SEED: u8 = 2;
    /// Sent corrupt data, or is ourselves: never again.
    const BANNED: u8 = 4;
    /// An address of IPv6.
    const V6: u8 = 8;

    const fn is(self, fact: u8) -> bool {
        self.0 & fact != 0
    }

    fn set(&mut self, fact: u8, holds: bool) {
        self.0 = if holds { self.0 | fact } else { self.0 & !fact };
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Book {
    entries: Vec<Entry>,
    /// By the same places.
    rest: Vec<Rest>,
    /// Somebody was banned: until then, nobody needs to be looked for among those who are.
    any_banned: bool,
    interval: Duration,
    /// As in [`Limits`](crate::Limits).
    redial_after: Duration,
    announce_at: Instant,
    announced_at: Instant,
    failures: u32,
}

impl Book {
    /// Bytes of memory beside its own.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.capacity() * (size_of::<Entry>() + size_of::<Rest>())
    }

    pub(crate) const fn new(interval: Duration, redial_after: Duration, now: Instant) -> Self {
        Self {
            entries: Vec::new(),
            rest: Vec::new(),
            any_banned: false,
            interval,
            redial_after,
            announce_at: Instant::FAR,
            announced_at: now,
            failures: 0,
        }
    }

    /// The first entries that are looked through: what follows is asked for by the processor itself.
    #[inline]
    pub(super) fn fetch<F: Fetch>(&self) {
        F::front(&self.entries, 16 * size_of::<Entry>());
    }

    /// When the tracker is due.
    pub(crate) const fn next(&self) -> Instant {
        self.announce_at
    }

    pub(crate) fn announcing(&mut self, now: Instant) {
        self.announced_at = now;
        self.announce_at = now + self.interval;
    }

    pub(crate) fn announced(&mut self, now: Instant, interval: Duration) {
        self.failures = 0;
        // A hostile tracker may not make us ask every instant, nor never.
        self.interval = interval.clamp(Duration::from_secs(10), Duration::from_secs(3600));
        self.announce_at = now + self.interval;
    }

    pub(crate) fn announce_failed(&mut self, now: Instant) {
        self.failures = (self.failures + 1).min(6);
        self.announce_at = now + Duration::from_secs(5 << self.failures);
    }

    /// Whether a want of peers justifies asking before the interval is over.
    pub(crate) fn may_hurry(&self, now: Instant) -> bool {
        self.failures == 0 && now.since(self.announced_at) >= HURRY
    }

    /// Remembers an address, if there is room.
    pub(crate) fn add(&mut self, addr: SocketAddr, room: u16, now: Instant) {
        if addr.port() == 0 || addr.ip().is_unspecified() || self.find(addr).is_some() {
            return;
        }
        if self.entries.len() < usize::from(room) {
            self.push(addr, now);
            return;
        }
        let others = self.entries.iter().enumerate();
        let worst = others
            .filter(|(_, entry)| !entry.what.is(What::BUSY) && !entry.what.is(What::BANNED))
            .max_by_key(|(_, entry)| (entry.failures, entry.what.is(What::SEED)));
        if let Some((worst, entry)) = worst
            && (entry.failures > 0 || entry.what.is(What::SEED))
        {
            (self.entries[worst], self.rest[worst]) = known(addr, now);
        }
    }

    /// The next address to dial, oldest known first, or `None`.
    pub(crate) fn next_to_dial(&mut self, now: Instant, complete: bool) -> Option<SocketAddr> {
        let useless = What::BUSY | What::BANNED | if complete { What::SEED } else { 0 };
        let index = (self.entries.iter().zip(&self.rest))
            .position(|(entry, rest)| !entry.what.is(useless) && rest.not_before <= now)?;
        self.entries[index].what.set(What::BUSY, true);
        Some(self.addr(index))
    }

    fn push(&mut self, addr: SocketAddr, now: Instant) {
        if self.entries.len() == self.entries.capacity() {
            self.entries.reserve_exact(ROOM_MORE);
            self.rest.reserve_exact(ROOM_MORE);
        }
        let (entry, rest) = known(addr, now);
        self.entries.push(entry);
        self.rest.push(rest);
    }

    fn addr(&self, index: usize) -> SocketAddr {
        let entry = self.entries[index];
        match &self.rest[index].v6 {
            None => (entry.v4, entry.port).into(),
            Some(addr) => SocketAddr::V6(**addr),
        }
    }

    /// The place of an address.
    fn find(&self, addr: SocketAddr) -> Option<usize> {
        let mut entries = self.entries.iter();
        match addr {
            SocketAddr::V4(addr) => {
                let (ip, port) = (*addr.ip(), addr.port());
                let is_it = |entry: &Entry| entry.v4 == ip && entry.port == port;
                entries.position(|entry| is_it(entry) && !entry.what.is(What::V6))
            }
            SocketAddr::V6(addr) => {
                let mut rest = self.rest.iter();
                rest.position(|rest| rest.v6.as_deref() == Some(&addr))
            }
        }
    }

    /// What is known of an address.
    fn entry(&mut self, addr: SocketAddr) -> Option<&mut Entry> {
        let index = self.find(addr)?;
        Some(&mut self.entries[index])
    }

    /// It is a neighbour now.
    pub(crate) fn connected(&mut self, addr: SocketAddr) {
        if let Some(entry) = self.entry(addr) {
            entry.what.set(What::BUSY, true);
            entry.failures = 0;
        }
    }

    /// It is a neighbour no longer, or never became one.
    pub(crate) fn gone(&mut self, addr: SocketAddr, failed: bool, now: Instant) {
        let Some(index) = self.find(addr) else { return };
        let entry = &mut self.entries[index];
        entry.what.set(What::BUSY, false);
        entry.failures = if failed {
            (entry.failures + 1).min(6)
        } else {
            0
        };
        let wait = self.redial_after * (1 << entry.failures.saturating_sub(1));
        self.rest[index].not_before = now + wait;
    }

    pub(crate) fn is_seed(&mut self, addr: SocketAddr) {
        if let Some(entry) = self.entry(addr) {
            entry.what.set(What::SEED, true);
        }
    }

    /// Never to be dialled or accepted again.
    pub(crate) fn ban(&mut self, addr: SocketAddr, now: Instant) {
        self.any_banned = true;
        if self.find(addr).is_none() {
            // The longest banned makes room: whoever comes back is found out again.
            let banned = |entry: &&Entry| entry.what.is(What::BANNED);
            if self.entries.iter().filter(banned).count() >= BANS_MAX
                && let Some(oldest) = self.entries.iter().position(|entry| banned(&entry))
            {
                self.entries.remove(oldest);
                self.rest.remove(oldest);
            }
            self.push(addr, now);
        }
        if let Some(entry) = self.entry(addr) {
            entry.what.set(What::BANNED, true);
        }
    }

    /// Whether a stranger calls from where somebody was banned. Who calls in comes from another
    /// port each time, so it is the address that counts.
    pub(crate) fn is_ip_banned(&self, addr: SocketAddr) -> bool {
        let banned = |index: &usize| self.entries[*index].what.is(What::BANNED);
        self.any_banned
            && (0..self.entries.len())
                .filter(banned)
                .any(|index| self.addr(index).ip() == addr.ip())
    }

    /// A tracker, PEX or the user has named it, and it is not banned.
    pub(crate) fn names(&self, addr: SocketAddr) -> bool {
        self.find(addr)
            .is_some_and(|index| !self.entries[index].what.is(What::BANNED))
    }

    pub(crate) fn is_banned(&self, addr: SocketAddr) -> bool {
        self.find(addr)
            .is_some_and(|index| self.entries[index].what.is(What::BANNED))
    }
}

/// What is known of an address that was just heard of.
fn known(addr: SocketAddr, now: Instant) -> (Entry, Rest) {
    let (v6, v4, what) = match addr {
        SocketAddr::V4(addr) => (None, *addr.ip(), 0),
        SocketAddr::V6(addr) => (Some(Box::new(addr)), Ipv4Addr::UNSPECIFIED, What::V6),
    };
    let entry = Entry {
        v4,
        port: addr.port(),
        what: What(what),
        failures: 0,
    };
    let rest = Rest {
        not_before: now,
        v6,
    };
    (entry, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_either_family_is_dialled_once_and_known_again() {
        let now = Instant::ZERO;
        let minute = Duration::from_secs(60);
        let mut book = Book::new(minute, minute, now);
        let addrs = ["10.0.0.1:6881", "[fd77::1]:6881", "[fd77::1%3]:6881"];
        let addrs = addrs.map(|addr| addr.parse::<SocketAddr>().unwrap());
        for addr in addrs.into_iter().chain(addrs) {
            book.add(addr, 10, now);
        }
        let mut dialled = || book.next_to_dial(now, false);
        assert_eq!([dialled(), dialled(), dialled()], addrs.map(Some));
        assert_eq!(dialled(), None);
        book.gone(addrs[1], true, now);
        assert_eq!(book.next_to_dial(now, false), None, "not before a minute");
        assert_eq!(book.next_to_dial(now + minute, false), Some(addrs[1]));
        book.ban(addrs[1], now);
        assert!(book.is_banned(addrs[1]) && !book.is_banned(addrs[0]));
        assert!(book.names(addrs[2]) && !book.names(addrs[1]));
        let elsewhere = SocketAddr::new(addrs[1].ip(), 7000);
        assert!(book.is_ip_banned(elsewhere) && !book.is_ip_banned(addrs[0]));
    }
}
