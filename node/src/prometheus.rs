//! A swarm's status as Prometheus reads it: text exposition format 0.0.4, at `/metrics` of the player's
//! address.

use std::fmt::Write as _;

use swarmbed_engine::{Cause, PlayState};

use crate::status::Status;
use crate::torrent::hex;

/// The media type of the format.
pub(crate) const MIME: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything that the status tells; times in seconds, as Prometheus wants them.
pub(crate) fn text(status: &Status, info_hash: &[u8; 20]) -> String {
    let mut page = Page {
        text: String::new(),
        torrent: hex(info_hash),
    };
    let traffic = &status.traffic;
    page.gauge("pieces", "All pieces", status.pieces);
    page.gauge(
        "pieces_verified",
        "Pieces that are here and right",
        status.have,
    );
    page.gauge("neighbours", "Connected neighbours", status.neighbours);
    page.gauge("readers", "Players being served", status.readers);
    page.gauge(
        "download_bytes_per_second",
        "From all neighbours",
        status.down.bytes_per_s(),
    );
    page.gauge(
        "upload_bytes_per_second",
        "To all neighbours",
        status.up.bytes_per_s(),
    );
    for (name, help, bytes) in [
        (
            "downloaded_bytes",
            "Payload from neighbours",
            traffic.payload_down,
        ),
        (
            "uploaded_bytes",
            "Payload to neighbours",
            traffic.payload_up,
        ),
        (
            "web_seed_bytes",
            "Payload from web seeds",
            traffic.from_web_seed,
        ),
        (
            "duplicate_bytes",
            "Of the downloaded: known already",
            traffic.duplicate,
        ),
        (
            "corrupt_bytes",
            "Of the downloaded: failed verification",
            traffic.corrupt,
        ),
        (
            "control_received_bytes",
            "Messages but blocks, received",
            traffic.control_down,
        ),
        (
            "control_sent_bytes",
            "Messages but blocks, sent",
            traffic.control_up,
        ),
    ] {
        page.counter(name, help, bytes);
    }
    let failures = status.tracker_failures;
    page.gauge(
        "tracker_failures",
        "Announces that failed since the last answer",
        failures,
    );
    viewing(&mut page, status);
    page.text
}

fn viewing(page: &mut Page, status: &Status) {
    let viewing = &status.viewing;
    if let Some(playback) = status.playback {
        let playing = u8::from(playback.state == PlayState::Playing);
        page.gauge("playing", "1 while the picture moves", playing);
        page.counter(
            "played_seconds",
            "Media shown",
            playback.played.as_secs_f64(),
        );
        page.gauge(
            "ahead_bytes",
            "Here without a gap from the playhead on",
            playback.ahead,
        );
    }
    if let Some(startup) = viewing.startup {
        page.gauge(
            "startup_seconds",
            "From play to the first frame",
            startup.as_secs_f64(),
        );
    }
    if let Some(error) = viewing.estimate_error_s {
        let help = "How much later than foretold first the picture started";
        page.gauge("start_estimate_error_seconds", help, error);
    }
    page.counter("stalls", "How often the picture stood", viewing.stalls);
    let help = "How long the picture stood, by cause (stalls that are over)";
    page.head("stalled_seconds", help, "counter");
    for (cause, millis) in viewing.by_cause() {
        let seconds = f64::from(millis) / 1000.0;
        let cause = format!(",cause=\"{cause}\"");
        page.line("stalled_seconds_total", &cause, seconds);
    }
    page.counter(
        "late_pieces",
        "Absent at their first deadline",
        viewing.late,
    );
    page.counter("skipped_pieces", "Jumped over", viewing.skipped);
    if let Some(lag) = status.live.and_then(|live| live.lag) {
        page.gauge(
            "live_lag_seconds",
            "How old is what is shown",
            lag.as_secs_f64(),
        );
    }
    debug_assert!(
        Cause::ALL
            .iter()
            .all(|cause| !cause.name().contains(['"', '\\']))
    );
}

struct Page {
    text: String,
    torrent: String,
}

impl Page {
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        let name = match kind {
            "counter" => format!("{name}_total"),
            _ => name.to_owned(),
        };
        let _ = writeln!(self.text, "# HELP swarmbed_{name} {help}");
        let _ = writeln!(self.text, "# TYPE swarmbed_{name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let torrent = &self.torrent;
        let _ = writeln!(
            self.text,
            "swarmbed_{name}{{torrent=\"{torrent}\"{labels}}} {value}"
        );
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, help, "gauge");
        self.line(name, "", value);
    }

    fn counter(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, help, "counter");
        self.line(&format!("{name}_total"), "", value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_follows_its_type() {
        let status = Status {
            pieces: 10,
            have: 4,
            ..Status::default()
        };
        let text = text(&status, &[0xab; 20]);
        let torrent = "ab".repeat(20);
        assert!(text.contains(&format!(
            "# TYPE swarmbed_pieces_verified gauge\n\
             swarmbed_pieces_verified{{torrent=\"{torrent}\"}} 4\n"
        )));
        assert!(text.contains("# TYPE swarmbed_stalled_seconds_total counter\n"));
        assert_eq!(text.matches(",cause=\"").count(), Cause::ALL.len());
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(
                name.starts_with("swarmbed_") && value.parse::<f64>().is_ok(),
                "{line}"
            );
        }
    }
}
