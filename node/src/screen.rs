//! A player program on this machine: started with the stream's address, and, if it is mpv, listened to by
//! its IPC, so that what it says of its playhead goes before what is modelled.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::str::FromStr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::process::{ChildStderr, Command};
use tokio::time::{sleep, timeout};

use crate::content::Content;
use crate::error::NodeError;
use crate::mail::Seen;
use crate::node::Node;
use crate::player::media_of;
use crate::random;

/// A line of mpv's at most; its own are a few hundred bytes.
const LINE_MAX: u64 = 64 * 1024;
/// How often its socket is looked for, until it is there.
const LOOK: Duration = Duration::from_millis(50);
/// Bytes of what it complains of that are told.
const COMPLAINT_MAX: u64 = 400;
/// How long what it said at its end may take.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A program that plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// Tells where it is.
    Mpv,
    /// Does not.
    Vlc,
}

impl FromStr for Screen {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "mpv" => Ok(Self::Mpv),
            "vlc" => Ok(Self::Vlc),
            _ => Err("there are: mpv, vlc".into()),
        }
    }
}

impl Screen {
    const fn name(self) -> &'static str {
        match self {
            Self::Mpv => "mpv",
            Self::Vlc => "vlc",
        }
    }

    /// Starts it, and ends when it does; with what it complained of, if it failed. Dropped, it ends the program.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn show(
        self,
        url: &str,
        node: &Node,
    ) -> Result<impl Future<Output = Option<String>> + Send + use<>, NodeError> {
        let socket = Socket::name();
        let mut arguments: Vec<OsString> = vec![url.into()];
        if self == Self::Mpv {
            let mut option = OsString::from("--input-ipc-server=");
            option.push(&socket.0);
            arguments.push(option);
        }
        let mut child = Command::new(self.name())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| NodeError::Player {
                name: self.name(),
                source,
            })?;
        let content = node.content();
        Ok(async move {
            let mut heard = std::pin::pin!(async {
                if self == Self::Mpv {
                    // One that says nothing is one that is modelled.
                    let _ = hear(&content, &socket.0).await;
                }
            });
            let complaint = tokio::spawn(complaint(child.stderr.take()));
            let ended = tokio::select! {
                ended = child.wait() => {
                    // Its last words are read still.
                    let _ = timeout(LAST_WORDS, heard).await;
                    ended
                }
                () = &mut heard => child.wait().await,
            };
            let status = ended.ok().filter(|status| !status.success())?;
            // What it started may hold the pipe open.
            let said = timeout(LAST_WORDS, complaint).await;
            let said = said.ok().and_then(Result::ok).unwrap_or_default();
            Some(format!("{} ended with {status}: {said}", self.name()))
        })
    }
}

/// The beginning of what a program complains of, in one line; the rest is read and forgotten, so that it does not
/// wait for us.
async fn complaint(stderr: Option<ChildStderr>) -> String {
    let Some(mut stderr) = stderr else {
        return String::new();
    };
    let mut begin = Vec::new();
    let _ = (&mut stderr)
        .take(COMPLAINT_MAX)
        .read_to_end(&mut begin)
        .await;
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    let text = String::from_utf8_lossy(&begin);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace(|c: char| c.is_control(), "")
}

/// A name that nobody has, and that is gone with us.
struct Socket(PathBuf);

