//! Receipts: who acknowledges, who carries, and which of them count.

mod support;

use support::lab::Lab;
use support::{addr, config};
use swarmbed_engine::policy::ChokerConfig;
use swarmbed_engine::*;

const PIECES: u32 = 40;
const LONG: u32 = 400;

fn geometry() -> Geometry {
    Geometry::new(u64::from(PIECES) * 65_536, 65_536).unwrap()
}

fn receipts() -> ChokerConfig {
    ChokerConfig::from_name("receipts").unwrap()
}

fn peer_id(index: usize) -> PeerId {
    config(index, geometry()).peer_id
}

/// A peer with everything, whose tracker has named peers 0 to 9, and whose neighbour is peer 1.
fn parent() -> (Peer, ConnId) {
    let mut config = config(0, geometry());
    config.choker = receipts();
    config.seed_choker = receipts();
    let have = Some(Bitfield::full(PIECES));
    let mut peer = Peer::new(config, Seed::from_number(1), Instant::ZERO, have).unwrap();
    let remote = Remote {
        peer_id: peer_id(1),
        fast: true,
        extended: true,
    };
    let conn = peer.accept(Instant::ZERO, addr(1), remote).unwrap();
    let handshake = ExtendedHandshake {
        extensions: vec![("sw_receipts".into(), 15)],
        port: Some(6881),
        ..ExtendedHandshake::default()
    };
    say(&mut peer, conn, Extended::Handshake(handshake));
    let peers = (0..10).map(addr).collect();
    let source = AddressSource::Tracker;
    peer.handle(Instant::ZERO, Input::Addresses { source, peers });
    drain(&mut peer);
    (peer, conn)
}

fn say(peer: &mut Peer, conn: ConnId, what: Extended) {
    let message = Message::Extended(Box::new(what));
    peer.handle(Instant::ZERO, Input::Message(conn, message));
}

fn drain(peer: &mut Peer) -> Vec<Output> {
    std::iter::from_fn(|| peer.poll_output()).collect()
}

fn receipt(receiver: usize, forwarder: usize, received: &[(u32, u16)]) -> Receipt {
    Receipt {
        receiver: addr(receiver),
        receiver_id: peer_id(receiver),
        forwarder: peer_id(forwarder),
        received: received
            .iter()
            .map(|&(piece, blocks)| (PieceIndex(piece), blocks))
            .collect(),
        seal: Seal::default(),
    }
}

/// Brings receipts; how many were brought and how many counted so far.
fn bring(peer: &mut Peer, conn: ConnId, receipts: Vec<Receipt>) -> (u64, u64) {
    say(peer, conn, Extended::Receipts(receipts));
    (peer.traffic().queries, peer.traffic().answers)
}

#[test]
fn it_counts_what_a_known_receiver_acknowledges_once() {
    let (mut peer, conn) = parent();
    assert_eq!(
        bring(&mut peer, conn, vec![receipt(5, 1, &[(3, 2)])]),
        (1, 1)
    );
    // The same blocks again, by whomever; then the rest of the piece.
    assert_eq!(
        bring(&mut peer, conn, vec![receipt(5, 1, &[(3, 2)])]),
        (2, 2)
    );
    assert_eq!(
        bring(&mut peer, conn, vec![receipt(5, 1, &[(3, 4)])]),
        (3, 2),
        "all four are spent"
    );
    assert_eq!(
        bring(&mut peer, conn, vec![receipt(6, 1, &[(3, 4)])]),
        (4, 3)
    );
}

#[test]
fn it_counts_no_invention_no_impostor_and_nobody_s_own_word() {
    let (mut peer, conn) = parent();
    // An address that no tracker has named; our own; the forwarder's.
    for receiver in [11, 0, 1] {
        let told = bring(&mut peer, conn, vec![receipt(receiver, 1, &[(3, 1)])]);
        assert_eq!(told.1, 0, "{receiver}");
    }
    // An address has one name: the first.
    assert_eq!(bring(&mut peer, conn, vec![receipt(5, 1, &[(3, 1)])]).1, 1);
    let impostor = Receipt {
        receiver_id: peer_id(6),
        ..receipt(5, 1, &[(4, 1)])
    };
    assert_eq!(bring(&mut peer, conn, vec![impostor]).1, 1);
}

#[test]
fn what_cannot_be_closes() {
    for (receipts, what) in [
        (
            vec![receipt(5, 7, &[(3, 1)])],
            "a receipt of somebody else's blocks",
        ),
        // That peer 5 acknowledges our blocks is for peer 5 to say.
        (
            vec![receipt(5, 0, &[(3, 1)])],
            "a receipt of somebody else's blocks",
        ),
        (
            vec![receipt(5, 1, &[(PIECES, 1)])],
            "a receipt of blocks beyond the torrent",
        ),
        (
            vec![receipt(5, 1, &[(3, 5)])],
            "a receipt of blocks beyond the torrent",
        ),
        (vec![receipt(5, 1, &[(3, 1)]); 33], "too many receipts"),
    ] {
        let (mut peer, conn) = parent();
        say(&mut peer, conn, Extended::Receipts(receipts));
        let reason = CloseReason::Violation(what);
        assert!(
            drain(&mut peer).contains(&Output::Close(conn, reason)),
            "{what}"
        );
    }
}

/// Peer 0 has everything and knows 1 only; 1 knows 2, to whom it forwards; their tracker has named
/// all three to all.
fn chain(behaviour: Behaviour) -> Lab {
    // Long enough for several rounds of choking.
    let geometry = Geometry::new(u64::from(LONG) * 65_536, 65_536).unwrap();
    let peers = (0..3)
        .map(|index| {
            let mut config = config(index, geometry);
            config.choker = receipts();
            config.seed_choker = receipts();
            config.limits.dial_below = 1;
            config.limits.neighbours_max = if index == 1 { 2 } else { 1 };
            if index == 1 {
                config.behaviour = behaviour.clone();
            }
            let have = (index == 0).then(|| Bitfield::full(LONG));
            Peer::new(config, Seed::from_number(index as u64), Instant::ZERO, have).unwrap()
        })
        .collect();
    let mut lab = Lab::new(peers);
    lab.introduce(1, &[0]);
    lab.introduce(2, &[1]);
    lab.run_until(Instant::from_secs(5));
    lab.introduce(0, &[1, 2]);
    lab
}

#[test]
fn a_receipt_travels_from_the_grandchild_to_the_parent() {
    let mut lab = chain(Behaviour::Honest);
    lab.run_until(Instant::from_secs(60));
    let traffic = |index: usize| lab.peers[index].as_ref().unwrap().traffic();
    assert!(traffic(2).payload_down > 0, "the chain works");
    assert!(traffic(0).answers > 0, "{:?}", traffic(0));
    assert_eq!(traffic(0).answers, traffic(0).queries);
    assert_eq!(traffic(2).queries, 0, "nobody brings it receipts");
}
