//! The media over HTTP: `/stream`, and `/stream/<index>` of a torrent with several files. A
//! reader waits for its pieces, and the peer fetches them first.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use swarmbed_engine::wire::metainfo::FileEntry;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::content::Content;
use crate::error::NodeError;
use crate::http::server::{Request, listen, plain, respond, serve};
use crate::live::LiveWindow;
use crate::node::Node;
use crate::page;
use crate::prometheus;
use crate::status::Reader;
use crate::store::Store;

/// Read from disk and written at once.
const CHUNK: u64 = 64 * 1024;
/// How far ahead of a waiting reader pieces go before all others; two pieces at least.
const AHEAD: u64 = 1024 * 1024;
/// A reader that waits this long asks again, and so goes before those that asked since.
const STARVED: Duration = Duration::from_secs(2);
/// A player that takes nothing for this long, for it paused, has its connection closed; it asks
/// again with a range.
const STUCK_MAX: Duration = Duration::from_secs(600);

/// An HTTP server for players.
#[derive(Debug)]
pub struct PlayerServer {
    listener: TcpListener,
}

impl PlayerServer {
    /// Listens.
    ///
    /// # Errors
    /// If the port is taken, or the address is not ours.
    pub async fn bind(addr: SocketAddr) -> Result<Self, NodeError> {
        let listener = listen("player", addr, "--http").await?;
        Ok(Self { listener })
    }

    /// Where it listens.
    ///
    /// # Panics
    /// Never: a bound socket has an address.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.listener.local_addr().expect("it is bound")
    }

    /// Serves the node's content until dropped.
    pub fn run(self, node: &Node) -> impl Future<Output = ()> + use<> {
        let content = Arc::new(node.content());
        serve(self.listener, move |stream, request| {
            answer(Arc::clone(&content), stream, request)
        })
    }
}

async fn answer(content: Arc<Content>, mut stream: TcpStream, request: Request) -> io::Result<()> {
    if page::is_ours(&request) {
        let media = media_of(&content);
        return page::answer(&content, stream, &request, media).await;
    }
    let head_only = match request.method.as_str() {
        "GET" => false,
        "HEAD" => true,
        _ => return plain(&mut stream, "405 Method Not Allowed", "only GET and HEAD\n").await,
    };
    if request.path == "/metrics" {
        let status = content.board.status().borrow().clone();
        let text = prometheus::text(&status, &content.torrent.info_hash);
        return respond(&mut stream, "200 OK", prometheus::MIME, text.as_bytes()).await;
    }
    if let Store::Window(window) = &content.store {
        return live(&content, window, stream, &request.path, head_only).await;
    }
    if request.path == "/" {
        return index(&content, &mut stream).await;
    }
    let Some(file) = file_of(&content, &request.path) else {
        let text = "no such file: try /stream, or / for a list\n";
        return plain(&mut stream, "404 Not Found", text).await;
    };
    let range = match request
        .header("range")
        .map(|range| parse(range, file.length))
    {
        None | Some(Asked::Whole) => None,
        Some(Asked::Bytes(first, last)) => Some((first, last)),
        Some(Asked::Beyond) => {
            let head = format!(
                "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */{}\r\n\
                 Content-Length: 0\r\nConnection: close\r\n\r\n",
                file.length
            );
            stream.write_all(head.as_bytes()).await?;
            return stream.shutdown().await;
        }
    };
    let (first, end) = range.map_or((0, file.length), |(first, last)| (first, last + 1));
    stream
        .write_all(head(file, range, end - first).as_bytes())
        .await?;
    if !head_only {
        let reader = content.board.reader();
        content.play().await;
        let range = file.offset + first..file.offset + end;
        let from = range.start;
        let mut wanted = from;
        let sent = send(&content, &reader, &mut stream, range, &mut wanted).await;
        if wanted > from {
            content.unwant(from, wanted - from).await;
        }
        sent?;
    }
    stream.shutdown().await
}

