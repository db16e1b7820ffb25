//! What a played recording came to: start-up, stalls and their causes, and when each missing piece was
//! known, asked for and here.

use std::time::Duration;

use serde_json::{Map, Value, json};
use swarmbed_analysis::ledger::Ledger;
use swarmbed_analysis::story::{PieceStory, Story};
use swarmbed_engine::recording::Recording;
use swarmbed_engine::{Cause, CauseMillis, Instant, PieceIndex};
use swarmbed_replay::Played;

/// Missing pieces that are told one by one.
const LINES_MAX: usize = 20;

/// A session as its viewer saw it.
pub(super) struct Viewing {
    began: Instant,
    ledger: Ledger,
    story: Story,
}

/// A piece that was not there when it was due, and when another policy asked for it.
pub(super) struct Missing {
    piece: PieceIndex,
    asked: Option<Duration>,
    other_asked: Option<Duration>,
    other_here: Option<Duration>,
}

impl Viewing {
    pub(super) fn of(recording: &Recording, played: &Played) -> Self {
        let (mut ledger, mut story) = (Ledger::default(), Story::default());
        for (at, event) in &played.events {
            ledger.enter(*at, event);
            story.enter(*at, event);
        }
        ledger.close(played.span.1);
        story.close(played.span.1);
        Self {
            began: recording.began(),
            ledger,
            story,
        }
    }

    fn since(&self, at: Instant) -> Duration {
        at.since(self.began)
    }

    fn piece(&self, piece: PieceIndex) -> Option<&PieceStory> {
        self.story.pieces.iter().find(|one| one.piece == piece)
    }

    fn when(&self, at: Option<Instant>) -> Option<Duration> {
        at.map(|at| self.since(at))
    }

    /// The pieces that were not there when they were due, each once, and what the other did.
    pub(super) fn missing(&self, other: &Self) -> Vec<Missing> {
        let mut pieces: Vec<PieceIndex> = Vec::new();
        let stalled = self.ledger.stalls.iter().map(|stall| stall.piece);
        let late = self.story.pieces.iter().filter(|one| one.late.is_some());
        for piece in stalled.chain(late.map(|one| one.piece)) {
            if !pieces.contains(&piece) {
                pieces.push(piece);
            }
        }
        let missing = |piece| {
            let (one, two) = (self.piece(piece), other.piece(piece));
            Missing {
                piece,
                asked: one.and_then(|one| self.when(one.requested)),
                other_asked: two.and_then(|two| other.when(two.requested)),
                other_here: two.and_then(|two| other.when(two.complete)),
            }
        };
        pieces.into_iter().map(missing).collect()
    }

    pub(super) fn json(&self) -> Value {
        let seconds = |at: Option<Duration>| at.map(|at| at.as_secs_f64());
        let stalls: Vec<Value> = self
            .ledger
            .stalls
            .iter()
            .map(|stall| {
                let story = self.piece(stall.piece);
                json!({
                    "at_s": self.since(stall.at).as_secs_f64(),
                    "millis": stall.millis,
                    "piece": stall.piece.0,
                    "causes": causes(stall.causes).collect::<Map<_, _>>(),
                    "known_s": seconds(story.and_then(|one| self.when(one.known))),
                    "asked_s": seconds(story.and_then(|one| self.when(one.requested))),
                    "here_s": seconds(story.and_then(|one| self.when(one.complete))),
                })
            })
            .collect();
        json!({
            "played": self.ledger.requested_at.is_some(),
            "startup_s": seconds(self.ledger.startup),
            "stalls": stalls,
            "stalled_s": Duration::from_millis(self.ledger.stalled_millis()).as_secs_f64(),
            "rebuffering": self.ledger.rebuffering_ratio(),
            "late": self.ledger.late,
            "skipped": self.ledger.skipped,
            "played_s": self.ledger.played.as_secs_f64(),
        })
    }
}

fn causes(millis: CauseMillis) -> impl Iterator<Item = (String, Value)> {
    let held = Cause::ALL.into_iter().zip(millis.0);
    held.filter(|(_, millis)| *millis > 0)
        .map(|(cause, millis)| (cause.name().to_owned(), millis.into()))
}

/// Start-up and stalls.
pub(super) fn tell_viewing(viewing: &Viewing) {
    let ledger = &viewing.ledger;
    if ledger.requested_at.is_none() {
        return say!("Nobody watched.");
    }
    let Some(startup) = ledger.startup else {
        return say!("The picture never moved.");
    };
    let skipped = match ledger.skipped {
        0 => String::new(),
        skipped => format!("; {skipped} pieces skipped"),
    };
    say!(
        "Start-up {:.2} s; {} stalls, {:.2} s in all, {:.1} % of the time{skipped}.",
        startup.as_secs_f64(),
        ledger.stalls.len(),
        Duration::from_millis(ledger.stalled_millis()).as_secs_f64(),
        100.0 * ledger.rebuffering_ratio().unwrap_or_default(),
    );
    for stall in &ledger.stalls {
        let why: Vec<String> = causes(stall.causes)
            .map(|(cause, millis)| format!("{cause} {millis} ms"))
            .collect();
        say!(
            "  at {:.2} s for {:.2} s, for want of piece {}: {}",
            viewing.since(stall.at).as_secs_f64(),
            Duration::from_millis(stall.millis.into()).as_secs_f64(),
            stall.piece.0,
            if why.is_empty() {
                "unknown".to_owned()
            } else {
                why.join(", ")
            },
        );
        if let Some(story) = viewing.piece(stall.piece) {
            say!(
                "    known {}, asked for {}, here {}",
                moment(viewing.when(story.known)),
                moment(viewing.when(story.requested)),
                moment(viewing.when(story.complete)),
            );
        }
    }
}

fn moment(at: Option<Duration>) -> String {
    at.map_or_else(
        || "never".into(),
        |at| format!("at {:.2} s", at.as_secs_f64()),
    )
}

/// Whether the missing pieces were asked for earlier.
pub(super) fn tell_missing(missing: &[Missing]) {
    if missing.is_empty() {
        return say!("No piece was missing when it was due.");
    }
    for one in missing.iter().take(LINES_MAX) {
        say!(
            "  piece {}: asked for {}{}; here {}",
            one.piece.0,
            moment(one.other_asked),
            one.verdict(),
            moment(one.other_here),
        );
    }
    if let Some(more) = missing.len().checked_sub(LINES_MAX + 1) {
        say!("  and {} more", more + 1);
    }
    let earlier = missing.iter().filter(|one| one.earlier_s() > Some(0.0));
    say!(
        "It asks for {} of {} missing pieces earlier.",
        earlier.count(),
        missing.len(),
    );
}

impl Missing {
    /// How much earlier the other asked, in seconds; less than zero if later.
    fn earlier_s(&self) -> Option<f64> {
        Some(self.asked?.as_secs_f64() - self.other_asked?.as_secs_f64())
    }

    fn verdict(&self) -> String {
        match self.earlier_s() {
            Some(by) if by > 0.0 => format!(", {by:.2} s earlier"),
            Some(by) if by < 0.0 => format!(", {:.2} s later", -by),
            Some(_) => ", at the same time".into(),
            None => String::new(),
        }
    }

    pub(super) fn json(&self) -> Value {
        let seconds = |at: Option<Duration>| at.map(|at| at.as_secs_f64());
        json!({
            "piece": self.piece.0,
            "asked_s": seconds(self.asked),
            "other_asked_s": seconds(self.other_asked),
            "earlier_s": self.earlier_s(),
            "other_here_s": seconds(self.other_here),
        })
    }
}
