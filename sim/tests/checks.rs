//! The checks of every run find the bugs they are there for.

mod support;

use support::{class, kbyte, secs, setup, sources};
use swarmbed_engine::Geometry;
use swarmbed_sim::{Departure, Fault, Mutant, Options, Population, Setup, World};

/// A film in a swarm where connections break, blocks are corrupt and peers leave.
fn rough() -> Setup {
    let mut viewers = class("viewer", Population::Share(1.0), kbyte(100));
    viewers.departure = Departure::EndOfPlayback;
    let mut setup = setup(100, 12, vec![sources(2, kbyte(200)), viewers]);
    setup.geometry = Geometry::new(100 * 16_384, 65_536).unwrap();
    setup.bitrate = Some(kbyte(80));
    setup.faults = vec![
        (secs(5), Fault::CorruptBlock { peer: 0 }),
        (secs(6), Fault::CorruptBlock { peer: 3 }),
        (secs(7), Fault::CorruptBlock { peer: 1 }),
        (secs(8), Fault::Crash { peer: 4 }),
        (
            secs(9),
            Fault::UplinkStep {
                class: 1,
                percent: 80,
            },
        ),
    ];
    setup
}

fn violations(setup: &Setup, mutant: Option<Mutant>) -> Vec<String> {
    let world = World::new(setup, |_| ()).unwrap();
    let world = match mutant {
        Some(mutant) => world.mutated(mutant),
        None => world,
    };
    world.run(Options::default()).unwrap().checks.violations
}

#[test]
fn what_is_in_order_passes() {
    assert_eq!(violations(&rough(), None), Vec::<String>::new());
}

#[test]
fn a_link_that_serves_more_than_it_declares_is_found() {
    let viewer = class("viewer", Population::Share(1.0), kbyte(100));
    let busy = setup(400, 1, vec![sources(1, kbyte(100)), viewer]);
    assert_eq!(violations(&busy, None), Vec::<String>::new());
    let found = violations(&busy, Some(Mutant::FastLinks));
    assert!(
        found
            .iter()
            .any(|one| one.contains("than its uplink allows")),
        "{found:?}"
    );
}

#[test]
fn a_lost_block_that_counts_as_received_is_found() {
    let found = violations(&rough(), Some(Mutant::LostArrives));
    assert!(
        found.iter().any(|one| one.contains("bytes were sent and")),
        "{found:?}"
    );
}

#[test]
fn a_corrupt_piece_that_is_played_is_found() {
    let found = violations(&rough(), Some(Mutant::NothingVerified));
    assert!(
        found.iter().any(|one| one.contains("which is corrupt")),
        "{found:?}"
    );
}
