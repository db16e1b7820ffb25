//! Asking trackers.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use swarmbed_engine::wire::UdpAnnounce;
use swarmbed_engine::wire::bencode::{self, Dict, Value};
use swarmbed_engine::{Announce, PeerId, Traffic};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::udp;
use crate::error::NodeError;
use crate::http::client::get;
use crate::http::url::{Url, encode};

/// Trackers we tell.
const TRACKERS_MAX: usize = 16;
/// Addresses we take from one answer.
const PEERS_MAX: usize = 200;
/// Values in an answer at most.
const VALUES_MAX: usize = 4096;

/// What a tracker said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) peers: Vec<SocketAddr>,
    pub(crate) interval: Duration,
}

/// Where a tracker is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Http(Url),
    Udp(Url),
}

impl Place {
    fn parse(url: &str) -> Result<Self, &'static str> {
        match url.strip_prefix("udp://") {
            // Laid out like the other, but for its port, which it must name.
            Some(rest) => {
                let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
                let named = authority
                    .rsplit_once(':')
                    .is_some_and(|(_, port)| !port.contains(']'));
                if !named {
                    return Err("names no port, as in udp://host:6969");
                }
                Url::parse(&format!("http://{rest}")).map(Self::Udp)
            }
            None => Url::parse(url).map(Self::Http),
        }
    }
}

/// Announces one torrent to all its trackers.
#[derive(Debug)]
pub(crate) struct Announcer {
    trackers: Vec<Place>,
    from: IpAddr,
    port: u16,
    info_hash: [u8; 20],
    peer_id: PeerId,
}

impl Announcer {
    /// For these trackers. `asked_for` were named by the user, so a bad one is an error; a bad
    /// one of `promised`, the torrent's own, is passed over.
    pub(crate) fn new(
        asked_for: &[String],
        promised: &[String],
        from: SocketAddr,
        info_hash: [u8; 20],
        peer_id: PeerId,
    ) -> Result<Self, NodeError> {
        let mut trackers = Vec::new();
        for url in asked_for {
            let parsed = Place::parse(url).map_err(|why| NodeError::TrackerUrl {
                url: url.clone(),
                why,
            })?;
            trackers.push(parsed);
        }
        trackers.extend(promised.iter().filter_map(|url| Place::parse(url).ok()));
        let mut once: Vec<Place> = Vec::new();
        for tracker in trackers {
            if once.len() < TRACKERS_MAX && !once.contains(&tracker) {
                once.push(tracker);
            }
        }
        Ok(Self {
            trackers: once,
            from: from.ip(),
            port: from.port(),
            info_hash,
            peer_id,
        })
    }

    /// Tells all trackers at once, whatever tier they are of, and passes on whom each knows as soon as it
    /// answers: one that is silent holds up nobody else's peers. In the end, when to ask again; what each
    /// said if none answers (nothing, if there is none).
    pub(crate) async fn announce(
        &self,
        announce: Announce,
        traffic: Traffic,
        left: u64,
        heard: mpsc::Sender<Vec<SocketAddr>>,
    ) -> Result<Duration, String> {
        let query = self.query(announce, traffic, left);
        let mut asked = JoinSet::new();
        for tracker in &self.trackers {
            match tracker.clone() {
                Place::Http(url) => asked.spawn(ask(url, query.clone(), self.from)),
                Place::Udp(url) => {
                    let announce = self.datagram(announce, traffic, left);
                    asked.spawn(ask_udp(url, announce, self.from))
                }
            };
        }
        let mut interval: Option<Duration> = None;
        let mut refusals = String::new();
        while let Some(outcome) = asked.join_next().await {
            match outcome.unwrap_or_else(|error| Err(error.to_string())) {
                Ok(answer) => {
                    // Whoever does not listen any more leaves.
                    let _ = heard.send(answer.peers).await;
                    let shorter = interval.map_or(answer.interval, |all| all.min(answer.interval));
                    interval = Some(shorter);
                }
                Err(why) => {
                    let gap = if refusals.is_empty() { "" } else { "; " };
                    let _ = write!(refusals, "{gap}{why}");
                }
            }
        }
        interval.ok_or(refusals)
    }

    fn datagram(&self, event: Announce, traffic: Traffic, left: u64) -> UdpAnnounce {
        let (_, key) = self.peer_id.0.split_last_chunk::<4>().expect("20 bytes");
        UdpAnnounce {
            info_hash: self.info_hash,
            peer_id: self.peer_id,
            downloaded: traffic.payload_down,
            left,
            uploaded: traffic.payload_up,
            event,
            key: u32::from_be_bytes(*key),
            wanted: Some(50),
            port: self.port,
        }
    }

