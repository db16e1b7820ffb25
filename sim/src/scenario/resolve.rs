//! From what is written to what it means: checks, policies by name, the sweep's variants.

use std::ops::Range;
use std::time::Duration;

use swarmbed_engine::live::{Expiry, LiveConfig, Numbering, SuperSeeding};
use swarmbed_engine::policy::{
    ChokerConfig, HookInConfig, LatePolicy, ParamError, ParamValue, PlaybackConfig, PolicyInfo,
    SelectorConfig, StartRule,
};
use swarmbed_engine::{Geometry, Limits, Rate};
use toml::{Spanned, Value};

use super::file::{self, Class, DownlinkText, File, Named, OneOrTwo, Policy};
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

fn classes(file: &File, policy: &Spanned<Policy>, text: &str) -> Result<Vec<setup::Class>> {
    let written = || {
        let classes = file.class.get_ref().iter();
        classes.filter_map(|class| class.get_ref().share)
    };
    let numbers = |share| match share {
        file::Share::Number(share) => Some(share),
        file::Share::Rest(_) => None,
    };
    let shares: f64 = written().filter_map(numbers).sum();
    let rests = written().count() - written().filter_map(numbers).count();
    let rest = (rests == 1 && shares <= 1.0 + 1e-9).then_some((1.0 - shares).max(0.0));
    let any = written().next().is_some();
    if any && rest.is_none() && (rests > 1 || libm::fabs(shares - 1.0) > 1e-9)
        || !any && file.swarm.viewers > 0
    {
        let span = file
            .class
            .get_ref()
            .iter()
            .rfind(|class| class.get_ref().share.is_some());
        return error(
            format!("the classes' shares add up to {shares}"),
            "shares must add up to 1; one class may have share = \"rest\"; classes with a `count` are apart",
            span.map_or_else(
                || find(text, "[[class]]"),
                |class| find_share(text, class.span()),
            ),
        );
    }
    file.class
        .get_ref()
        .iter()
        .map(|class| one_class(file, class, policy, rest, text))
        .collect()
}

/// The `share` key of the class whose header stands at `span`.
fn find_share(text: &str, span: Range<usize>) -> Range<usize> {
    let rest = text.get(span.start..).unwrap_or("");
    rest.find("\nshare").map_or(span.clone(), |at| {
        span.start + at + 1..span.start + at + "\nshare".len()
    })
}

fn one_class(
    file: &File,
    spanned: &Spanned<Class>,
    policy: &Spanned<Policy>,
    rest: Option<f64>,
    text: &str,
) -> Result<setup::Class> {
    let class = spanned.get_ref();
    let span = spanned.span();
    let name = &class.name;
    let share = class.share.and_then(|share| match share {
        file::Share::Number(share) => Some(share),
        file::Share::Rest(_) => rest,
    });
    let population = match (class.count, share) {
        (Some(count), None) => setup::Population::Count(count),
        (None, Some(share)) if (0.0..=1.0).contains(&share) => setup::Population::Share(share),
        _ => {
            let help = "write count = 1 for peers that are there from the start, or share = 0.8 of the viewers";
            return error(
                format!("class `{name}` takes either a `count` or a `share` from 0 to 1"),
                help,
                span,
            );
        }
    };
    if !(0.0..=1.0).contains(&class.connectable) {
        return error(
            format!("class `{name}`: `connectable` is a share from 0 to 1"),
            "",
            span,
        );
    }
    let own = class.policy.as_ref();
    let set = own.unwrap_or_else(|| policy.get_ref());
    let policy_span = if own.is_some() {
        span.clone()
    } else {
        policy.span()
    };
    let playback = PlaybackConfig {
        start: match file.playback.start {
            file::Start::GiveToGet => StartRule::GiveToGet {
                h: Duration::from_secs(10),
            },
            file::Start::Prebuffer(time) => StartRule::Prebuffer(time.0),
            file::Start::SwarmPlayer2008(time) => StartRule::SwarmPlayer2008(time.0),
        },
        late: match file.playback.late {
            file::Late::Stall => LatePolicy::Stall {
                resume: file.playback.resume.0,
            },
            file::Late::Skip => LatePolicy::Skip,
        },
    };
    Ok(setup::Class {
        name: name.clone(),
        population,
        source: class.source,
        auxiliary: class.auxiliary,
        asks_server: file.web_seed.as_ref().is_some_and(|server| {
            let of = &server.get_ref().of;
            !class.source && (of.is_empty() || of.contains(name))
        }),
        uplink: draw(class.uplink, name, &span)?,
        downlink: downlink(class, &span)?,
        connectable: class.connectable,
        departure: match class.departure {
            file::Departure::Never => setup::Departure::Never,
            file::Departure::EndOfPlayback => setup::Departure::EndOfPlayback,
            file::Departure::EndOfDownload => setup::Departure::EndOfDownload,
            file::Departure::SeedsFor(mean) => setup::Departure::SeedsFor(mean.0),
            file::Departure::Weibull { scale, shape } if shape > 0.0 => setup::Departure::Weibull {
                scale: scale.0,
                shape,
            },
            file::Departure::Weibull { .. } => {
                return error("a Weibull shape is above 0", "", find(text, "weibull"));
            }
        },
        behaviour: super::behaviour::behaviour(class, &span)?,
        viewing: super::behaviour::viewing(class, file.live.is_some(), &span)?,
        selector: selector(&set.selector, &policy_span)?,
        choker: choker(&set.choker, &policy_span)?,
        seed_choker: choker(&set.seed_choker, &policy_span)?,
        playback,
    })
}

