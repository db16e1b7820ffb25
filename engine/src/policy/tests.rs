//! Selectors on hand-made views: 200 pieces of 4 blocks, one piece a second of media.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use super::{
    Crowd, LatePolicy, ParamValue, PieceSelector, PlaybackConfig, SelectView, SelectorConfig,
    StartRule, TakeOver,
};
use crate::bitfield::Bitfield;
use crate::geometry::{BlockRef, Geometry};
use crate::id::{ConnId, PeerId};
use crate::input::Remote;
use crate::peer::{Flag, Link, Neighbour, PieceTable, Player};
use crate::rate::Rate;
use crate::seed::{Rng, Seed};
use crate::time::Instant;

const PIECES: u32 = 200;
const PIECE: u32 = 65_536;
const NOW: Instant = Instant::from_secs(100);

struct Scene {
    table: PieceTable,
    player: Option<Player>,
    neighbours: Vec<Option<Neighbour>>,
    order: Vec<u16>,
    links: Vec<Link>,
    now: Instant,
    rng: Rng,
}

impl Scene {
    /// We have the first pieces, and nobody is there.
    fn new(had: usize) -> Self {
        let mut rng = Seed::from_number(5).stream("scene", 0);
        let geometry = Geometry::new(u64::from(PIECES) * u64::from(PIECE), PIECE).unwrap();
        let mut have = Bitfield::new(PIECES);
        for offset in 0..had {
            have.insert(offset);
        }
        Self {
            table: PieceTable::new(geometry, have, 64, &mut rng),
            player: None,
            neighbours: Vec::new(),
            order: Vec::new(),
            links: Vec::new(),
            now: NOW,
            rng,
        }
    }

    /// A viewer; the picture moves if the first piece is here, and stalls if it is not.
    fn watched(mut self, start: Duration) -> Self {
        let rules = PlaybackConfig {
            start: StartRule::Prebuffer(start),
            late: LatePolicy::Stall {
                resume: Duration::from_secs(1),
            },
        };
        let total = self.table.geometry().total();
        let bitrate = Rate::from_bytes_per_s(u64::from(PIECE));
        let mut player = Player::new(rules, bitrate, total, self.now);
        player.play(self.now, &self.table).unwrap();
        self.player = Some(player);
        self
    }

    fn playing(had: usize) -> Self {
        Self::new(had).watched(Duration::ZERO)
    }

    /// A neighbour that has pieces and gave so many blocks a second for the last 20 s.
    fn neighbour(&mut self, has: impl Fn(usize) -> bool, blocks_per_s: u64) -> ConnId {
        let slot = u16::try_from(self.order.len()).unwrap();
        let conn = ConnId::new(u32::from(slot) + 1, slot);
        let since = self.now - Duration::from_secs(20);
        let addr = ([10, 0, 0, 1], 6881).into();
        let mut one = Neighbour::new(conn, addr, true, since);
        one.remote = Some(Remote {
            peer_id: PeerId([u8::try_from(slot).unwrap(); 20]),
            fast: true,
            extended: true,
        });
        for offset in (0..PIECES as usize).filter(|&offset| has(offset)) {
            self.table.insert_owner(offset, conn.slot());
        }
        one.down
            .add(self.now, blocks_per_s * 20 * u64::from(Geometry::BLOCK));
        one.blocks_in = u32::try_from(blocks_per_s).unwrap();
        let mut link = Link::new(conn, since);
        link.set(Flag::Open, true);
        link.set(Flag::TheyChoke, false);
        self.links.push(link);
        self.neighbours.push(Some(one));
        self.order.push(slot);
        conn
    }

    fn of(&mut self, conn: ConnId) -> &mut Neighbour {
        self.neighbours[conn.slot()].as_mut().unwrap()
    }

    /// Asks a neighbour for the next block of a piece.
    fn ask(&mut self, conn: ConnId, offset: usize) -> BlockRef {
        let block = self.table.ask(offset);
        let at = self.now;
        self.of(conn).push_request(block, at);
        block
    }

    /// A piece comes whole.
    fn get(&mut self, offset: usize) {
        while self.table.selectable().contains(offset) {
            self.table.ask(offset);
        }
        self.table.verified(offset);
        let now = self.now;
        if let Some(player) = &mut self.player {
            player.verified(now, offset, &self.table);
        }
    }

