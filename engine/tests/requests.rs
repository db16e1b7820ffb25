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

/// A reader that jumps is served first: what nobody wants any more is taken back.
#[test]
fn a_jump_takes_back_what_no_reader_wants() {
    let geometry = Geometry::new(200 * 32_768, 32_768).unwrap();
    let mut config = config(0, geometry);
    config.limits.quick_pipeline = true;
    let mut peer = Peer::new(config, Seed::from_number(1), Instant::ZERO, None).unwrap();
    let remote = Remote {
        peer_id: PeerId([9; 20]),
        fast: true,
        extended: false,
    };
    let conn = peer.accept(Instant::ZERO, addr(1), remote).unwrap();
    peer.want(Instant::ZERO, 0, 100 * 32_768).unwrap();
    for message in [Message::HaveAll, Message::Unchoke] {
        peer.handle(Instant::ZERO, Input::Message(conn, message));
    }
    // It answers in batches, twice a second: the pipeline grows, by two for each block at most.
    let mut asked = requests(&drain(&mut peer));
    for round in 1..6 {
        let now = Instant::from_millis(500 * round);
        for block in std::mem::take(&mut asked) {
            peer.handle(now, Input::Message(conn, Message::Piece(block)));
            let outputs = drain(&mut peer);
            let new = requests(&outputs);
            assert!(new.len() <= 2, "{new:?}");
            asked.extend(new);
            for output in outputs {
                if let Output::Store(block) = output {
                    let result = StoreResult::Done;
                    peer.handle(now, Input::Stored { block, result });
                }
            }
        }
    }
    assert!(asked.len() > 5, "{asked:?}");
    let cancels = |outputs: &[Output]| -> Vec<Block> {
        let cancelled = outputs.iter().filter_map(|output| match output {
            Output::Send(_, Message::Cancel(block)) => Some(*block),
            _ => None,
        });
        cancelled.collect()
    };
    // Another reader comes, far away: the first still waits for its own.
    let now = Instant::from_secs(4);
    let _ = drain(&mut peer);
    peer.want(now, 120 * 32_768, 32_768).unwrap();
    assert_eq!(cancels(&drain(&mut peer)), []);
    // The first is gone: its requests are, too, and the new place is asked for at once.
    peer.unwant(now, 0, 100 * 32_768);
    peer.want(now, 150 * 32_768, 4 * 32_768).unwrap();
    let outputs = drain(&mut peer);
    let mut cancelled = cancels(&outputs);
    cancelled.sort_by_key(|block| (block.piece, block.begin));
    asked.sort_by_key(|block| (block.piece, block.begin));
    assert_eq!(cancelled, asked);
    let new = requests(&outputs);
    assert!(
        !new.is_empty() && new[0].piece == PieceIndex(150),
        "{new:?}"
    );
    // A block that was sent all the same is no offence.
    peer.handle(now, Input::Message(conn, Message::Piece(asked[0])));
    assert!(
        !drain(&mut peer)
            .iter()
            .any(|output| matches!(output, Output::Close(..)))
    );
}

/// aria2 sends its map anew where many HAVEs would be due: what is in it besides is learnt.
#[test]
fn a_bitfield_may_come_again_and_only_adds() {
    let geometry = Geometry::new(20 * 32_768, 32_768).unwrap();
    let mut peer = Peer::new(
        config(0, geometry),
        Seed::from_number(1),
        Instant::ZERO,
        None,
    )
    .unwrap();
    let remote = Remote {
        peer_id: PeerId([9; 20]),
        fast: true,
        extended: false,
    };
    let conn = peer.accept(Instant::ZERO, addr(1), remote).unwrap();
    let mut map = |pieces: &[usize], length| {
        let mut bits = Bitfield::new(length);
        for &piece in pieces {
            bits.insert(piece);
        }
        let message = Message::Bitfield(Box::new(bits));
        peer.handle(Instant::ZERO, Input::Message(conn, message));
        let view = peer.neighbours().find(|view| view.conn == conn);
        view.map(|view| view.pieces)
    };
    assert_eq!(map(&[1, 2], 20), Some(2));
    assert_eq!(map(&[1, 2, 3, 4], 20), Some(4));
    assert_eq!(map(&[5], 20), Some(5));
    assert_eq!(map(&[5], 21), None, "of another length");
}
