//! Trackers over UDP (BEP 15): asking one, and being one.
//!
//! Being one keeps nothing of strangers until they have shown that they are where they say: a
//! connection id is a hash over their address, a secret of ours and the minute.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha1::{Digest as _, Sha1};
use swarmbed_engine::Announce;
use swarmbed_engine::wire::{UdpAnnounce, UdpAnswer, UdpRequest};
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep, timeout};

use super::client::Answer;
use super::table::{Announced, INTERVAL, Table, seen_from};
use crate::random;

/// How long an answer is waited for, time after time. BEP 15 begins with 15 s, and ends after an
/// hour; a viewer has asked another tracker by then.
const PATIENCE: [Duration; 3] = [
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];
/// Largest datagram we read: 200 long addresses take 3.6 KiB.
const DATAGRAM_MAX: usize = 4096;
/// Addresses in one answer at most, so that it fits a packet on every path.
const WANTED_MAX: usize = 200;
const WANTED_SIX_MAX: usize = 70;
/// A connection id is good for one to two of these (BEP 15: at least two minutes).
const AGE: Duration = Duration::from_secs(120);

/// Asks the tracker at `host:port`, speaking from `from` unless it is unspecified. Says in plain
/// words why not.
pub(super) async fn ask(
    host: &str,
    port: u16,
    from: IpAddr,
    announce: &UdpAnnounce,
) -> Result<Answer, String> {
    let places = tokio::net::lookup_host((host, port)).await;
    let mut why = "the host has no address".to_owned();
    for place in places.map_err(|error| error.to_string())? {
        match ask_at(place, from, announce).await {
            Ok(answer) => return Ok(answer),
            Err(refusal) => why = refusal,
        }
    }
    Err(why)
}

async fn ask_at(place: SocketAddr, from: IpAddr, announce: &UdpAnnounce) -> Result<Answer, String> {
    let own = if from.is_ipv4() == place.is_ipv4() {
        SocketAddr::new(from, 0)
    } else if place.is_ipv4() {
        SocketAddr::from(([0; 4], 0))
    } else {
        SocketAddr::from(([0; 16], 0))
    };
    let words = |error: std::io::Error| error.to_string();
    let socket = UdpSocket::bind(own).await.map_err(words)?;
    // Only what comes from there is heard.
    socket.connect(place).await.map_err(words)?;
    let mut last = String::new();
    for patience in PATIENCE {
        let asked = exchange(&socket, place.is_ipv6(), announce);
        match timeout(patience, asked).await {
            Ok(Ok(answer)) => return answer,
            // Nobody listens there now; maybe in a while.
            Ok(Err(error)) => {
                last = error.to_string();
                sleep(patience / 2).await;
            }
            Err(_) => last = "no answer".into(),
        }
    }
    Err(last)
}

/// A connection id, then the announce. The inner error is the tracker's own word.
async fn exchange(
    socket: &UdpSocket,
    six: bool,
    announce: &UdpAnnounce,
) -> std::io::Result<Result<Answer, String>> {
    let transaction = u32::from_le_bytes(random::bytes());
    let request = UdpRequest::Connect { transaction };
    let connection = match say(socket, six, &request, transaction).await? {
        UdpAnswer::Connect { connection, .. } => connection,
        other => return Ok(Err(refusal(&other))),
    };
    let transaction = u32::from_le_bytes(random::bytes());
    let request = UdpRequest::Announce {
        connection,
        transaction,
        announce: announce.clone(),
    };
    Ok(match say(socket, six, &request, transaction).await? {
        UdpAnswer::Announce {
            interval, peers, ..
        } => Ok(Answer {
            peers: peers.into_iter().take(WANTED_MAX).collect(),
            interval: Duration::from_secs(u64::from(interval)),
        }),
        other => Err(refusal(&other)),
    })
}

/// Says it, and waits for the answer; what is none, or another's, is passed over.
async fn say(
    socket: &UdpSocket,
    six: bool,
    request: &UdpRequest,
    transaction: u32,
) -> std::io::Result<UdpAnswer> {
    socket.send(&request.encode()).await?;
    let mut buffer = [0; DATAGRAM_MAX];
    loop {
        let length = socket.recv(&mut buffer).await?;
        let answer = UdpAnswer::decode(&buffer[..length], six);
        if let Some(answer) = answer.filter(|answer| answer.transaction() == transaction) {
            return Ok(answer);
        }
    }
}

fn refusal(answer: &UdpAnswer) -> String {
    let UdpAnswer::Error { reason, .. } = answer else {
        return "answers something else than it was asked".into();
    };
    let reason = String::from_utf8_lossy(reason);
    let plain: String = reason.chars().filter(|c| !c.is_control()).collect();
    format!("refuses: {plain}")
}

/// Answers until dropped.
pub(super) async fn serve(socket: UdpSocket, table: Arc<Mutex<Table>>) {
    let secret: [u8; 16] = random::bytes();
    let began = Instant::now();
    let tracker = socket.local_addr().map(|addr| addr.ip());
    let tracker = tracker.unwrap_or(IpAddr::from([0; 4]));
    let mut buffer = [0; DATAGRAM_MAX];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        let age = began.elapsed().as_secs() / AGE.as_secs();
        let id = |age: u64| connection_id(&secret, from, age);
        let known = |given: u64| given == id(age) || age > 0 && given == id(age - 1);
        let Some(request) = UdpRequest::decode(&buffer[..length]) else {
            continue;
        };
        let answer = match request {
            UdpRequest::Connect { transaction } => UdpAnswer::Connect {
                transaction,
                connection: id(age),
            },
            // Whoever has no connection id may be anywhere: an answer could hit a bystander.
            UdpRequest::Announce { connection, .. } | UdpRequest::Scrape { connection, .. }
                if !known(connection) =>
            {
                continue;
            }
            UdpRequest::Announce {
                transaction,
                announce,
                ..
            } => announced(&table, transaction, &announce, from, tracker),
            UdpRequest::Scrape {
                transaction,
                info_hashes,
                ..
            } => scraped(&table, transaction, &info_hashes),
        };
        // Lost without a word if the socket is full.
        let _ = socket.try_send_to(&answer.encode(), from);
    }
}