fn draw(rates: OneOrTwo, name: &str, span: &Range<usize>) -> Result<setup::Draw> {
    match rates {
        OneOrTwo::One(rate) if rate.0 > Rate::ZERO => Ok(setup::Draw::Fixed(rate.0)),
        OneOrTwo::Two(low, high) if low.0 > Rate::ZERO && low.0 <= high.0 => {
            Ok(setup::Draw::Uniform(low.0, high.0))
        }
        _ => error(
            format!(
                "class `{name}`: a link's rate is above zero, and of two the lower comes first"
            ),
            "a peer that uploads nothing has behaviour = \"free-rider\"",
            span.clone(),
        ),
    }
}

fn downlink(class: &Class, span: &Range<usize>) -> Result<setup::Downlink> {
    let text = match &class.downlink {
        DownlinkText::Two(low, high) => {
            return Ok(setup::Downlink::Own(draw(
                OneOrTwo::Two(*low, *high),
                &class.name,
                span,
            )?));
        }
        DownlinkText::Text(text) => text.trim(),
    };
    if text == "unlimited" {
        return Ok(setup::Downlink::Unlimited);
    }
    if let Some(factor) = text
        .strip_suffix("uplink")
        .and_then(|rest| rest.trim().strip_suffix('x'))
    {
        return match factor.trim().parse::<f64>() {
            Ok(factor) if factor > 0.0 && factor.is_finite() => {
                Ok(setup::Downlink::TimesUplink(factor))
            }
            _ => error(
                format!("`{text}`: the factor is a number above 0"),
                "write \"4 x uplink\"",
                span.clone(),
            ),
        };
    }
    match Speed::read(text) {
        Ok(rate) => Ok(setup::Downlink::Own(draw(
            OneOrTwo::One(rate),
            &class.name,
            span,
        )?)),
        Err(message) => error(
            message,
            "or write \"4 x uplink\", or \"unlimited\"",
            span.clone(),
        ),
    }
}

fn faults(file: &File) -> Result<Vec<(Duration, setup::Fault)>> {
    let faults = file.fault.iter();
    faults
        .map(|fault| Ok((fault.get_ref().at.0, self::fault(file, fault)?)))
        .collect()
}

