//! What peers of a channel hold over time: whether it stays bounded, however long the stream is.

use std::time::Duration;

use swarmbed_analysis::digits::six;
use swarmbed_analysis::figures::{Axis, Lines, Series};
use swarmbed_engine::Footprint;
use swarmbed_sim::OverlaySnapshot;

use super::replicate::Replicate;

/// Columns of `memory.csv`, after variant and seed.
pub(super) const COLUMNS: &[&str] = &[
    "time_s",
    "viewers",
    "source_bytes",
    "viewer_bytes_mean",
    "viewer_bytes_max",
    "source_pieces",
    "viewer_pieces_max",
    "neighbours_max",
];

/// What is held at one moment.
struct Moment {
    at: Duration,
    source: Footprint,
    viewers: Vec<Footprint>,
}

fn moments(replicate: &Replicate) -> impl Iterator<Item = Moment> + '_ {
    let moment = |snapshot: &OverlaySnapshot| {
        let all = || snapshot.present.iter().zip(&snapshot.held);
        let source = all().find(|(number, _)| replicate.sources.contains(number));
        let viewers = all().filter(|(number, _)| !replicate.sources.contains(number));
        Moment {
            at: snapshot.at.since(swarmbed_engine::Instant::ZERO),
            source: source.map_or_else(Footprint::default, |(_, held)| *held),
            viewers: viewers.map(|(_, held)| *held).collect(),
        }
    };
    replicate.overlay.iter().map(moment)
}

impl Moment {
    fn most(&self, of: fn(&Footprint) -> f64) -> f64 {
        self.viewers.iter().map(of).fold(0.0, f64::max)
    }
}

#[expect(clippy::cast_precision_loss, reason = "bytes of memory")]
const fn bytes(held: &Footprint) -> f64 {
    held.bytes as f64
}

fn pieces(held: &Footprint) -> f64 {
    f64::from(held.pieces)
}

/// Rows of `memory.csv`, after variant and seed.
pub(super) fn rows(replicate: &Replicate) -> Vec<Vec<String>> {
    let row = |one: Moment| {
        let count = u32::try_from(one.viewers.len()).map_or(f64::NAN, f64::from);
        let mean = one.viewers.iter().map(bytes).sum::<f64>() / count;
        let most = |of: fn(&Footprint) -> f64| one.most(of);
        [
            one.at.as_secs_f64(),
            count,
            bytes(&one.source),
            mean,
            most(bytes),
            pieces(&one.source),
            most(pieces),
            most(|held| f64::from(held.neighbours)),
        ]
        .map(six)
        .into()
    };
    moments(replicate).map(row).collect()
}

/// Which of the two figures.
pub(super) struct What {
    pub(super) file: &'static str,
    pub(super) title: &'static str,
    y: &'static str,
    of: fn(&Footprint) -> f64,
}

pub(super) const FIGURES: [What; 2] = [
    What {
        file: "memory",
        title: "Memory of a peer's tables",
        y: "KiB",
        of: |held| bytes(held) / 1024.0,
    },
    What {
        file: "held",
        title: "Pieces held",
        y: "pieces",
        of: pieces,
    },
];

/// The source's, and the largest of the viewers', of one run of each variant.
pub(super) fn figure<'a>(
    what: &What,
    runs: impl Iterator<Item = (&'a str, &'a Replicate)>,
    title: String,
    caption: String,
) -> Lines {
    let mut series = Vec::new();
    for (colour, (name, run)) in runs.enumerate() {
        let line = |who: &str, dashed: bool, of: &dyn Fn(&Moment) -> f64| Series {
            name: format!("{name}: {who}"),
            colour,
            dashed,
            points: moments(run)
                .map(|one| (one.at.as_secs_f64() / 3600.0, of(&one)))
                .collect(),
        };
        series.push(line("largest viewer", false, &|one| one.most(what.of)));
        series.push(line("source", true, &|one| (what.of)(&one.source)));
    }
    let axis = |name: &str| Axis {
        name: name.into(),
        end: None,
    };
    Lines {
        title,
        caption,
        x: axis("time, hours"),
        y: axis(what.y),
        series,
    }
}
