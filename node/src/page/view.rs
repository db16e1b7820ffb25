//! What the page is told, twice a second.

use serde_json::{Value, json};
use swarmbed_engine::Bitfield;

use crate::content::Content;

/// Places of the piece map at most: more than a screen has room for.
const MAP_MAX: u32 = 500;

/// How it stands, as the page reads it.
pub(super) fn view(content: &Content, mime: &str) -> Value {
    let status = content.board.status().borrow().clone();
    let metainfo = &content.torrent.metainfo;
    let scene = content.board.scene();
    let millis = |at: Option<std::time::Duration>| at.map(|at| at.as_millis());
    let rate = metainfo.bitrate.map(swarmbed_engine::Rate::bytes_per_s);
    let neighbours: Vec<Value> = scene
        .neighbours
        .iter()
        .map(|one| {
            json!({
                "addr": one.addr.to_string(),
                "down": one.down.bytes_per_s(),
                "up": one.up.bytes_per_s(),
                "we_choke": one.we_choke,
                "they_choke": one.they_choke,
                "pieces": one.pieces,
                "outstanding": one.outstanding,
            })
        })
        .collect();
    json!({
        "name": metainfo.name,
        "mime": mime,
        "thumbnail": metainfo.thumbnail.is_some(),
        "live": status.live.is_some(),
        "size": metainfo.geometry.total(),
        "rate": rate,
        "have": status.have,
        "have_bytes": u64::from(status.have) * u64::from(metainfo.geometry.piece_length()),
        "pieces": status.pieces,
        "complete": status.complete,
        "map": scene.map,
        "down": status.down.bytes_per_s(),
        "up": status.up.bytes_per_s(),
        "neighbours": neighbours,
        "wanted": scene.wanted.map(|wanted| json!({
            "piece": wanted.piece.0,
            "cause": wanted.cause.map(swarmbed_engine::Cause::name),
            "ahead": wanted.ahead,
        })),
        "tracker_error": status.tracker_error,
        "lag_s": status.live.and_then(|live| live.lag).map(|lag| lag.as_secs_f64()),
        "phases": {
            "neighbour": millis(scene.phases.neighbour),
            "unchoked": millis(scene.phases.unchoked),
            "bytes": millis(scene.phases.bytes),
            "piece": millis(scene.phases.piece),
        },
    })
}

/// A digit for each place: how much of it is here, from 0 (nothing) to 9 (all).
pub(crate) fn map(have: &Bitfield) -> String {
    let pieces = have.length();
    let places = pieces.clamp(1, MAP_MAX);
    let border = |place: u32| {
        let at = u64::from(place) * u64::from(pieces) / u64::from(places);
        u32::try_from(at).expect("at most the pieces")
    };
    (0..places)
        .map(|place| {
            let here = border(place)..border(place + 1);
            let all = here.len();
            let have = here.filter(|&at| have.contains(at as usize)).count();
            let tenth = match (have * 9).div_ceil(all.max(1)) {
                // All means all.
                9 if have < all => 8,
                tenth => tenth,
            };
            char::from_digit(u32::try_from(tenth).unwrap_or(0), 10).expect("at most 9")
        })
        .collect()
}
