//! The bodies of `ut_metadata` (BEP 9) and `ut_pex` (BEP 11).

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::bencode::{self, Dict, Value};
use super::read::Reader;
use crate::exchange::{Metadata, Pex, PexPeer};

/// Values in a dictionary of these messages.
const VALUES_MAX: usize = 64;
/// A dictionary before a piece of metadata: three keys, and what clients add.
const HEAD_MAX: u32 = 256;

/// Longest body of `ut_metadata`.
pub(super) const METADATA_MAX: u32 = HEAD_MAX + Metadata::PIECE;
/// Longest body of `ut_pex`: the most addresses of both kinds, in both lists.
#[expect(clippy::cast_possible_truncation, reason = "200")]
pub(super) const PEX_MAX: u32 = HEAD_MAX + Pex::HEARD_MAX as u32 * (7 + 19 + 6 + 18);

/// `None` if it is malformed; `Some(None)` of a kind that is to be ignored.
pub(super) fn metadata(body: &[u8]) -> Option<Option<Metadata>> {
    let (value, rest) = bencode::parse_first(body, VALUES_MAX).ok()?;
    let dict = value.as_dict()?;
    let number = |key| u32::try_from(dict.find(key)?.as_int()?).ok();
    let piece = number("piece")?;
    let message = match number("msg_type")? {
        0 => Metadata::Request(piece),
        1 if rest.is_empty() || rest.len() > Metadata::PIECE as usize => return None,
        1 => {
            return Some(Some(Metadata::Data {
                piece,
                total: number("total_size")?,
                bytes: rest.to_vec(),
            }));
        }
        2 => Metadata::Reject(piece),
        _ => return Some(None),
    };
    rest.is_empty().then_some(Some(message))
}

pub(super) fn write_metadata(metadata: &Metadata, out: &mut Vec<u8>) {
    let (kind, piece, total, bytes): (_, _, _, &[u8]) = match metadata {
        Metadata::Request(piece) => (0, piece, None, &[]),
        Metadata::Data {
            piece,
            total,
            bytes,
        } => (1, piece, Some(total), bytes),
        Metadata::Reject(piece) => (2, piece, None, &[]),
    };
    out.extend_from_slice(b"d8:msg_type");
    bencode::write_int(out, kind);
    out.extend_from_slice(b"5:piece");
    bencode::write_int(out, i64::from(*piece));
    if let Some(total) = total {
        out.extend_from_slice(b"10:total_size");
        bencode::write_int(out, i64::from(*total));
    }
    out.push(b'e');
    out.extend_from_slice(bytes);
}

/// Lists that are absent are empty, for clients differ; flags that are absent are 0.
pub(super) fn pex(body: &[u8]) -> Option<Pex> {
    let value = bencode::parse(body, VALUES_MAX).ok()?;
    let dict = value.as_dict()?;
    let mut added = Vec::new();
    for (key, flags, length) in [("added", "added.f", 4), ("added6", "added6.f", 16)] {
        let flags = string(dict, flags)?;
        let addrs = addresses(string(dict, key)?, length)?;
        added.extend(addrs.enumerate().map(|(at, addr)| PexPeer {
            addr,
            flags: flags.get(at).copied().unwrap_or(0),
        }));
    }
    let mut dropped = Vec::new();
    for (key, length) in [("dropped", 4), ("dropped6", 16)] {
        dropped.extend(addresses(string(dict, key)?, length)?);
    }
    Some(Pex::new(added, dropped))
}

/// The string under `key`, empty if there is none; `None` if it is no string.
fn string<'a>(dict: &Dict<'a>, key: &str) -> Option<&'a [u8]> {
    dict.find(key).map_or(Some(&[][..]), Value::as_bytes)
}

/// Addresses of `length` bytes and their ports, no more than are heard.
fn addresses(bytes: &[u8], length: usize) -> Option<impl Iterator<Item = SocketAddr>> {
    let each = length + 2;
    let count = bytes.len() / each;
    let right = bytes.len().is_multiple_of(each) && count <= Pex::HEARD_MAX;
    right.then(|| {
        bytes.chunks_exact(each).filter_map(move |chunk| {
            let mut reader = Reader(chunk);
            let ip = match length {
                4 => IpAddr::from(reader.array::<4>()?),
                _ => IpAddr::from(reader.array::<16>()?),
            };
            Some(SocketAddr::new(ip, reader.u16()?))
        })
    })
}

/// The length is promised by [`pex_len`].
pub(super) fn write_pex(pex: &Pex, out: &mut Vec<u8>) {
    let added = |six: bool| {
        pex.added()
            .iter()
            .filter(move |one| one.addr.is_ipv6() == six)
    };
    let dropped = |six: bool| pex.dropped().iter().filter(move |one| one.is_ipv6() == six);
    let mut bytes = Vec::new();
    let mut put = |key: &[u8], bytes: &mut Vec<u8>| {
        out.extend_from_slice(key);
        bencode::write_bytes(out, bytes);
        bytes.clear();
    };
    let keys: [[&[u8]; 2]; 2] = [[b"d5:added", b"7:added.f"], [b"6:added6", b"8:added6.f"]];
    for (six, [key, flags]) in [false, true].into_iter().zip(keys) {
        added(six).for_each(|one| write_compact(&mut bytes, one.addr));
        put(key, &mut bytes);
        bytes.extend(added(six).map(|one| one.flags));
        put(flags, &mut bytes);
    }
    for (six, key) in [(false, &b"7:dropped"[..]), (true, b"8:dropped6")] {
        dropped(six).for_each(|one| write_compact(&mut bytes, *one));
        put(key, &mut bytes);
    }
    out.push(b'e');
}

/// Bytes that `write_pex` makes.
pub(crate) fn pex_len(pex: &Pex) -> u32 {
    let six = pex.added().iter().filter(|one| one.addr.is_ipv6()).count();
    let four = pex.added().len() - six;
    let gone6 = pex.dropped().iter().filter(|one| one.is_ipv6()).count();
    let gone4 = pex.dropped().len() - gone6;
    let string = |length: usize| {
        let length = u32::try_from(length).expect("bounded by HEARD_MAX");
        length.checked_ilog10().map_or(1, |log| log + 1) + 1 + length
    };
    // The letters d and e, and the six keys.
    let keys = 2 + 7 + 9 + 8 + 10 + 9 + 10;
    let strings = [6 * four, four, 18 * six, six, 6 * gone4, 18 * gone6];
    keys + strings.into_iter().map(string).sum::<u32>()
}

fn write_compact(out: &mut Vec<u8>, addr: SocketAddr) {
    match addr.ip() {
        IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
        IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
    }
    out.extend_from_slice(&addr.port().to_be_bytes());
}