    fn query(&self, announce: Announce, traffic: Traffic, left: u64) -> String {
        let event = match announce {
            Announce::Started => "&event=started",
            Announce::Completed => "&event=completed",
            Announce::Stopped => "&event=stopped",
            Announce::Periodic | Announce::NeedPeers => "",
        };
        format!(
            "info_hash={}&peer_id={}&port={}&uploaded={}&downloaded={}&left={left}&compact=1\
             &numwant=50{event}",
            encode(&self.info_hash),
            encode(&self.peer_id.0),
            self.port,
            traffic.payload_up,
            traffic.payload_down,
        )
    }
}

async fn ask_udp(tracker: Url, announce: UdpAnnounce, from: IpAddr) -> Result<Answer, String> {
    udp::ask(&tracker.host, tracker.port, from, &announce)
        .await
        .map_err(|why| format!("tracker udp://{}: {why}", tracker.authority()))
}

async fn ask(tracker: Url, query: String, from: IpAddr) -> Result<Answer, String> {
    let mut asked = tracker.clone();
    asked
        .path
        .push(if asked.path.contains('?') { '&' } else { '?' });
    asked.path.push_str(&query);
    let answer = get(&asked, from).await.and_then(|body| parse(&body));
    answer.map_err(|why| {
        let place = format!("http://{}{}", tracker.authority(), tracker.path);
        format!("tracker {place}: {why}")
    })
}

/// Reads an answer; the error is the tracker's own words, or ours.
fn parse(body: &[u8]) -> Result<Answer, String> {
    let value = bencode::parse(body, VALUES_MAX)
        .map_err(|error| format!("the answer is not bencoded ({error})"))?;
    let dict = value.as_dict().ok_or("the answer is no dictionary")?;
    if let Some(reason) = dict.find("failure reason").and_then(Value::as_bytes) {
        let reason: String = String::from_utf8_lossy(reason)
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect();
        return Err(format!("refuses: {reason}"));
    }
    let seconds = dict.find("interval").and_then(Value::as_int);
    let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
    let mut peers = Vec::new();
    match dict.find("peers") {
        Some(Value::Bytes(compact)) => {
            let (each, _) = compact.as_chunks::<6>();
            peers.extend(each.iter().take(PEERS_MAX).map(|&[a, b, c, d, high, low]| {
                let ip = Ipv4Addr::new(a, b, c, d);
                SocketAddr::new(ip.into(), u16::from_be_bytes([high, low]))
            }));
        }
        Some(Value::List(list)) => {
            let listed = list.iter().filter_map(Value::as_dict).filter_map(listed);
            peers.extend(listed.take(PEERS_MAX));
        }
        _ => {}
    }
    if let Some(compact) = dict.find("peers6").and_then(Value::as_bytes) {
        let (each, _) = compact.as_chunks::<18>();
        peers.extend(each.iter().take(PEERS_MAX).map(|each| {
            let (ip, port) = each.split_at(16);
            let ip: [u8; 16] = ip.try_into().expect("split at 16");
            let port = u16::from_be_bytes([port[0], port[1]]);
            SocketAddr::new(Ipv6Addr::from(ip).into(), port)
        }));
    }
    Ok(Answer {
        peers,
        interval: Duration::from_secs(seconds.unwrap_or(1800)),
    })
}

/// A peer of a non-compact answer (BEP 3).
fn listed(peer: &Dict<'_>) -> Option<SocketAddr> {
    let ip = std::str::from_utf8(peer.find("ip")?.as_bytes()?).ok()?;
    let port = u16::try_from(peer.find("port")?.as_int()?).ok()?;
    Some(SocketAddr::new(ip.parse().ok()?, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trackers_of_both_kinds() {
        let place = Place::parse("udp://[::1]:6969/announce");
        assert!(
            matches!(place, Ok(Place::Udp(url)) if (url.host.as_str(), url.port) == ("::1", 6969))
        );
        assert!(matches!(
            Place::parse("http://a/announce"),
            Ok(Place::Http(_))
        ));
        for bad in [
            "udp://",
            "udp://host",
            "udp://[::1]/",
            "udp://host:x",
            "https://a/",
        ] {
            assert!(Place::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn answers_of_all_kinds() {
        let compact =
            parse(b"d8:intervali60e5:peers6:\x01\x02\x03\x04\x1a\xe16:peers60:e").unwrap();
        assert_eq!(compact.peers, ["1.2.3.4:6881".parse().unwrap()]);
        assert_eq!(compact.interval, Duration::from_secs(60));
        let list = parse(b"d5:peersld2:ip7:1.2.3.44:porti6881eed2:ip1:x4:porti1eeee").unwrap();
        assert_eq!(list.peers, compact.peers);
        let six = parse(b"d6:peers618:\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x05e").unwrap();
        assert_eq!(six.peers, ["[::1]:5".parse().unwrap()]);
        assert_eq!(parse(b"d14:failure reason2:noe"), Err("refuses: no".into()));
        assert!(parse(b"<html>").is_err());
    }
}
