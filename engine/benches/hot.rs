//! The parts of the engine that run for every block or oftener: `cargo bench -p swarmbed-engine`.
//!
//! Ratios between two commits on one machine are what these are for; nothing is asserted.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use swarmbed_engine::policy::{ChokerConfig, PlaybackConfig, SelectorConfig};
use swarmbed_engine::wire::{Decoder, Encoder};
use swarmbed_engine::*;

const PIECES: u32 = 1145;
const NEIGHBOURS: u8 = 20;

fn config(selector: &str) -> Config {
    Config {
        peer_id: PeerId([0; 20]),
        listen: None,
        geometry: Geometry::new(u64::from(PIECES) * 16_384, 16_384).expect("a geometry"),
        bitrate: Some(Rate::from_bits_per_s(500_000)),
        selector: SelectorConfig::from_name(selector).expect("a selector of the table"),
        choker: ChokerConfig::from_name("tit-for-tat").expect("a choker of the table"),
        seed_choker: ChokerConfig::from_name("seed-fastest").expect("a choker of the table"),
        playback: PlaybackConfig::default(),
        limits: Limits::default(),
        announce_interval: Duration::from_secs(600),
        upload: true,
        behaviour: Behaviour::Honest,
        web_seed: None,
        exchange: Exchange::default(),
        detail: Detail::Summary,
        live: None,
    }
}

fn drain(peer: &mut Peer) -> u32 {
    let mut outputs = 0;
    while let Some(output) = peer.poll_output() {
        drop(black_box(output));
        outputs += 1;
    }
    outputs
}

/// A peer with neighbours that have half of the pieces each and do not choke it.
fn busy(selector: &str) -> (Peer, Vec<ConnId>) {
    let mut peer =
        Peer::new(config(selector), Seed::from_number(1), Instant::ZERO, None).expect("a peer");
    let mut rng = Seed::from_number(2).stream("bench", 0);
    let conns: Vec<ConnId> = (1..=NEIGHBOURS)
        .map(|number| {
            let remote = Remote {
                peer_id: PeerId([number; 20]),
                fast: true,
                extended: true,
            };
            let addr = ([10, 0, 0, number], 6881).into();
            let conn = peer
                .accept(Instant::ZERO, addr, remote)
                .expect("there is room");
            let mut map = Bitfield::new(PIECES);
            for offset in 0..PIECES as usize {
                if rng.chance(0.5) {
                    map.insert(offset);
                }
            }
            peer.handle(
                Instant::ZERO,
                Input::Message(conn, Message::Bitfield(Box::new(map))),
            );
            drain(&mut peer);
            conn
        })
        .collect();
    (peer, conns)
}

fn have(bench: &mut Criterion) {
    bench.bench_function("have: 20 neighbours announce 1145 pieces", |bench| {
        bench.iter_batched(
            || busy("rarest-first"),
            |(mut peer, conns)| {
                for piece in 0..PIECES {
                    for &conn in &conns {
                        peer.handle(
                            Instant::from_secs(1),
                            Input::Message(conn, Message::Have(PieceIndex(piece))),
                        );
                        drain(&mut peer);
                    }
                }
                peer
            },
            BatchSize::LargeInput,
        );
    });
}

fn blocks(bench: &mut Criterion) {
    for selector in ["rarest-first", "in-order", "give-to-get"] {
        bench.bench_function(
            &format!("block: request, store, verify, tell; {selector}"),
            |bench| {
                bench.iter_batched(
                    || {
                        let (mut peer, conns) = busy(selector);
                        let mut asked = Vec::new();
                        for &conn in &conns {
                            peer.handle(
                                Instant::from_secs(1),
                                Input::Message(conn, Message::Unchoke),
                            );
                            while let Some(output) = peer.poll_output() {
                                if let Output::Send(conn, Message::Request(block)) = output {
                                    asked.push((conn, block));
                                }
                            }
                        }
                        (peer, asked)
                    },
                    |(mut peer, mut asked)| {
                        // Every block brings the next request, until nothing is left to ask.
                        let mut now = Instant::from_secs(2);
                        while let Some((conn, block)) = asked.pop() {
                            now += Duration::from_millis(1);
                            let mut next = vec![Input::Message(conn, Message::Piece(block))];
                            while let Some(input) = next.pop() {
                                peer.handle(now, input);
                                while let Some(output) = peer.poll_output() {
                                    match output {
                                        Output::Send(conn, Message::Request(block)) => {
                                            asked.push((conn, block))
                                        }
                                        Output::Store(block) => {
                                            next.push(Input::Stored {
                                                block,
                                                result: StoreResult::Done,
                                            });
                                        }
                                        Output::Verify(piece) => {
                                            next.push(Input::Verified {
                                                piece,
                                                verdict: Verdict::Good,
                                            });
                                        }
                                        _ => {}
                                    }
                                }
                            }
                        }
                        assert!(peer.pieces().count() > PIECES / 2, "the bench moves blocks");
                        peer
                    },
                    BatchSize::LargeInput,
                );
            },
        );
    }
}

