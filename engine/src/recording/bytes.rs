//! Values as bytes: the primitives, and one table a type that says both how it is written and how it
//! is read.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use core::time::Duration;

use super::Malformed;
use crate::message::Name;

/// Longest text in a recording: names of clients and extensions, reasons.
const TEXT_MAX: usize = 4096;
/// Reasons for closing that are kept; there are some thirty in the engine.
const REASONS_MAX: usize = 256;

/// Where bytes go, and what hosts are called in them.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
    /// Every host keeps one name within a recording. Bounded by it: a new host is written once.
    names: BTreeMap<IpAddr, IpAddr>,
}

impl Writer {
    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// LEB128: seven bits a byte, lowest first.
    #[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    /// The pseudonym of a host: of its family, the same every time. Nobody's address stays nobody's.
    fn name(&mut self, ip: IpAddr) -> IpAddr {
        if ip.is_unspecified() {
            return ip;
        }
        let next = self.names.len() as u64 + 1;
        *self.names.entry(ip).or_insert_with(|| match ip {
            #[expect(clippy::cast_possible_truncation, reason = "24 bits, all used")]
            IpAddr::V4(_) if next < 1 << 24 => Ipv4Addr::from(10 << 24 | next as u32).into(),
            // More hosts than a private network holds.
            #[expect(clippy::cast_possible_truncation, reason = "a bounded recording")]
            IpAddr::V4(_) => Ipv4Addr::from(1 << 28 | next as u32).into(),
            IpAddr::V6(_) => Ipv6Addr::from(0xfd << 120 | u128::from(next)).into(),
        })
    }
}

/// A cursor over a recording's bytes.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    reasons: Vec<&'static str>,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            reasons: Vec::new(),
        }
    }

    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(head)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed::Value("a number of more than 64 bits"))
    }

    /// How many items follow: each takes a byte at least.
    pub(super) fn count(&mut self) -> Result<usize, Malformed> {
        let count = usize::try_from(self.number()?).map_err(|_| Malformed::Short)?;
        if count > self.rest.len() {
            return Err(Malformed::Short);
        }
        Ok(count)
    }

    fn text(&mut self) -> Result<&'a str, Malformed> {
        let length = self.count()?;
        if length > TEXT_MAX {
            return Err(Malformed::Value("a text of more than 4096 bytes"));
        }
        core::str::from_utf8(self.take(length)?).map_err(|_| Malformed::Value("a text, not UTF-8"))
    }

    /// A reason that lives as long as the program, as the engine's own do.
    fn reason(&mut self) -> Result<&'static str, Malformed> {
        let text = self.text()?;
        if let Some(known) = self.reasons.iter().find(|known| **known == text) {
            return Ok(known);
        }
        if self.reasons.len() >= REASONS_MAX {
            return Err(Malformed::Value("more than 256 reasons for closing"));
        }
        let kept: &'static str = Box::leak(Box::from(text));
        self.reasons.push(kept);
        Ok(kept)
    }
}

/// What a recording holds.
pub(super) trait Coded: Sized {
    fn put(&self, out: &mut Writer);
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed>;
}

/// One table for writing and reading: a `struct` with its fields, or an `enum` with its variants and
/// the byte that stands for each. What is left out does not compile.
macro_rules! coded {
    (struct $name:ident { $($field:ident),* $(,)? }) => {
        impl Coded for $name {
            fn put(&self, out: &mut Writer) {
                let Self { $($field),* } = self;
                $($field.put(out);)*
            }
            fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
                Ok(Self { $($field: Coded::get(from)?),* })
            }
        }
    };
    (enum $name:ident { $(
        $tag:literal = $variant:ident $(( $($item:ident),* ))? $({ $($field:ident),* $(,)? })?
    ),* $(,)? }) => {
        impl Coded for $name {
            fn put(&self, out: &mut Writer) {
                match self {
                    $(Self::$variant $(( $($item),* ))? $({ $($field),* })? => {
                        out.byte($tag);
                        $($($item.put(out);)*)?
                        $($($field.put(out);)*)?
                    })*
                }
            }
            fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
                Ok(match from.byte()? {
                    $($tag => Self::$variant
                        $(( $({ let $item = Coded::get(from)?; $item }),* ))?
                        $({ $($field: Coded::get(from)?),* })?,)*
                    _ => return Err(Malformed::Kind(stringify!($name))),
                })
            }
        }
    };
}
pub(super) use coded;

