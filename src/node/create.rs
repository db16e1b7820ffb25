//! `swarmbed node create`

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use swarmbed_node::create::{Wishes, make, write_whole};
use swarmbed_node::{NodeError, Torrent, hex};

use super::CreateArgs;
use super::report::{Progress, percent};

pub(super) fn run(args: &CreateArgs) -> Result<Value, NodeError> {
    let wishes = Wishes {
        name: args.name.clone(),
        piece_length: args.piece_length,
        trackers: args.trackers.clone(),
        web_seeds: args.web_seeds.clone(),
        private: args.private,
        duration: args.duration,
        bitrate: args.bitrate,
        comment: args.comment.clone(),
        thumbnail: args.thumb.clone(),
    };
    let mut progress = Progress::new();
    let mut shown = Instant::now();
    let bytes = make(&args.file, &wishes, |done, all| {
        if shown.elapsed() >= Duration::from_secs(1) {
            shown = Instant::now();
            progress.show(&format!("hashing {}", percent(done, all)));
        }
    })?;
    progress.end();
    let torrent = Torrent::parse(&bytes).map_err(|source| NodeError::Torrent {
        path: args.file.clone(),
        source,
    })?;
    let metainfo = &torrent.metainfo;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{}.torrent", metainfo.name)));
    write_whole(&out, &bytes, args.force)?;
    let info_hash = hex(&torrent.info_hash);
    let plays = match metainfo.duration() {
        Some(time) => format!("plays {}", clock(time)),
        None => "its playing time is not known: give --duration or install ffprobe".into(),
    };
    progress.say(&format!(
        "{}: {} pieces of {} bytes, info-hash {info_hash}; {plays}",
        out.display(),
        metainfo.geometry.pieces(),
        metainfo.geometry.piece_length(),
    ));
    Ok(json!({
        "torrent": out.display().to_string(),
        "info_hash": info_hash,
        "name": metainfo.name,
        "length": metainfo.geometry.total(),
        "pieces": metainfo.geometry.pieces(),
        "piece_length": metainfo.geometry.piece_length(),
        "duration_s": metainfo.duration().map(|time| time.as_secs_f64()),
        "bitrate": metainfo.bitrate.map(swarmbed_engine::Rate::bytes_per_s),
    }))
}

/// `h:mm:ss`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours}:{minutes:02}:{:02}", seconds % 60)
}
