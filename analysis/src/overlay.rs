//! Who is whose neighbour: degrees, components, and hops from the sources, over time.
//!
//! Owns the measures of one snapshot. Knows graphs; who took the snapshot, and why these peers are
//! neighbours, is no matter here.

use std::collections::VecDeque;

use petgraph::graph::{NodeIndex, UnGraph};
use petgraph::unionfind::UnionFind;
use serde::{Deserialize, Serialize};

use crate::exact;

/// The overlay at one moment: peers by number, and pairs of neighbours.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// When, in seconds.
    pub at_s: f64,
    /// Peers that are there, ascending.
    pub present: &'a [u32],
    /// Pairs of peers that are there, none twice.
    pub edges: &'a [(u32, u32)],
    /// Those of `present` that hold everything from the start.
    pub sources: &'a [u32],
}

/// Measures of one snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overlay {
    /// When, in seconds.
    #[serde(with = "exact::number")]
    pub at_s: f64,
    /// Peers that are there.
    pub peers: usize,
    /// Pairs of neighbours.
    pub edges: usize,
    /// How many peers have 0, 1, 2, … neighbours.
    pub degrees: Vec<usize>,
    /// Parts that do not hang together.
    pub components: usize,
    /// Share of the peers in the largest part.
    #[serde(with = "exact::number")]
    pub largest_share: f64,
    /// How many peers are 0, 1, 2, … hops from the nearest source.
    pub hops: Vec<usize>,
    /// Peers that no source reaches.
    pub unreached: usize,
}

impl Overlay {
    /// Columns of `overlay.csv`, in the order of [`values`](Self::values).
    pub const COLUMNS: &'static [&'static str] = &[
        "at_s",
        "peers",
        "edges",
        "degree_mean",
        "degree_max",
        "alone",
        "components",
        "largest_share",
        "hops_mean",
        "hops_max",
        "unreached",
    ];

    /// Measures a snapshot. Pairs that name somebody who is not there are left out.
    #[must_use]
    pub fn measure(snapshot: Snapshot<'_>) -> Self {
        let index = |peer: u32| snapshot.present.binary_search(&peer).ok();
        let mut graph: UnGraph<(), (), usize> =
            UnGraph::with_capacity(snapshot.present.len(), snapshot.edges.len());
        let mut parts = UnionFind::<usize>::new(snapshot.present.len());
        for _ in snapshot.present {
            graph.add_node(());
        }
        for &(a, b) in snapshot.edges {
            if let (Some(a), Some(b)) = (index(a), index(b)) {
                graph.add_edge(NodeIndex::new(a), NodeIndex::new(b), ());
                parts.union(a, b);
            }
        }
        let sources = snapshot.sources.iter().filter_map(|peer| index(*peer));
        let (hops, reached) = hops(&graph, sources);
        let sizes = tally(parts.into_labeling());
        let sizes: Vec<usize> = sizes.into_iter().filter(|size| *size > 0).collect();
        let largest = sizes.iter().copied().max().unwrap_or(0);
        Self {
            at_s: snapshot.at_s,
            peers: graph.node_count(),
            edges: graph.edge_count(),
            degrees: tally(
                graph
                    .node_indices()
                    .map(|peer| graph.neighbors(peer).count()),
            ),
            components: sizes.len(),
            largest_share: ratio(largest, graph.node_count()),
            hops,
            unreached: graph.node_count() - reached,
        }
    }

    /// One row of `overlay.csv`.
    #[must_use]
    pub fn values(&self) -> Vec<f64> {
        vec![
            self.at_s,
            number(self.peers),
            number(self.edges),
            self.degree_mean(),
            number(self.degrees.len().saturating_sub(1)),
            number(self.degrees.first().copied().unwrap_or(0)),
            number(self.components),
            self.largest_share,
            self.hops_mean(),
            number(self.hops.len().saturating_sub(1)),
            number(self.unreached),
        ]
    }

    /// Neighbours of a peer, on average; not a number without peers.
    #[must_use]
    pub fn degree_mean(&self) -> f64 {
        mean(&self.degrees)
    }

    /// Hops from the nearest source, on average over the other peers that one reaches; not a
    /// number if there are none.
    #[must_use]
    pub fn hops_mean(&self) -> f64 {
        let mut others = self.hops.clone();
        if let Some(sources) = others.first_mut() {
            *sources = 0;
        }
        mean(&others)
    }
}

/// How many peers are 0, 1, 2, … hops from the nearest source, and how many those are in all.
fn hops(
    graph: &UnGraph<(), (), usize>,
    sources: impl Iterator<Item = usize>,
) -> (Vec<usize>, usize) {
    let mut distance: Vec<Option<usize>> = vec![None; graph.node_count()];
    let mut queue = VecDeque::new();
    for source in sources {
        distance[source] = Some(0);
        queue.push_back(NodeIndex::new(source));
    }
    while let Some(peer) = queue.pop_front() {
        let next = distance[peer.index()].map(|hops| hops + 1);
        for neighbour in graph.neighbors(peer) {
            if distance[neighbour.index()].is_none() {
                distance[neighbour.index()] = next;
                queue.push_back(neighbour);
            }
        }
    }
    let hops = tally(distance.into_iter().flatten());
    let reached = hops.iter().sum();
    (hops, reached)
}

/// How often 0, 1, 2, … occur.
fn tally(values: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let mut counts = Vec::new();
    for value in values {
        if counts.len() <= value {
            counts.resize(value + 1, 0);
        }
        counts[value] += 1;
    }
    counts
}

/// Mean of a tally.
fn mean(counts: &[usize]) -> f64 {
    let sum: usize = counts
        .iter()
        .enumerate()
        .map(|(value, count)| value * count)
        .sum();
    ratio(sum, counts.iter().sum())
}

fn ratio(part: usize, whole: usize) -> f64 {
    number(part) / number(whole)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of peers and pairs are small"
)]
const fn number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_a_pair_and_a_hermit() {
        // 0 (source) - 3 - 5, 7 - 8, and 9 alone.
        let overlay = Overlay::measure(Snapshot {
            at_s: 30.0,
            present: &[0, 3, 5, 7, 8, 9],
            edges: &[(0, 3), (3, 5), (7, 8), (8, 99)],
            sources: &[0],
        });
        assert_eq!(overlay.degrees, [1, 4, 1]);
        assert_eq!(overlay.components, 3);
        assert_eq!(overlay.hops, [1, 1, 1]);
        assert_eq!(overlay.unreached, 3);
        let expected = [30.0, 6.0, 3.0, 1.0, 2.0, 1.0, 3.0, 0.5, 1.5, 2.0, 3.0];
        assert_eq!(overlay.values(), expected);
        assert_eq!(overlay.values().len(), Overlay::COLUMNS.len());
    }

    #[test]
    fn an_empty_swarm_has_no_mean() {
        let overlay = Overlay::measure(Snapshot {
            at_s: 0.0,
            present: &[],
            edges: &[],
            sources: &[],
        });
        assert_eq!(overlay.components, 0);
        assert!(overlay.degree_mean().is_nan());
    }
}