    fn view(&self, me: ConnId) -> SelectView<'_> {
        SelectView {
            table: &self.table,
            slot: me.slot(),
            playhead: self.player.as_ref().map_or(0, |player| {
                player.needed_after(self.now, Duration::ZERO, &self.table)
            }),
            player: self.player.as_ref(),
            crowd: Crowd {
                neighbours: &self.neighbours,
                order: &self.order,
                me,
                links: &self.links,
                table: &self.table,
                now: self.now,
            },
        }
    }

    fn pick(&self, selector: &mut dyn PieceSelector, me: ConnId) -> Option<usize> {
        selector.select(&self.view(me), &mut self.rng.clone())
    }

    fn steal(&self, selector: &mut dyn PieceSelector, me: ConnId, spare: bool) -> Option<TakeOver> {
        selector.take_over(&self.view(me), spare, &mut self.rng.clone())
    }
}

fn policy(name: &str, parameters: &[(&str, ParamValue)]) -> Box<dyn PieceSelector> {
    let mut config = SelectorConfig::from_name(name).unwrap();
    for (key, value) in parameters {
        config.set(key, value).unwrap();
    }
    config.build()
}

fn text(text: &str) -> ParamValue {
    ParamValue::Text(text.into())
}

#[test]
fn give_to_get_takes_the_first_set_that_offers_something() {
    // Two neighbours: one has all; the other all but piece 52, which is the rarest.
    let scene = |from: usize| {
        let mut scene = Scene::playing(5);
        let me = scene.neighbour(move |offset| offset >= from, 1);
        scene.neighbour(|offset| offset != 52, 1);
        (scene, me)
    };
    let (all, me) = scene(0);
    let mut paper = policy("give-to-get", &[]);
    let mut later = policy("give-to-get", &[("mid", text("mu"))]);
    assert_eq!(all.pick(&mut *paper, me), Some(5), "high: in order");
    let (beyond, me) = scene(15);
    assert_eq!(beyond.pick(&mut *paper, me), Some(52), "mid: 15..55");
    let mid = beyond.pick(&mut *later, me).unwrap();
    assert!((15..45).contains(&mid), "mid: 15..45, not {mid}");
    let mut first = policy(
        "give-to-get",
        &[("mid", text("mu")), ("ties", text("first"))],
    );
    assert_eq!(beyond.pick(&mut *first, me), Some(15));
    let (low, me) = scene(60);
    assert!(low.pick(&mut *paper, me).unwrap() >= 60);
    // Before playback the high set too is rarest first.
    let mut idle = Scene::new(0).watched(Duration::from_secs(10));
    let me = idle.neighbour(|_| true, 1);
    idle.neighbour(|offset| offset != 7, 1);
    assert_eq!(idle.pick(&mut *paper, me), Some(7));
}

#[test]
fn swarmplayer_grows_its_high_set_with_each_stall() {
    let mut policy = policy("swarmplayer-2010", &[]);
    let mut calm = Scene::playing(5);
    let me = calm.neighbour(|offset| offset >= 20, 1);
    calm.neighbour(|offset| offset != 40, 1);
    assert_eq!(calm.pick(&mut *policy, me), Some(40), "mid: 16..49");
    let mut stalled = Scene::playing(0);
    assert_eq!(stalled.player.as_ref().unwrap().stalls(), 1);
    stalled.get(0);
    stalled.get(1);
    let me = stalled.neighbour(|offset| offset >= 20, 1);
    stalled.neighbour(|offset| offset != 40, 1);
    assert_eq!(stalled.pick(&mut *policy, me), Some(20), "high: 2..23");
}

