//! One GET: of a tracker's answer, or of a stream.

use std::io::{self, Cursor};
use std::net::{IpAddr, SocketAddr};
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
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let got = stream.read(&mut chunk).await?;
        bytes.extend_from_slice(&chunk[..got]);
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..at]).into_owned();
            return Ok((head, bytes.split_off(at + 4), stream));
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
