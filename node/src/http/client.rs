//! One GET: of a tracker's answer, of a stream, or of part of a file.

use std::io::{self, Cursor};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Chain};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::url::Url;

/// For the whole exchange.
const PATIENCE: Duration = Duration::from_secs(10);
/// A tracker's answer with 200 addresses is a few KiB.
const ANSWER_MAX: usize = 1024 * 1024;
const HEAD_MAX: usize = 64 * 1024;
const REDIRECTS_MAX: usize = 3;
/// A server of files that sends fewer bytes in a millisecond is as good as none.
const SLOWEST: u64 = 10;

/// Fetches `url`, speaking from `from` unless it is unspecified. Says in plain words why not.
pub(crate) async fn get(url: &Url, from: IpAddr) -> Result<Vec<u8>, String> {
    let mut url = url.clone();
    for _ in 0..=REDIRECTS_MAX {
        let answer = timeout(PATIENCE, exchange(&url, from))
            .await
            .map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))?
            .map_err(|error| error.to_string())?;
        let split = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let at = split.ok_or("the answer is not HTTP")?;
        let (head, body) = (&answer[..at], &answer[at + 4..]);
        let head = String::from_utf8_lossy(head);
        let status = head.split(' ').nth(1).unwrap_or_default();
        match status {
            "200" => return Ok(body.to_vec()),
            "301" | "302" | "303" | "307" | "308" => {
                let to = header(&head, "location").ok_or("redirects to nowhere")?;
                url = Url::parse(to).map_err(|why| format!("redirects to {to}: {why}"))?;
            }
            _ => return Err(format!("answers with HTTP status {status:.20}")),
        }
    }
    Err("redirects in circles".into())
}

/// A GET whose answer has no end: its body, as it comes. Only its head has to come in time.
pub(crate) async fn open(
    url: &Url,
    from: IpAddr,
) -> Result<Chain<Cursor<Vec<u8>>, TcpStream>, String> {
    let mut url = url.clone();
    for _ in 0..=REDIRECTS_MAX {
        let (head, rest, stream) = timeout(PATIENCE, begin(&url, from))
            .await
            .map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))?
            .map_err(|error| error.to_string())?;
        // Icecast says `ICY 200 OK`.
        match head.split(' ').nth(1).unwrap_or_default() {
            "200" => return Ok(Cursor::new(rest).chain(stream)),
            "301" | "302" | "303" | "307" | "308" => {
                let to = header(&head, "location").ok_or("redirects to nowhere")?;
                url = Url::parse(to).map_err(|why| format!("redirects to {to}: {why}"))?;
            }
            status => return Err(format!("answers with HTTP status {status:.20}")),
        }
    }
    Err("redirects in circles".into())
}

/// Asks, and reads the answer's head: it, what came after it, and the rest.
async fn begin(url: &Url, from: IpAddr) -> io::Result<(String, Vec<u8>, TcpStream)> {
    let mut stream = connect(url, from).await?;
    stream.write_all(request(url).as_bytes()).await?;
    let (head, rest) = head_of(&mut stream).await?;
    Ok((head, rest, stream))
}