fn fault(file: &File, spanned: &Spanned<file::Fault>) -> Result<setup::Fault> {
    use file::FaultKind;
    let fault = spanned.get_ref();
    let missing = |key: &str, example: &str| ScenarioError {
        message: format!("this fault needs `{key}`"),
        help: Some(format!("write {key} = {example}")),
        span: Some(spanned.span()),
        text: None,
    };
    let peer = || fault.peer.ok_or_else(|| missing("peer", "0"));
    let taken: &[&str] = match fault.kind {
        FaultKind::Crash | FaultKind::CorruptBlock => &["peer"],
        FaultKind::SourceGone => &[],
        FaultKind::UplinkStep => &["class", "percent"],
    };
    let given = [
        ("peer", fault.peer.is_some()),
        ("class", fault.class.is_some()),
        ("percent", fault.percent.is_some()),
    ];
    for (key, given) in given {
        if given && !taken.contains(&key) {
            return error(
                format!("`{key}` is of no use to this kind of fault"),
                "leave it out",
                spanned.span(),
            );
        }
    }
    Ok(match fault.kind {
        FaultKind::Crash => setup::Fault::Crash { peer: peer()? },
        FaultKind::CorruptBlock => setup::Fault::CorruptBlock { peer: peer()? },
        FaultKind::SourceGone => setup::Fault::SourceGone,
        FaultKind::UplinkStep => {
            let Some(class) = &fault.class else {
                return Err(missing("class", "\"viewer\""));
            };
            let classes = file.class.get_ref().iter();
            let place = classes
                .map(|one| &one.get_ref().name)
                .position(|name| name == class);
            let Some(place) = place else {
                return error(format!("no class is called `{class}`"), "", spanned.span());
            };
            let Some(percent) = fault.percent else {
                return Err(missing("percent", "50"));
            };
            setup::Fault::UplinkStep {
                class: u16::try_from(place).unwrap_or(u16::MAX),
                percent,
            }
        }
    })
}

fn selector(named: &Named, span: &Range<usize>) -> Result<SelectorConfig> {
    let name = name_of(named, span)?;
    let Some(mut config) = SelectorConfig::from_name(name) else {
        return unknown("selector", name, SelectorConfig::TABLE, span);
    };
    parameters(named, span, |key, value| config.set(key, value))?;
    Ok(config)
}

fn choker(named: &Named, span: &Range<usize>) -> Result<ChokerConfig> {
    let name = name_of(named, span)?;
    let Some(mut config) = ChokerConfig::from_name(name) else {
        return unknown("choker", name, ChokerConfig::TABLE, span);
    };
    parameters(named, span, |key, value| config.set(key, value))?;
    Ok(config)
}

fn unknown<T>(kind: &str, name: &str, table: &[PolicyInfo], span: &Range<usize>) -> Result<T> {
    let names: Vec<&str> = table.iter().map(|info| info.name).collect();
    error(
        format!("no {kind} is called `{name}`"),
        format!("there are {}", names.join(", ")),
        span.clone(),
    )
}

fn name_of<'a>(named: &'a Named, span: &Range<usize>) -> Result<&'a str> {
    match named {
        Named::Name(name) => Ok(name),
        Named::Table(table) => match table.get("name").and_then(Value::as_str) {
            Some(name) => Ok(name),
            None => error("a policy's table has its `name`", "", span.clone()),
        },
    }
}

fn parameters(
    named: &Named,
    span: &Range<usize>,
    mut set: impl FnMut(&str, &ParamValue) -> std::result::Result<(), ParamError>,
) -> Result<()> {
    let Named::Table(table) = named else {
        return Ok(());
    };
    for (key, value) in table.iter().filter(|(key, _)| *key != "name") {
        let value = match value {
            Value::String(text) => match Time::read(text) {
                Ok(time) => ParamValue::Duration(time.0),
                Err(_) => ParamValue::Text(text.clone()),
            },
            #[expect(clippy::cast_precision_loss, reason = "parameters are small")]
            Value::Integer(number) => ParamValue::Number(*number as f64),
            Value::Float(number) => ParamValue::Number(*number),
            Value::Boolean(flag) => ParamValue::Flag(*flag),
            _ => {
                return error(
                    format!("parameter `{key}` is of no use here"),
                    "",
                    span.clone(),
                );
            }
        };
        if let Err(problem) = set(key, &value) {
            return error(format!("parameter `{key}`: {problem}"), "", span.clone());
        }
    }
    Ok(())
}
