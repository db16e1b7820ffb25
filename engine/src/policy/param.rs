//! What the tables of policies say of each, and how a parameter is set.

use alloc::string::String;
use core::time::Duration;

use thiserror::Error;

/// What `swarmbed policies` prints of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyInfo {
    /// As in scenarios; also the name of its file, with `_` for `-`.
    pub name: &'static str,
    /// Paper and section, or client and file, with how sure the fact is.
    pub source: &'static str,
    /// One line.
    pub summary: &'static str,
}

/// A parameter's value in a scenario.
#[derive(Clone, Debug, PartialEq)]
pub enum ParamValue {
    /// `"10 s"`
    Duration(Duration),
    /// `4` or `0.8`
    Number(f64),
    /// `"self-report"`
    Text(String),
    /// `true`
    Flag(bool),
}

/// A parameter that a policy does not take.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParamError {
    /// No such parameter; these there are.
    #[error("unknown parameter; it takes: {0}")]
    Unknown(&'static str),
    /// Not of the right kind or range.
    #[error("expected {0}")]
    Value(&'static str),
}

pub(super) fn duration(value: &ParamValue) -> Result<Duration, ParamError> {
    match value {
        ParamValue::Duration(duration) if !duration.is_zero() => Ok(*duration),
        _ => Err(ParamError::Value("a duration above zero, such as \"10 s\"")),
    }
}

pub(super) fn count(value: &ParamValue) -> Result<u32, ParamError> {
    match value {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "range is checked"
        )]
        ParamValue::Number(number)
            if *number >= 1.0 && *number <= 1e6 && libm::floor(*number) == *number =>
        {
            Ok(*number as u32)
        }
        _ => Err(ParamError::Value("a whole number from 1 to 1000000")),
    }
}

pub(super) fn slots(value: &ParamValue) -> Result<u16, ParamError> {
    u16::try_from(count(value)?).map_err(|_| ParamError::Value("at most 65535 slots"))
}

pub(super) fn share(value: &ParamValue) -> Result<f64, ParamError> {
    match value {
        ParamValue::Number(number) if (0.0..=1.0).contains(number) => Ok(*number),
        _ => Err(ParamError::Value("a share from 0 to 1")),
    }
}

pub(super) fn exponent(value: &ParamValue) -> Result<f64, ParamError> {
    match value {
        ParamValue::Number(number) if (0.0..=10.0).contains(number) => Ok(*number),
        _ => Err(ParamError::Value("a number from 0 to 10")),
    }
}

/// One of two words: true if it is the first.
pub(super) fn either(
    value: &ParamValue,
    words: [&str; 2],
    expected: &'static str,
) -> Result<bool, ParamError> {
    match value {
        ParamValue::Text(text) if *text == words[0] => Ok(true),
        ParamValue::Text(text) if *text == words[1] => Ok(false),
        _ => Err(ParamError::Value(expected)),
    }
}

pub(super) fn flag(value: &ParamValue) -> Result<bool, ParamError> {
    match value {
        ParamValue::Flag(flag) => Ok(*flag),
        _ => Err(ParamError::Value("true or false")),
    }
}
