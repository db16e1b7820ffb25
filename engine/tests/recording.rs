//! Recordings: what was told and answered comes back, hosts do not, and bytes that are none are an
//! error and never a panic.

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;
use support::lab::Lab;
use support::{addr, config};
use swarmbed_engine::policy::{PlaybackConfig, SelectorConfig, StartRule};
use swarmbed_engine::recording::{End, MAGIC, Malformed, Recorder, Recording, Step};
use swarmbed_engine::*;

fn geometry() -> Geometry {
    Geometry::new(40 * 65_536 + 777, 65_536).unwrap()
}

fn viewer() -> Config {
    Config {
        bitrate: Some(Rate::from_bytes_per_s(100_000)),
        selector: SelectorConfig::from_name("give-to-get").unwrap(),
        playback: PlaybackConfig {
            start: StartRule::Prebuffer(Duration::from_secs(2)),
            ..PlaybackConfig::default()
        },
        exchange: Exchange {
            metadata: Some(5000),
            pex: true,
        },
        ..config(1, geometry())
    }
}

/// A viewer between a seed and another viewer, who jumps, and waits for bytes; what was recorded.
fn recorded(end: Option<End>) -> (Vec<u8>, Vec<String>) {
    let (geometry, seed) = (geometry(), Seed::from_number(7));
    let (have, none) = (
        Bitfield::full(geometry.pieces()),
        Bitfield::new(geometry.pieces()),
    );
    let start = |config: Config, have: &Bitfield| {
        let seed = seed.child("peer", u64::from(config.peer_id.0[0]));
        Peer::new(config, seed, Instant::ZERO, Some(have.clone())).unwrap()
    };
    let other = Config {
        peer_id: PeerId([9; 20]),
        listen: Some(addr(2)),
        ..viewer()
    };
    let peers = vec![
        start(config(0, geometry), &have),
        start(viewer(), &none),
        start(other, &none),
    ];
    let child = seed.child("peer", u64::from(viewer().peer_id.0[0]));
    let recorder = Recorder::new(&viewer(), child, Instant::ZERO, &none);
    let mut lab = Lab::recorded(peers, Some((1, recorder)));
    lab.introduce(1, &[0]);
    lab.introduce(2, &[1]);
    for second in [1, 2] {
        lab.tell(Instant::from_secs(second), 1, Call::Play);
    }
    lab.tell(Instant::from_secs(4), 1, Call::Seek(2_000_000));
    lab.tell(
        Instant::from_secs(5),
        1,
        Call::Want {
            from: 70_000,
            length: 1,
        },
    );
    lab.tell(
        Instant::from_secs(6),
        1,
        Call::Unwant {
            from: 70_000,
            length: 1,
        },
    );
    lab.run_until(Instant::from_secs(20));
    lab.tell(Instant::from_secs(20), 1, Call::Leave);
    lab.run_until(Instant::from_secs(21));
    let (_, mut recorder) = lab.tape.take().unwrap();
    let outputs = lab.outputs.into_iter().filter(|(whose, _)| *whose == 1);
    let outputs = outputs.map(|(_, output)| output).collect();
    let mut bytes = recorder.take();
    assert_eq!(recorder.length(), bytes.len() as u64);
    if let Some(end) = end {
        bytes.extend(recorder.end(end));
    }
    (bytes, outputs)
}

fn steps(recording: &Recording) -> Vec<Step> {
    recording.steps().map(Result::unwrap).collect()
}

#[test]
fn a_run_played_again_answers_the_same() {
    let (bytes, outputs) = recorded(Some(End::Whole));
    let recording = Recording::parse(&bytes).unwrap();
    assert_eq!(recording.end(), End::Whole);
    assert_eq!(recording.config().selector, viewer().selector);
    let mut peer = recording.peer(|_| {}).unwrap();
    let (mut told, mut answers) = (0, 0);
    for step in steps(&recording) {
        if let Some(call) = step.call {
            peer.call(step.now, call);
            told += 1;
        }
        for output in step.outputs {
            assert_eq!(Some(output), peer.poll_output(), "at {}", step.now);
            answers += 1;
        }
        assert_eq!(peer.poll_output(), None);
    }
    assert!(told > 500, "{told}");
    assert_eq!(answers, outputs.len());
    // It was worth it: it dialled, was dialled, watched, jumped, left.
    for word in [
        "Dial",
        "outbound: false",
        "Started",
        "SeekDone",
        "Left",
        "Pex",
    ] {
        assert!(outputs.iter().any(|one| one.contains(word)), "{word}");
    }
    let blocks = geometry().total().div_ceil(16_384);
    let each = bytes.len() as u64 / blocks;
    assert!(each < 250, "{each} bytes a block");
}

