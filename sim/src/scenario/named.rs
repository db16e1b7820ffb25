//! Policies by name, with their parameters.

use std::ops::Range;

use swarmbed_engine::policy::{ChokerConfig, ParamError, ParamValue, PolicyInfo, SelectorConfig};
use toml::Value;

use super::file::Named;
use super::resolve::{Result, error};
use super::units::Time;

pub(super) fn selector(named: &Named, span: &Range<usize>) -> Result<SelectorConfig> {
    let name = name_of(named, span)?;
    let Some(mut config) = SelectorConfig::from_name(name) else {
        return unknown("selector", name, SelectorConfig::TABLE, span);
    };
    parameters(named, span, |key, value| config.set(key, value))?;
    Ok(config)
}

pub(super) fn choker(named: &Named, span: &Range<usize>) -> Result<ChokerConfig> {
    let name = name_of(named, span)?;
    let Some(mut config) = ChokerConfig::from_name(name) else {
        return unknown("choker", name, ChokerConfig::TABLE, span);
    };
    parameters(named, span, |key, value| config.set(key, value))?;
    Ok(config)
}

pub(super) fn unknown<T>(
    kind: &str,
    name: &str,
    table: &[PolicyInfo],
    span: &Range<usize>,
) -> Result<T> {
    let names: Vec<&str> = table.iter().map(|info| info.name).collect();
    error(
        format!("no {kind} is called `{name}`"),
        format!("there are {}", names.join(", ")),
        span.clone(),
    )
}

pub(super) fn name_of<'a>(named: &'a Named, span: &Range<usize>) -> Result<&'a str> {
    match named {
        Named::Name(name) => Ok(name),
        Named::Table(table) => match table.get("name").and_then(Value::as_str) {
            Some(name) => Ok(name),
            None => error("a policy's table has its `name`", "", span.clone()),
        },
    }
}

pub(super) fn parameters(
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
