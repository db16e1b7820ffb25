//! What clients and trackers say over UDP (BEP 15, and BEP 7 for its longer addresses).
//!
//! Owns the layouts; must not know sockets, retries or how a connection id is made. Big-endian.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::read::Reader;
use crate::id::PeerId;
use crate::output::Announce;

/// What a request for a connection id begins with.
const PROTOCOL: u64 = 0x0417_2710_1980;
const CONNECT: u32 = 0;
const ANNOUNCE: u32 = 1;
const SCRAPE: u32 = 2;
const ERROR: u32 = 3;

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UdpRequest {
    /// Give me a connection id.
    Connect {
        /// Repeated by the answer.
        transaction: u32,
    },
    /// I am in a swarm; who else is?
    Announce {
        /// As given.
        connection: u64,
        /// Repeated by the answer.
        transaction: u32,
        /// What of it.
        announce: UdpAnnounce,
    },
    /// How many are in these swarms?
    Scrape {
        /// As given.
        connection: u64,
        /// Repeated by the answer.
        transaction: u32,
        /// The swarms, at most [`UdpRequest::SCRAPES_MAX`].
        info_hashes: Vec<[u8; 20]>,
    },
}

/// One announce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpAnnounce {
    /// The swarm.
    pub info_hash: [u8; 20],
    /// Who announces.
    pub peer_id: PeerId,
    /// Bytes so far.
    pub downloaded: u64,
    /// Bytes to come.
    pub left: u64,
    /// Bytes so far.
    pub uploaded: u64,
    /// Why.
    pub event: Announce,
    /// Tells apart clients behind one address.
    pub key: u32,
    /// Addresses that are wished for; `None`: as many as the tracker likes.
    pub wanted: Option<u32>,
    /// Where it listens.
    pub port: u16,
}

/// What a tracker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UdpAnswer {
    /// The connection id, good for a minute.
    Connect {
        /// As asked.
        transaction: u32,
        /// What requests begin with.
        connection: u64,
    },
    /// Others in the swarm.
    Announce {
        /// As asked.
        transaction: u32,
        /// Seconds until the next announce.
        interval: u32,
        /// Peers that lack something.
        leechers: u32,
        /// Peers that lack nothing.
        seeders: u32,
        /// Addresses, all of the family that the tracker was asked by.
        peers: Vec<SocketAddr>,
    },
    /// Seeders, downloads so far, and leechers of each swarm.
    Scrape {
        /// As asked.
        transaction: u32,
        /// In the order asked.
        swarms: Vec<[u32; 3]>,
    },
    /// No.
    Error {
        /// As asked.
        transaction: u32,
        /// Why not; at most [`UdpAnswer::REASON_MAX`] bytes.
        reason: Vec<u8>,
    },
}

impl UdpRequest {
    /// Most swarms in one scrape (BEP 15).
    pub const SCRAPES_MAX: usize = 74;

    /// The datagram.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let head = |out: &mut Vec<u8>, connection: u64, action: u32, transaction: u32| {
            out.extend_from_slice(&connection.to_be_bytes());
            out.extend_from_slice(&action.to_be_bytes());
            out.extend_from_slice(&transaction.to_be_bytes());
        };
        match self {
            Self::Connect { transaction } => head(&mut out, PROTOCOL, CONNECT, *transaction),
            Self::Announce {
                connection,
                transaction,
                announce,
            } => {
                head(&mut out, *connection, ANNOUNCE, *transaction);
                announce.write(&mut out);
            }
            Self::Scrape {
                connection,
                transaction,
                info_hashes,
            } => {
                head(&mut out, *connection, SCRAPE, *transaction);
                for info_hash in info_hashes.iter().take(Self::SCRAPES_MAX) {
                    out.extend_from_slice(info_hash);
                }
            }
        }
        out
    }

    /// Reads a datagram; `None` if it is no request. What follows an announce (BEP 41) is passed
    /// over.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let (connection, action) = (reader.u64()?, reader.u32()?);
        let transaction = reader.u32()?;
        match action {
            CONNECT if connection == PROTOCOL => Some(Self::Connect { transaction }),
            ANNOUNCE => Some(Self::Announce {
                connection,
                transaction,
                announce: UdpAnnounce::read(&mut reader)?,
            }),
            SCRAPE => {
                let (info_hashes, rest) = reader.0.as_chunks::<20>();
                let sound = rest.is_empty()
                    && !info_hashes.is_empty()
                    && info_hashes.len() <= Self::SCRAPES_MAX;
                sound.then(|| Self::Scrape {
                    connection,
                    transaction,
                    info_hashes: info_hashes.to_vec(),
                })
            }
            _ => None,
        }
    }
}

