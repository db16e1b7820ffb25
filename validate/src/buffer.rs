//! Row 6: how full a live viewer's buffer is. A reduced world: slots, in each of which the server
//! gives the newest chunk to one random peer, and every peer takes one chunk of one random peer. Which
//! chunk is the shipped selector's choice; rarity is what all peers really hold, not the model's
//! "newest is rarest". Only p(n) is compared: in mid-buffer the model's independence fails.

use swarmbed_analysis::closed_form::buffer::{Order, filled};
use swarmbed_engine::policy::{Chooser, SelectorConfig};
use swarmbed_engine::{Bitfield, Seed};

use crate::line::{Line, Tolerance};
use crate::plan::Plan;

/// Buffers and peers of the reference table.
const SIZES: [(u32, u16); 5] = [(20, 1000), (30, 1000), (40, 1000), (60, 1000), (40, 10_000)];

/// The lines of the row.
pub(crate) fn lines(plan: &Plan<'_>) -> Vec<Line> {
    let sizes: &[(u32, u16)] = if plan.quick { &SIZES[2..3] } else { &SIZES };
    let mut lines = Vec::new();
    for &(n, peers) in sizes {
        for (name, order) in [
            ("rarest-first", Order::RarestFirst),
            ("in-order (greedy)", Order::Greedy),
            ("mixed, m = 10", Order::Mixed(10)),
        ] {
            let expected = filled(order, n as usize, u32::from(peers))[n as usize];
            let slots = if peers > 5000 { 250 } else { plan.of(800, 400) };
            let runs = plan.each("row 6", &plan.seeds(3, 2), |&seed| {
                (continuity(plan, order, n, peers, slots, seed), Vec::new())
            });
            let what = format!("p(n), {name}, n = {n}, M = {peers}");
            lines.push(Line::new(
                "6",
                what,
                "",
                (expected, Tolerance::Points(0.02)),
                &runs,
            ));
        }
    }
    lines
}

/// The selector that takes chunks in this order. Offset 0 is position n - 1, the newest is last;
/// position n is about to be played and not asked for any more.
fn selector(plan: &Plan<'_>, order: Order, n: u32) -> SelectorConfig {
    match order {
        Order::RarestFirst => SelectorConfig::RarestFirst,
        Order::Greedy => plan.selector(SelectorConfig::InOrder),
        Order::Mixed(m) => {
            let far = u32::try_from(m - 1).expect("within the buffer");
            SelectorConfig::Mixed {
                buffer: std::time::Duration::from_secs(1),
                // Half a position less, so that rounding down keeps the near part whole.
                rarest: (f64::from(far) - 0.5) / f64::from(n - 1),
            }
        }
    }
}

/// The share of position n that is filled, over the slots after a warm-up.
fn continuity(plan: &Plan<'_>, order: Order, n: u32, peers: u16, slots: u32, seed: u64) -> f64 {
    let seed = Seed::from_number(seed);
    let mut rng = seed.stream("buffer", 0);
    let window = n - 1;
    let mut chooser =
        Chooser::new(&selector(plan, order, n), window, peers, seed).expect("a short buffer");
    let mut have = vec![Bitfield::new(window); usize::from(peers)];
    let warm = 3 * n;
    let (mut played, mut due) = (0_u64, 0_u64);
    for slot in 0..warm + slots {
        // Who took what in this slot, for all at once.
        let mut came = Vec::new();
        let lucky = rng.index(usize::from(peers));
        for peer in 0..peers {
            if usize::from(peer) == lucky {
                continue;
            }
            let other = rng.below(u64::from(peers) - 1);
            let other = u16::try_from(other).expect("a peer");
            let other = other + u16::from(other >= peer);
            if let Some(chunk) = chooser.choose(&have[usize::from(peer)], u32::from(peer), other) {
                came.push((peer, chunk));
            }
        }
        for (peer, chunk) in came {
            have[usize::from(peer)].insert(chunk);
            chooser.insert(peer, chunk);
        }
        for have in &mut have {
            // Position n - 1 becomes n, which is played.
            if slot >= warm {
                due += 1;
                played += u64::from(have.contains(0));
            }
            have.shift_down(1);
        }
        chooser.slide(1);
        let newest = window as usize - 1;
        have[lucky].insert(newest);
        chooser.insert(u16::try_from(lucky).expect("a peer"), newest);
    }
    ratio(played, due)
}

#[expect(clippy::cast_precision_loss, reason = "counts")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The model's own order of offsets, without any of our selectors: the newest is the rarest.
    fn by_the_book(order: Order, n: u32) -> Vec<usize> {
        let window = n as usize - 1;
        match order {
            Order::RarestFirst => (0..window).rev().collect(),
            Order::Greedy => (0..window).collect(),
            Order::Mixed(m) => {
                let far = window + 1 - m;
                (far..window).rev().chain(0..far).collect()
            }
        }
    }

    /// As `continuity`, with peers that choose by the book.
    fn plain(order: Order, n: u32, peers: usize, slots: u32) -> f64 {
        let mut rng = Seed::from_number(1).stream("plain", 0);
        let order = by_the_book(order, n);
        let mut have = vec![0_u64; peers];
        let (mut played, mut due) = (0, 0);
        for slot in 0..3 * n + slots {
            let lucky = rng.index(peers);
            let before = have.clone();
            for peer in (0..peers).filter(|&peer| peer != lucky) {
                let other = rng.index(peers - 1);
                let new = before[other + usize::from(other >= peer)] & !before[peer];
                let chosen = order.iter().find(|&&offset| new >> offset & 1 == 1);
                have[peer] |= chosen.map_or(0, |offset| 1 << offset);
            }
            for have in &mut have {
                if slot >= 3 * n {
                    due += 1;
                    played += *have & 1;
                }
                *have >>= 1;
            }
            have[lucky] |= 1 << (n - 2);
        }
        ratio(played, due)
    }

    fn model(order: Order, n: u32, peers: u32) -> f64 {
        filled(order, n as usize, peers)[n as usize]
    }

    #[test]
    fn rarest_first_does_better_than_newest_first_which_is_where_the_model_is() {
        let newest = plain(Order::RarestFirst, 20, 1000, 400);
        let model = model(Order::RarestFirst, 20, 1000);
        assert!((newest - model).abs() < 0.01, "{newest} {model}");
        let plan = Plan::new(true, &|_| {});
        let shipped = continuity(&plan, Order::RarestFirst, 20, 1000, 200, 1);
        assert!((0.915..0.935).contains(&shipped), "{shipped}");
    }

    #[test]
    fn in_order_and_mixed_do_better_than_the_model_by_the_book_as_well() {
        let plan = Plan::new(true, &|_| {});
        let shipped = continuity(&plan, Order::Greedy, 20, 1000, 200, 1);
        for (order, n, peers, slots, above) in [
            (Order::Greedy, 20, 1000, 400, 0.65..0.685),
            (Order::Greedy, 60, 1000, 400, 0.93..0.96),
            (Order::Mixed(10), 40, 10_000, 80, 0.99..1.001),
        ] {
            let book = plain(order, n, usize::from(u16::try_from(peers).unwrap()), slots);
            let model = model(order, n, peers);
            assert!(above.contains(&book), "{book}");
            assert!(book > model + 0.01, "{book} {model}");
        }
        assert!((0.65..0.685).contains(&shipped), "{shipped}");
    }
}
