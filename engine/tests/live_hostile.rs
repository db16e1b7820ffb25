//! What a neighbour in a live swarm may not say, and that nonsense neither panics nor grows.

mod support;

use std::time::Duration;

use support::{addr, call_or_overhear, config};
use swarmbed_engine::live::{Expiry, LiveConfig, Numbering, Role, SuperSeeding};
use swarmbed_engine::policy::{HookInConfig, SelectorConfig};
use swarmbed_engine::*;

const PIECE: u32 = 32_768;

fn victim(number: u64, numbering: Numbering, source: bool) -> Peer {
    let index = |length: usize| usize::try_from(number).unwrap() % length;
    let mut live = LiveConfig::viewer(numbering);
    live.expiry = [Expiry::Implied, Expiry::Announced][index(2)];
    let rule = HookInConfig::TABLE[index(HookInConfig::TABLE.len())].name;
    live.hook_in = HookInConfig::from_name(rule).unwrap();
    live.source_at = Some(addr(3).ip());
    if source {
        live.role = Role::Source {
            first: PieceIndex(100),
            auxiliary: vec![addr(4)],
            super_seeding: Some(SuperSeeding {
                k: 1,
                tau: Duration::from_secs(1),
            }),
        };
    }
    let mut config = config(0, live.geometry(PIECE).unwrap());
    config.bitrate = Some(Rate::from_bytes_per_s(65_536));
    if number.is_multiple_of(2) {
        config.detail = Detail::Summary;
    }
    let selector = SelectorConfig::TABLE[index(SelectorConfig::TABLE.len())].name;
    config.selector = SelectorConfig::from_name(selector).unwrap();
    config.live = Some(live);
    let mut peer = Peer::new(config, Seed::from_number(number), Instant::ZERO, None).unwrap();
    if !source {
        peer.play(Instant::ZERO).unwrap();
    }
    peer
}

fn window(tail: u32, length: u32, answer: bool) -> Message {
    Message::Extended(Box::new(Extended::LiveWindow(Box::new(LiveWindow {
        tail: PieceIndex(tail),
        map: Bitfield::full(length),
        answer,
    }))))
}

fn handshake(live: bool) -> Message {
    let mut extensions = vec![("lt_donthave".into(), 14)];
    if live {
        extensions.push(("sw_live_window".into(), 13));
    }
    Message::Extended(Box::new(Extended::Handshake(ExtendedHandshake {
        extensions,
        ..ExtendedHandshake::default()
    })))
}

fn dont_have(piece: u32) -> Message {
    Message::Extended(Box::new(Extended::DontHave(PieceIndex(piece))))
}

fn request(piece: u32) -> Message {
    Message::Request(Block {
        piece: PieceIndex(piece),
        begin: 0,
        length: 16_384,
    })
}

/// What becomes of a neighbour that says this; `None` if it stays.
fn said(peer: &mut Peer, seconds: u64, messages: &[Message]) -> Option<CloseReason> {
    let remote = Remote {
        peer_id: PeerId([9; 20]),
        fast: true,
        extended: true,
    };
    let now = Instant::from_secs(seconds);
    let conn = peer.accept(now, addr(7), remote).unwrap();
    while peer.poll_output().is_some() {}
    for message in messages {
        peer.handle(now, Input::Message(conn, message.clone()));
        while let Some(output) = peer.poll_output() {
            if let Output::Close(_, reason) = output {
                return Some(reason);
            }
        }
    }
    None
}

