//! A neighbour that does not read what it is sent.

mod support;

use support::{addr, config};
use swarmbed_engine::policy::ChokerConfig;
use swarmbed_engine::*;

/// A seed with neighbours that want everything.
fn seed(choker: &str, neighbours: usize) -> (Peer, Vec<ConnId>) {
    let geometry = Geometry::new(20 * 65_536, 65_536).unwrap();
    let config = Config {
        seed_choker: ChokerConfig::from_name(choker).unwrap(),
        ..config(0, geometry)
    };
    let have = Bitfield::full(geometry.pieces());
    let mut peer = Peer::new(config, Seed::from_number(1), Instant::ZERO, Some(have)).unwrap();
    let conns: Vec<ConnId> = (1..=neighbours)
        .map(|index| {
            let remote = Remote {
                peer_id: PeerId([u8::try_from(index).unwrap(); 20]),
                fast: true,
                extended: false,
            };
            let conn = peer.accept(Instant::ZERO, addr(index), remote).unwrap();
            for message in [Message::HaveNone, Message::Interested] {
                peer.handle(Instant::ZERO, Input::Message(conn, message));
            }
            peer.handle(Instant::ZERO, Input::Credit { conn, blocks: 2 });
            conn
        })
        .collect();
    (peer, conns)
}

fn unchoked(peer: &Peer) -> Vec<ConnId> {
    let served = peer.neighbours().filter(|one| !one.we_choke);
    served.map(|one| one.conn).collect()
}

#[test]
fn its_slot_goes_to_another_at_once() {
    for choker in ["seed-fastest", "seed-round-robin"] {
        let (mut peer, conns) = seed(choker, 9);
        let mut now = Instant::from_secs(10);
        peer.handle(now, Input::Timeout);
        let mut deaf = Vec::new();
        // All but one are deaf, and each of them that is served is found out after four seconds.
        while unchoked(&peer) != [conns[8]] {
            let found: Vec<ConnId> = unchoked(&peer)
                .into_iter()
                .filter(|conn| *conn != conns[8])
                .collect();
            assert!(!found.is_empty(), "{choker}: nobody is served");
            now += std::time::Duration::from_secs(4);
            for conn in found {
                peer.handle(now, Input::Unread { conn });
                assert!(!unchoked(&peer).contains(&conn), "{choker}");
                deaf.push(conn);
            }
            assert!(now < Instant::from_secs(60), "{choker}: {deaf:?}");
        }
        // Rounds change nothing in it, until one of them takes a block.
        for second in [70, 80, 100, 130] {
            peer.handle(Instant::from_secs(second), Input::Timeout);
            assert_eq!(unchoked(&peer), [conns[8]], "{choker} at {second}");
        }
        let conn = deaf[0];
        peer.handle(Instant::from_secs(131), Input::Credit { conn, blocks: 1 });
        assert!(unchoked(&peer).contains(&conn), "{choker}: it reads again");
    }
}

#[test]
fn of_one_that_is_gone_nothing_is_heard() {
    let (mut peer, conns) = seed("seed-fastest", 2);
    let (conn, reason) = (conns[0], CloseReason::Remote);
    peer.handle(Instant::from_secs(1), Input::Closed { conn, reason });
    peer.handle(Instant::from_secs(1), Input::Unread { conn });
    assert!(unchoked(&peer).iter().all(|one| *one == conns[1]));
}