#[test]
fn bitos_draws_between_its_sets() {
    let mut scene = Scene::playing(5);
    let me = scene.neighbour(|_| true, 1);
    let share = |p: f64| {
        let mut policy = policy("bitos", &[("p", ParamValue::Number(p))]);
        let mut rng = Seed::from_number(1).stream("select", 0);
        let high = (0..2000)
            .filter(|_| policy.select(&scene.view(me), &mut rng).unwrap() < 15)
            .count();
        high as f64 / 2000.0
    };
    assert!((share(0.8) - 0.8).abs() < 0.03);
    assert!(share(1.0) > 0.999 && share(0.0) < 0.001);
    let mut idle = Scene::new(0).watched(Duration::from_secs(10));
    let me = idle.neighbour(|_| true, 1);
    assert!(idle.pick(&mut *policy("bitos", &[]), me).unwrap() < 10);
}

#[test]
fn zipf_draws_with_the_right_weights() {
    for (theta, even) in [(1.25, false), (1.0, false), (0.0, true), (1.25, true)] {
        let mut scene = Scene::playing(5);
        let me = scene.neighbour(|offset| !even || offset % 2 == 1, 1);
        let mut policy = policy("zipf", &[("theta", ParamValue::Number(theta))]);
        let mut rng = Seed::from_number(2).stream("select", 0);
        let weight = |offset: usize| libm::pow((offset - 4) as f64, -theta);
        let view = scene.view(me);
        let total: f64 = view.candidates(0..200).map(weight).sum();
        let mut counts = [0_u32; 200];
        for _ in 0..20_000 {
            counts[policy.select(&view, &mut rng).unwrap()] += 1;
        }
        for offset in view.candidates(0..200) {
            let (got, expected) = (f64::from(counts[offset]) / 20_000.0, weight(offset) / total);
            assert!(
                (got - expected).abs() < 0.012,
                "θ {theta}, even {even}, piece {offset}: {got} for {expected}"
            );
        }
    }
}

#[test]
fn mixed_fills_the_far_part_first() {
    let mut policy = policy("mixed", &[]);
    let mut scene = Scene::playing(5);
    let me = scene.neighbour(|_| true, 1);
    scene.neighbour(|offset| offset != 41, 1);
    assert_eq!(scene.pick(&mut *policy, me), Some(41), "far: 35..45");
    for offset in 35..45 {
        scene.get(offset);
    }
    assert_eq!(scene.pick(&mut *policy, me), Some(5));
}

#[test]
fn libtorrent_gives_what_is_due_to_neighbours_with_short_queues() {
    let mut policy = policy("libtorrent-deadline", &[]);
    let mut scene = Scene::playing(5);
    let mut fast = Vec::new();
    for _ in 0..10 {
        fast.push(scene.neighbour(|offset| offset != 30, 20));
    }
    let slow = scene.neighbour(|_| true, 2);
    assert_eq!(scene.pick(&mut *policy, fast[0]), Some(5));
    assert_eq!(scene.pick(&mut *policy, slow), Some(30), "the slowest 10 %");
    // More than 2 s queued: nothing critical until the queue is shorter.
    let free: Vec<usize> = (100..112).collect();
    for offset in free {
        for _ in 0..4 {
            scene.ask(fast[1], offset);
        }
    }
    assert_ne!(scene.pick(&mut *policy, fast[1]), Some(5));
}

#[test]
fn libtorrent_asks_twice_for_a_late_piece() {
    let mut policy = policy("libtorrent-deadline", &[]);
    let mut scene = Scene::playing(5);
    let one = scene.neighbour(|_| true, 20);
    let other = scene.neighbour(|_| true, 20);
    assert_eq!(scene.pick(&mut *policy, one), Some(5));
    scene.now += Duration::from_secs(1);
    scene.get(5);
    assert_eq!(scene.pick(&mut *policy, one), Some(6), "5 took a second");
    for _ in 0..4 {
        scene.ask(one, 6);
    }
    assert_eq!(scene.steal(&mut *policy, other, false), None, "not late");
    scene.now += Duration::from_secs(2);
    let late = TakeOver {
        offset: 6,
        from: one,
    };
    assert_eq!(scene.steal(&mut *policy, other, false), Some(late));
    assert_eq!(scene.steal(&mut *policy, other, false), None, "once");
}