#[test]
fn what_is_forbidden_closes_and_is_named() {
    let absolute = Numbering::Absolute { window: 100 };
    let violation = |what| Some(CloseReason::Violation(what));
    let before = "a live message before the extension handshake";
    let unmade = "has a piece that was not made yet";
    let beyond = "a piece number beyond the stream's";
    let hello = handshake(true);
    let many = |message: Message, count| vec![message; count];
    let with = |rest: Vec<Message>| {
        let mut all = vec![hello.clone()];
        all.extend(rest);
        all
    };
    let flood = Some(CloseReason::Flood("live announcements"));
    let cases = [
        (false, vec![handshake(false)], Some(CloseReason::NotLive)),
        (false, vec![Message::Have(PieceIndex(1))], violation(before)),
        (false, vec![window(0, 5, false)], violation(before)),
        (false, vec![dont_have(5)], violation(before)),
        (
            false,
            vec![Message::HaveAll],
            violation("a bitfield in a live swarm, whose windows have a message of their own"),
        ),
        (
            false,
            with(vec![Message::Have(PieceIndex(1 << 31))]),
            violation(beyond),
        ),
        (false, with(vec![request(u32::MAX)]), violation(beyond)),
        (false, with(vec![dont_have(1 << 31)]), violation(beyond)),
        (
            false,
            with(vec![window((1 << 31) - 5, 100, false)]),
            violation("a live window beyond its bounds"),
        ),
        (
            true,
            with(vec![Message::Have(PieceIndex(100))]),
            violation(unmade),
        ),
        (true, with(vec![window(90, 11, false)]), violation(unmade)),
        (true, with(vec![window(90, 10, false)]), None),
        (false, with(many(window(7, 9, true), 21)), flood),
        (false, with(many(Message::Have(PieceIndex(5)), 1100)), flood),
        (false, with(many(dont_have(5), 1100)), flood),
        (false, with(many(window(7, 9, true), 15)), None),
        (false, with(vec![window(7, 9, false), request(9999)]), None),
    ];
    for (source, messages, reason) in cases {
        let mut peer = victim(1, absolute, source);
        assert_eq!(
            said(&mut peer, 1, &messages),
            reason,
            "{:?}",
            messages.last()
        );
    }
    let mut ring = victim(1, Numbering::Ring(40), false);
    let wild = with(vec![Message::Have(PieceIndex(40))]);
    assert_eq!(said(&mut ring, 1, &wild), violation(beyond));
}

/// What its window said stands: a HAVE NONE is the greeting of those who speak no other, and comes before it.
#[test]
fn nothing_is_unsaid_by_a_late_have_none() {
    let mut peer = victim(1, Numbering::Absolute { window: 100 }, false);
    let late = [handshake(true), window(7, 9, false), Message::HaveNone];
    assert_eq!(said(&mut peer, 1, &late), None);
    let of_neighbour = |peer: &Peer| peer.neighbours().next().unwrap().pieces;
    assert_eq!(of_neighbour(&peer), 9);
    let conn = peer.neighbours().next().unwrap().conn;
    let one_more = Input::Message(conn, Message::Have(PieceIndex(16)));
    peer.handle(Instant::from_secs(1), one_more);
    assert_eq!(of_neighbour(&peer), 10, "of those and one more");
}

#[test]
fn who_cannot_speak_the_extension_is_refused() {
    let mut peer = victim(1, Numbering::Ring(40), false);
    for (fast, extended) in [(false, true), (true, false)] {
        let remote = Remote {
            peer_id: PeerId([9; 20]),
            fast,
            extended,
        };
        let refused = peer.accept(Instant::ZERO, addr(7), remote);
        assert_eq!(refused, Err(Refused::NotLive));
    }
}