#[test]
fn nobody_s_address_is_in_it() {
    let mut config = viewer();
    let hosts = [
        "203.0.113.77:6881",
        "[2001:db8:77::5]:7000",
        "203.0.113.77:9",
    ];
    let hosts: Vec<SocketAddr> = hosts.iter().map(|one| one.parse().unwrap()).collect();
    config.listen = Some(hosts[0]);
    let none = Bitfield::new(geometry().pieces());
    let mut recorder = Recorder::new(&config, Seed::from_number(1), Instant::ZERO, &none);
    let nobody = SocketAddr::from(([0, 0, 0, 0], 5));
    let pex = Pex::new(
        vec![PexPeer {
            addr: hosts[1],
            flags: 2,
        }],
        vec![hosts[2], nobody],
    );
    let conn = {
        let mut peer =
            Peer::new(config.clone(), Seed::from_number(1), Instant::ZERO, None).unwrap();
        let remote = Remote {
            peer_id: PeerId([3; 20]),
            fast: true,
            extended: true,
        };
        peer.accept(Instant::ZERO, hosts[1], remote).unwrap()
    };
    let message = Message::Extended(Box::new(Extended::Pex(Box::new(pex))));
    recorder.call(Instant::ZERO, &Call::Input(Input::Message(conn, message)));
    let event = Event::Connected {
        conn,
        addr: hosts[0],
        outbound: true,
    };
    recorder.output(&Output::Event(event));
    let bytes = recorder.end(End::Whole);
    let find = |what: &[u8]| bytes.windows(what.len()).any(|one| one == what);
    assert!(!find(&[203, 0, 113, 77]));
    assert!(!find(&[0x20, 0x01, 0x0d, 0xb8]));

    let recording = Recording::parse(&bytes).unwrap();
    let listen = recording.config().listen.unwrap();
    let steps = steps(&recording);
    let Some(Call::Input(Input::Message(_, Message::Extended(said)))) = &steps[1].call else {
        panic!("{:?}", steps[1]);
    };
    let Extended::Pex(pex) = &**said else {
        panic!("{said:?}");
    };
    // The same host is the same, of the same family, at the same port; nobody is nobody.
    assert_eq!(listen.ip(), pex.dropped()[0].ip());
    assert_eq!((listen.port(), pex.dropped()[0].port()), (6881, 9));
    assert!(pex.added()[0].addr.is_ipv6());
    assert_eq!(pex.dropped()[1], nobody);
    let Output::Event(Event::Connected { addr, .. }) = &steps[1].outputs[0] else {
        panic!("{:?}", steps[1]);
    };
    assert_eq!(*addr, listen);
}

#[test]
fn the_torrent_s_bytes_are_not_in_it() {
    let none = Bitfield::new(geometry().pieces());
    let mut recorder = Recorder::new(&viewer(), Seed::from_number(1), Instant::ZERO, &none);
    let lab = Peer::new(viewer(), Seed::from_number(1), Instant::ZERO, None);
    let remote = Remote {
        peer_id: PeerId([3; 20]),
        fast: true,
        extended: true,
    };
    let conn = lab.unwrap().accept(Instant::ZERO, addr(3), remote).unwrap();
    let data = |bytes| {
        let data = Metadata::Data {
            piece: 3,
            total: 60_000,
            bytes,
        };
        let message = Message::Extended(Box::new(Extended::Metadata(data)));
        Call::Input(Input::Message(conn, message))
    };
    recorder.call(Instant::ZERO, &data(b"4:name6:secret".to_vec()));
    let bytes = recorder.end(End::Full);
    assert!(bytes.windows(6).all(|one| one != b"secret"));
    let recording = Recording::parse(&bytes).unwrap();
    assert_eq!(recording.end(), End::Full);
    assert_eq!(steps(&recording)[1].call, Some(data(vec![0; 14])));
}

