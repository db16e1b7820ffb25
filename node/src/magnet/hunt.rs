//! Whom to ask for a torrent that is known by its name alone: its trackers name peers, the link
//! names some, and strangers connect.
//!
//! Bounds: at most 8 peers are asked at once, each may send 8 MiB, and 200 addresses are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use swarmbed_engine::wire::Handshake;
use swarmbed_engine::{Announce, Remote, Traffic};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::link::Magnet;
use super::source::{self, Useless};
use crate::error::NodeError;
use crate::finder::Finder;
use crate::link::{self, Stream};
use crate::listener::{Entry, PeerPort};
use crate::mail::{MAILS_MAX, Mail};
use crate::options::Options;
use crate::random;
use crate::torrent::Torrent;
use crate::tracker::Announcer;

/// Peers asked at once, of which half are dialled.
const SOURCES_MAX: usize = 8;
const ADDRESSES_MAX: usize = 200;
/// A peer that was of no use is asked again so soon.
const RETRY: Duration = Duration::from_secs(15);
/// Trackers that do not answer are asked again so soon; others when they wish, within bounds.
const ANNOUNCE_RETRY: Duration = Duration::from_secs(10);
const ANNOUNCE_EVERY: Duration = Duration::from_secs(60);

/// A search for one torrent.
#[derive(Debug)]
pub struct Hunt {
    magnet: Magnet,
    announcer: Arc<Announcer>,
    ours: Handshake,
    from: SocketAddr,
    /// When each address may be asked; `None` while it is.
    addresses: BTreeMap<SocketAddr, Option<Instant>>,
    /// Who lied.
    liars: BTreeSet<IpAddr>,
    /// Whose uselessness was told.
    told: BTreeSet<SocketAddr>,
    incoming: mpsc::Receiver<Mail>,
    sources: JoinSet<(SocketAddr, bool, Result<Vec<u8>, Useless>)>,
    inbound: usize,
    announcing: JoinSet<Result<Duration, String>>,
    /// Whom a tracker knows.
    heard: (
        mpsc::Sender<Vec<SocketAddr>>,
        mpsc::Receiver<Vec<SocketAddr>>,
    ),
    announce_at: Instant,
    begun: bool,
    failures: u32,
    finder: Finder,
    port: PeerPort,
    _entry: Entry,
}

/// What a search comes upon.
#[derive(Debug)]
pub enum Hunted {
    /// A peer was of no use; told once of each that was dialled, and of each lie.
    Useless(SocketAddr, Useless),
    /// No tracker answers, for the so-manieth time on end.
    TrackersFailed(u32, String),
    /// The torrent.
    Found(Box<Torrent>),
}

impl Hunt {
    /// Listens, announces, dials. `options` are those of the node that comes after; its peers and
    /// trackers are asked besides the link's own.
    ///
    /// # Errors
    /// If the port is taken, or a tracker makes no sense.
    pub async fn start(magnet: &Magnet, options: &Options) -> Result<Self, NodeError> {
        let port = PeerPort::bind(options.listen, options.utp).await?;
        let peer_id = random::peer_id();
        let promised = if options.torrent_trackers {
            &*magnet.trackers
        } else {
            &[]
        };
        let announcer = Announcer::new(
            &options.trackers,
            promised,
            options.public(port.addr),
            magnet.info_hash,
            peer_id,
        )?;
        let (mail, incoming) = mpsc::channel(MAILS_MAX);
        let entry = port.enter(magnet.info_hash, mail);
        let now = Instant::now();
        Ok(Self {
            magnet: magnet.clone(),
            announcer: Arc::new(announcer),
            ours: Handshake {
                info_hash: magnet.info_hash,
                remote: Remote {
                    peer_id,
                    fast: true,
                    extended: true,
                },
            },
            from: port.addr,
            addresses: options
                .peers
                .iter()
                .map(|addr| (*addr, Some(now)))
                .collect(),
            liars: BTreeSet::new(),
            told: BTreeSet::new(),
            incoming,
            sources: JoinSet::new(),
            inbound: 0,
            announcing: JoinSet::new(),
            heard: mpsc::channel(1),
            announce_at: now,
            begun: false,
            failures: 0,
            finder: Finder::start(options, magnet.info_hash, port.addr),
            port,
            _entry: entry,
        })
    }

