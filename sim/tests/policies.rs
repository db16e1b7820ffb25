//! Every policy of the tables runs in a small swarm, and every download ends complete, verified and
//! played to its end.

mod support;

use support::{class, kbyte, run, secs, setup, sources};
use swarmbed_engine::policy::{ChokerConfig, PolicyInfo, SelectorConfig};
use swarmbed_engine::{Event, Geometry};
use swarmbed_sim::{Arrival, Class, Departure, Downlink, Population};

/// Ten viewers of a film of 60 s who leave when they have seen it, and a source.
fn a_swarm_ends_well(selector: &str, choker: &str, seed_choker: &str) {
    let set = |class: Class| Class {
        selector: SelectorConfig::from_name(selector).unwrap(),
        choker: ChokerConfig::from_name(choker).unwrap(),
        seed_choker: ChokerConfig::from_name(seed_choker).unwrap(),
        downlink: Downlink::TimesUplink(4.0),
        ..class
    };
    let mut viewers = set(class("viewer", Population::Share(1.0), kbyte(60)));
    viewers.departure = Departure::EndOfPlayback;
    let mut setup = setup(1, 10, vec![set(sources(1, kbyte(150))), viewers]);
    setup.geometry = Geometry::new(3_000_000, 65_536).unwrap();
    setup.bitrate = Some(kbyte(50));
    setup.arrival = Arrival::Poisson(1.0);
    setup.horizon = secs(3600);
    let named = format!("{selector} with {choker} and {seed_choker}");
    // `run` wants all checks to hold: nothing unverified was played, no byte came from nowhere.
    let report = run(&setup);
    assert_eq!(report.peers.len(), 11);
    for peer in &report.peers[1..] {
        let log = &peer.observer;
        let verified = |event: &Event| matches!(event, Event::PieceVerified(_));
        let pieces = log.0.iter().filter(|(_, event)| verified(event)).count();
        assert_eq!(pieces, setup.geometry.pieces() as usize, "{named}");
        assert!(log.completed().is_some(), "{named}: not complete");
        let ended = log.first(|event| matches!(event, Event::Ended));
        assert!(ended.is_some(), "{named}: not seen to its end");
    }
}

#[test]
fn every_selector_ends_complete_and_verified() {
    for PolicyInfo { name, .. } in SelectorConfig::TABLE {
        a_swarm_ends_well(name, "tit-for-tat", "seed-fastest");
        a_swarm_ends_well(name, "give-to-get", "give-to-get");
    }
}

#[test]
fn every_choker_ends_complete_and_verified() {
    for PolicyInfo { name, .. } in ChokerConfig::TABLE {
        a_swarm_ends_well("give-to-get", name, "seed-fastest");
        a_swarm_ends_well("rarest-first", "tit-for-tat", name);
        a_swarm_ends_well("rarest-first", name, name);
    }
}
