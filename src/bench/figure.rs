//! Cost per block and memory per peer over the size of the swarm.

use swarmbed_analysis::figures::{Curve, Curves, Interval, Scale, Tile};

use super::measure::Measured;
use super::row::Row;

/// The figure of the scaling row.
pub(super) fn scale(row: &Row) -> Curves {
    let across = |one: &Measured| one.peers.log10();
    let curve = |of: &dyn Fn(&Measured) -> f64| Curve {
        name: "one thread".into(),
        colour: 0,
        dashed: false,
        points: row
            .measured
            .iter()
            .map(|one| {
                let mean = of(one);
                let (low, high) = (f64::NAN, f64::NAN);
                (across(one), Interval { mean, low, high })
            })
            .collect(),
    };
    let tile = |curve| Tile {
        curves: vec![curve],
    };
    let others = row.measured.iter().map(|one| one.others.cores);
    let others = others.fold(0.0, f64::max);
    Curves {
        title: "What a block and a peer cost, as swarms grow".into(),
        caption: format!(
            "Swarm of the quickstart, film of one minute. Processor time of set-up and playing by useful blocks; most \
             memory of the process by peers; small swarms are played repeatedly. Other programs used {others:.2} cores at \
             most. Measured on {}.",
            row.machine.text()
        ),
        x: Scale {
            name: "viewers".into(),
            marks: row
                .measured
                .iter()
                .map(|one| {
                    let viewers = one.job.name.split(' ').next().unwrap_or_default();
                    (across(one), viewers.to_owned())
                })
                .collect(),
            named: false,
        },
        columns: vec![String::new()],
        rows: vec!["µs per block".into(), "KiB per peer".into()],
        tiles: vec![
            tile(curve(&|one| one.micros_per_block())),
            tile(curve(&|one| one.bytes_per_peer() / 1024.0)),
        ],
        rule: None,
    }
}
