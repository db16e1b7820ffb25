//! The 68 bytes both sides say first (BEP 3), with the reserved bits of BEP 6 and BEP 10.

use crate::error::CloseReason;
use crate::id::PeerId;
use crate::input::Remote;

const PROTOCOL: &[u8; 20] = b"\x13BitTorrent protocol";
/// Byte 5, bit 0x10: the extension protocol (BEP 10).
const EXTENDED: (usize, u8) = (5, 0x10);
/// Byte 7, bit 0x04: the fast extension (BEP 6).
const FAST: (usize, u8) = (7, 0x04);

/// What both sides say first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// SHA-1 of the torrent's `info` dictionary.
    pub info_hash: [u8; 20],
    /// Who speaks, and what else it speaks.
    pub remote: Remote,
}

impl Handshake {
    /// Bytes of a handshake.
    pub const LENGTH: usize = 68;

    /// As bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..20].copy_from_slice(PROTOCOL);
        let reserved = &mut bytes[20..28];
        if self.remote.extended {
            reserved[EXTENDED.0] |= EXTENDED.1;
        }
        if self.remote.fast {
            reserved[FAST.0] |= FAST.1;
        }
        bytes[28..48].copy_from_slice(&self.info_hash);
        bytes[48..].copy_from_slice(&self.remote.peer_id.0);
        bytes
    }

    /// From bytes.
    ///
    /// # Errors
    /// If it is no BitTorrent handshake (an obfuscated one, MSE, is not understood).
    pub fn decode(bytes: &[u8; Self::LENGTH]) -> Result<Self, CloseReason> {
        if !Self::may_begin(bytes) {
            return Err(CloseReason::Malformed("not a BitTorrent handshake"));
        }
        let mut info_hash = [0; 20];
        info_hash.copy_from_slice(&bytes[28..48]);
        let mut peer_id = PeerId::default();
        peer_id.0.copy_from_slice(&bytes[48..]);
        let reserved = &bytes[20..28];
        Ok(Self {
            info_hash,
            remote: Remote {
                peer_id,
                fast: reserved[FAST.0] & FAST.1 != 0,
                extended: reserved[EXTENDED.0] & EXTENDED.1 != 0,
            },
        })
    }

    /// Whether these first bytes can be a handshake's, so that garbage is closed at once.
    #[must_use]
    pub fn may_begin(bytes: &[u8]) -> bool {
        let known = bytes.len().min(PROTOCOL.len());
        bytes[..known] == PROTOCOL[..known]
    }
}
