//! Give-to-Get's questions: who answers them.

mod support;

use support::{addr, config};
use swarmbed_engine::policy::ChokerConfig;
use swarmbed_engine::*;

/// What a peer with this choker, for leeching and for seeding, sends to a stranger who asks of a child.
fn answers(choker: &str) -> Vec<Datagram> {
    let mut config = config(0, Geometry::new(1 << 20, 65_536).unwrap());
    config.choker = ChokerConfig::from_name(choker).unwrap();
    config.seed_choker = config.choker.clone();
    let mut peer = Peer::new(config, Seed::from_number(1), Instant::ZERO, None).unwrap();
    let question = Input::Datagram {
        from: addr(1),
        datagram: Box::new(Datagram::Query(G2gQuery {
            nonce: 7,
            child: PeerId([1; 20]),
        })),
    };
    peer.handle(Instant::ZERO, question);
    let outputs = std::iter::from_fn(|| peer.poll_output());
    outputs
        .filter_map(|output| match output {
            Output::Datagram { datagram, .. } => Some(*datagram),
            _ => None,
        })
        .collect()
}

#[test]
fn who_does_not_speak_give_to_get_answers_no_question() {
    let report = Datagram::Report(G2gReport {
        nonce: 7,
        child: PeerId([1; 20]),
        received: Vec::new(),
    });
    assert_eq!(answers("give-to-get"), [report]);
    assert_eq!(answers("tit-for-tat"), []);
    assert_eq!(answers("give-to-get-shipped"), []);
}
