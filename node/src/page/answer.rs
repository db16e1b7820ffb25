//! Answers to a browser: the page's files, what it is told as it happens, and what it tells us.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};

use super::{POLICY, file, view};
use crate::content::Content;
use crate::http::server::{Request, plain};
use crate::mail::Seen;

/// How often the page is told.
const EVERY: Duration = Duration::from_millis(500);
/// A page that takes nothing for so long is gone.
const STUCK_MAX: Duration = Duration::from_secs(30);

/// Whether the page's part of the server answers this. `/` is a page only for those who read pages.
pub(crate) fn is_ours(request: &Request) -> bool {
    let reads_pages = || {
        let accept = request.header("accept").unwrap_or_default();
        accept.contains("text/html")
    };
    match request.path.as_str() {
        "/" => reads_pages(),
        "/events" | "/player" | "/thumbnail.jpg" => true,
        path => file(path).is_some(),
    }
}

/// `media` is the type of what is played, `length` its bytes and `offset` where it begins.
pub(crate) async fn answer(
    content: &Content,
    mut stream: TcpStream,
    request: &Request,
    media: (&str, u64, u64),
) -> io::Result<()> {
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/events") => tell(content, stream, media.0).await,
        ("POST", "/player") => hear(content, stream, request, media).await,
        ("GET" | "HEAD", path) if file(path).is_some() => {
            let file = file(path).expect("looked at just now");
            give(stream, request, file).await
        }
        ("GET" | "HEAD", "/thumbnail.jpg") => match &content.torrent.metainfo.thumbnail {
            Some(picture) => give(stream, request, ("image/jpeg", picture)).await,
            None => plain(&mut stream, "404 Not Found", "the torrent has none\n").await,
        },
        _ => {
            let status = "405 Method Not Allowed";
            plain(&mut stream, status, "GET the page, POST /player\n").await
        }
    }
}

async fn give(
    mut stream: TcpStream,
    request: &Request,
    (mime, bytes): (&str, &[u8]),
) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {mime}\r\nContent-Length: {}\r\n\
         Content-Security-Policy: {POLICY}\r\nX-Content-Type-Options: nosniff\r\n\
         Cache-Control: no-cache\r\nConnection: close\r\n\r\n",
        bytes.len()
    );
    stream.write_all(head.as_bytes()).await?;
    if request.method == "GET" {
        stream.write_all(bytes).await?;
    }
    stream.shutdown().await
}

/// Server-sent events, until the page is closed.
async fn tell(content: &Content, mut stream: TcpStream, mime: &str) -> io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\
                Connection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let _watcher = content.board.watcher();
    let mut every = interval(EVERY);
    loop {
        every.tick().await;
        let event = format!("data: {}\n\n", view(content, mime));
        timeout(STUCK_MAX, stream.write_all(event.as_bytes())).await??;
    }
}

/// What the video element does.
async fn hear(
    content: &Content,
    mut stream: TcpStream,
    request: &Request,
    (_, length, offset): (&str, u64, u64),
) -> io::Result<()> {
    // Another page that the same browser shows may not steer this one.
    let from = request.header("origin");
    let host = request.header("host").unwrap_or_default();
    if from.is_some_and(|from| from.strip_prefix("http://") != Some(host)) {
        let text = "only this page may steer it\n";
        return plain(&mut stream, "403 Forbidden", text).await;
    }
    let number = |key| -> Option<f64> {
        let value: f64 = request.value(key)?;
        (value.is_finite() && (0.0..1e9).contains(&value)).then_some(value)
    };
    let what: Option<String> = request.value("what");
    let seen = what.as_deref().and_then(Seen::named);
    let (Some(seen), Some(time), Some(all)) = (seen, number("time"), number("length")) else {
        let text = "what, time and length are needed\n";
        return plain(&mut stream, "400 Bad Request", text).await;
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a length"
    )]
    let byte = match all > 0.0 {
        true => offset + ((time / all).min(1.0) * length.saturating_sub(1) as f64) as u64,
        false => offset,
    };
    content.saw(seen, time, byte).await;
    plain(&mut stream, "200 OK", "").await
}
