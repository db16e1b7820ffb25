//! How long a file plays, as ffprobe says where it is installed.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// It is waited for so long: a header is read in less.
const PROBE_MAX: Duration = Duration::from_secs(20);
/// More than a number has.
const ANSWER_MAX: u64 = 64;
/// Longer than this nothing plays: a century.
const DURATION_MAX: f64 = 3_155_760_000.0;

/// The names' ends of what may play.
const MEDIA: [&str; 20] = [
    "3gp", "avi", "flac", "flv", "m2ts", "m4a", "m4v", "mkv", "mov", "mp3", "mp4", "mpeg", "mpg",
    "mts", "oga", "ogg", "ogv", "ts", "wav", "webm",
];

/// How long the media in `path` plays; `None` if it is no media, or nobody here can tell.
pub(crate) fn duration(path: &Path) -> Option<Duration> {
    let end = path.extension()?.to_str()?.to_ascii_lowercase();
    if !MEDIA.contains(&end.as_str()) {
        return None;
    }
    let mut child = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "format=duration"])
        .args(["-of", "default=noprint_wrappers=1:nokey=1", "-i"])
        .arg(path.canonicalize().ok()?)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let until = Instant::now() + PROBE_MAX;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    };
    // One number is less than a pipe holds: it is all there when the program has ended.
    let mut text = String::new();
    let answer = child.stdout.take()?;
    answer.take(ANSWER_MAX).read_to_string(&mut text).ok()?;
    status.success().then(|| seconds(&text)).flatten()
}

/// What it printed, if that is a playing time. At least a second: torrents know whole ones.
fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.trim().parse().ok()?;
    (1.0..DURATION_MAX)
        .contains(&seconds)
        .then(|| Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_playing_time_is_one() {
        assert_eq!(seconds("60.500000\n"), Some(Duration::from_millis(60_500)));
        for bad in ["N/A\n", "", "0.04", "-3", "inf", "NaN", "1e300"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_no_media_is_not_asked_about() {
        assert_eq!(duration(Path::new("Cargo.toml")), None);
        assert_eq!(duration(Path::new("nothing-here.mp4")), None);
    }
}