#[test]
fn rqbit_keeps_a_piece_to_one_neighbour_and_steals_from_the_slow() {
    let mut policy = policy(
        "rqbit-look-ahead",
        &[("look-ahead-kib", ParamValue::Number(640.0))],
    );
    let mut scene = Scene::playing(5);
    let slow = scene.neighbour(|_| true, 1);
    let fast = scene.neighbour(|_| true, 40);
    assert_eq!(scene.pick(&mut *policy, slow), Some(5));
    scene.ask(slow, 5);
    assert_eq!(scene.pick(&mut *policy, slow), Some(5), "it goes on");
    assert_eq!(scene.pick(&mut *policy, fast), Some(6), "5 is taken");
    scene.ask(fast, 6);
    // A piece takes the fast one 0.1 s.
    scene.now += Duration::from_millis(500);
    assert_eq!(scene.steal(&mut *policy, fast, false), None);
    let late = TakeOver {
        offset: 5,
        from: slow,
    };
    assert_eq!(scene.steal(&mut *policy, fast, true), Some(late), "3 times");
    // Beyond the look-ahead: the file's first piece, then its last.
    let mut scene = Scene::playing(1);
    let me = scene.neighbour(|offset| offset > 20, 1);
    assert_eq!(scene.pick(&mut *policy, me), Some(199));
}

#[test]
fn webtorrent_swaps_what_is_critical_and_spares_the_fast() {
    let mut policy = policy("webtorrent-critical", &[]);
    let mut scene = Scene::playing(5);
    let fast = scene.neighbour(|_| true, 20);
    let slow = scene.neighbour(|_| true, 2);
    let new = scene.neighbour(|_| true, 0);
    assert_eq!(scene.pick(&mut *policy, fast), Some(5));
    assert_eq!(scene.pick(&mut *policy, new), Some(199), "a trial request");
    scene.ask(new, 199);
    assert_eq!(scene.pick(&mut *policy, new), None, "one at a time");
    // The fast one gives 10 blocks while the slow one gives its next: three pieces at most.
    let left = scene.pick(&mut *policy, slow).unwrap();
    assert!(left > 5, "{left} is left to the fast one");
    for _ in 0..4 {
        scene.ask(slow, 6);
    }
    assert_eq!(scene.steal(&mut *policy, fast, false), None, "5 goes first");
    for _ in 0..4 {
        scene.ask(fast, 5);
    }
    let swap = TakeOver {
        offset: 6,
        from: slow,
    };
    assert_eq!(scene.steal(&mut *policy, fast, false), Some(swap));
    let newcomers = TakeOver {
        offset: 199,
        from: new,
    };
    assert_eq!(scene.steal(&mut *policy, slow, true), Some(newcomers));
}

#[test]
fn picks_are_candidates_and_takeovers_are_asked() {
    for info in SelectorConfig::TABLE {
        let mut selector = SelectorConfig::from_name(info.name).unwrap().build();
        let mut rng = Seed::from_number(9).stream("property", 0);
        for round in 0..30 {
            let had = rng.index(100);
            let mut scene = match round % 3 {
                0 => Scene::new(had),
                1 => Scene::new(had).watched(Duration::from_secs(150)),
                _ => Scene::playing(had),
            };
            scene.now += Duration::from_secs(round);
            let density = rng.unit();
            for _ in 0..=rng.index(14) {
                let mut bits = rng.clone();
                let has: Vec<bool> = (0..PIECES).map(|_| bits.chance(density)).collect();
                rng.word();
                let rate = rng.below(30);
                scene.neighbour(|offset| has[offset], rate);
            }
            for _ in 0..300 {
                let slot = scene.order[rng.index(scene.order.len())];
                let me = ConnId::new(u32::from(slot) + 1, slot);
                let spare = rng.chance(0.5);
                let view = scene.view(me);
                if let Some(chosen) = selector.take_over(&view, spare, &mut rng) {
                    let from = view.crowd().member(chosen.from).unwrap();
                    assert!(
                        from.asked_of(chosen.offset) > 0,
                        "{}: {chosen:?}",
                        info.name
                    );
                    assert!(chosen.from != me && view.theirs(chosen.offset));
                }
                if let Some(offset) = selector.select(&view, &mut rng) {
                    assert!(view.is_candidate(offset), "{}: {offset}", info.name);
                    scene.ask(me, offset);
                }
                scene.now += Duration::from_millis(rng.below(300));
            }
        }
    }
}