/// A neighbour lets us in and shuts us out, again and again: each time the pipeline to it is filled.
fn select(bench: &mut Criterion) {
    for selector in [
        "rarest-first",
        "in-order",
        "give-to-get",
        "libtorrent-deadline",
    ] {
        let (mut peer, conns) = busy(selector);
        let mut turn = 0;
        let mut now = Instant::from_secs(1);
        bench.bench_function(&format!("select: fill a pipeline; {selector}"), |bench| {
            bench.iter(|| {
                let conn = conns[turn % conns.len()];
                turn += 1;
                now += Duration::from_micros(10);
                peer.handle(now, Input::Message(conn, Message::Unchoke));
                let mut asked = 0;
                while let Some(output) = peer.poll_output() {
                    asked += u32::from(matches!(output, Output::Send(_, Message::Request(_))));
                }
                peer.handle(now, Input::Message(conn, Message::Choke));
                drain(&mut peer);
                assert!(asked > 0, "the bench asks for blocks");
            });
        });
    }
}

/// Choke rounds among neighbours that all want something.
fn rechoke(bench: &mut Criterion) {
    const ROUNDS: u64 = 10;
    let interested = || {
        let (mut peer, conns) = busy("rarest-first");
        for conn in conns {
            peer.handle(
                Instant::from_secs(1),
                Input::Message(conn, Message::Interested),
            );
        }
        drain(&mut peer);
        peer
    };
    bench.bench_function("rechoke: 10 rounds among 20 neighbours", |bench| {
        bench.iter_batched(
            interested,
            |mut peer| {
                let mut said = 0;
                for round in 1..=ROUNDS {
                    peer.handle(Instant::from_secs(1 + 10 * round), Input::Timeout);
                    said += drain(&mut peer);
                }
                assert!(said > 0, "the bench unchokes somebody");
                peer
            },
            BatchSize::LargeInput,
        );
    });
}

fn codec(bench: &mut Criterion) {
    let block = Block {
        piece: PieceIndex(7),
        begin: 0,
        length: 16_384,
    };
    let messages = [
        Message::Have(PieceIndex(9)),
        Message::Request(block),
        Message::Interested,
        Message::Unchoke,
    ];
    let encoder = Encoder::default();
    let mut bytes = Vec::new();
    for message in messages.iter().cycle().take(1000) {
        encoder
            .encode(message, &mut bytes)
            .expect("plain messages are always spoken");
    }
    bench.bench_function("codec: encode 1000 small messages", |bench| {
        let mut into = Vec::with_capacity(bytes.len());
        bench.iter(|| {
            into.clear();
            for message in messages.iter().cycle().take(1000) {
                encoder
                    .encode(black_box(message), &mut into)
                    .expect("plain messages are always spoken");
            }
            assert_eq!(into.len(), bytes.len());
        });
    });
    bench.bench_function("codec: decode 1000 small messages", |bench| {
        bench.iter(|| {
            let mut decoder = Decoder::new(PIECES);
            let mut input = &bytes[..];
            let mut count = 0;
            while let Ok(Some(decoded)) = decoder.decode(&mut input) {
                black_box(decoded);
                count += 1;
            }
            assert_eq!(count, 1000);
        });
    });
}

criterion_group!(hot, have, select, blocks, rechoke, codec);
criterion_main!(hot);
