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

/// What is known of one address, in 24 bytes: a peer of a big swarm knows a hundred.
#[derive(Clone, Debug)]
struct Entry {
    not_before: Instant,
    /// An IPv6 address; if there is none, it is the IPv4 address and port below.
    v6: Option<Box<SocketAddrV6>>,
    v4: Ipv4Addr,
    port: u16,
    what: What,
    failures: u8,
}

const _: () = assert!(size_of::<Entry>() == 24);

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

    const fn is(self, fact: u8) -> bool {
        self.0 & fact != 0
    }

    fn set(&mut self, fact: u8, holds: bool) {
        self.0 = if holds { self.0 | fact } else { self.0 & !fact };
    }
}

impl Entry {
    fn new(addr: SocketAddr, now: Instant) -> Self {
        let (v6, v4) = match addr {
            SocketAddr::V4(addr) => (None, *addr.ip()),
            SocketAddr::V6(addr) => (Some(Box::new(addr)), Ipv4Addr::UNSPECIFIED),
        };
        Self {
            not_before: now,
            v6,
            v4,
            port: addr.port(),
            what: What(0),
            failures: 0,
        }
    }

    fn addr(&self) -> SocketAddr {
        match &self.v6 {
            None => (self.v4, self.port).into(),
            Some(addr) => SocketAddr::V6(**addr),
        }
    }

    /// Whether it is this one.
    fn is_at(&self, other: SocketAddr) -> bool {
        self.port == other.port()
            && match (&self.v6, other) {
                (None, SocketAddr::V4(other)) => self.v4 == *other.ip(),
                (Some(addr), SocketAddr::V6(other)) => **addr == other,
                _ => false,
            }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Book {
    entries: Vec<Entry>,
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
        self.entries.capacity() * size_of::<Entry>()
    }

    pub(crate) const fn new(interval: Duration, redial_after: Duration, now: Instant) -> Self {
        Self {
            entries: Vec::new(),
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
        F::front(&self.entries, 4 * size_of::<Entry>());
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
        let known = self.entries.iter().any(|entry| entry.is_at(addr));
        if known || addr.port() == 0 || addr.ip().is_unspecified() {
            return;
        }
        let entry = Entry::new(addr, now);
        if self.entries.len() < usize::from(room) {
            self.push(entry);
        } else if let Some(worst) = self
            .entries
            .iter_mut()
            .filter(|entry| !entry.what.is(What::BUSY) && !entry.what.is(What::BANNED))
            .max_by_key(|entry| (entry.failures, entry.what.is(What::SEED)))
            && (worst.failures > 0 || worst.what.is(What::SEED))
        {
            *worst = entry;
        }
    }

    /// The next address to dial, oldest known first, or `None`.
    pub(crate) fn next_to_dial(&mut self, now: Instant, complete: bool) -> Option<SocketAddr> {
        let entry = self.entries.iter_mut().find(|entry| {
            let useless = entry.what.is(What::BANNED) || complete && entry.what.is(What::SEED);
            !entry.what.is(What::BUSY) && !useless && entry.not_before <= now
        })?;
        entry.what.set(What::BUSY, true);
        Some(entry.addr())
    }

    fn push(&mut self, entry: Entry) {
        if self.entries.len() == self.entries.capacity() {
            self.entries.reserve_exact(ROOM_MORE);
        }
        self.entries.push(entry);
    }

    fn entry(&mut self, addr: SocketAddr) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.is_at(addr))
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
        let redial_after = self.redial_after;
        if let Some(entry) = self.entry(addr) {
            entry.what.set(What::BUSY, false);
            entry.failures = if failed {
                (entry.failures + 1).min(6)
            } else {
                0
            };
            entry.not_before = now + redial_after * (1 << entry.failures.saturating_sub(1));
        }
    }

    pub(crate) fn is_seed(&mut self, addr: SocketAddr) {
        if let Some(entry) = self.entry(addr) {
            entry.what.set(What::SEED, true);
        }
    }

    /// Never to be dialled or accepted again.
    pub(crate) fn ban(&mut self, addr: SocketAddr, now: Instant) {
        self.any_banned = true;
        if self.entry(addr).is_none() {
            // The longest banned makes room: whoever comes back is found out again.
            let bans = self
                .entries
                .iter()
                .filter(|entry| entry.what.is(What::BANNED))
                .count();
            if bans >= BANS_MAX
                && let Some(oldest) = self
                    .entries
                    .iter()
                    .position(|entry| entry.what.is(What::BANNED))
            {
                self.entries.remove(oldest);
            }
            self.push(Entry::new(addr, now));
        }
        if let Some(entry) = self.entry(addr) {
            entry.what.set(What::BANNED, true);
        }
    }

    /// Whether a stranger calls from where somebody was banned. Who calls in comes from another
    /// port each time, so it is the address that counts.
    pub(crate) fn is_ip_banned(&self, addr: SocketAddr) -> bool {
        self.any_banned
            && self
                .entries
                .iter()
                .any(|entry| entry.what.is(What::BANNED) && entry.addr().ip() == addr.ip())
    }

    /// A tracker, PEX or the user has named it, and it is not banned.
    pub(crate) fn names(&self, addr: SocketAddr) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.is_at(addr) && !entry.what.is(What::BANNED))
    }

    pub(crate) fn is_banned(&self, addr: SocketAddr) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.is_at(addr) && entry.what.is(What::BANNED))
    }
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
