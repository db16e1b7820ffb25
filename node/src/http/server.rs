//! Requests in, answers out, on a bounded number of connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::url;
use crate::error::NodeError;

/// A request's head: players send a few hundred bytes.
const HEAD_MAX: usize = 16 * 1024;
/// However slowly it trickles in.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// Connections served at once; more wait in the kernel.
const CONNECTIONS_MAX: usize = 256;

/// A request without a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Up to the `?`, still percent-encoded.
    pub(crate) path: String,
    /// After the `?`, still percent-encoded.
    query: String,
    head: String,
}

impl Request {
    /// The value of a header, by its name in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// All values of a query key, decoded.
    pub(crate) fn queries<'a>(&'a self, key: &'a str) -> impl Iterator<Item = Vec<u8>> + 'a {
        self.query.split('&').filter_map(move |pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name == key).then(|| url::decode(value)).flatten()
        })
    }

    /// The first value of a query key, as anything that is parsed from text.
    pub(crate) fn value<T: std::str::FromStr>(&self, key: &str) -> Option<T> {
        let value = self.queries(key).next()?;
        std::str::from_utf8(&value).ok()?.parse().ok()
    }
}

/// Listens, or says clearly why not.
pub(crate) async fn listen(
    what: &'static str,
    addr: SocketAddr,
    option: &'static str,
) -> Result<TcpListener, NodeError> {
    TcpListener::bind(addr)
        .await
        .map_err(|source| NodeError::listen(what, addr, option, source))
}

/// Serves until it is dropped: `answer` is called with each connection that said a request.
pub(crate) async fn serve<F, A>(listener: TcpListener, answer: F)
where
    F: Fn(TcpStream, Request) -> A + Send + Sync + 'static,
    A: Future<Output = io::Result<()>> + Send,
{
    let answer = Arc::new(answer);
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let Ok((mut stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: do not spin.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        while tasks.try_join_next().is_some() {}
        let answer = Arc::clone(&answer);
        tasks.spawn(async move {
            let _permit = permit;
            // What goes wrong on a visitor's connection is the visitor's affair.
            let _ = match timeout(HEAD_PATIENCE, read(&mut stream)).await {
                Ok(Ok(Some(request))) => answer(stream, request).await,
                Ok(Ok(None)) => plain(&mut stream, "400 Bad Request", "no HTTP request\n").await,
                _ => Ok(()),
            };
        });
    }
}

/// Reads a head; `None` if it is none, or too long.
async fn read(stream: &mut TcpStream) -> io::Result<Option<Request>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 2048];
    loop {
        let got = stream.read(&mut chunk).await?;
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&chunk[..got]);
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            return Ok(parse(&bytes[..end]));
        }
        if bytes.len() > HEAD_MAX {
            return Ok(None);
        }
    }
}

fn parse(head: &[u8]) -> Option<Request> {
    let head = std::str::from_utf8(head).ok()?;
    let mut words = head.lines().next()?.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() || !version.starts_with("HTTP/1.") || !target.starts_with('/') {
        return None;
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Some(Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        head: head.to_owned(),
    })
}

/// A whole answer of plain text.
pub(crate) async fn plain(stream: &mut TcpStream, status: &str, text: &str) -> io::Result<()> {
    respond(stream, status, "text/plain; charset=utf-8", text.as_bytes()).await
}

/// A whole answer.
pub(crate) async fn respond(
    stream: &mut TcpStream,
    status: &str,
    mime: &str,
    body: &[u8],
) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {mime}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    stream.write_all(&bytes).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_strictly() {
        let request = parse(b"GET /a?b=%00x&b=2&c HTTP/1.1\r\nRANGE: bytes=0-\r\n").unwrap();
        assert_eq!(request.header("range"), Some("bytes=0-"));
        let values: Vec<_> = request.queries("b").collect();
        assert_eq!(values, [b"\0x".to_vec(), b"2".to_vec()]);
        for bad in [
            "GET",
            "GET /",
            "GET / HTTP/2",
            "GET a HTTP/1.1",
            "GET / HTTP/1.1 x",
            "",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
