//! Bencode (BEP 3): a strict parser bounded in depth and number of values, and writers.
//!
//! Strict about forms (no leading zeros, no duplicate keys, nothing after the end), lenient about
//! one thing: keys that are out of order exist in the wild. Keeps each dictionary's exact bytes,
//! because an info-hash is over bytes, not over values.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use thiserror::Error;

/// Lists and dictionaries within each other at most; a torrent needs five.
const DEPTH_MAX: usize = 16;

/// Why bytes are no bencode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BencodeError {
    /// Not a value at this byte.
    #[error("no bencoded value at byte {0}")]
    Syntax(usize),
    /// Ends within a value.
    #[error("ends within a value")]
    Truncated,
    /// Something after the value.
    #[error("bytes after the end, at byte {0}")]
    Trailing(usize),
    /// Nested too deep.
    #[error("nested deeper than {DEPTH_MAX}")]
    Depth,
    /// Too many values.
    #[error("more values than {0}")]
    Values(usize),
    /// A key twice.
    #[error("a key stands twice in the dictionary that ends at byte {0}")]
    Duplicate(usize),
}

/// A parsed value that borrows its strings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// `i…e`
    Int(i64),
    /// `n:…`
    Bytes(&'a [u8]),
    /// `l…e`
    List(Vec<Self>),
    /// `d…e`
    Dict(Dict<'a>),
}

/// A parsed dictionary and the bytes it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dict<'a> {
    entries: Vec<(&'a [u8], Value<'a>)>,
    raw: &'a [u8],
}

impl<'a> Value<'a> {
    /// The number, if it is one.
    #[must_use]
    pub const fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The string, if it is one.
    #[must_use]
    pub const fn as_bytes(&self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The list, if it is one.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The dictionary, if it is one.
    #[must_use]
    pub const fn as_dict(&self) -> Option<&Dict<'a>> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }
}

impl<'a> Dict<'a> {
    /// The value of `key`.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<&Value<'a>> {
        self.entries
            .iter()
            .find(|(known, _)| *known == key.as_bytes())
            .map(|(_, value)| value)
    }

    /// All entries, in the order they came.
    pub fn entries(&self) -> impl Iterator<Item = (&'a [u8], &Value<'a>)> {
        self.entries.iter().map(|(key, value)| (*key, value))
    }

    /// The exact bytes of the dictionary, from its `d` to its `e`.
    #[must_use]
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }
}

/// Parses one value that is all of `bytes`, of at most `values_max` values in all.
///
/// # Errors
/// If it is malformed or beyond a bound.
pub fn parse(bytes: &[u8], values_max: usize) -> Result<Value<'_>, BencodeError> {
    let (value, rest) = parse_first(bytes, values_max)?;
    if !rest.is_empty() {
        return Err(BencodeError::Trailing(bytes.len() - rest.len()));
    }
    Ok(value)
}

