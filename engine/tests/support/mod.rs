//! What engines are tested with: a peer by itself, and in `lab` some that talk.

#![allow(dead_code, reason = "each test uses its part")]

pub(crate) mod lab;

use std::net::SocketAddr;
use std::time::Duration;

use swarmbed_engine::policy::{ChokerConfig, PlaybackConfig, SelectorConfig};
use swarmbed_engine::*;

pub(crate) fn addr(index: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, u8::try_from(index).unwrap() + 1], 6881))
}

/// The same call, given as a driver of many peers would: what can be overheard is. What follows from it goes to `log`.
pub(crate) fn call_or_overhear(
    peer: &mut Peer,
    now: Instant,
    call: Call,
    log: &mut Vec<Output>,
) -> Overheard {
    if let Call::Input(Input::Message(conn, message)) = &call {
        let overheard = peer.overhear(now, *conn, message);
        if overheard == Overheard::Interests {
            log.push(Output::Send(*conn, Message::Interested));
        }
        if overheard != Overheard::Not {
            assert_eq!(peer.poll_output(), None);
            return overheard;
        }
    }
    if let Call::Input(Input::Credit { conn, blocks }) = call
        && peer.overhear_credit(now, conn, blocks)
    {
        assert_eq!(peer.poll_output(), None);
        return Overheard::Noted;
    }
    peer.call(now, call);
    while let Some(output) = peer.poll_output() {
        log.push(output);
    }
    Overheard::Not
}

pub(crate) fn config(index: usize, geometry: Geometry) -> Config {
    let mut id = [0; 20];
    id[0] = u8::try_from(index).unwrap() + 1;
    Config {
        peer_id: PeerId(id),
        listen: Some(addr(index)),
        geometry,
        bitrate: None,
        selector: SelectorConfig::RarestFirst,
        choker: ChokerConfig::from_name("tit-for-tat").unwrap(),
        seed_choker: ChokerConfig::from_name("seed-fastest").unwrap(),
        playback: PlaybackConfig::default(),
        limits: Limits::default(),
        announce_interval: Duration::from_secs(600),
        upload: true,
        behaviour: Behaviour::Honest,
        web_seed: None,
        exchange: Exchange::default(),
        detail: Detail::Blocks,
        live: None,
    }
}
