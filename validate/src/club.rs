//! Row 7: when a swarm grows without bound. A reduced world: peers arrive with nothing, contact a
//! random other at exponential times and give it a piece, leave when complete; one seed stays. It
//! begins in the one-club state, where all hold all but the same piece. Which piece is given is the
//! shipped selector's choice.

use swarmbed_analysis::closed_form::stability::{growth, is_stable};
use swarmbed_engine::policy::{Chooser, SelectorConfig};
use swarmbed_engine::{Bitfield, Seed};

use crate::line::{Line, Tolerance};
use crate::plan::Plan;

/// Pieces of the file.
const PIECES: u32 = 10;
/// The piece that the club lacks: the last, so that in-order is no help.
const MISSING: usize = PIECES as usize - 1;
/// Peers at the start: the club shrinks by a fifth of a peer a second and must last.
const CLUB: u16 = 700;
/// Room for peers; it is never full within `SECONDS`.
const ROOM: u16 = 3000;
/// Contacts a peer makes, a second: so many that at most one in a hundred peers is young.
const CONTACTS: f64 = 2.0;
/// The seed gives one piece a second. So long that chance, which moves the club by the square root of
/// comings and goings, is small beside the drift.
const SECONDS: f64 = 2000.0;

/// The lines of the row.
pub(crate) fn lines(plan: &Plan<'_>) -> Vec<Line> {
    let pickers = ["rarest-first", "in-order", "zipf"];
    let pickers = &pickers[..plan.of(3, 2) as usize];
    let mut lines = Vec::new();
    for &name in pickers {
        for arrivals in [0.8, 1.25] {
            let selector = SelectorConfig::from_name(name).expect("a selector of the table");
            let runs = plan.each("row 7", &plan.seeds(10, 4), |&seed| {
                (drift(&selector, arrivals, seed), Vec::new())
            });
            let side = if is_stable(arrivals, 1.0) {
                "shrinks"
            } else {
                "grows"
            };
            let what = format!("the club {side}, {name}, arrivals {arrivals} of the seed's rate");
            let rule = (growth(arrivals, 1.0), Tolerance::Side);
            lines.push(Line::new("7", what, "peers/s", rule, &runs));
        }
    }
    lines
}

/// Peers more, a second.
fn drift(selector: &SelectorConfig, arrivals: f64, seed: u64) -> f64 {
    let seed = Seed::from_number(seed);
    let mut rng = seed.stream("club", 0);
    let mut chooser = Chooser::new(selector, PIECES, ROOM + 1, seed).expect("a few pieces");
    for piece in 0..PIECES as usize {
        chooser.insert(ROOM, piece);
    }
    let mut member = Bitfield::full(PIECES);
    member.remove(MISSING);
    // Who is there, by place in the chooser; places that are free.
    let mut there: Vec<(u16, Bitfield)> = (0..CLUB).map(|place| (place, member.clone())).collect();
    for place in 0..CLUB {
        for piece in (0..PIECES as usize).filter(|&piece| piece != MISSING) {
            chooser.insert(place, piece);
        }
    }
    let mut free: Vec<u16> = (CLUB..ROOM).rev().collect();
    let mut now = 0.0;
    loop {
        let contacts = CONTACTS * real(there.len());
        let total = arrivals + 1.0 + contacts;
        now += rng.exponential(1.0 / total);
        if now >= SECONDS || there.is_empty() {
            return (real(there.len()) - f64::from(CLUB)) / now.min(SECONDS);
        }
        let ticket = rng.unit() * total;
        if ticket < arrivals {
            let place = free.pop().expect("there is room");
            there.push((place, Bitfield::new(PIECES)));
            continue;
        }
        let from = if ticket < arrivals + 1.0 {
            ROOM
        } else {
            there[rng.index(there.len())].0
        };
        let to = rng.index(there.len());
        let (place, have) = &mut there[to];
        if *place == from {
            continue;
        }
        if let Some(piece) = chooser.choose(have, u32::from(*place), from) {
            have.insert(piece);
            chooser.insert(*place, piece);
            if have.is_full() {
                let (place, _) = there.swap_remove(to);
                chooser.clear(place);
                free.push(place);
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of peers")]
fn real(count: usize) -> f64 {
    count as f64
}