    /// Peers that are asked now.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.sources.len()
    }

    /// Searches on, until there is something to tell. May be dropped and called again.
    ///
    /// # Errors
    /// If what was found is no torrent that we support.
    pub async fn next(&mut self) -> Result<Hunted, NodeError> {
        loop {
            let now = Instant::now();
            self.dial(now);
            if self.announce_at <= now && self.announcing.is_empty() {
                self.announce();
            }
            let wake = self.wake(now);
            tokio::select! {
                Some(done) = self.sources.join_next() => {
                    let (addr, inbound, outcome) = done.expect("asking does not panic");
                    self.inbound -= usize::from(inbound);
                    match outcome {
                        Ok(info) => return self.found(&info),
                        Err(useless) if self.is_news(addr, inbound, useless) => {
                            return Ok(Hunted::Useless(addr, useless));
                        }
                        Err(_) => {}
                    }
                }
                Some(answer) = self.announcing.join_next() => {
                    if let Some(told) = self.announced(answer.expect("announcing does not panic")) {
                        return Ok(told);
                    }
                }
                Some(peers) = self.heard.1.recv() => self.found_peers(peers, now),
                Some(mail) = self.incoming.recv() => {
                    if let Mail::Incoming { stream, addr, remote } = mail {
                        self.came(stream, addr, remote);
                    }
                }
                found = self.finder.next() => self.found_peers(found, now),
                () = sleep_until(wake) => {}
            }
        }
    }

    /// Lets go of everybody and of the port, and tells the trackers.
    pub async fn end(mut self) {
        self.sources.shutdown().await;
        self.port.close().await;
        // Not waited for: the node that comes after has a name of its own.
        let (announcer, none) = (Arc::clone(&self.announcer), Traffic::default());
        tokio::spawn(async move {
            let (tell, _) = mpsc::channel(1);
            let _ = announcer.announce(Announce::Stopped, none, 1, tell).await;
        });
    }

    fn wake(&self, now: Instant) -> Instant {
        let retry = self
            .addresses
            .values()
            .filter_map(|at| at.filter(|at| *at > now))
            .min();
        let announce = self.announcing.is_empty().then_some(self.announce_at);
        let far = now + ANNOUNCE_EVERY;
        retry.unwrap_or(far).min(announce.unwrap_or(far))
    }

    /// Remembers what a peer that was of no use did; whether the user should know.
    fn is_news(&mut self, addr: SocketAddr, inbound: bool, useless: Useless) -> bool {
        let lie = useless.is_a_lie();
        if lie && self.liars.len() < ADDRESSES_MAX {
            self.liars.insert(addr.ip());
        }
        if !inbound {
            self.addresses.insert(addr, Some(Instant::now() + RETRY));
        }
        lie || !inbound && self.told.insert(addr)
    }

    fn announce(&mut self) {
        let announcer = Arc::clone(&self.announcer);
        let announce = match self.begun {
            false => Announce::Started,
            true => Announce::NeedPeers,
        };
        self.begun = true;
        let tell = self.heard.0.clone();
        self.announcing.spawn(async move {
            // How much is left is not known, but not nothing.
            let (none, left) = (Traffic::default(), 1);
            announcer.announce(announce, none, left, tell).await
        });
    }

    fn announced(&mut self, answer: Result<Duration, String>) -> Option<Hunted> {
        let now = Instant::now();
        match answer {
            Ok(interval) => {
                self.failures = 0;
                self.announce_at = now + interval.clamp(ANNOUNCE_RETRY, ANNOUNCE_EVERY);
                None
            }
            Err(why) => {
                self.announce_at = now + ANNOUNCE_RETRY;
                // No reason: there is no tracker.
                (!why.is_empty()).then(|| {
                    self.failures += 1;
                    Hunted::TrackersFailed(self.failures, why)
                })
            }
        }
    }

    fn found_peers(&mut self, peers: Vec<SocketAddr>, now: Instant) {
        for addr in peers {
            if self.addresses.len() < ADDRESSES_MAX && addr != self.from && addr.port() != 0 {
                self.addresses.entry(addr).or_insert(Some(now));
            }
        }
    }

    fn dial(&mut self, now: Instant) {
        let due: Vec<SocketAddr> = self
            .addresses
            .iter()
            .filter(|(addr, at)| at.is_some_and(|at| at <= now) && !self.liars.contains(&addr.ip()))
            .map(|(addr, _)| *addr)
            .take((SOURCES_MAX / 2).saturating_sub(self.sources.len() - self.inbound))
            .collect();
        for addr in due {
            // Not again while it is asked.
            self.addresses.insert(addr, None);
            let (ours, from, utp) = (self.ours, self.from, self.port.utp.clone());
            self.sources.spawn(async move {
                let asked = async {
                    let (stream, theirs) = link::dial(addr, from.ip(), utp.as_ref(), &ours).await?;
                    if !theirs.remote.extended {
                        return Err(Useless::Without);
                    }
                    source::fetch(stream, ours.info_hash, from.port()).await
                };
                (addr, false, asked.await)
            });
        }
    }

    /// Somebody connected: our handshake, then the same questions.
    fn came(&mut self, mut stream: Stream, addr: SocketAddr, remote: Remote) {
        let lied = self.liars.contains(&addr.ip());
        if !remote.extended || lied || self.inbound >= SOURCES_MAX / 2 {
            return;
        }
        self.inbound += 1;
        let (ours, port) = (self.ours, self.from.port());
        self.sources.spawn(async move {
            let asked = async {
                link::greet(&mut stream, &ours).await?;
                source::fetch(stream, ours.info_hash, port).await
            };
            (addr, true, asked.await)
        });
    }

    fn found(&mut self, info: &[u8]) -> Result<Hunted, NodeError> {
        self.sources.abort_all();
        let magnet = &self.magnet;
        let torrent = Torrent::from_info(info, &magnet.trackers, &magnet.web_seeds);
        let torrent = torrent.map_err(|source| NodeError::Torrent {
            path: magnet.to_string().into(),
            source,
        })?;
        Ok(Hunted::Found(Box::new(torrent)))
    }
}
