//! What a class does that it should not, from what is written.

use std::ops::Range;
use std::time::Duration;

use super::file::{self, Class};
use super::resolve::{Result, error};
use crate::setup::Behaviour;

/// Receivers that a sybil invents, unless the scenario says otherwise; as many as the 8 that a
/// generous peer with 3 + 1 slots would serve in two rounds.
const IDENTITIES: u16 = 8;
/// Most of them: one message names 32 receivers.
const IDENTITIES_MAX: u16 = 32;
/// As late as a request that is given up at 10 s of silence just bears.
const LATENESS: Duration = Duration::from_secs(10);

/// The behaviour of a class.
pub(super) fn behaviour(class: &Class, span: &Range<usize>) -> Result<Behaviour> {
    let name = &class.name;
    let needless = [
        (
            "identities",
            class.identities.is_some(),
            "sybil",
            class.behaviour == file::Behaviour::Sybil,
        ),
        (
            "lateness",
            class.lateness.is_some(),
            "late-server",
            class.behaviour == file::Behaviour::LateServer,
        ),
    ];
    for (key, given, behaviour, fits) in needless {
        if given && !fits {
            return error(
                format!("class `{name}`: `{key}` is of no use to this behaviour"),
                format!("leave it out, or write behaviour = \"{behaviour}\""),
                span.clone(),
            );
        }
    }
    let identities = class.identities.unwrap_or(IDENTITIES);
    if identities == 0 || identities > IDENTITIES_MAX {
        return error(
            format!("class `{name}`: a sybil has 1 to {IDENTITIES_MAX} `identities`"),
            "",
            span.clone(),
        );
    }
    Ok(match class.behaviour {
        file::Behaviour::Honest => Behaviour::Honest,
        file::Behaviour::FreeRider => Behaviour::FreeRider,
        file::Behaviour::Idle => Behaviour::Idle,
        file::Behaviour::Liar => Behaviour::Liar,
        file::Behaviour::Colluder => Behaviour::Colluder,
        file::Behaviour::Sybil => Behaviour::Sybil { identities },
        file::Behaviour::HaveLiar => Behaviour::HaveLiar,
        file::Behaviour::Polluter => Behaviour::Polluter,
        file::Behaviour::LateServer => Behaviour::LateServer {
            lateness: class.lateness.map_or(LATENESS, |time| time.0),
        },
        file::Behaviour::Whitewasher => Behaviour::Whitewasher,
    })
}
