//! `[network] granularity`: what is asked for and sent at one go.

use std::time::Duration;

use swarmbed_engine::Geometry;

use super::file::{self, File};
use super::resolve::{Result, error, find};
use crate::setup::{Class, Draw};

/// Time between two choke rounds of BEP 3, and after which a neighbour that owes something and has sent
/// nothing is called silent: rates are what came whole, so in that time a piece must.
const ROUND: Duration = Duration::from_secs(10);
/// Neighbours among whom tit-for-tat divides an uplink: four it reciprocates with, one by chance.
const SERVED: u64 = 5;

/// The request grid that is asked for.
pub(super) fn granularity(
    file: &File,
    geometry: Geometry,
    classes: &[Class],
    text: &str,
) -> Result<Geometry> {
    if file.network.granularity != Some(file::Granularity::Piece) {
        return Ok(geometry);
    }
    if matches!(file.network.wire, file::Wire::Bytes) {
        return error(
            "no message of more than a block of 16 KiB passes the codec, so with wire = \"bytes\" no piece \
             is sent whole",
            "write granularity = \"block\", or leave out `wire`",
            find(text, "granularity"),
        );
    }
    let length = geometry.piece_length();
    let whole = match geometry.in_whole_pieces() {
        Ok(whole) => whole,
        Err(problem) => {
            return error(
                problem.to_string(),
                "write granularity = \"block\", or shorter pieces",
                find(text, "piece_length"),
            );
        }
    };
    let slowest = classes.iter().filter(|class| class.behaviour.uploads());
    let slowest = slowest.min_by_key(|class| least(class));
    if let Some(class) = slowest {
        let most = least(class) * ROUND.as_secs() / SERVED;
        if u64::from(length) > most {
            return error(
                format!(
                    "a piece of {length} bytes is too long to be sent whole: peers rank each other by what \
                     came within {} s, in which a fifth of the uplink of \"{}\" carries {most} bytes",
                    ROUND.as_secs(),
                    class.name
                ),
                "write granularity = \"block\", or shorter pieces",
                find(text, "piece_length"),
            );
        }
    }
    Ok(whole)
}

/// The slowest uplink of a class, in bytes per second.
fn least(class: &Class) -> u64 {
    let (Draw::Fixed(rate) | Draw::Uniform(rate, _)) = class.uplink;
    rate.bytes_per_s()
}