impl Socket {
    fn name() -> Self {
        let number = u64::from_le_bytes(random::bytes());
        Self(std::env::temp_dir().join(format!("swarmbed-{number:016x}.mpv")))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What mpv says that it does, and what that is in a video element's words.
#[derive(Debug, Default, PartialEq)]
struct Mpv {
    time_s: f64,
    length_s: f64,
    paused: bool,
    starved: bool,
    moves: bool,
    /// It jumped, and has not said where to.
    jumped: bool,
}

const OBSERVED: [&str; 4] = ["time-pos", "duration", "pause", "paused-for-cache"];

impl Mpv {
    /// A line came; what happened, if anything did that matters.
    fn enter(&mut self, line: &Value) -> Option<Seen> {
        match line["event"].as_str()? {
            "seek" => {
                self.jumped = true;
                return None;
            }
            "end-file" => return Some(Seen::Ended),
            "playback-restart" => {
                self.moves = true;
                return (!self.paused).then_some(Seen::Playing);
            }
            "property-change" => {}
            _ => return None,
        }
        let data = &line["data"];
        match line["name"].as_str()? {
            "time-pos" => {
                self.time_s = data.as_f64()?;
                if std::mem::take(&mut self.jumped) {
                    return Some(Seen::Seeking);
                }
            }
            "duration" => self.length_s = data.as_f64().unwrap_or(self.length_s),
            "pause" => {
                let before = std::mem::replace(&mut self.paused, data.as_bool()?);
                if self.moves && before != self.paused {
                    return Some(if self.paused {
                        Seen::Pause
                    } else {
                        Seen::Playing
                    });
                }
            }
            "paused-for-cache" => {
                let before = std::mem::replace(&mut self.starved, data.as_bool()?);
                if self.moves && before != self.starved {
                    return Some(if self.starved {
                        Seen::Waiting
                    } else {
                        Seen::Playing
                    });
                }
            }
            _ => {}
        }
        None
    }

    /// Where that is in the file.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a length"
    )]
    fn byte(&self, length: u64) -> u64 {
        match self.length_s > 0.0 {
            true => ((self.time_s / self.length_s).clamp(0.0, 1.0) * length as f64) as u64,
            false => 0,
        }
    }
}

async fn hear(content: &Content, socket: &Path) -> io::Result<()> {
    let mut stream = loop {
        match UnixStream::connect(socket).await {
            Ok(stream) => break stream,
            Err(_) => sleep(LOOK).await,
        }
    };
    for (id, name) in OBSERVED.iter().enumerate() {
        let ask = json!({"command": ["observe_property", id + 1, name]});
        stream.write_all(format!("{ask}\n").as_bytes()).await?;
    }
    let (_, length, offset) = media_of(content);
    let (read, _write) = stream.into_split();
    let mut lines = BufReader::new(read);
    let (mut mpv, mut line) = (Mpv::default(), Vec::new());
    loop {
        line.clear();
        let got = (&mut lines)
            .take(LINE_MAX)
            .read_until(b'\n', &mut line)
            .await?;
        if got == 0 {
            return Ok(());
        }
        let Ok(said) = serde_json::from_slice(&line) else {
            continue;
        };
        if let Some(seen) = mpv.enter(&said) {
            let byte = offset + mpv.byte(length.saturating_sub(1));
            content.saw(seen, mpv.time_s, byte).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mpv_is_told_in_the_words_of_a_video_element() {
        let mut mpv = Mpv::default();
        let mut hear = |text: &str| mpv.enter(&serde_json::from_str(text).unwrap());
        let change = |name: &str, data: &str| {
            format!(r#"{{"event":"property-change","id":1,"name":"{name}","data":{data}}}"#)
        };
        assert_eq!(hear(&change("pause", "false")), None);
        assert_eq!(hear(&change("duration", "60.0")), None);
        assert_eq!(hear(r#"{"event":"playback-restart"}"#), Some(Seen::Playing));
        assert_eq!(hear(&change("time-pos", "15.0")), None);
        assert_eq!(
            hear(&change("paused-for-cache", "true")),
            Some(Seen::Waiting)
        );
        assert_eq!(
            hear(&change("paused-for-cache", "false")),
            Some(Seen::Playing)
        );
        assert_eq!(hear(&change("pause", "true")), Some(Seen::Pause));
        assert_eq!(hear(&change("time-pos", "null")), None);
        assert_eq!(hear(r#"{"event":"seek"}"#), None);
        assert_eq!(hear(&change("time-pos", "15.0")), Some(Seen::Seeking));
        assert_eq!(hear(&change("time-pos", "15.04")), None);
        assert_eq!(hear(r#"{"error":"success"}"#), None);
        assert_eq!(hear(r#"{"event":"end-file"}"#), Some(Seen::Ended));
        assert_eq!(mpv.byte(1000), 250);
        assert_eq!(Mpv::default().byte(1000), 0);
    }
}