macro_rules! numbers {
    ($($number:ident),*) => {$(
        impl Coded for $number {
            fn put(&self, out: &mut Writer) {
                out.number(u64::from(*self));
            }
            fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
                let beyond = concat!("a number beyond ", stringify!($number));
                Self::try_from(from.number()?).map_err(|_| Malformed::Value(beyond))
            }
        }
    )*};
}
numbers!(u8, u16, u32, u64);

impl Coded for bool {
    fn put(&self, out: &mut Writer) {
        out.byte(u8::from(*self));
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        match from.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed::Kind("bool")),
        }
    }
}

impl Coded for f64 {
    fn put(&self, out: &mut Writer) {
        self.to_bits().to_le_bytes().put(out);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self::from_bits(u64::from_le_bytes(Coded::get(from)?)))
    }
}

impl<const N: usize> Coded for [u8; N] {
    fn put(&self, out: &mut Writer) {
        out.bytes.extend_from_slice(self);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let bytes = from.take(N)?;
        Ok(bytes.try_into().expect("it took so many"))
    }
}

impl Coded for Duration {
    fn put(&self, out: &mut Writer) {
        out.number(self.as_secs());
        out.number(u64::from(self.subsec_nanos()));
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let secs = from.number()?;
        match u32::get(from)? {
            nanos @ 0..1_000_000_000 => Ok(Self::new(secs, nanos)),
            _ => Err(Malformed::Value("a second of more nanoseconds")),
        }
    }
}

impl<T: Coded> Coded for Option<T> {
    fn put(&self, out: &mut Writer) {
        out.byte(u8::from(self.is_some()));
        if let Some(value) = self {
            value.put(out);
        }
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        match from.byte()? {
            0 => Ok(None),
            1 => T::get(from).map(Some),
            _ => Err(Malformed::Kind("Option")),
        }
    }
}

impl<T: Coded> Coded for Box<T> {
    fn put(&self, out: &mut Writer) {
        (**self).put(out);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        T::get(from).map(Self::new)
    }
}

impl<T: Coded> Coded for Vec<T> {
    fn put(&self, out: &mut Writer) {
        out.number(self.len() as u64);
        for value in self {
            value.put(out);
        }
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let count = from.count()?;
        (0..count).map(|_| T::get(from)).collect()
    }
}

impl<T: Coded + Clone> Coded for Arc<[T]> {
    fn put(&self, out: &mut Writer) {
        self.to_vec().put(out);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Vec::get(from).map(Self::from)
    }
}

impl<A: Coded, B: Coded> Coded for (A, B) {
    fn put(&self, out: &mut Writer) {
        self.0.put(out);
        self.1.put(out);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok((A::get(from)?, B::get(from)?))
    }
}

fn put_text(text: &str, out: &mut Writer) {
    let mut end = text.len().min(TEXT_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    out.number(end as u64);
    out.bytes.extend_from_slice(&text.as_bytes()[..end]);
}

impl Coded for Name {
    fn put(&self, out: &mut Writer) {
        put_text(self, out);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(String::from(from.text()?).into())
    }
}

impl Coded for &'static str {
    fn put(&self, out: &mut Writer) {
        put_text(self, out);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        from.reason()
    }
}

impl Coded for IpAddr {
    fn put(&self, out: &mut Writer) {
        match out.name(*self) {
            Self::V4(ip) => {
                out.byte(4);
                ip.octets().put(out);
            }
            Self::V6(ip) => {
                out.byte(6);
                ip.octets().put(out);
            }
        }
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        match from.byte()? {
            4 => Ok(Ipv4Addr::from(<[u8; 4]>::get(from)?).into()),
            6 => Ok(Ipv6Addr::from(<[u8; 16]>::get(from)?).into()),
            _ => Err(Malformed::Kind("IpAddr")),
        }
    }
}

impl Coded for SocketAddr {
    fn put(&self, out: &mut Writer) {
        self.ip().put(out);
        self.port().put(out);
        if let Self::V6(v6) = self {
            v6.flowinfo().put(out);
            v6.scope_id().put(out);
        }
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match IpAddr::get(from)? {
            IpAddr::V4(ip) => Self::new(ip.into(), u16::get(from)?),
            IpAddr::V6(ip) => {
                let (port, flow, scope) = (u16::get(from)?, u32::get(from)?, u32::get(from)?);
                SocketAddrV6::new(ip, port, flow, scope).into()
            }
        })
    }
}