#[test]
fn cut_off_anywhere_it_is_read_as_far_as_its_last_frame() {
    let (geometry, seed) = (geometry(), Seed::from_number(1));
    let mut recorder = Recorder::new(
        &viewer(),
        seed,
        Instant::ZERO,
        &Bitfield::new(geometry.pieces()),
    );
    let mut bytes = Vec::new();
    let mut ends = Vec::new();
    for second in 0..5 {
        recorder.call(Instant::from_secs(second), &Call::Input(Input::Timeout));
        recorder.output(&Output::Verify(PieceIndex(3)));
        bytes.extend(recorder.take());
        ends.push(bytes.len());
    }
    bytes.extend(recorder.end(End::Whole));
    for length in 0..bytes.len() {
        let cut = Recording::parse(&bytes[..length]);
        let whole = ends.iter().filter(|end| **end <= length).count();
        match cut {
            Ok(cut) => {
                assert_eq!(cut.end(), End::Torn);
                assert_eq!(steps(&cut).len(), 1 + whole, "{length}");
            }
            Err(Malformed::Magic) => assert!(length < MAGIC.len()),
            Err(Malformed::Empty) => assert_eq!(whole, 0),
            Err(other) => panic!("{length}: {other}"),
        }
    }
    let whole = Recording::parse(&bytes).unwrap();
    assert_eq!((whole.end(), steps(&whole).len()), (End::Whole, 6));
    bytes.push(0);
    assert_eq!(
        Recording::parse(&bytes).unwrap_err(),
        Malformed::Trailing(bytes.len() - 1)
    );
    assert_eq!(
        Recording::parse(b"d8:announce").unwrap_err(),
        Malformed::Magic
    );
    bytes[7] = 99;
    assert_eq!(
        Recording::parse(&bytes).unwrap_err(),
        Malformed::Version(99, MAGIC[7])
    );
}

/// As the format has it.
fn sealed(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u64;
    let head = std::iter::once(kind).chain(length.to_le_bytes());
    let check = head
        .chain(payload.iter().copied())
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let length = u32::try_from(payload.len()).unwrap();
    [
        &[kind][..],
        &length.to_le_bytes(),
        &check.to_le_bytes(),
        payload,
    ]
    .concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_damaged_is_found_out(at in 0.0..1.0_f64, bit in 0..8_u8) {
        let (mut bytes, _) = recorded(Some(End::Whole));
        let whole = steps(&Recording::parse(&bytes).unwrap());
        let place = (bytes.len() as f64 * at) as usize;
        bytes[place] ^= 1 << bit;
        // A frame that says it is longer than the file is one that was cut off.
        if let Ok(recording) = Recording::parse(&bytes) {
            prop_assert_eq!(recording.end(), End::Torn);
            let read = steps(&recording);
            prop_assert_eq!(&read[..], &whole[..read.len()]);
        }
    }

    #[test]
    fn nonsense_with_a_good_check_is_an_error_or_a_recording(
        changes in proptest::collection::vec((0.0..1.0_f64, any::<u8>()), 1..8),
        cut in 0..40_usize,
    ) {
        let (bytes, _) = recorded(None);
        let mut payload = bytes[MAGIC.len() + 13..].to_vec();
        payload.truncate(payload.len() - cut);
        // The configuration is in front: a window of millions of pieces is no nonsense.
        let first = 200;
        for (at, byte) in changes {
            let place = first + ((payload.len() - first) as f64 * at) as usize;
            payload[place] = byte;
        }
        let bytes = [MAGIC.to_vec(), sealed(1, &payload)].concat();
        if let Ok(recording) = Recording::parse(&bytes) {
            let mut last = Instant::ZERO;
            for step in recording.steps() {
                match step {
                    Ok(step) => {
                        prop_assert!(step.now >= last);
                        last = step.now;
                    }
                    Err(malformed) => prop_assert!(!malformed.to_string().is_empty()),
                }
            }
        }
    }
}

