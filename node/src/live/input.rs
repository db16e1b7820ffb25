//! What is broadcast: standard input, a file, a command's output, or an HTTP stream.

use std::fmt;
use std::io::{self, IsTerminal as _, SeekFrom};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Stdio;
use std::str::FromStr;

use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncSeekExt as _};
use tokio::process::{Child, Command};

use crate::error::NodeError;
use crate::http::client;
use crate::http::url::Url;

/// Where the media comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// `-`
    Stdin,
    /// A path.
    File(PathBuf),
    /// `pipe:` and a shell command.
    Pipe(String),
    /// `http://…`
    Http(String),
}

impl FromStr for Input {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once(':') {
            _ if text == "-" => Self::Stdin,
            _ if text.is_empty() => return Err("write -, a file, pipe:COMMAND, or an http:// URL"),
            Some(("pipe", command)) if !command.trim().is_empty() => Self::Pipe(command.to_owned()),
            Some(("pipe", _)) => return Err("write a command after pipe:"),
            Some(("http", _)) => Self::Http(Url::parse(text).map(|_| text.to_owned())?),
            Some(("https" | "rtmp" | "udp" | "rtp" | "srt", rest)) if rest.starts_with("//") => {
                return Err("only http:// is read here: let ffmpeg fetch it, with pipe:COMMAND");
            }
            _ => Self::File(text.into()),
        })
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Pipe(command) => write!(f, "pipe:{command}"),
            Self::Http(url) => f.write_str(url),
        }
    }
}

/// An input that is being read.
pub(super) struct Open {
    input: Input,
    reader: Reader,
    loops: bool,
}

enum Reader {
    File(File),
    /// The command ends with us.
    Child(Child),
    Other(Box<dyn AsyncRead + Send + Unpin>),
}

impl Open {
    /// Opens it; a file that loops begins again at its end.
    pub(super) async fn open(input: &Input, loops: bool) -> Result<Self, NodeError> {
        let failed = |why: String| NodeError::Input {
            input: input.to_string(),
            why,
        };
        let reader = match input {
            Input::Stdin if io::stdin().is_terminal() => {
                return Err(failed("is a terminal".into()));
            }
            Input::Stdin => Reader::Other(Box::new(tokio::io::stdin())),
            Input::File(path) => {
                let file = File::open(path).await.map_err(|source| NodeError::Read {
                    path: path.clone(),
                    source,
                })?;
                let meta = file.metadata().await;
                if meta.is_ok_and(|meta| meta.is_dir()) {
                    return Err(NodeError::Kind {
                        path: path.clone(),
                        why: "is a folder",
                        remedy: "name a media file with --source",
                    });
                }
                Reader::File(file)
            }
            Input::Pipe(command) => {
                let child = Command::new("sh")
                    .args(["-c", command])
                    .stdin(Stdio::null())
                    .stdout(Stdio::piped())
                    .kill_on_drop(true)
                    .spawn();
                Reader::Child(child.map_err(|error| failed(error.to_string()))?)
            }
            Input::Http(url) => {
                let parsed = Url::parse(url).map_err(|why| failed(why.into()))?;
                let body = client::open(&parsed, Ipv4Addr::UNSPECIFIED.into()).await;
                Reader::Other(Box::new(body.map_err(failed)?))
            }
        };
        Ok(Self {
            input: input.clone(),
            reader,
            loops,
        })
    }

    /// The next bytes; 0 at the end.
    pub(super) async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, NodeError> {
        let read = match &mut self.reader {
            Reader::File(file) => match file.read(buffer).await {
                Ok(0) if self.loops => {
                    let begun = file.seek(SeekFrom::Start(0)).await;
                    match begun {
                        Ok(_) => file.read(buffer).await,
                        Err(error) => Err(error),
                    }
                }
                read => read,
            },
            Reader::Child(child) => match &mut child.stdout {
                Some(stdout) => stdout.read(buffer).await,
                None => Ok(0),
            },
            Reader::Other(reader) => reader.read(buffer).await,
        };
        read.map_err(|error| self.failed(error.to_string()))
    }

    /// Whether it ended as it should.
    pub(super) async fn ended(&mut self, bytes: u64) -> Result<(), NodeError> {
        if let Reader::Child(child) = &mut self.reader {
            let status = child.wait().await;
            let status = status.map_err(|error| self.failed(error.to_string()))?;
            if !status.success() {
                return Err(self.failed(format!("the command ended with {status}")));
            }
        }
        if bytes == 0 {
            return Err(self.failed("ended before its first byte".into()));
        }
        Ok(())
    }

    fn failed(&self, why: String) -> NodeError {
        NodeError::Input {
            input: self.input.to_string(),
            why,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_told_apart() {
        let read = |text: &str| text.parse::<Input>();
        assert_eq!(read("-"), Ok(Input::Stdin));
        assert_eq!(read("film.ts"), Ok(Input::File("film.ts".into())));
        assert_eq!(read("a:b.ts"), Ok(Input::File("a:b.ts".into())));
        assert_eq!(read("pipe:cat x"), Ok(Input::Pipe("cat x".into())));
        assert_eq!(read("http://a/b"), Ok(Input::Http("http://a/b".into())));
        for bad in ["", "pipe:", "pipe: ", "http://", "https://a/", "udp://a:1"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
