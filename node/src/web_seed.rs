//! A web seed (BEP 19): an HTTP server that has the files, asked for one piece at a time.
//!
//! Owns which server is asked and how; when, the engine says. What comes is no longer than what was
//! asked for, and is verified like any piece.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use swarmbed_engine::PieceIndex;
use swarmbed_engine::wire::metainfo::{FileEntry, Metainfo};

use crate::http::client::{Refusal, get_range};
use crate::http::url::{Url, encode};

/// Servers that are kept.
const SERVERS_MAX: usize = 16;
/// A server that failed is let alone for so long, unless it says for how long itself.
const RETRY: Duration = Duration::from_secs(10);
/// However long it says.
const RETRY_MAX: Duration = Duration::from_secs(3600);

/// See the module.
#[derive(Debug)]
pub(crate) struct WebSeed {
    servers: Vec<Url>,
    from: IpAddr,
    /// The one that is asked; after a failure it is the next.
    turn: AtomicUsize,
}

/// Why no server sent the piece.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) why: String,
    pub(crate) retry_after: Duration,
}

impl WebSeed {
    /// `None` if the torrent names no server that we can speak to.
    pub(crate) fn new(metainfo: &Metainfo, from: IpAddr) -> Option<Self> {
        let urls = metainfo
            .web_seeds
            .iter()
            .filter_map(|url| Url::parse(url).ok());
        let servers: Vec<Url> = urls.take(SERVERS_MAX).collect();
        (!servers.is_empty()).then(|| Self {
            servers,
            from,
            turn: AtomicUsize::new(0),
        })
    }

    /// All bytes of the piece.
    pub(crate) async fn fetch(
        &self,
        metainfo: &Metainfo,
        piece: PieceIndex,
    ) -> Result<Vec<u8>, Failed> {
        let turn = self.turn.load(Ordering::Relaxed) % self.servers.len();
        let server = &self.servers[turn];
        let start = metainfo.geometry.start_of(piece);
        let end = start + u64::from(metainfo.geometry.length_of(piece));
        let mut bytes = Vec::new();
        let touched = metainfo.files.iter().filter(|file| {
            file.length > 0 && file.offset < end && file.offset + file.length > start
        });
        for file in touched {
            let (first, last) = (
                start.max(file.offset) - file.offset,
                end.min(file.offset + file.length) - file.offset - 1,
            );
            if file.padding {
                // It is nowhere but in the torrent (BEP 47).
                let zeros = usize::try_from(last + 1 - first).expect("within a piece");
                bytes.resize(bytes.len() + zeros, 0);
                continue;
            }
            let url = place(server, metainfo, file);
            match get_range(&url, self.from, first..last + 1).await {
                Ok(part) => bytes.extend_from_slice(&part),
                Err(Refusal { why, retry_after }) => {
                    self.turn.store(turn + 1, Ordering::Relaxed);
                    let all = turn + 1 == self.servers.len();
                    let retry = retry_after.unwrap_or(RETRY).min(RETRY_MAX);
                    return Err(Failed {
                        why: format!("web seed http://{}{}: {why}", url.authority(), url.path),
                        // The next is asked at once.
                        retry_after: if all { retry } else { Duration::ZERO },
                    });
                }
            }
        }
        Ok(bytes)
    }
}

/// Where this server has this file: of a single file its own address, unless that is a folder's.
fn place(server: &Url, metainfo: &Metainfo, file: &FileEntry) -> Url {
    let mut url = server.clone();
    let single = matches!(metainfo.files.as_slice(), [only] if only.path.len() == 1);
    if single && !url.path.ends_with('/') {
        return url;
    }
    if url.path.ends_with('/') {
        url.path.pop();
    }
    for part in &file.path {
        url.path.push('/');
        url.path.push_str(&encode(part.as_bytes()));
    }
    url
}