/// A live stream has no length and no ranges; it ends when the connection does.
async fn live(
    content: &Content,
    window: &Arc<LiveWindow>,
    mut stream: TcpStream,
    path: &str,
    head_only: bool,
) -> io::Result<()> {
    match path {
        "/stream" | "/stream/" | "/stream/0" => {}
        "/" => {
            let text = format!("/stream\tlive\t{}\n", content.torrent.metainfo.name);
            return plain(&mut stream, "200 OK", &text).await;
        }
        _ => {
            let text = "a live stream: try /stream\n";
            return plain(&mut stream, "404 Not Found", text).await;
        }
    }
    let (mime, ..) = media_of(content);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {mime}\r\nAccept-Ranges: none\r\n\
         Cache-Control: no-store\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    if !head_only {
        let _reader = content.board.reader();
        crate::live::follow(content, window, &mut stream).await?;
    }
    stream.shutdown().await
}

/// What is played: its type, its bytes, and where it begins.
pub(crate) fn media_of(content: &Content) -> (&'static str, u64, u64) {
    if matches!(content.store, Store::Window(_)) {
        return match mime(&content.torrent.metainfo.name) {
            "application/octet-stream" => ("video/mp2t", 0, 0),
            other => (other, 0, 0),
        };
    }
    file_of(content, "/stream").map_or(("application/octet-stream", 0, 0), |file| {
        let name = file.path.last().map_or("", String::as_str);
        (mime(name), file.length, file.offset)
    })
}

/// `/stream` is the largest file.
fn file_of<'a>(content: &'a Content, path: &str) -> Option<&'a FileEntry> {
    let files = &content.torrent.metainfo.files;
    match path.strip_prefix("/stream")? {
        "" | "/" => files
            .iter()
            .filter(|file| !file.padding)
            .max_by_key(|file| file.length),
        rest => files.get(rest.strip_prefix('/')?.parse::<usize>().ok()?),
    }
}

async fn index(content: &Content, stream: &mut TcpStream) -> io::Result<()> {
    let mut text = String::new();
    for (index, file) in content.torrent.metainfo.files.iter().enumerate() {
        text += &format!(
            "/stream/{index}\t{}\t{}\n",
            file.length,
            file.path.join("/")
        );
    }
    respond(
        stream,
        "200 OK",
        "text/plain; charset=utf-8",
        text.as_bytes(),
    )
    .await
}

fn head(file: &FileEntry, range: Option<(u64, u64)>, length: u64) -> String {
    let status = if range.is_some() {
        "206 Partial Content"
    } else {
        "200 OK"
    };
    let content_range = range.map_or_else(String::new, |(first, last)| {
        format!("Content-Range: bytes {first}-{last}/{}\r\n", file.length)
    });
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {}\r\nContent-Length: {length}\r\n{content_range}\
         Accept-Ranges: bytes\r\nConnection: close\r\n\r\n",
        mime(file.path.last().map_or("", String::as_str)),
    )
}

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// Not understood, or several ranges: everything, as RFC 9110 allows.
    Whole,
    /// From the first to the last, both included.
    Bytes(u64, u64),
    /// None of it exists.
    Beyond,
}

fn parse(range: &str, length: u64) -> Asked {
    let Some((first, last)) = range
        .strip_prefix("bytes=")
        .filter(|ranges| !ranges.contains(','))
        .and_then(|range| range.split_once('-'))
    else {
        return Asked::Whole;
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // So many digits that they do not fit are beyond any length.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (number(first.trim()), number(last.trim())) {
        (Some(first), Some(last)) if last < first => Asked::Whole,
        (Some(first), _) if first >= length => Asked::Beyond,
        (Some(first), Some(last)) => Asked::Bytes(first, last.min(length - 1)),
        (Some(first), None) if last.trim().is_empty() => Asked::Bytes(first, length - 1),
        (None, Some(0)) if first.trim().is_empty() => Asked::Beyond,
        (None, Some(_)) if first.trim().is_empty() && length == 0 => Asked::Beyond,
        (None, Some(suffix)) if first.trim().is_empty() => {
            Asked::Bytes(length.saturating_sub(suffix), length - 1)
        }
        _ => Asked::Whole,
    }
}

