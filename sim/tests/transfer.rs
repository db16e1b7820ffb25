//! Transfers whose every nanosecond can be worked out by hand.
//!
//! A block of 16,384 bytes is a message of 16,397, which fills 12 packets (11 × 1,460 = 16,060):
//! 16,397 + 12 × 40 = 16,877 bytes. At 168,770 bytes/s it takes exactly 100 ms. An unchoke is
//! 5 + 40 = 45 bytes, a request 17 + 40 = 57: at 57,000 bytes/s exactly 1 ms. One way is 25 ms.

mod support;

use support::{Log, class, run, setup, sources};
use swarmbed_engine::{Event, Rate};
use swarmbed_sim::{Population, Report, Setup};

const MS: u64 = 1_000_000;

/// A source and firewalled viewers: nobody but the source can be connected to.
fn star(pieces: u64, viewers: u32) -> Setup {
    let mut viewer = class(
        "viewer",
        Population::Share(1.0),
        Rate::from_bytes_per_s(57_000),
    );
    viewer.connectable = 0.0;
    let source = sources(1, Rate::from_bytes_per_s(168_770));
    let mut setup = setup(pieces, viewers, vec![source, viewer]);
    setup.network.congestion = false;
    setup.detailed = (0..=viewers).collect();
    setup
}

/// When blocks came to a peer, in nanoseconds.
fn blocks(report: &Report<Log>, peer: usize) -> Vec<u64> {
    let log = &report.peers[peer].observer.0;
    let came = |event: &Event| matches!(event, Event::BlockReceived { useful: true, .. });
    log.iter()
        .filter(|(_, event)| came(event))
        .map(|(at, _)| at.as_nanos())
        .collect()
}

#[test]
fn one_viewer_gets_a_block_every_100_ms() {
    let report = run(&star(50, 1));
    let source = &report.peers[0].observer;
    let unchoked = source
        .first(|event| matches!(event, Event::WeChoke { choked: false, .. }))
        .unwrap()
        .as_nanos();
    // 45 bytes at 168,770 bytes/s: 266,635.07 ns, rounded up. Then 25 ms, a request of 1 ms,
    // 25 ms, a block of 100 ms, 25 ms.
    let first = unchoked + 266_636 + 25 * MS + MS + 25 * MS + 100 * MS + 25 * MS;
    let expected: Vec<u64> = (0..50).map(|block| first + block * 100 * MS).collect();
    assert_eq!(blocks(&report, 1), expected);
    let completed = report.peers[1].observer.completed().unwrap();
    assert_eq!(completed.as_nanos(), first + 4900 * MS);
}

#[test]
fn four_viewers_share_the_uplink_to_the_nanosecond() {
    let report = run(&star(60, 4));
    for viewer in 1..=4 {
        let times = blocks(&report, viewer);
        assert_eq!(times.len(), 60);
        // While all four are served, each has a quarter.
        for pair in times[4..50].windows(2) {
            assert_eq!(pair[1] - pair[0], 400 * MS, "viewer {viewer}");
        }
    }
}
