//! `magnet:?xt=urn:btih:…`: what such a link says.

use std::fmt;

use crate::error::NodeError;
use crate::http::url;
use crate::torrent::hex;

/// Longest link that is read.
const LINK_MAX: usize = 64 * 1024;
/// Trackers, web seeds and peers that are kept, of each.
const EACH_MAX: usize = 64;

/// What a magnet link says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Magnet {
    /// The SHA-1 of the torrent's `info`.
    pub info_hash: [u8; 20],
    /// What it is called (`dn`), for display only.
    pub name: Option<String>,
    /// Announce URLs (`tr`).
    pub trackers: Vec<String>,
    /// Peers to ask (`x.pe`), as `host:port`.
    pub peers: Vec<String>,
    /// Web seeds (`ws`).
    pub web_seeds: Vec<String>,
}

impl Magnet {
    /// Whether the text is meant as such a link.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        text.get(..7)
            .is_some_and(|head| head.eq_ignore_ascii_case("magnet:"))
    }

    /// Takes a link apart; keys that are not known are passed over.
    ///
    /// # Errors
    /// If it names no torrent of version 1.
    pub fn parse(text: &str) -> Result<Self, NodeError> {
        let bad = |why| NodeError::Magnet { why };
        if text.len() > LINK_MAX {
            return Err(bad("is longer than 64 KiB"));
        }
        let query = Self::is_one(text).then(|| text[7..].strip_prefix('?'));
        let query = query.flatten().ok_or(bad("does not begin with magnet:?"))?;
        let mut magnet = Self {
            info_hash: [0; 20],
            name: None,
            trackers: Vec::new(),
            peers: Vec::new(),
            web_seeds: Vec::new(),
        };
        let (mut found, mut version2) = (false, false);
        for pair in query.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            // `tr.1` is a `tr`; an `x.pe` is what it is.
            let key = match key.split_once('.') {
                Some((key, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => key,
                _ => key,
            };
            let value = url::decode(value).and_then(|bytes| String::from_utf8(bytes).ok());
            let value = value.ok_or(bad("is not percent-encoded UTF-8"))?;
            let list = match key {
                "xt" => {
                    version2 |= value.starts_with("urn:btmh:");
                    if let Some(name) = value.strip_prefix("urn:btih:") {
                        magnet.info_hash = digest(name).ok_or(bad(
                            "names no info-hash: 40 hexadecimal digits, or 32 letters, after urn:btih:",
                        ))?;
                        found = true;
                    }
                    continue;
                }
                "dn" => {
                    magnet.name = Some(value);
                    continue;
                }
                "tr" => &mut magnet.trackers,
                "x.pe" => &mut magnet.peers,
                "ws" => &mut magnet.web_seeds,
                _ => continue,
            };
            if list.len() < EACH_MAX && !value.is_empty() {
                list.push(value);
            }
        }
        match (found, version2) {
            (true, _) => Ok(magnet),
            (_, true) => Err(bad(
                "names a torrent of version 2 alone (urn:btmh): only version 1 is supported",
            )),
            _ => Err(bad("names no torrent: there is no xt=urn:btih:…")),
        }
    }
}

impl fmt::Display for Magnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "magnet:?xt=urn:btih:{}", hex(&self.info_hash))?;
        if let Some(name) = &self.name {
            write!(f, "&dn={}", url::encode(name.as_bytes()))?;
        }
        let lists = [
            ("tr", &self.trackers),
            ("x.pe", &self.peers),
            ("ws", &self.web_seeds),
        ];
        for (key, values) in lists {
            for value in values {
                write!(f, "&{key}={}", url::encode(value.as_bytes()))?;
            }
        }
        Ok(())
    }
}

/// 40 hexadecimal digits, or base 32 as old links have it.
fn digest(text: &str) -> Option<[u8; 20]> {
    let digits = |radix| -> Option<Vec<u8>> {
        let digit = |byte: u8| match (radix, byte.to_ascii_lowercase()) {
            (16, byte) => u8::try_from(char::from(byte).to_digit(16)?).ok(),
            (_, letter @ b'a'..=b'z') => Some(letter - b'a'),
            (_, digit @ b'2'..=b'7') => Some(digit - b'2' + 26),
            _ => None,
        };
        text.bytes().map(digit).collect()
    };
    let (digits, bits) = match text.len() {
        40 => (digits(16)?, 4),
        32 => (digits(32)?, 5),
        _ => return None,
    };
    let mut digest = [0; 20];
    for (at, digit) in digits.into_iter().enumerate() {
        for bit in 0..bits {
            let place = at * bits + bit;
            digest[place / 8] |= (digit >> (bits - 1 - bit) & 1) << (7 - place % 8);
        }
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_comes_apart_and_together() {
        let hash = "0123456789abcdef0123456789ABCDEF01234567";
        let link = format!(
            "MAGNET:?xt=urn:btih:{hash}&dn=A%20film&tr=http%3A%2F%2Fa%2Fannounce&tr.1=udp://b:1&x.pe=\
             [::1]:5&x.pe=1.2.3.4:6&ws=http://c/&xl=10&so=0"
        );
        let magnet = Magnet::parse(&link).unwrap();
        assert_eq!(hex(&magnet.info_hash), hash.to_lowercase());
        assert_eq!(magnet.name.as_deref(), Some("A film"));
        assert_eq!(magnet.trackers, ["http://a/announce", "udp://b:1"]);
        assert_eq!(magnet.peers, ["[::1]:5", "1.2.3.4:6"]);
        assert_eq!(magnet.web_seeds, ["http://c/"]);
        assert_eq!(Magnet::parse(&magnet.to_string()).unwrap(), magnet);
        // RFC 4648's letters: "a" is 0, "7" is 31.
        let old = Magnet::parse(&format!("magnet:?xt=urn:btih:{}7A", "A".repeat(30))).unwrap();
        assert_eq!(old.info_hash[18..], [0b11, 0b1110_0000]);
        let both = format!("magnet:?xt=urn:btmh:1220&xt=urn:btih:{hash}");
        assert!(Magnet::parse(&both).is_ok());
    }

    #[test]
    fn what_names_no_torrent_is_told() {
        for (link, word) in [
            ("magnet:", "magnet:?"),
            ("magnet:?dn=x", "no xt"),
            ("magnet:?xt=urn:btih:12", "40 hexadecimal"),
            (
                "magnet:?xt=urn:btih:+123456789abcdef0123456789abcdef01234567",
                "40",
            ),
            ("magnet:?xt=urn:btmh:1220abcd", "version 2"),
            ("magnet:?xt=%ff", "UTF-8"),
            ("film.torrent", "magnet:?"),
        ] {
            let error = Magnet::parse(link).unwrap_err().to_string();
            assert!(error.contains(word), "{link}: {error}");
        }
    }
}
