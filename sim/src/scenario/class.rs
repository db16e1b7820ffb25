//! `[[class]]`: who is in the swarm, with which links and under which policies.

use std::ops::Range;
use std::time::Duration;

use swarmbed_engine::Rate;
use swarmbed_engine::policy::{LatePolicy, PlaybackConfig, StartRule};
use toml::Spanned;

use super::file::{self, Class, DownlinkText, File, OneOrTwo, Policy};
use super::named::{choker, selector};
use super::resolve::{Result, error, find};
use super::units::Speed;
use crate::setup;

pub(super) fn classes(
    file: &File,
    policy: &Spanned<Policy>,
    text: &str,
) -> Result<Vec<setup::Class>> {
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
pub(super) fn find_share(text: &str, span: Range<usize>) -> Range<usize> {
    let rest = text.get(span.start..).unwrap_or("");
    rest.find("\nshare").map_or(span.clone(), |at| {
        span.start + at + 1..span.start + at + "\nshare".len()
    })
}

pub(super) fn one_class(
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

pub(super) fn draw(rates: OneOrTwo, name: &str, span: &Range<usize>) -> Result<setup::Draw> {
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

pub(super) fn downlink(class: &Class, span: &Range<usize>) -> Result<setup::Downlink> {
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
