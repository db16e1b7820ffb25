//! A picture for a torrent or a stream, from a file.

use std::fs;
use std::path::Path;

use swarmbed_engine::wire::metainfo::Metainfo;

use crate::error::NodeError;

/// Reads a JPEG that is small enough to be in a `.torrent`.
///
/// # Errors
/// If it cannot be read, is no JPEG, or is larger than 1 MiB.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, NodeError> {
    let failed = |source| NodeError::Read {
        path: path.to_owned(),
        source,
    };
    let content = |why: &str| NodeError::Content {
        path: path.to_owned(),
        why: why.into(),
    };
    if fs::metadata(path).map_err(failed)?.len() > Metainfo::THUMBNAIL_MAX as u64 {
        return Err(content("is larger than 1 MiB, too large for a thumbnail"));
    }
    let bytes = fs::read(path).map_err(failed)?;
    if Metainfo::is_thumbnail(&bytes) {
        Ok(bytes)
    } else {
        Err(content("is no JPEG, as a thumbnail must be"))
    }
}