#[test]
fn values_come_back() {
    use swarmbed_engine::live::{LiveConfig, Numbering, Role};
    let live = LiveConfig {
        // As they are named there: in the order they are written.
        source_at: Some([10, 0, 0, 2].into()),
        role: Role::Source {
            first: PieceIndex(7),
            auxiliary: vec![SocketAddr::from(([10, 0, 0, 2], 0))],
            super_seeding: None,
        },
        ..LiveConfig::viewer(Numbering::Ring(100))
    };
    let config = Config {
        listen: None,
        geometry: live.geometry(65_536).unwrap(),
        selector: SelectorConfig::Bitos {
            p: 0.1,
            high: 1.0 / 3.0,
        },
        behaviour: Behaviour::Sybil([SocketAddr::from(([10, 0, 0, 1], 9))].into()),
        web_seed: Some(WebSeedUse::BufferLow(Duration::new(3, 999_999_999))),
        live: Some(live),
        ..viewer()
    };
    let pieces = config.geometry.pieces();
    let seed = Seed::from_number(u64::MAX);
    let mut have = Bitfield::new(pieces);
    have.insert(0);
    let mut recorder = Recorder::new(&config, seed, Instant::from_secs(3600), &have);
    let at = Instant::from_nanos(u64::MAX - 1);
    let reason = CloseReason::Violation("a reason");
    let conn = {
        let mut peer = Peer::new(viewer(), seed, Instant::ZERO, None).unwrap();
        let remote = Remote {
            peer_id: PeerId([3; 20]),
            fast: true,
            extended: true,
        };
        peer.accept(Instant::ZERO, addr(3), remote).unwrap()
    };
    let handshake = ExtendedHandshake {
        extensions: vec![("ut_pex".into(), 1)],
        client: Some("a client ü".into()),
        ..ExtendedHandshake::default()
    };
    let mut odd = Bitfield::new(77);
    odd.insert(76);
    odd.insert(0);
    let verdict = Verdict::GoodLive {
        produced_at: at,
        last: true,
        differing: vec![3, 65_535],
    };
    let inputs = vec![
        Input::Closed { conn, reason },
        Input::Closed { conn, reason },
        Input::Message(
            conn,
            Message::Extended(Box::new(Extended::Handshake(handshake))),
        ),
        Input::Message(conn, Message::Bitfield(Box::new(odd))),
        Input::Message(conn, Message::Bitfield(Box::new(Bitfield::full(1)))),
        Input::Message(
            conn,
            Message::Extended(Box::new(Extended::G2gShares(G2gShares::new(vec![
                (PieceIndex(10), 7),
                (PieceIndex(2), 100),
            ])))),
        ),
        Input::Verified {
            piece: PieceIndex(u32::MAX),
            verdict,
        },
        Input::Fetched {
            piece: PieceIndex(1),
            result: FetchResult::Failed {
                retry_after: Duration::from_millis(1500),
            },
        },
        Input::Uplink(Rate::from_bytes_per_s(u64::MAX)),
    ];
    for input in &inputs {
        recorder.call(at, &Call::Input(input.clone()));
    }
    recorder.output(&Output::Close(conn, reason));
    recorder.output(&Output::Event(Event::Resumed {
        piece: PieceIndex(3),
        millis: 6,
        causes: CauseMillis([1, 2, 3, 0, 0, 0]),
    }));
    let recording = Recording::parse(&recorder.end(End::Whole)).unwrap();
    assert_eq!(recording.began(), Instant::from_secs(3600));
    assert_eq!(recording.peer(|_| {}).unwrap().pieces(), &have);
    assert_eq!(recording.config(), &config);
    let steps = steps(&recording);
    let told: Vec<Input> = steps
        .iter()
        .filter_map(|step| match &step.call {
            Some(Call::Input(input)) => Some(input.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(told, inputs);
    assert_eq!(steps.last().unwrap().now, at);
    assert_eq!(steps.last().unwrap().outputs.len(), 2);
    assert_eq!(
        steps.last().unwrap().outputs[0],
        Output::Close(conn, reason)
    );
}