/// One liar among honest neighbours moves no viewer, unless the rule believes anybody.
#[test]
fn a_lie_about_the_newest_piece_moves_only_who_believes_one() {
    for (rule, moved) in [
        ("newest", true),
        ("newest-at-half", false),
        ("follow-source", false),
        ("target-lag", false),
    ] {
        let mut live = LiveConfig::viewer(Numbering::Absolute { window: 200 });
        live.hook_in = HookInConfig::from_name(rule).unwrap();
        let mut config = config(0, live.geometry(PIECE).unwrap());
        config.bitrate = Some(Rate::from_bytes_per_s(65_536));
        config.live = Some(live);
        let mut peer = Peer::new(config, Seed::from_number(1), Instant::ZERO, None).unwrap();
        let mut conns = Vec::new();
        for (number, tail) in [(1, 490), (2, 491), (3, 520), (4, 489)] {
            let remote = Remote {
                peer_id: PeerId([number; 20]),
                fast: true,
                extended: true,
            };
            let at = addr(usize::from(number));
            let conn = peer.accept(Instant::ZERO, at, remote).unwrap();
            peer.handle(Instant::ZERO, Input::Message(conn, handshake(true)));
            peer.handle(Instant::ZERO, Input::Message(conn, window(tail, 10, false)));
            conns.push(conn);
        }
        // Asked again, all say the same.
        for (conn, tail) in conns.iter().zip([490, 491, 520, 489]) {
            peer.handle(
                Instant::ZERO,
                Input::Message(*conn, window(tail, 10, false)),
            );
        }
        peer.play(Instant::ZERO).unwrap();
        peer.handle(Instant::from_secs(2), Input::Timeout);
        let mut hooked = None;
        while let Some(output) = peer.poll_output() {
            if let Output::Event(Event::HookedIn { piece, .. }) = output {
                hooked = Some(piece.0);
            }
        }
        let piece = hooked.unwrap();
        // Prebuffer is 10 s: 20 pieces; a target lag is 15 s: 30.
        assert_eq!(piece > 500, moved, "{rule}: {piece}");
        assert!((460..530).contains(&piece), "{rule}: {piece}");
    }
}

/// What random calls are about.
struct Mood {
    /// Some pieces before those that most of it is about.
    at: u32,
    /// How often what the peer said last is answered.
    answers: f64,
    /// Neighbours greet as they should, and close nothing by what they say: the viewer plays between the nonsense.
    serves: bool,
    greeted: Vec<ConnId>,
}

fn any_message(rng: &mut Rng, numbering: Numbering, mood: &Mood) -> Message {
    let at = mood.at;
    let around = |rng: &mut Rng| {
        let near = at + u32::try_from(rng.below(60)).unwrap();
        match (rng.below(20), numbering) {
            (0, _) if !mood.serves => u32::try_from(rng.below(1 << 32)).unwrap(),
            (_, Numbering::Ring(pieces)) => near % pieces,
            _ => near,
        }
    };
    let block = |rng: &mut Rng| Block {
        piece: PieceIndex(around(rng)),
        begin: u32::try_from(rng.below(2)).unwrap() * 16_384,
        length: 16_384,
    };
    match rng.below(12) {
        0 => Message::Unchoke,
        1 => Message::Choke,
        2..5 => Message::Have(PieceIndex(around(rng))),
        5 => dont_have(around(rng)),
        6 => {
            let tail = at - 10 + u32::try_from(rng.below(60)).unwrap();
            let length = u32::try_from(rng.below(30)).unwrap();
            window(tail, length, rng.chance(0.3))
        }
        7 => Message::Request(block(rng)),
        8 if !mood.serves => Message::Piece(block(rng)),
        9 if !mood.serves => Message::Reject(block(rng)),
        10 => Message::Cancel(block(rng)),
        _ if rng.chance(0.5) => Message::NotInterested,
        _ => Message::Interested,
    }
}

