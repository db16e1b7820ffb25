//! What is asked of whom, request by request.

mod support;

use std::time::Duration;

use support::{addr, config};
use swarmbed_engine::policy::{SelectorConfig, StartRule};
use swarmbed_engine::*;

fn drain(peer: &mut Peer) -> Vec<Output> {
    std::iter::from_fn(|| peer.poll_output()).collect()
}

fn requests(outputs: &[Output]) -> Vec<Block> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Send(_, Message::Request(block)) => Some(*block),
            _ => None,
        })
        .collect()
}

/// A block that is late is free for others; the one that owes it is not asked for it twice.
#[test]
fn a_late_block_is_not_asked_twice_of_one_neighbour() {
    let geometry = Geometry::new(20 * 65_536, 65_536).unwrap();
    let mut config = config(0, geometry);
    config.selector = SelectorConfig::InOrder;
    config.bitrate = Some(Rate::from_bytes_per_s(65_536));
    config.playback.start = StartRule::Prebuffer(Duration::ZERO);
    let mut peer = Peer::new(config, Seed::from_number(1), Instant::ZERO, None).unwrap();
    peer.play(Instant::ZERO).unwrap();
    let remote = Remote {
        peer_id: PeerId([9; 20]),
        fast: true,
        extended: false,
    };
    let conn = peer.accept(Instant::ZERO, addr(1), remote).unwrap();
    for message in [Message::HaveAll, Message::Unchoke] {
        peer.handle(Instant::ZERO, Input::Message(conn, message));
    }
    let first = requests(&drain(&mut peer));
    assert_eq!(first.len(), 2);
    // After 5 s the picture stands and both are late.
    for second in 1..=8 {
        peer.handle(Instant::from_secs(second), Input::Timeout);
    }
    let meanwhile = requests(&drain(&mut peer));
    let now = Instant::from_secs(8);
    peer.handle(now, Input::Message(conn, Message::Piece(first[0])));
    let then = requests(&drain(&mut peer));
    for block in &first {
        assert!(
            !meanwhile.contains(block) && !then.contains(block),
            "{block:?}"
        );
    }
    assert!(!then.is_empty(), "something else is asked instead");
}
