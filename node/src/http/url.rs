//! `http://` addresses and percent-encoding.

use std::fmt::Write as _;

/// An `http://` address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    /// As in the `Host` header, without a port.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Path and query, from the `/` on.
    pub(crate) path: String,
}

impl Url {
    /// Takes an `http://` address apart.
    pub(crate) fn parse(url: &str) -> Result<Self, &'static str> {
        const NONE: &str = "not an address such as http://host:6969/announce";
        let (scheme, rest) = url.split_once("://").ok_or(NONE)?;
        match scheme {
            "http" => {}
            "https" => return Err("https is not supported: this program has no TLS"),
            "udp" => return Err("is not spoken to over HTTP"),
            "ws" | "wss" => return Err("is for browsers' peers (WebRTC), which are not spoken to"),
            _ => return Err(NONE),
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let authority = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        let path = path.split('#').next().unwrap_or_default();
        let (host, port) = match authority.rsplit_once(':') {
            // An IPv6 address in brackets has colons of its own.
            Some((host, port)) if !port.contains(']') => {
                (host, port.parse().map_err(|_| "not a port number")?)
            }
            _ => (authority, 80),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let sound = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>');
        if host.is_empty() || !host.chars().all(sound) || !path.chars().all(sound) {
            return Err(NONE);
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            path: if path.starts_with('/') {
                path.to_owned()
            } else {
                format!("/{path}")
            },
        })
    }

    /// The `Host` header.
    pub(crate) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// Percent-encodes all but unreserved characters.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut out = String::new();
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The opposite; `None` if a `%` is not followed by two hexadecimal digits.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        out.push(match byte {
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' => b' ',
            other => other,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let url = Url::parse("http://[::1]:6969/announce?key=1").unwrap();
        assert_eq!((url.host.as_str(), url.port), ("::1", 6969));
        assert_eq!(url.path, "/announce?key=1");
        assert_eq!(url.authority(), "[::1]:6969");
        let url = Url::parse("http://tracker.example?x").unwrap();
        assert_eq!((url.port, url.path.as_str()), (80, "/?x"));
        for bad in [
            "",
            "host",
            "https://a/",
            "udp://a:1",
            "http://",
            "http://a:x/",
            "http://a b/",
        ] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn percents_come_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&encode(&bytes)), Some(bytes));
        assert_eq!(decode("a%4"), None);
        assert_eq!(decode("a%zz"), None);
    }
}