fn mime(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        "mp4" | "m4v" => "video/mp4",
        "ts" | "m2ts" | "mts" => "video/mp2t",
        "webm" => "video/webm",
        "mkv" => "video/x-matroska",
        "ogg" | "ogv" => "video/ogg",
        "avi" => "video/x-msvideo",
        "mov" => "video/quicktime",
        "mpg" | "mpeg" => "video/mpeg",
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "oga" | "opus" => "audio/ogg",
        "flac" => "audio/flac",
        "wav" => "audio/wav",
        "srt" => "application/x-subrip",
        "vtt" => "text/vtt",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        _ => "application/octet-stream",
    }
}

/// Bytes `at..end` of the content, as they come.
async fn send(
    content: &Content,
    reader: &Reader,
    stream: &mut TcpStream,
    range: Range<u64>,
    furthest: &mut u64,
) -> io::Result<()> {
    let Range { start: mut at, end } = range;
    let Store::Files(storage) = &content.store else {
        unreachable!("a live stream has a reader of its own");
    };
    let geometry = content.torrent.metainfo.geometry;
    let mut wanted = 0;
    while at < end {
        reader.at(at);
        let waited = tokio::select! {
            waited = wait_for(content, at, end, &mut wanted) => waited,
            // A player that jumps closes; nobody else says anything here.
            gone = hangs_up(stream) => gone,
        };
        *furthest = wanted.max(*furthest);
        waited?;
        let piece_end =
            geometry.start_of(geometry.piece_at(at)) + u64::from(geometry.piece_length());
        let length = (piece_end.min(end) - at).min(CHUNK);
        let storage = Arc::clone(storage);
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = vec![0; usize::try_from(length).expect("at most a chunk")];
            storage.read_at(at, &mut bytes).map(|()| bytes)
        });
        let bytes = read.await.map_err(io::Error::other)??;
        timeout(STUCK_MAX, stream.write_all(&bytes)).await??;
        at += length;
    }
    Ok(())
}

/// Until the player has closed the connection.
async fn hangs_up(stream: &TcpStream) -> io::Result<()> {
    let mut said = [0; 512];
    loop {
        stream.readable().await?;
        match stream.try_read(&mut said) {
            Ok(0) => return Err(io::ErrorKind::ConnectionReset.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// Until the piece at `at` is verified. Bytes before `wanted` were asked for already.
///
/// Whoever asked last goes first, so a reader asks for a stretch and leaves it at that until half
/// of it is read: asking for every piece, it would keep others waiting for ever.
async fn wait_for(content: &Content, at: u64, end: u64, wanted: &mut u64) -> io::Result<()> {
    let geometry = content.torrent.metainfo.geometry;
    let piece = geometry.piece_at(at);
    let ahead = AHEAD.max(2 * u64::from(geometry.piece_length()));
    let mut verified = content.board.pieces_verified();
    while !content.board.has(piece) {
        if at + ahead / 2 >= *wanted && *wanted < end {
            *wanted = end.min(at + ahead);
            let asked = content.want(at, *wanted - at).await;
            asked.map_err(io::Error::other)?;
        }
        match timeout(STARVED, verified.changed()).await {
            Ok(changed) => changed.map_err(io::Error::other)?,
            // Others keep asking: our turn.
            Err(_) => *wanted = at,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_as_in_rfc_9110() {
        let cases = [
            ("bytes=0-", Asked::Bytes(0, 99)),
            ("bytes=10-19", Asked::Bytes(10, 19)),
            ("bytes=10-1000", Asked::Bytes(10, 99)),
            ("bytes=-5", Asked::Bytes(95, 99)),
            ("bytes=-500", Asked::Bytes(0, 99)),
            ("bytes=100-", Asked::Beyond),
            ("bytes=99999999999999999999999-", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            ("bytes=20-10", Asked::Whole),
            ("bytes=0-1,5-6", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("lines=1-2", Asked::Whole),
        ];
        for (range, asked) in cases {
            assert_eq!(parse(range, 100), asked, "{range}");
        }
        assert_eq!(parse("bytes=0-", 0), Asked::Beyond);
        assert_eq!(parse("bytes=-1", 0), Asked::Beyond);
    }
}
