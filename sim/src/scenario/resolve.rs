//! From what is written to what it means: overrides, content, channel, and the sweep's variants. The
//! other sections have files of their own.

use std::ops::Range;

use swarmbed_engine::live::{Expiry, LiveConfig, Numbering, SuperSeeding};
use swarmbed_engine::policy::HookInConfig;
use swarmbed_engine::{Geometry, Limits, Rate};
use toml::{Spanned, Value};

use super::class::classes;
use super::fault::faults;
use super::file::{self, File, Policy};
use super::named::{name_of, parameters, unknown};
use super::units::{Speed, Time};
use super::{Scenario, ScenarioError, Variant};
use crate::setup::{self, Setup};

pub(super) type Result<T> = std::result::Result<T, ScenarioError>;

pub(super) fn error<T>(
    message: impl Into<String>,
    help: impl Into<String>,
    span: Range<usize>,
) -> Result<T> {
    let help = Some(help.into()).filter(|help| !help.is_empty());
    let span = Some(span).filter(|span| !span.is_empty());
    Err(ScenarioError {
        message: message.into(),
        help,
        span,
        text: None,
    })
}

/// A TOML error as ours.
pub(super) fn syntax(error: &toml::de::Error) -> ScenarioError {
    ScenarioError {
        message: error.message().into(),
        help: None,
        span: error.span(),
        text: None,
    }
}

/// The text with `section.key=value` changes made; the text itself if there are none.
pub(super) fn with_sets(text: &str, sets: &[String]) -> Result<String> {
    if sets.is_empty() {
        return Ok(text.into());
    }
    let mut table: toml::Table = toml::from_str(text).map_err(|error| syntax(&error))?;
    for set in sets {
        let Some((key, value)) = set.split_once('=') else {
            return error(
                format!("`--set {set}` has no `=`"),
                "write --set section.key=value",
                0..0,
            );
        };
        // A bare word is taken for a text, so that quotes need not be quoted.
        let value = toml::from_str::<toml::Table>(&format!("v = {value}"))
            .ok()
            .and_then(|mut table| table.remove("v"))
            .unwrap_or_else(|| Value::String(value.trim().trim_matches('"').into()));
        put(&mut table, key.trim(), value)?;
    }
    toml::to_string(&table).map_err(|error| ScenarioError {
        message: error.to_string(),
        help: None,
        span: None,
        text: None,
    })
}

/// Sets a dotted key; a number in it is an index into an array of tables.
fn put(table: &mut toml::Table, key: &str, value: Value) -> Result<()> {
    let (path, last) = key.rsplit_once('.').unwrap_or(("", key));
    let mut at = table;
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let next = at
            .entry(part)
            .or_insert_with(|| Value::Table(toml::Table::new()));
        at = match next {
            Value::Table(table) => table,
            // `class.viewer.uplink`: the table of that name in an array of tables.
            Value::Array(tables) => {
                let rest = key[key.find(part).unwrap_or(0) + part.len()..].trim_start_matches('.');
                let (name, rest) = rest.split_once('.').unwrap_or((rest, ""));
                let found = tables
                    .iter_mut()
                    .filter_map(Value::as_table_mut)
                    .find(|table| table.get("name").and_then(Value::as_str) == Some(name));
                return match found {
                    Some(table) if !rest.is_empty() => put(table, rest, value),
                    _ => error(
                        format!("`{key}`: no `[[{part}]]` is called `{name}`"),
                        "",
                        0..0,
                    ),
                };
            }
            _ => return error(format!("`{key}`: `{part}` is no table"), "", 0..0),
        };
    }
    at.insert(last.into(), value);
    Ok(())
}

