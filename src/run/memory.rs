//! What peers of a channel hold over time: whether it stays bounded, however long the stream is.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use swarmbed_analysis::digits::six;
use swarmbed_analysis::figures::{Axis, Lines, Series};
use swarmbed_engine::Footprint;
use swarmbed_sim::OverlaySnapshot;

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

/// What one peer holds, or the most of each that any does.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Amount {
    pieces: u32,
    neighbours: u32,
    bytes: u64,
}

impl From<&Footprint> for Amount {
    fn from(held: &Footprint) -> Self {
        Self {
            pieces: held.pieces,
            neighbours: held.neighbours,
            bytes: held.bytes,
        }
    }
}

impl Amount {
    fn max(self, other: Self) -> Self {
        Self {
            pieces: self.pieces.max(other.pieces),
            neighbours: self.neighbours.max(other.neighbours),
            bytes: self.bytes.max(other.bytes),
        }
    }
}

/// What is held at one moment.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Held {
    at: Duration,
    viewers: u32,
    source: Amount,
    most: Amount,
    /// Of all viewers together.
    viewer_bytes: u64,
}

impl Held {
    /// What the first of the sources and what the viewers hold.
    pub(super) fn measure(snapshot: &OverlaySnapshot, sources: &[u32]) -> Self {
        let all = || snapshot.present.iter().zip(&snapshot.held);
        let source = all().find(|(number, _)| sources.contains(number));
        let viewers = || all().filter(|(number, _)| !sources.contains(number));
        Self {
            at: snapshot.at.since(swarmbed_engine::Instant::ZERO),
            viewers: u32::try_from(viewers().count()).unwrap_or(u32::MAX),
            source: source.map_or_else(Amount::default, |(_, held)| held.into()),
            most: viewers()
                .map(|(_, held)| held.into())
                .fold(Amount::default(), Amount::max),
            viewer_bytes: viewers().map(|(_, held)| held.bytes).sum(),
        }
    }

    /// Its row of `memory.csv`, after variant and seed.
    pub(super) fn row(&self) -> Vec<String> {
        let count = f64::from(self.viewers);
        [
            self.at.as_secs_f64(),
            count,
            float(self.source.bytes),
            float(self.viewer_bytes) / count,
            float(self.most.bytes),
            f64::from(self.source.pieces),
            f64::from(self.most.pieces),
            f64::from(self.most.neighbours),
        ]
        .map(six)
        .into()
    }
}

#[expect(clippy::cast_precision_loss, reason = "bytes of memory")]
const fn float(bytes: u64) -> f64 {
    bytes as f64
}

/// Which of the two figures.
pub(super) struct What {
    pub(super) file: &'static str,
    pub(super) title: &'static str,
    y: &'static str,
    of: fn(&Amount) -> f64,
}

pub(super) const FIGURES: [What; 2] = [
    What {
        file: "memory",
        title: "Memory of a peer's tables",
        y: "KiB",
        of: |held| float(held.bytes) / 1024.0,
    },
    What {
        file: "held",
        title: "Pieces held",
        y: "pieces",
        of: |held| f64::from(held.pieces),
    },
];

/// The source's, and the largest of the viewers', of one run of each variant.
pub(super) fn figure<'a>(
    what: &What,
    runs: impl Iterator<Item = (&'a str, &'a [Held])>,
    title: String,
    caption: String,
) -> Lines {
    let mut series = Vec::new();
    for (colour, (name, run)) in runs.enumerate() {
        let line = |who: &str, dashed: bool, of: fn(&Held) -> &Amount| Series {
            name: format!("{name}: {who}"),
            colour,
            dashed,
            points: run
                .iter()
                .map(|one| (one.at.as_secs_f64() / 3600.0, (what.of)(of(one))))
                .collect(),
        };
        series.push(line("largest viewer", false, |one| &one.most));
        series.push(line("source", true, |one| &one.source));
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
