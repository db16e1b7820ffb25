//! The source's key: made once, kept in a file that only its owner may read.
//!
//! The file is PKCS #8 in PEM (RFC 8410), as `openssl genpkey -algorithm ed25519` writes it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use ed25519_dalek::{Signer as _, SigningKey};

use crate::error::NodeError;
use crate::random;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
/// PKCS #8 of an Ed25519 key up to the key itself.
const PKCS8: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What the source signs its pieces with.
#[derive(Debug)]
pub struct SourceKey(SigningKey);

impl SourceKey {
    /// A new one.
    #[must_use]
    pub fn make() -> Self {
        Self(SigningKey::from_bytes(&random::bytes()))
    }

    /// Reads the key's file.
    ///
    /// # Errors
    /// If it cannot be read, others may read it, or it holds no Ed25519 key.
    pub fn read(path: &Path) -> Result<Self, NodeError> {
        let failed = |source| NodeError::Read {
            path: path.to_owned(),
            source,
        };
        let key = |why: &'static str| NodeError::Key {
            path: path.to_owned(),
            why,
        };
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(key("may be read by others than its owner"));
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        from_pem(&text)
            .map(|secret| Self(SigningKey::from_bytes(&secret)))
            .ok_or_else(|| key("is no Ed25519 key in PEM"))
    }

    /// Writes a new key's file, which only its owner may read.
    ///
    /// # Errors
    /// If it exists or cannot be written; nothing is left behind.
    pub fn write(&self, path: &Path) -> Result<(), NodeError> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(format!(".{:016x}.tmp", u64::from_le_bytes(random::bytes())));
        let temporary = Path::new(&temporary);
        let write = || -> io::Result<()> {
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(temporary)?;
            file.write_all(to_pem(&self.0.to_bytes()).as_bytes())?;
            file.sync_all()?;
            // Unlike a rename, a link never replaces a key that is there.
            fs::hard_link(temporary, path)
        };
        let written = write();
        let _ = fs::remove_file(temporary);
        written.map_err(|source| NodeError::write(path, source, 0))
    }

    /// What viewers check with.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

fn to_pem(secret: &[u8; 32]) -> String {
    let der = [&PKCS8[..], secret].concat();
    let mut text = format!("{BEGIN}\n");
    // 48 bytes: no padding, one line.
    for three in der.chunks_exact(3) {
        let word = three
            .iter()
            .fold(0, |word, &byte| word << 8 | usize::from(byte));
        for shift in [18, 12, 6, 0] {
            text.push(char::from(ALPHABET[word >> shift & 63]));
        }
    }
    text + "\n" + END + "\n"
}

fn from_pem(text: &str) -> Option<[u8; 32]> {
    let body = text.split_once(BEGIN)?.1.split_once(END)?.0;
    let mut der = Vec::new();
    let (mut word, mut bits) = (0_u32, 0);
    for letter in body.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let six = ALPHABET.iter().position(|&one| one == letter)?;
        word = word << 6 | u32::try_from(six).expect("below 64");
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            der.push((word >> bits & 0xff).to_le_bytes()[0]);
        }
    }
    der.strip_prefix(&PKCS8)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_as_openssl_writes_them() {
        // `openssl genpkey -algorithm ed25519`, and its public half by `openssl pkey -pubout`.
        let text = "-----BEGIN PRIVATE KEY-----\n\
            MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
            -----END PRIVATE KEY-----\n";
        let secret = from_pem(text).unwrap();
        assert_eq!(to_pem(&secret), text);
        // RFC 8410, section 10.3, gives this key, and 10.1 its public half.
        let public = SourceKey(SigningKey::from_bytes(&secret)).public();
        assert_eq!(public[..4], [0x19, 0xbf, 0x44, 0x09]);
        assert_eq!(
            from_pem("-----BEGIN PRIVATE KEY-----\nMC4C!-----END PRIVATE KEY-----"),
            None
        );
        assert_eq!(from_pem(""), None);
    }
}