/// Makes the scenario of a file.
pub(super) fn scenario(file: &File, text: &str) -> Result<Scenario> {
    let seeds = match &file.sweep.seeds {
        file::Seeds::Count(count) => super::seeds(&count.to_string()),
        file::Seeds::Range(range) => super::seeds(range),
    }
    .or_else(|message| error(message, "", find(text, "seeds")))?;
    let mut variants = Vec::new();
    for place in places(file) {
        let changed;
        let at = if place.is_empty() {
            file
        } else {
            changed = moved(text, &place)?;
            &changed
        };
        for policy in &at.policy {
            let axes: Vec<(String, String)> = place
                .iter()
                .map(|(key, value)| (key.clone(), plain(value)))
                .collect();
            let mut name = policy.get_ref().name.clone();
            for (key, value) in &axes {
                let short = key.rsplit('.').next().unwrap_or(key);
                name = format!("{name}, {short} {value}");
            }
            let setup = one(at, policy, text)?;
            variants.push(Variant {
                name,
                policy: policy.get_ref().name.clone(),
                axes,
                setup,
            });
        }
    }
    let spelled_out = toml::to_string(file).map_err(|error| ScenarioError {
        message: error.to_string(),
        help: None,
        span: None,
        text: None,
    })?;
    let claims = super::claim::claims(file, &variants, text)?;
    Ok(Scenario {
        question: file.question.clone(),
        title: file.figure.title.clone(),
        figure: super::drawing::figure(file, text)?,
        memory: file.figure.memory,
        startup_mark: super::drawing::startup_mark(file, text)?,
        claims,
        text: spelled_out,
        variants,
        until: super::drawing::until(&file.sweep, seeds.len(), text)?,
        seeds,
        warm_up: file.run.warm_up.0,
        // A channel's picture stands still when nothing later is here either.
        stalls: matches!(file.playback.late, file::Late::Stall) || file.live.is_some(),
    })
}

/// A value as it stands in names of variants: a table by its keys and values, without braces.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Table(table) => {
            let parts = table
                .iter()
                .map(|(key, value)| format!("{key} {}", plain(value)));
            parts.collect::<Vec<_>>().join(", ")
        }
        value => value.to_string(),
    }
}

/// All combinations of the sweep's axes, first axis slowest.
fn places(file: &File) -> Vec<Vec<(String, Value)>> {
    let mut places = vec![Vec::new()];
    for (key, values) in &file.sweep.axes {
        places = places
            .into_iter()
            .flat_map(|place: Vec<(String, Value)>| {
                values.iter().map(move |value| {
                    let mut place = place.clone();
                    place.push((key.clone(), value.clone()));
                    place
                })
            })
            .collect();
    }
    places
}

/// The file at one place of the sweep.
fn moved(text: &str, place: &[(String, Value)]) -> Result<File> {
    let mut table: toml::Table = toml::from_str(text).map_err(|error| syntax(&error))?;
    for (key, value) in place {
        put(&mut table, key, value.clone())?;
    }
    let wrong = |message: &str| ScenarioError {
        message: format!("in the sweep: {message}"),
        help: None,
        text: None,
        span: Some(find(text, "[sweep")),
    };
    // By way of the text, since spans are asked for.
    let text = toml::to_string(&table).map_err(|problem| wrong(&problem.to_string()))?;
    toml::from_str(&text).map_err(|problem: toml::de::Error| wrong(problem.message()))
}

/// Where `needle` stands in the text, or nowhere.
pub(super) fn find(text: &str, needle: &str) -> Range<usize> {
    text.find(needle)
        .map_or(0..0, |start| start..start + needle.len())
}

