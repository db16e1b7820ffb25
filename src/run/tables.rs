//! The tables with a row for each peer, stall and moment: written while the finished runs go by, one at a time.

use swarmbed_analysis::overlay::Overlay;
use swarmbed_analysis::results::{self, Results, Stream, csv, csv_rows};
use swarmbed_sim::scenario::Scenario;

use super::kept::{Bulk, Digest};
use super::portrait::{Painter, Portrait};
use super::store::unwritable;
use super::{memory, pictures};

/// Reads the rest of a finished run.
pub(crate) type Load<'a> = &'a dyn Fn(&Digest) -> Result<Bulk, String>;

/// Rows that stand behind variant and seed.
pub(super) fn rows(name: &str, seed: u64, rows: impl Iterator<Item = Vec<String>>) -> String {
    let whole = |row: Vec<String>| -> Vec<String> {
        [name.to_owned(), seed.to_string()]
            .into_iter()
            .chain(row)
            .collect()
    };
    let rows: Vec<Vec<String>> = rows.map(whole).collect();
    String::from_utf8(csv_rows(&rows)).expect("made of texts")
}

fn begin(results: &Results, name: &str, columns: &[&str]) -> Result<Stream, String> {
    let header: Vec<&str> = ["variant", "seed"]
        .into_iter()
        .chain(columns.iter().copied())
        .collect();
    let mut stream = results.stream(name).map_err(|error| unwritable(&error))?;
    add(&mut stream, &csv(&header, &[]))?;
    Ok(stream)
}

fn add(stream: &mut Stream, bytes: &[u8]) -> Result<(), String> {
    stream.write(bytes).map_err(|error| unwritable(&error))
}

/// Writes `peers.csv`, `stalls.csv`, `timeline.csv`, and `overlay.csv` and `memory.csv` if there is anything in
/// them; comes back with what else is shown of these runs, which stand variant by variant.
pub(super) fn write(
    results: &mut Results,
    scenario: &Scenario,
    digests: &[Digest],
    load: Load<'_>,
) -> Result<Vec<Portrait>, String> {
    let stall_columns: Vec<String> = std::iter::once("peer".to_owned())
        .chain(results::stall_columns())
        .collect();
    let stall_columns: Vec<&str> = stall_columns.iter().map(String::as_str).collect();
    let mut peers = begin(results, "peers.csv", results::PEER_COLUMNS)?;
    let mut stalls = begin(results, "stalls.csv", &stall_columns)?;
    let mut timeline = begin(results, "timeline.csv", results::TIMELINE_COLUMNS)?;
    let mut overlay = None;
    let mut held = scenario
        .memory
        .then(|| begin(results, "memory.csv", memory::COLUMNS))
        .transpose()?;
    let spreads = pictures::spreads(scenario.stalls);
    let mut painter = Painter::new(&spreads);
    for digest in digests {
        let bulk = load(digest)?;
        let (variant, seed) = (digest.metrics.variant, digest.metrics.seed);
        let name = &scenario.variants[variant].name;
        add(&mut peers, bulk.peers.as_bytes())?;
        add(&mut stalls, bulk.stalls.as_bytes())?;
        let moments = rows(name, seed, bulk.timeline.iter().map(results::moment_row));
        add(&mut timeline, moments.as_bytes())?;
        if !bulk.overlay.is_empty() {
            let measures = rows(name, seed, bulk.overlay.iter().map(pictures::overlay_row));
            let stream = match &mut overlay {
                Some(stream) => stream,
                none => none.insert(begin(results, "overlay.csv", Overlay::COLUMNS)?),
            };
            add(stream, measures.as_bytes())?;
        }
        if let Some(stream) = &mut held {
            let amounts = rows(name, seed, bulk.held.iter().map(memory::Held::row));
            add(stream, amounts.as_bytes())?;
        }
        painter.add(variant, bulk);
    }
    let all = [Some(peers), Some(stalls), Some(timeline), overlay, held];
    for stream in all.into_iter().flatten() {
        results.finish(stream).map_err(|error| unwritable(&error))?;
    }
    Ok(painter.finish())
}
