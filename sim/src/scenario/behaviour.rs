//! What a class does that it should not, what its viewers do, and whom else they may ask, from what
//! is written.

use std::ops::Range;
use std::time::Duration;

use swarmbed_engine::{Rate, WebSeedUse};

use super::file::{self, Class, File};
use super::resolve::{Result, error};
use crate::setup::{Behaviour, Viewing, WebSeedSetup};

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

/// Of a pause, unless the scenario says otherwise.
const PAUSE: Duration = Duration::from_secs(30);

/// What the viewers of a class do with the player.
pub(super) fn viewing(class: &Class, live: bool, span: &Range<usize>) -> Result<Viewing> {
    let name = &class.name;
    let written = class.viewing.unwrap_or_default();
    let means = [
        ("pause_every", written.pause_every),
        ("pause_length", written.pause_length),
        ("seek_every", written.seek_every),
        ("patience", written.patience),
    ];
    for (key, mean) in means {
        if mean.is_some_and(|mean| mean.0.is_zero()) {
            return error(
                format!("class `{name}`: `{key}` is above zero"),
                "leave it out for never",
                span.clone(),
            );
        }
    }
    if written.pause_length.is_some() && written.pause_every.is_none() {
        return error(
            format!("class `{name}`: `pause_length` is of no use without `pause_every`"),
            "write pause_every = \"5 min\"",
            span.clone(),
        );
    }
    if live && written.seek_every.is_some() {
        let help = "leave `seek_every` out";
        return error(
            format!("class `{name}`: nobody can jump in a channel"),
            help,
            span.clone(),
        );
    }
    if class.source && class.viewing.is_some() {
        return error(
            format!("class `{name}`: a source watches nothing"),
            "",
            span.clone(),
        );
    }
    let length = written.pause_length.map_or(PAUSE, |length| length.0);
    Ok(Viewing {
        pause: written.pause_every.map(|every| (every.0, length)),
        seek: written.seek_every.map(|every| every.0),
        patience: written.patience.map(|patience| patience.0),
    })
}

/// The server that viewers may ask.
pub(super) fn web_seed(file: &File) -> Result<Option<WebSeedSetup>> {
    let Some(written) = &file.web_seed else {
        return Ok(None);
    };
    let (span, server) = (written.span(), written.get_ref());
    if file.content.bitrate.is_none() {
        return error(
            "[web_seed]: a server has films that can be played, and channels, and no plain files",
            "give [content] a `duration` and a `bitrate`",
            span,
        );
    }
    if file.live.is_some() && matches!(server.when, file::When::Prefix(_)) {
        return error(
            "[web_seed]: a channel has no beginning",
            "write when = \"always\", or when = { buffer-low = \"10 s\" }",
            span,
        );
    }
    let mut classes = file.class.get_ref().iter();
    let known = |name: &&String| !classes.any(|class| class.get_ref().name == **name);
    if let Some(name) = server.of.iter().find(known) {
        return error(format!("[web_seed]: no class is called `{name}`"), "", span);
    }
    if server.rate.0 == Rate::ZERO {
        return error("[web_seed]: its `rate` is above zero", "", span);
    }
    Ok(Some(WebSeedSetup {
        when: match server.when {
            file::When::Always => WebSeedUse::Always,
            file::When::BufferLow(media) => WebSeedUse::BufferLow(media.0),
            file::When::Prefix(media) => WebSeedUse::Prefix(media.0),
        },
        rate: server.rate.0,
        budget: server.budget.map(|budget| budget.0),
    }))
}