fn one(file: &File, policy: &Spanned<Policy>, text: &str) -> Result<Setup> {
    let (geometry, bitrate) = content(file, text)?;
    let (geometry, live) = match (&file.live, bitrate) {
        (Some(live), Some(bitrate)) => channel(live, &geometry, bitrate)?,
        (Some(live), None) => {
            return error(
                "a channel has a `duration` and a `bitrate`",
                "write them in [content]",
                live.span(),
            );
        }
        (None, _) => (geometry, None),
    };
    let classes = classes(file, policy, text)?;
    let geometry = super::granularity::granularity(file, geometry, &classes, text)?;
    let swarm = &file.swarm;
    if swarm.neighbours == 0 || swarm.neighbours > swarm.neighbours_max {
        return error(
            "a peer dials until it has `neighbours`, which must be from 1 to `neighbours_max`",
            "",
            find(text, "neighbours"),
        );
    }
    let every = file.network.overlay_every.0;
    Ok(Setup {
        seed: 0,
        geometry,
        bitrate,
        live,
        viewers: swarm.viewers,
        arrival: match &swarm.arrival {
            file::Arrival::AllAtOnce(at) => setup::Arrival::AllAtOnce(at.0),
            file::Arrival::Poisson(rate) if rate.0 > 0.0 => setup::Arrival::Poisson(rate.0),
            file::Arrival::Poisson(_) => {
                return error(
                    "at a rate of zero nobody arrives",
                    "",
                    find(text, "poisson"),
                );
            }
            file::Arrival::Day(day) if day.mean.0 > 0.0 && (0.0..=1.0).contains(&day.depth) => {
                setup::Arrival::Day {
                    mean: day.mean.0,
                    low_at: day.low_at.0,
                    depth: day.depth,
                }
            }
            file::Arrival::Day(_) => {
                return error(
                    "a day's `mean` is above zero, and its `depth` from 0 to 1",
                    "write { day = { mean = \"0.1 /s\", low_at = \"4 h\", depth = 0.9 } }",
                    find(text, "day"),
                );
            }
            file::Arrival::FlashCrowd(fading) => setup::Arrival::FlashCrowd(fading.0),
            file::Arrival::Trace(times) => {
                setup::Arrival::Trace(times.iter().map(|time| time.0).collect())
            }
        },
        faults: faults(file)?,
        classes,
        network: super::network::network(file, text)?,
        tracker: setup::TrackerSetup {
            peers_per_answer: swarm.peers_per_answer,
            interval: swarm.announce_interval.0,
        },
        web_seed: super::behaviour::web_seed(file)?,
        limits: Limits {
            dial_below: swarm.neighbours,
            neighbours_max: swarm.neighbours_max,
            ..Limits::default()
        },
        horizon: file.run.horizon.0,
        wire: match file.network.wire {
            file::Wire::Typed => setup::WireMode::Typed,
            file::Wire::Bytes => setup::WireMode::Bytes,
        },
        overlay_every: (!every.is_zero()).then_some(every),
        detailed: Vec::new(),
    })
}

fn content(file: &File, text: &str) -> Result<(Geometry, Option<Rate>)> {
    let content = &file.content;
    let (total, bitrate) = match (content.duration, content.bitrate, content.size) {
        (Some(Time(duration)), Some(Speed(bitrate)), None) => {
            let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
            (bitrate.bytes_in(nanos), Some(bitrate))
        }
        (None, None, Some(size)) => (size.0, None),
        _ => {
            return error(
                "`[content]` takes either `duration` and `bitrate`, or `size`",
                "write duration = \"5 min\" and bitrate = \"500 kbit/s\"",
                find(text, "[content]"),
            );
        }
    };
    let length = u32::try_from(content.piece_length.0).unwrap_or(u32::MAX);
    match Geometry::new(total, length) {
        Ok(geometry) => Ok((geometry, bitrate)),
        Err(problem) => error(problem.to_string(), "", find(text, "piece_length")),
    }
}

/// The window's geometry, and the channel of a broadcast as long as `whole`.
fn channel(
    spanned: &Spanned<file::Live>,
    whole: &Geometry,
    bitrate: Rate,
) -> Result<(Geometry, Option<setup::LiveSetup>)> {
    let live = spanned.get_ref();
    let span = spanned.span();
    let pieces = |time: Time| {
        let nanos = u64::try_from(time.0.as_nanos()).unwrap_or(u64::MAX);
        let pieces = bitrate.bytes_in(nanos) / u64::from(whole.piece_length());
        u32::try_from(pieces).unwrap_or(u32::MAX)
    };
    let numbering = match live.numbering {
        file::Numbering::Absolute => Numbering::Absolute {
            window: pieces(live.window),
        },
        file::Numbering::Ring => Numbering::Ring(pieces(live.ring)),
    };
    let name = name_of(&live.hook_in, &span)?;
    let Some(mut hook_in) = HookInConfig::from_name(name) else {
        return unknown("hook-in rule", name, HookInConfig::TABLE, &span);
    };
    parameters(&live.hook_in, &span, |key, value| hook_in.set(key, value))?;
    let config = LiveConfig {
        lag_max: live.lag_max.0,
        ..LiveConfig::viewer(numbering)
    };
    let geometry = config.geometry(whole.piece_length());
    let geometry = geometry.or_else(|problem| error(problem.to_string(), "", span))?;
    let setup = setup::LiveSetup {
        numbering,
        expiry: match live.expiry {
            file::Expiry::Implied => Expiry::Implied,
            file::Expiry::Announced => Expiry::Announced,
        },
        hook_in,
        lag_max: live.lag_max.0,
        super_seeding: live.super_seeding.map(|one| SuperSeeding {
            k: one.k,
            tau: one.tau.0,
        }),
        pieces: whole.pieces(),
    };
    Ok((geometry, Some(setup)))
}
