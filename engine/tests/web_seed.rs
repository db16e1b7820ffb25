//! A web seed: when it is asked, for what, and what becomes of its answers.

mod support;

use std::time::Duration;

use support::config;
use swarmbed_engine::*;

const PIECES: u32 = 20;

/// A viewer of a film of 20 s in pieces of a second, which has pressed play.
fn viewer(when: WebSeedUse) -> Peer {
    let geometry = Geometry::new(u64::from(PIECES) * 65_536, 65_536).unwrap();
    let mut config = config(0, geometry);
    config.bitrate = Some(Rate::from_bytes_per_s(65_536));
    config.web_seed = Some(when);
    let mut peer = Peer::new(config, Seed::from_number(1), Instant::ZERO, None).unwrap();
    peer.play(Instant::ZERO).unwrap();
    peer
}

fn fetches(peer: &mut Peer) -> Vec<u32> {
    let outputs = std::iter::from_fn(|| peer.poll_output());
    outputs
        .filter_map(|output| match output {
            Output::Fetch(piece) => Some(piece.0),
            _ => None,
        })
        .collect()
}

fn tick(peer: &mut Peer, second: u64) -> Vec<u32> {
    peer.handle(Instant::from_secs(second), Input::Timeout);
    fetches(peer)
}

/// The server sends what it was asked for, and its bytes are judged.
fn answer(peer: &mut Peer, second: u64, piece: u32, verdict: Verdict) -> Vec<u32> {
    let (now, piece) = (Instant::from_secs(second), PieceIndex(piece));
    let result = FetchResult::Done;
    peer.handle(now, Input::Fetched { piece, result });
    let wanted = std::iter::from_fn(|| peer.poll_output());
    let mut fetched: Vec<u32> = Vec::new();
    let mut verify = false;
    for output in wanted {
        match output {
            Output::Verify(of) => verify |= of == piece,
            Output::Fetch(piece) => fetched.push(piece.0),
            _ => {}
        }
    }
    assert!(verify, "all of piece {piece:?} came at once");
    peer.handle(now, Input::Verified { piece, verdict });
    fetched.extend(fetches(peer));
    fetched
}

#[test]
fn always_is_one_piece_after_the_other_in_order() {
    let mut peer = viewer(WebSeedUse::Always);
    assert_eq!(tick(&mut peer, 0), [0]);
    assert!(tick(&mut peer, 1).is_empty(), "one at a time");
    for piece in 0..PIECES - 1 {
        assert_eq!(answer(&mut peer, 2, piece, Verdict::Good), [piece + 1]);
    }
    assert!(answer(&mut peer, 3, PIECES - 1, Verdict::Good).is_empty());
    assert!(peer.pieces().is_full());
    let traffic = peer.traffic();
    assert_eq!(traffic.from_web_seed, u64::from(PIECES) * 65_536);
    assert_eq!((traffic.payload_down, traffic.duplicate), (0, 0));
}

#[test]
fn a_low_buffer_is_filled_and_no_more() {
    let mut peer = viewer(WebSeedUse::BufferLow(Duration::from_secs(3)));
    assert_eq!(tick(&mut peer, 0), [0]);
    assert_eq!(answer(&mut peer, 0, 0, Verdict::Good), [1]);
    assert_eq!(answer(&mut peer, 0, 1, Verdict::Good), [2]);
    assert!(
        answer(&mut peer, 0, 2, Verdict::Good).is_empty(),
        "3 s are here"
    );
    assert!(tick(&mut peer, 5).is_empty());
    peer.pause(Instant::from_secs(6)).unwrap();
    peer.seek(Instant::from_secs(7), 10 * 65_536).unwrap();
    assert!(
        tick(&mut peer, 8).is_empty(),
        "a viewer who paused needs nothing"
    );
    peer.resume(Instant::from_secs(9)).unwrap();
    assert_eq!(tick(&mut peer, 9), [10]);
}

#[test]
fn a_prefix_is_all_that_is_asked_for() {
    let mut peer = viewer(WebSeedUse::Prefix(Duration::from_millis(1500)));
    assert_eq!(tick(&mut peer, 0), [0]);
    assert_eq!(answer(&mut peer, 0, 0, Verdict::Good), [1]);
    assert!(answer(&mut peer, 0, 1, Verdict::Good).is_empty());
    assert!(tick(&mut peer, 100).is_empty());
}

#[test]
fn a_refusal_is_waited_out_and_frees_the_piece() {
    let mut peer = viewer(WebSeedUse::Always);
    assert_eq!(tick(&mut peer, 0), [0]);
    let failed = |seconds| FetchResult::Failed {
        retry_after: Duration::from_secs(seconds),
    };
    let piece = PieceIndex(0);
    // An answer to nothing that was asked means nothing.
    peer.handle(
        Instant::ZERO,
        Input::Fetched {
            piece: PieceIndex(7),
            result: failed(1000),
        },
    );
    peer.handle(
        Instant::ZERO,
        Input::Fetched {
            piece,
            result: failed(30),
        },
    );
    assert!(fetches(&mut peer).is_empty());
    assert!(tick(&mut peer, 29).is_empty());
    assert_eq!(tick(&mut peer, 30), [0]);
    peer.handle(
        Instant::from_secs(30),
        Input::Fetched {
            piece,
            result: failed(0),
        },
    );
    assert!(
        fetches(&mut peer).is_empty(),
        "not at once, whatever it says"
    );
    assert_eq!(tick(&mut peer, 31), [0]);
}

#[test]
fn a_server_that_sends_garbage_is_asked_no_more() {
    let mut peer = viewer(WebSeedUse::Always);
    assert_eq!(tick(&mut peer, 0), [0]);
    // The next is asked for before the first is judged; none after it.
    assert_eq!(answer(&mut peer, 0, 0, Verdict::Bad), [1]);
    assert!(answer(&mut peer, 1, 1, Verdict::Good).is_empty());
    assert!(tick(&mut peer, 1000).is_empty());
    assert!(!peer.has(PieceIndex(0)));
}