fn connection_id(secret: &[u8; 16], from: SocketAddr, age: u64) -> u64 {
    let mut hash = Sha1::new();
    hash.update(secret);
    hash.update(from.to_string());
    hash.update(age.to_be_bytes());
    let hash: [u8; 20] = hash.finalize().into();
    let (first, _) = hash.split_first_chunk::<8>().expect("20 bytes");
    u64::from_be_bytes(*first)
}

fn announced(
    table: &Mutex<Table>,
    transaction: u32,
    announce: &UdpAnnounce,
    from: SocketAddr,
    tracker: IpAddr,
) -> UdpAnswer {
    let most = if from.is_ipv4() {
        WANTED_MAX
    } else {
        WANTED_SIX_MAX
    };
    let wanted = announce.wanted.unwrap_or(50);
    let announced = Announced {
        addr: SocketAddr::new(from.ip(), announce.port),
        id: announce.peer_id.0,
        left: announce.left,
        stopped: announce.event == Announce::Stopped,
        completed: announce.event == Announce::Completed,
        wanted: usize::try_from(wanted).map_or(most, |wanted| wanted.min(most)),
    };
    let mut table = table.lock().expect("nobody panics with it");
    match table.announce(announce.info_hash, &announced, Instant::now()) {
        Ok((others, swarm)) => UdpAnswer::Announce {
            transaction,
            interval: count(INTERVAL.as_secs()),
            leechers: count(swarm.incomplete() as u64),
            seeders: count(swarm.complete() as u64),
            peers: others
                .iter()
                .map(|(addr, _)| seen_from(*addr, from.ip(), tracker))
                .filter(|addr| addr.is_ipv4() == from.is_ipv4())
                .collect(),
        },
        Err(why) => UdpAnswer::Error {
            transaction,
            reason: why.into(),
        },
    }
}

fn scraped(table: &Mutex<Table>, transaction: u32, info_hashes: &[[u8; 20]]) -> UdpAnswer {
    let table = table.lock().expect("nobody panics with it");
    let numbers = |info_hash: &[u8; 20]| {
        table.swarm(info_hash).map_or([0; 3], |swarm| {
            [
                count(swarm.complete() as u64),
                count(swarm.downloaded),
                count(swarm.incomplete() as u64),
            ]
        })
    };
    UdpAnswer::Scrape {
        transaction,
        swarms: info_hashes.iter().map(numbers).collect(),
    }
}

fn count(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmbed_engine::PeerId;

    fn announce(id: u8, port: u16) -> UdpAnnounce {
        UdpAnnounce {
            info_hash: [9; 20],
            peer_id: PeerId([id; 20]),
            downloaded: 0,
            left: 1,
            uploaded: 0,
            event: Announce::Started,
            key: 0,
            wanted: None,
            port,
        }
    }

    #[tokio::test]
    async fn peers_find_each_other_and_strangers_get_no_answer() {
        for (host, six) in [("127.0.0.1", false), ("::1", true)] {
            let Ok(socket) = UdpSocket::bind((host, 0)).await else {
                continue; // No IPv6 here.
            };
            let place = socket.local_addr().unwrap();
            let table = Arc::new(Mutex::new(Table::new(Some(vec![[9; 20]]))));
            let server = tokio::spawn(serve(socket, table));
            let from = if six {
                IpAddr::from([0; 16])
            } else {
                IpAddr::from([0; 4])
            };
            let ask = |announce| async move { ask(host, place.port(), from, &announce).await };
            let first = ask(announce(1, 1001)).await.unwrap();
            assert_eq!(first.peers, []);
            assert_eq!(first.interval, INTERVAL);
            let second = ask(announce(2, 1002)).await.unwrap();
            assert_eq!(second.peers, [SocketAddr::new(place.ip(), 1001)]);
            let mut other = announce(3, 1003);
            other.info_hash = [8; 20];
            let refused = ask(other).await.unwrap_err();
            assert!(refused.contains("does not serve that torrent"), "{refused}");

            // An announce without a connection id, as with a forged sender.
            let stranger = UdpSocket::bind((host, 0)).await.unwrap();
            stranger.connect(place).await.unwrap();
            let request = UdpRequest::Announce {
                connection: 1,
                transaction: 2,
                announce: announce(4, 1004),
            };
            stranger.send(&request.encode()).await.unwrap();
            let heard = timeout(Duration::from_millis(200), stranger.recv(&mut [0; 100])).await;
            assert!(heard.is_err());
            let answer = say(&stranger, six, &UdpRequest::Connect { transaction: 3 }, 3);
            let UdpAnswer::Connect { connection, .. } = answer.await.unwrap() else {
                panic!("no connection id");
            };
            let request = UdpRequest::Scrape {
                connection,
                transaction: 4,
                info_hashes: vec![[9; 20], [1; 20]],
            };
            let scraped = say(&stranger, six, &request, 4).await.unwrap();
            assert_eq!(
                scraped,
                UdpAnswer::Scrape {
                    transaction: 4,
                    swarms: vec![[0, 0, 2], [0, 0, 0]]
                }
            );
            server.abort();
        }
    }
}
