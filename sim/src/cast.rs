//! Who there is: every peer's number, class, links, arrival. All of it is drawn before the run, by
//! names, so that neither a policy nor an idle peer moves any of it (DESIGN 5 "Seeds by name").
//!
//! # Numbers
//!
//! First the classes with a count, in their order; then the viewers that classes share, by
//! arrival; last the idle peers of classes with a count, so that they shift nobody.

use std::time::Duration;

use swarmbed_engine::{Instant, Rate, Seed};

use crate::address::PEERS_MAX;
use crate::error::SetupError;
use crate::observer::PeerFacts;
use crate::setup::{Arrival, Behaviour, Class, Departure, Downlink, Draw, Population, Setup};

/// All peers, by number.
pub(crate) fn cast(setup: &Setup, seed: &Seed) -> Result<Vec<PeerFacts>, SetupError> {
    check(setup)?;
    let mut places: Vec<(u16, Duration)> = Vec::new();
    let counted = |idle: bool, places: &mut Vec<(u16, Duration)>| {
        for (index, class) in classes(setup) {
            if let Population::Count(count) = class.population
                && (class.behaviour == Behaviour::Idle) == idle
            {
                places.extend((0..count).map(|_| (index, Duration::ZERO)));
            }
        }
    };
    counted(false, &mut places);
    let shared = divide(setup, seed)?;
    let arrivals = arrivals(setup, seed)?;
    places.extend(shared.into_iter().zip(arrivals));
    counted(true, &mut places);
    if places.len() > PEERS_MAX as usize {
        return Err(SetupError::Peers(places.len() as u64));
    }
    let mut peers: Vec<PeerFacts> = (0..)
        .zip(places)
        .map(|(number, (index, arrival))| facts(setup, seed, number, index, arrival))
        .collect();
    connect(setup, seed, &mut peers);
    Ok(peers)
}

fn classes(setup: &Setup) -> impl Iterator<Item = (u16, &Class)> {
    (0..).zip(&setup.classes)
}

/// What needs no draw to be wrong.
fn check(setup: &Setup) -> Result<(), SetupError> {
    for class in &setup.classes {
        let mut draws = vec![class.uplink];
        match class.downlink {
            Downlink::Own(draw) => draws.push(draw),
            Downlink::TimesUplink(factor) if !(factor > 0.0 && factor <= 1e6) => {
                return Err(SetupError::Number("downlink"));
            }
            _ => {}
        }
        for draw in draws {
            let (low, high) = match draw {
                Draw::Fixed(rate) => (rate, rate),
                Draw::Uniform(low, high) => (low, high),
            };
            if low > high {
                return Err(SetupError::Range("uplink or downlink"));
            }
            // A terabyte a second: beyond it, bytes times nanoseconds leave 64 bits too soon.
            if low == Rate::ZERO || high.bytes_per_s() > 1_000_000_000_000 {
                return Err(SetupError::Number("uplink or downlink"));
            }
        }
        if !(0.0..=1.0).contains(&class.connectable) {
            return Err(SetupError::Number("connectable"));
        }
        if let Departure::Weibull { shape, .. } = class.departure
            && !(shape > 0.0 && shape.is_finite())
        {
            return Err(SetupError::Number("shape"));
        }
    }
    if setup.horizon.is_zero() || setup.horizon > Duration::from_secs(200 * 86_400) {
        return Err(SetupError::Horizon(setup.horizon));
    }
    Ok(())
}

/// Which class each viewer is of, by rank: shares are exact (largest remainder), and nested, since
/// each viewer's draw is its own and the sorted draws are cut: 10 % are among the 20 %.
fn divide(setup: &Setup, seed: &Seed) -> Result<Vec<u16>, SetupError> {
    if setup.viewers == 0 {
        return Ok(Vec::new());
    }
    let shares: Vec<(u16, f64)> = classes(setup)
        .filter_map(|(index, class)| match class.population {
            Population::Share(share) => Some((index, share)),
            Population::Count(_) => None,
        })
        .collect();
    let sum: f64 = shares.iter().map(|(_, share)| share).sum();
    // Written so that a NaN is refused too.
    if !((sum - 1.0).abs() < 1e-6 && shares.iter().all(|(_, share)| *share >= 0.0)) {
        return Err(SetupError::Shares(sum));
    }
    let counts = largest_remainder(&shares, setup.viewers);
    let mut drawn: Vec<(u64, u32)> = (0..setup.viewers)
        .map(|rank| (seed.stream("class", u64::from(rank)).word(), rank))
        .collect();
    drawn.sort_unstable();
    let mut class = vec![0; setup.viewers as usize];
    let cut = counts
        .iter()
        .flat_map(|&(index, count)| (0..count).map(move |_| index));
    for ((_, rank), index) in drawn.into_iter().zip(cut) {
        class[rank as usize] = index;
    }
    Ok(class)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a u32 is a u32"
)]
fn largest_remainder(shares: &[(u16, f64)], total: u32) -> Vec<(u16, u32)> {
    let quota = |share: f64| share * f64::from(total);
    let mut counts: Vec<(u16, u32)> = shares
        .iter()
        .map(|&(index, share)| (index, quota(share) as u32))
        .collect();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    let rest = |place: usize| quota(shares[place].1) - f64::from(quota(shares[place].1) as u32);
    order.sort_by(|&a, &b| rest(b).total_cmp(&rest(a)).then(a.cmp(&b)));
    let given: u32 = counts.iter().map(|(_, count)| count).sum();
    for &place in order
        .iter()
        .cycle()
        .take((total - given.min(total)) as usize)
    {
        counts[place].1 += 1;
    }
    counts
}