/// Parses the value that `bytes` begin with, and says what follows it (BEP 9).
///
/// # Errors
/// If it is malformed or beyond a bound.
pub fn parse_first(bytes: &[u8], values_max: usize) -> Result<(Value<'_>, &[u8]), BencodeError> {
    let mut parser = Parser {
        bytes,
        at: 0,
        values: 0,
        values_max,
    };
    let value = parser.value(0)?;
    Ok((value, &bytes[parser.at..]))
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    values: usize,
    values_max: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Result<u8, BencodeError> {
        self.bytes
            .get(self.at)
            .copied()
            .ok_or(BencodeError::Truncated)
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, BencodeError> {
        self.values += 1;
        if self.values > self.values_max {
            return Err(BencodeError::Values(self.values_max));
        }
        let start = self.at;
        match self.peek()? {
            b'i' => {
                self.at += 1;
                self.number(b'e').map(Value::Int)
            }
            b'0'..=b'9' => self.string().map(Value::Bytes),
            b'l' | b'd' if depth >= DEPTH_MAX => Err(BencodeError::Depth),
            b'l' => {
                self.at += 1;
                let mut list = Vec::new();
                while self.peek()? != b'e' {
                    list.push(self.value(depth + 1)?);
                }
                self.at += 1;
                Ok(Value::List(list))
            }
            b'd' => self.dict(start, depth),
            _ => Err(BencodeError::Syntax(start)),
        }
    }

    fn dict(&mut self, start: usize, depth: usize) -> Result<Value<'a>, BencodeError> {
        self.at += 1;
        let mut entries: Vec<(&'a [u8], Value<'a>)> = Vec::new();
        let mut ordered = true;
        while self.peek()? != b'e' {
            let key = self.string()?;
            ordered &= entries.last().is_none_or(|(last, _)| *last < key);
            entries.push((key, self.value(depth + 1)?));
        }
        self.at += 1;
        if !ordered {
            let mut keys: Vec<&[u8]> = entries.iter().map(|(key, _)| *key).collect();
            keys.sort_unstable();
            if keys.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(BencodeError::Duplicate(self.at));
            }
        }
        Ok(Value::Dict(Dict {
            entries,
            raw: &self.bytes[start..self.at],
        }))
    }

    fn string(&mut self) -> Result<&'a [u8], BencodeError> {
        let start = self.at;
        let length =
            usize::try_from(self.number(b':')?).map_err(|_| BencodeError::Syntax(start))?;
        let rest = &self.bytes[self.at..];
        let string = rest.get(..length).ok_or(BencodeError::Truncated)?;
        self.at += length;
        Ok(string)
    }

    /// Digits up to `end`, which is passed over.
    fn number(&mut self, end: u8) -> Result<i64, BencodeError> {
        let start = self.at;
        let syntax = BencodeError::Syntax(start);
        while self.peek()? != end {
            self.at += 1;
            // The longest is -9223372036854775808.
            if self.at - start > 20 {
                return Err(syntax);
            }
        }
        let text = &self.bytes[start..self.at];
        self.at += 1;
        let digits = text.strip_prefix(b"-").unwrap_or(text);
        let canonical = match digits {
            [b'0'] => text.len() == 1,
            [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
            _ => false,
        };
        let text = core::str::from_utf8(text).map_err(|_| syntax)?;
        match text.parse() {
            Ok(number) if canonical => Ok(number),
            _ => Err(syntax),
        }
    }
}

/// A value to be written. Dictionaries come out in order by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// `i…e`
    Int(i64),
    /// `n:…`
    Bytes(Vec<u8>),
    /// `l…e`
    List(Vec<Self>),
    /// `d…e`
    Dict(BTreeMap<Vec<u8>, Self>),
}

impl Node {
    /// A string.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }

    /// A dictionary of these entries.
    #[must_use]
    pub fn dict<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::Dict(
            entries
                .into_iter()
                .map(|(key, value)| (key.as_bytes().to_vec(), value))
                .collect(),
        )
    }

    /// Puts an entry into a dictionary; does nothing to other values.
    pub fn put(&mut self, key: &str, value: Self) {
        if let Self::Dict(entries) = self {
            entries.insert(key.as_bytes().to_vec(), value);
        }
    }

    /// As bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(number) => write_int(out, *number),
            Self::Bytes(bytes) => write_bytes(out, bytes),
            Self::List(list) => {
                out.push(b'l');
                for node in list {
                    node.write(out);
                }
                out.push(b'e');
            }
            Self::Dict(entries) => {
                out.push(b'd');
                for (key, node) in entries {
                    write_bytes(out, key);
                    node.write(out);
                }
                out.push(b'e');
            }
        }
    }
}

/// Appends `i…e`.
pub fn write_int(out: &mut Vec<u8>, number: i64) {
    out.push(b'i');
    out.extend_from_slice(alloc::format!("{number}").as_bytes());
    out.push(b'e');
}

/// Appends `n:…`.
pub fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(alloc::format!("{}:", bytes.len()).as_bytes());
    out.extend_from_slice(bytes);
}