/// The head of an answer, and what came after it.
async fn head_of(stream: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let got = stream.read(&mut chunk).await?;
        bytes.extend_from_slice(&chunk[..got]);
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..at]).into_owned();
            return Ok((head, bytes.split_off(at + 4)));
        }
        if got == 0 || bytes.len() > HEAD_MAX {
            return Err(io::Error::other("the answer is not HTTP"));
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Speaks HTTP/1.0, so that the answer ends where the connection does and is not chunked.
async fn exchange(url: &Url, from: IpAddr) -> io::Result<Vec<u8>> {
    let mut stream = connect(url, from).await?;
    stream.write_all(request(url).as_bytes()).await?;
    let mut answer = Vec::new();
    (&mut stream)
        .take(ANSWER_MAX as u64)
        .read_to_end(&mut answer)
        .await?;
    Ok(answer)
}

fn request(url: &Url) -> String {
    format!(
        "GET {} HTTP/1.0\r\nHost: {}\r\nUser-Agent: swarmbed/{}\r\nConnection: close\r\n\r\n",
        url.path,
        url.authority(),
        env!("CARGO_PKG_VERSION"),
    )
}

async fn connect(url: &Url, from: IpAddr) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for addr in tokio::net::lookup_host((url.host.as_str(), url.port)).await? {
        match connect_to(addr, from).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn connect_to(addr: SocketAddr, from: IpAddr) -> io::Result<TcpStream> {
    let socket = match addr {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // The tracker tells others the address that the announce came from.
    if !from.is_unspecified() && from.is_ipv4() == addr.is_ipv4() {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    socket.connect(addr).await
}

/// Why a server sent nothing of use.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) why: String,
    /// When it wishes to be asked again (`Retry-After`, in seconds).
    pub(crate) retry_after: Option<Duration>,
}

impl From<String> for Refusal {
    fn from(why: String) -> Self {
        Self {
            why,
            retry_after: None,
        }
    }
}

/// Part of a file: no more than was asked for, and all of it. Slow ones have time in proportion.
pub(crate) async fn get_range(
    url: &Url,
    from: IpAddr,
    range: Range<u64>,
) -> Result<Vec<u8>, Refusal> {
    let length = range.end - range.start;
    let patience = PATIENCE + Duration::from_millis(length / SLOWEST);
    let mut url = url.clone();
    for _ in 0..=REDIRECTS_MAX {
        let exchanged = timeout(patience, part(&url, from, &range)).await;
        let exchanged =
            exchanged.map_err(|_| format!("not all of it within {} s", patience.as_secs()))?;
        let (head, body) = exchanged.map_err(|error| error.to_string())?;
        match head.split(' ').nth(1).unwrap_or_default() {
            "206" if body.len() as u64 == length && is_of(&head, &range) => return Ok(body),
            "206" => return Err("sends another part of the file".to_owned().into()),
            "200" => {
                return Err("sends no parts of files (it ignores Range)"
                    .to_owned()
                    .into());
            }
            "301" | "302" | "303" | "307" | "308" => {
                let to =
                    header(&head, "location").ok_or_else(|| "redirects to nowhere".to_owned())?;
                url = Url::parse(to).map_err(|why| format!("redirects to {to}: {why}"))?;
            }
            status => {
                let seconds = header(&head, "retry-after").and_then(|after| after.parse().ok());
                return Err(Refusal {
                    why: format!("answers with HTTP status {status:.20}"),
                    retry_after: seconds.map(Duration::from_secs),
                });
            }
        }
    }
    Err("redirects in circles".to_owned().into())
}

/// The answer's head, and of its body what the range has room for.
async fn part(url: &Url, from: IpAddr, range: &Range<u64>) -> io::Result<(String, Vec<u8>)> {
    let mut stream = connect(url, from).await?;
    let wanted = format!(
        "GET {} HTTP/1.0\r\nHost: {}\r\nRange: bytes={}-{}\r\nUser-Agent: swarmbed/{}\r\n\
         Connection: close\r\n\r\n",
        url.path,
        url.authority(),
        range.start,
        range.end - 1,
        env!("CARGO_PKG_VERSION"),
    );
    stream.write_all(wanted.as_bytes()).await?;
    let (head, mut body) = head_of(&mut stream).await?;
    let length = range.end - range.start;
    let rest = length.saturating_sub(body.len() as u64);
    if head.split(' ').nth(1) == Some("206") {
        (&mut stream).take(rest).read_to_end(&mut body).await?;
    }
    body.truncate(usize::try_from(length).unwrap_or(usize::MAX));
    Ok((head, body))
}

/// Whether this is the part that was asked for; a server that does not say is believed.
fn is_of(head: &str, range: &Range<u64>) -> bool {
    let expected = format!("bytes {}-{}/", range.start, range.end - 1);
    header(head, "content-range").is_none_or(|said| said.starts_with(&expected))
}