/// When the viewers arrive, in order.
fn arrivals(setup: &Setup, seed: &Seed) -> Result<Vec<Duration>, SetupError> {
    let draw = |rank: u32, mean: f64| seed.stream("arrivals", u64::from(rank)).exponential(mean);
    let mut times: Vec<Duration> = match &setup.arrival {
        Arrival::AllAtOnce(at) => vec![*at; setup.viewers as usize],
        Arrival::Poisson(per_s) => {
            if !(*per_s > 0.0 && per_s.is_finite()) {
                return Err(SetupError::Number("arrival rate"));
            }
            let mut at = 0.0;
            (0..setup.viewers)
                .map(|rank| {
                    at += draw(rank, 1.0 / per_s);
                    seconds(at)
                })
                .collect()
        }
        Arrival::Day {
            mean,
            low_at,
            depth,
        } => {
            if !(*mean > 0.0 && mean.is_finite() && (0.0..=1.0).contains(depth)) {
                return Err(SetupError::Number("arrival rate"));
            }
            day(setup.viewers, seed, *mean, low_at.as_secs_f64(), *depth)
        }
        Arrival::FlashCrowd(tau) => (0..setup.viewers)
            .map(|rank| seconds(draw(rank, tau.as_secs_f64())))
            .collect(),
        Arrival::Trace(times) => times.clone(),
    };
    if times.len() != setup.viewers as usize {
        return Err(SetupError::Arrivals {
            arrivals: times.len(),
            viewers: setup.viewers,
        });
    }
    times.sort_unstable();
    Ok(times)
}

/// A Poisson process at the rate mean x (1 - depth cos(2 pi (t - low) / 24 h)): one at the highest
/// rate, thinned.
fn day(viewers: u32, seed: &Seed, mean: f64, low_s: f64, depth: f64) -> Vec<Duration> {
    const DAY_S: f64 = 86_400.0;
    let highest = mean * (1.0 + depth);
    let mut at = 0.0;
    let mut times = Vec::new();
    let mut tried = 0;
    while times.len() < viewers as usize {
        let mut rng = seed.stream("arrivals", tried);
        tried += 1;
        at += rng.exponential(1.0 / highest);
        let turn = core::f64::consts::TAU * (at - low_s) / DAY_S;
        let rate = mean * (1.0 - depth * libm::cos(turn));
        if rng.unit() * highest < rate {
            times.push(seconds(at));
        }
    }
    times
}

/// Drawn seconds; what is beyond all horizons stays there.
fn seconds(value: f64) -> Duration {
    Duration::from_secs_f64(value.clamp(0.0, 1e9))
}

fn facts(setup: &Setup, seed: &Seed, number: u32, index: u16, arrival: Duration) -> PeerFacts {
    let class = &setup.classes[index as usize];
    let mut rng = seed.stream("uplink", u64::from(number));
    let mut draw = |draw: Draw| match draw {
        Draw::Fixed(rate) => rate,
        Draw::Uniform(low, high) => {
            Rate::from_bytes_per_s(rng.range(low.bytes_per_s(), high.bytes_per_s()))
        }
    };
    let uplink = draw(class.uplink);
    let downlink = match class.downlink {
        Downlink::Own(own) => Some(draw(own)),
        Downlink::TimesUplink(factor) => Some(times(uplink, factor)),
        Downlink::Unlimited => None,
    };
    let arrival = Instant::ZERO + arrival;
    let idle = class.behaviour == Behaviour::Idle;
    let session_end = match class.departure {
        Departure::Weibull { scale, shape } => {
            let mut rng = seed.stream("session", u64::from(number));
            Some(arrival + seconds(rng.weibull(scale.as_secs_f64(), shape)))
        }
        _ => None,
    };
    PeerFacts {
        number,
        class: index,
        source: class.source,
        plays: setup.bitrate.is_some() && !class.source && !idle,
        uplink,
        downlink,
        connectable: false,
        arrival,
        session_end,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a rate times at most a million"
)]
fn times(rate: Rate, factor: f64) -> Rate {
    Rate::from_bytes_per_s(((rate.bytes_per_s() as f64 * factor) as u64).max(1))
}

/// Who can be dialled: an exact share of each class, nested like the classes. Idle peers cannot.
fn connect(setup: &Setup, seed: &Seed, peers: &mut [PeerFacts]) {
    for (index, class) in classes(setup) {
        if class.behaviour == Behaviour::Idle {
            continue;
        }
        let mut drawn: Vec<(u64, u32)> = peers
            .iter()
            .filter(|peer| peer.class == index)
            .map(|peer| {
                let draw = seed.stream("connectable", u64::from(peer.number)).word();
                (draw, peer.number)
            })
            .collect();
        drawn.sort_unstable();
        let total = u32::try_from(drawn.len()).expect("below PEERS_MAX");
        let shares = [(0, class.connectable), (1, 1.0 - class.connectable)];
        let open = largest_remainder(&shares, total)[0].1;
        for &(_, number) in &drawn[..open as usize] {
            peers[number as usize].connectable = true;
        }
    }
}
