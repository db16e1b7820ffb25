//! What is said to a peer that is no neighbour: a UDP body of a magic byte, a kind byte and the
//! message.

use alloc::vec::Vec;

use super::extended::{read_query, read_report, write_query, write_report};
use super::read::Reader;
use crate::message::Datagram;

/// Neither a DHT query's first byte (`d`, BEP 5) nor a uTP header's (version 1, BEP 29), which
/// may come to the same port.
const MAGIC: u8 = 0xb7;
const QUERY: u8 = 1;
const REPORT: u8 = 2;

/// As a UDP body.
#[must_use]
pub fn encode_datagram(datagram: &Datagram) -> Vec<u8> {
    let mut out = Vec::with_capacity(datagram.wire_len() as usize);
    out.push(MAGIC);
    match datagram {
        Datagram::Query(query) => {
            out.push(QUERY);
            write_query(query, &mut out);
        }
        Datagram::Report(report) => {
            out.push(REPORT);
            write_report(report, &mut out);
        }
    }
    out
}

/// From a UDP body; `None` if it is none of ours.
#[must_use]
pub fn decode_datagram(body: &[u8]) -> Option<Datagram> {
    let mut reader = Reader(body);
    if reader.u8()? != MAGIC {
        return None;
    }
    let datagram = match reader.u8()? {
        QUERY => Datagram::Query(read_query(&mut reader)?),
        REPORT => Datagram::Report(read_report(&mut reader)?),
        _ => return None,
    };
    reader.is_empty().then_some(datagram)
}
