//! One viewer's story, as the page reads it: whole milliseconds and piece numbers.

use serde_json::{Value, json};
use swarmbed_engine::Instant;

use crate::digits;
use crate::metric::Content;
use crate::record::PeerRecord;
use crate::story::{PieceStory, Story};

/// Most corners of a line of steps; a page shows no more.
const STEPS_MAX: usize = 1500;

/// What the page shows of a viewer. Times are milliseconds of the run; the playhead is in pieces.
#[must_use]
pub fn viewer(peer: &PeerRecord, story: &Story, content: Content) -> Value {
    let pieces: Vec<Value> = story
        .pieces
        .iter()
        .map(|piece| row(piece, story.why(piece).map(crate::story::Want::name)))
        .collect();
    let per_piece = content.bitrate.map_or(1.0, |rate| {
        f64::from(content.piece_length) / crate::run::big(rate.bytes_per_s())
    });
    let playhead: Vec<Value> = story
        .playhead
        .iter()
        .map(|place| {
            let media = place.media.as_secs_f64() / per_piece;
            json!([millis(place.at), digits::json(media)])
        })
        .collect();
    let keep = story.neighbours.len().div_ceil(STEPS_MAX).max(1);
    let neighbours: Vec<Value> = story
        .neighbours
        .iter()
        .step_by(keep)
        .map(|step| json!([millis(step.at), step.connected, step.open]))
        .collect();
    let ledger = &peer.ledger;
    let stalls: Vec<Value> = ledger
        .stalls
        .iter()
        .map(|stall| {
            json!([
                millis(stall.at),
                stall.piece.0,
                stall.millis,
                stall.causes.0
            ])
        })
        .collect();
    json!({
        "peer": peer.number,
        "class": peer.class,
        "uplink": peer.uplink.bytes_per_s(),
        "downlink": peer.downlink.map(swarmbed_engine::Rate::bytes_per_s),
        "connectable": peer.connectable,
        "arrival": millis(peer.arrival),
        "left": peer.left_at.map(millis),
        "started": ledger.started_at.map(millis),
        "completed": ledger.completed_at.map(millis),
        "late": ledger.late,
        "skipped": ledger.skipped,
        "stalls": stalls,
        "pieces": pieces,
        "playhead": playhead,
        "neighbours": neighbours,
    })
}

/// Number, known, requested, complete, due (if late), skipped, why.
fn row(piece: &PieceStory, why: Option<&str>) -> Value {
    let at = |at: Option<Instant>| at.map(millis);
    json!([
        piece.piece.0,
        at(piece.known),
        at(piece.requested),
        at(piece.complete),
        at(piece.late),
        u8::from(piece.skipped),
        why,
    ])
}

fn millis(at: Instant) -> u64 {
    at.as_nanos() / 1_000_000
}
