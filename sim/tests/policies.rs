//! Every policy of the tables runs in a small swarm, and every download ends complete, verified and
//! played to its end. (Hook-in rules have channels, which do not end: viewers see them.)

mod support;

use support::{Log, class, kbyte, run, secs, setup, sources};
use swarmbed_engine::policy::{
    ChokerConfig, HookInConfig, LatePolicy, PlaybackConfig, PolicyInfo, SelectorConfig, StartRule,
};
use swarmbed_engine::{Event, Geometry};
use swarmbed_sim::scenario::Scenario;
use swarmbed_sim::{Arrival, Class, Departure, Downlink, Options, Population, Setup, World};

/// Ten viewers of a film of 60 s who leave when they have seen it, and a source.
fn a_swarm_ends_well(selector: &str, choker: &str, seed_choker: &str) {
    let named = format!("{selector} with {choker} and {seed_choker}");
    ends_well(&small(selector, choker, seed_choker), &named);
}

fn small(selector: &str, choker: &str, seed_choker: &str) -> Setup {
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
    setup
}

fn ends_well(setup: &Setup, named: &str) {
    // `run` wants all checks to hold: nothing unverified was played, no byte came from nowhere.
    let report = run(setup);
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

#[test]
fn every_start_rule_and_late_rule_ends_complete_and_verified() {
    let starts = [
        StartRule::GiveToGet { h: secs(10) },
        StartRule::Prebuffer(secs(4)),
        StartRule::SwarmPlayer2008(secs(4)),
    ];
    let lates = [LatePolicy::Stall { resume: secs(5) }, LatePolicy::Skip];
    assert_eq!(PlaybackConfig::STARTS.len(), starts.len());
    assert_eq!(PlaybackConfig::LATES.len(), lates.len());
    for start in starts {
        for late in lates {
            let mut setup = small("give-to-get", "give-to-get", "give-to-get");
            setup.classes[1].playback = PlaybackConfig { start, late };
            ends_well(&setup, &format!("{start:?}, {late:?}"));
        }
    }
}

#[test]
fn every_hook_in_rule_lets_viewers_see_a_channel() {
    const CHANNEL: &str = include_str!("../../scenarios/test/live.toml");
    for PolicyInfo { name, .. } in HookInConfig::TABLE {
        let sets = [format!("live.hook_in={name}")];
        let mut setup = Scenario::read(CHANNEL, &sets).unwrap().variants[0]
            .setup
            .clone();
        setup.seed = 1;
        let world = World::new(&setup, |_| Log::default()).unwrap();
        let report = world.run(Options::default()).unwrap();
        let violations = &report.checks.violations;
        assert!(violations.is_empty(), "{name}: {violations:?}");
        let viewers = report.peers.iter().filter(|peer| !peer.facts.source);
        let shown = viewers
            .filter(|peer| {
                let started = |event: &Event| matches!(event, Event::Started { .. });
                let shown = |event: &Event| {
                    matches!(event, Event::Left { played, .. } if *played >= secs(10))
                };
                peer.observer.first(started).is_some() && peer.observer.first(shown).is_some()
            })
            .count();
        // Some come late, and some go within seconds.
        assert!(
            shown * 2 >= report.peers.len(),
            "{name}: {shown} of {} saw it",
            report.peers.len()
        );
    }
}
