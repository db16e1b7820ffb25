//! A `.torrent` file as it lies on disk: read, named, hashed.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use sha1::{Digest as _, Sha1};
use swarmbed_engine::wire::metainfo::{METAINFO_MAX, Metainfo, MetainfoError};

use crate::error::NodeError;

/// A torrent and the name it has in the swarm.
#[derive(Clone, Debug)]
pub struct Torrent {
    /// What the file says.
    pub metainfo: Metainfo,
    /// SHA-1 of its `info`.
    pub info_hash: [u8; 20],
}

impl Torrent {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// If it cannot be read, or is no torrent that we support.
    pub fn read(path: &Path) -> Result<Self, NodeError> {
        let read = || {
            let mut bytes = Vec::new();
            let file = File::open(path)?;
            file.take(METAINFO_MAX as u64 + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().map_err(|source| NodeError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&bytes).map_err(|source| NodeError::Torrent {
            path: path.to_owned(),
            source,
        })
    }

    /// From the file's bytes.
    ///
    /// # Errors
    /// If it is no torrent that we support.
    pub fn parse(bytes: &[u8]) -> Result<Self, MetainfoError> {
        let metainfo = Metainfo::parse(bytes)?;
        Ok(Self {
            info_hash: sha1(&metainfo.info),
            metainfo,
        })
    }
}

impl Torrent {
    /// Of the exact bytes of `info`, as neighbours sent it, and what a magnet link said.
    pub(crate) fn from_info(
        info: &[u8],
        trackers: &[String],
        web_seeds: &[String],
    ) -> Result<Self, MetainfoError> {
        let metainfo = Metainfo::from_info(info, trackers, web_seeds)?;
        if metainfo.info != info {
            return Err(MetainfoError::Key("info"));
        }
        Ok(Self {
            info_hash: sha1(info),
            metainfo,
        })
    }
}

/// SHA-1 in one go.
pub(crate) fn sha1(bytes: &[u8]) -> [u8; 20] {
    Sha1::digest(bytes).into()
}

/// As 40 hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