/// A random call, so often to the point of what the peer said last.
fn any_call(
    rng: &mut Rng,
    peer: &Peer,
    recent: &mut Vec<Output>,
    made: &mut u32,
    mood: &mut Mood,
) -> Call {
    let numbering = peer.config().live.as_ref().unwrap().numbering;
    let conns: Vec<ConnId> = peer.neighbours().map(|one| one.conn).collect();
    let answered = rng.index(recent.len());
    if rng.chance(mood.answers) && answered < recent.len() {
        // Nonsense is answered twice, too.
        let output = if mood.serves {
            recent.remove(answered)
        } else {
            recent[answered].clone()
        };
        match output {
            Output::Send(conn, Message::Request(block)) => {
                return Call::Input(Input::Message(conn, Message::Piece(block)));
            }
            Output::Store(block) => {
                return Call::Input(Input::Stored {
                    block,
                    result: StoreResult::Done,
                });
            }
            Output::Verify(piece) => {
                let verdict = if rng.chance(0.2) {
                    Verdict::Bad
                } else {
                    Verdict::GoodLive {
                        produced_at: Instant::ZERO,
                        last: rng.chance(0.01),
                        differing: vec![0; rng.index(2)],
                    }
                };
                return Call::Input(Input::Verified { piece, verdict });
            }
            _ => {}
        }
    }
    let new = conns.iter().find(|conn| !mood.greeted.contains(conn));
    if let Some(&conn) = new.filter(|_| mood.serves) {
        mood.greeted.push(conn);
        return Call::Input(Input::Message(conn, handshake(true)));
    }
    let conn = conns.get(rng.index(conns.len())).copied();
    match (rng.below(30), conn) {
        (0, _) => Call::Accept {
            addr: addr(rng.index(9)),
            remote: Remote {
                peer_id: PeerId([u8::try_from(rng.below(9)).unwrap(); 20]),
                fast: true,
                extended: true,
            },
        },
        (1..3, Some(conn)) => Call::Input(Input::Message(
            conn,
            handshake(mood.serves || rng.chance(0.95)),
        )),
        (3, Some(conn)) => Call::Input(Input::Credit { conn, blocks: 4 }),
        (4, Some(conn)) if rng.chance(0.2) => Call::Input(Input::Closed {
            conn,
            reason: CloseReason::Remote,
        }),
        (5, _) if !mood.serves || rng.chance(0.1) => Call::Pause,
        (6, _) => Call::Resume,
        (7..10, _) => {
            *made += 1;
            Call::Produce {
                piece: PieceIndex(99 + *made),
                last: false,
            }
        }
        (_, Some(conn)) => Call::Input(Input::Message(conn, any_message(rng, numbering, mood))),
        (_, None) => Call::Input(Input::Timeout),
    }
}

#[test]
fn nonsense_neither_panics_nor_grows_and_replays_to_the_letter() {
    // Noted, and such as make us interested.
    let mut overheard = [0; 2];
    let mut played = 0;
    for number in 0..60 {
        let numbering = match number % 3 {
            0 => Numbering::Ring(12),
            1 => Numbering::Ring(40),
            _ => Numbering::Absolute { window: 30 },
        };
        let source = number % 5 == 0;
        let mut rng = Seed::from_number(number).stream("hostile", 0);
        let mut peer = victim(number, numbering, source);
        let mut again = victim(number, numbering, source);
        let (mut now, mut made) = (Instant::ZERO, 0);
        let mut timeout = again.poll_timeout();
        let mut recent: Vec<Output> = Vec::new();
        let serves = number % 2 == 1;
        let (pause, answers) = if serves { (20, 0.8) } else { (200, 0.4) };
        let mut mood = Mood {
            at: 80,
            answers,
            serves,
            greeted: Vec::new(),
        };
        for _ in 0..4000 {
            now += Duration::from_nanos(rng.below(pause * 1_000_000));
            if serves {
                // Two pieces a second.
                mood.at = 80 + u32::try_from(now.as_nanos() / 500_000_000).unwrap();
            }
            let call = any_call(&mut rng, &peer, &mut recent, &mut made, &mut mood);
            peer.call(now, call.clone());
            let mut said = Vec::new();
            let heard = call_or_overhear(&mut again, now, call, &mut said);
            if heard != Overheard::Not {
                overheard[usize::from(heard == Overheard::Interests)] += 1;
                assert_eq!(
                    again.poll_timeout(),
                    timeout,
                    "seed {number}: nothing follows"
                );
            }
            timeout = again.poll_timeout();
            assert_eq!(peer.poll_timeout(), timeout, "seed {number}");
            let before = recent.len();
            while let Some(output) = peer.poll_output() {
                recent.push(output);
            }
            assert_eq!(said, recent[before..], "seed {number}");
            recent.drain(..recent.len().saturating_sub(60));
            let window = peer.window();
            assert_eq!(window.length, peer.config().live.as_ref().unwrap().window());
            for one in peer.neighbours() {
                assert!(one.pieces <= window.length);
                assert!(one.outstanding <= peer.config().limits.requests_max);
            }
        }
        let started = peer
            .playback()
            .is_some_and(|one| one.played > Duration::from_secs(1));
        played += u32::from(started);
    }
    assert!(played > 5, "{played} viewers played anything");
    assert!(
        overheard[0] > 500 && overheard[1] > 0,
        "only {overheard:?} of the messages were overheard"
    );
}