impl UdpAnnounce {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.info_hash);
        out.extend_from_slice(&self.peer_id.0);
        for bytes in [self.downloaded, self.left, self.uploaded] {
            out.extend_from_slice(&bytes.to_be_bytes());
        }
        let event: u32 = match self.event {
            Announce::Periodic | Announce::NeedPeers => 0,
            Announce::Completed => 1,
            Announce::Started => 2,
            Announce::Stopped => 3,
        };
        // 0: the address that it comes from.
        let address = 0_u32;
        let wanted = self.wanted.unwrap_or(u32::MAX);
        for number in [event, address, self.key, wanted] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(&self.port.to_be_bytes());
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (info_hash, peer_id) = (reader.array()?, reader.peer_id()?);
        let (downloaded, left, uploaded) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let event = match reader.u32()? {
            0 => Announce::Periodic,
            1 => Announce::Completed,
            2 => Announce::Started,
            3 => Announce::Stopped,
            _ => return None,
        };
        // An address that it claims: it is reached where it comes from.
        reader.u32()?;
        Some(Self {
            info_hash,
            peer_id,
            downloaded,
            left,
            uploaded,
            event,
            key: reader.u32()?,
            wanted: Some(reader.u32()?).filter(|&wanted| i32::try_from(wanted).is_ok()),
            port: reader.u16()?,
        })
    }
}

impl UdpAnswer {
    /// Longest reason that is read.
    pub const REASON_MAX: usize = 200;

    /// The datagram.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let numbers = |out: &mut Vec<u8>, numbers: &[u32]| {
            for number in numbers {
                out.extend_from_slice(&number.to_be_bytes());
            }
        };
        match self {
            Self::Connect {
                transaction,
                connection,
            } => {
                numbers(&mut out, &[CONNECT, *transaction]);
                out.extend_from_slice(&connection.to_be_bytes());
            }
            Self::Announce {
                transaction,
                interval,
                leechers,
                seeders,
                peers,
            } => {
                numbers(
                    &mut out,
                    &[ANNOUNCE, *transaction, *interval, *leechers, *seeders],
                );
                for peer in peers {
                    match peer.ip() {
                        IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
                        IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
                    }
                    out.extend_from_slice(&peer.port().to_be_bytes());
                }
            }
            Self::Scrape {
                transaction,
                swarms,
            } => {
                numbers(&mut out, &[SCRAPE, *transaction]);
                numbers(&mut out, swarms.as_flattened());
            }
            Self::Error {
                transaction,
                reason,
            } => {
                numbers(&mut out, &[ERROR, *transaction]);
                out.extend_from_slice(reason);
            }
        }
        out
    }

    /// Reads a datagram from a tracker that was asked over IPv6 or not; `None` if it is no answer.
    #[must_use]
    pub fn decode(bytes: &[u8], six: bool) -> Option<Self> {
        let mut reader = Reader(bytes);
        let (action, transaction) = (reader.u32()?, reader.u32()?);
        Some(match action {
            CONNECT => Self::Connect {
                transaction,
                connection: reader.u64()?,
            },
            ANNOUNCE => Self::Announce {
                transaction,
                interval: reader.u32()?,
                leechers: reader.u32()?,
                seeders: reader.u32()?,
                peers: peers(reader.0, six),
            },
            SCRAPE => {
                let (each, _) = reader.0.as_chunks::<12>();
                let swarm = |bytes: &[u8; 12]| {
                    let mut reader = Reader(bytes);
                    [(); 3].map(|()| reader.u32().unwrap_or(0))
                };
                Self::Scrape {
                    transaction,
                    swarms: each.iter().map(swarm).collect(),
                }
            }
            ERROR => Self::Error {
                transaction,
                reason: reader.0.iter().copied().take(Self::REASON_MAX).collect(),
            },
            _ => return None,
        })
    }

    /// What it answers.
    #[must_use]
    pub const fn transaction(&self) -> u32 {
        match self {
            Self::Connect { transaction, .. }
            | Self::Announce { transaction, .. }
            | Self::Scrape { transaction, .. }
            | Self::Error { transaction, .. } => *transaction,
        }
    }
}

fn peers(bytes: &[u8], six: bool) -> Vec<SocketAddr> {
    if six {
        let (each, _) = bytes.as_chunks::<18>();
        let peer = |bytes: &[u8; 18]| {
            let mut reader = Reader(bytes);
            let ip = Ipv6Addr::from(reader.array::<16>()?);
            Some(SocketAddr::new(ip.into(), reader.u16()?))
        };
        return each.iter().filter_map(peer).collect();
    }
    let (each, _) = bytes.as_chunks::<6>();
    let peer = |bytes: &[u8; 6]| {
        let mut reader = Reader(bytes);
        let ip = Ipv4Addr::from(reader.array::<4>()?);
        Some(SocketAddr::new(ip.into(), reader.u16()?))
    };
    each.iter().filter_map(peer).collect()
}
