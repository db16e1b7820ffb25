//! Watching a node run: shows how it stands until it is done, fails, or somebody says stop.

use std::time::{Duration, Instant};

use serde_json::Value;
use swarmbed_node::{Happening, Node, NodeError, Status};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use super::report::{Progress, live, live_summary, notice, status, summary, watched};

/// Ends when the player program does; why, if that was no good end.
pub(super) type Shown = std::pin::Pin<Box<dyn Future<Output = Option<String>> + Send>>;

/// Players of a live stream that has ended are waited for so long.
const READERS_MAX: Duration = Duration::from_secs(60);
/// Announces that fail before a run that can end by itself does: half a minute.
pub(super) const TRACKER_PATIENCE: u32 = 3;

/// Until the user has enough.
pub(super) async fn told_to_stop() {
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be heard");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// Until the player program ends.
async fn closed(shown: &mut Option<Shown>) -> Option<String> {
    match shown {
        Some(shown) => shown.await,
        None => std::future::pending().await,
    }
}

/// Shows how it stands until it is done, fails, or is told to stop.
pub(super) async fn attend(
    mut node: Node,
    mut progress: Progress,
    exit_when_complete: bool,
    mut shown: Option<Shown>,
) -> Result<Value, NodeError> {
    let started = Instant::now();
    let mut watch = node.status();
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stop = std::pin::pin!(told_to_stop());
    loop {
        tokio::select! {
            happening = node.next() => match happening {
                Happening::Notice(told) => progress.say(&notice(&told)),
                Happening::Ended(result) => {
                    progress.end();
                    result?;
                }
            },
            _ = second.tick() => progress.show(&status(&watch.borrow())),
            Ok(()) = watch.changed() => {}
            () = &mut stop => break,
            why = closed(&mut shown) => {
                if let Some(why) = why {
                    progress.say(&format!("warning: {why}"));
                }
                break;
            }
        }
        let now = watch.borrow().clone();
        // A viewer is not cut off because the download is done.
        let done = now.complete && now.readers == 0;
        if exit_when_complete && (done || is_hopeless(&now)) {
            break;
        }
    }
    progress.end();
    let seconds = started.elapsed().as_secs_f64();
    let end = node.leave().await?;
    if let Some(text) = watched(&end) {
        progress.say(&text);
    }
    if !end.complete && end.neighbours_ever == 0 && end.tracker_error.is_some() {
        let why = end.tracker_error.clone().unwrap_or_default();
        return Err(NodeError::NoPeers { why });
    }
    if exit_when_complete && !end.complete {
        return Err(NodeError::Stopped {
            have: end.have,
            pieces: end.pieces,
        });
    }
    Ok(summary(&end, seconds))
}

/// Shows how a live stream stands until it ends, fails, or somebody says stop.
pub(super) async fn attend_live(
    mut node: Node,
    mut progress: Progress,
    mut saving: tokio::task::JoinSet<Result<(), NodeError>>,
    mut shown: Option<Shown>,
) -> Result<Value, NodeError> {
    let started = Instant::now();
    let mut watch = node.status();
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stop = std::pin::pin!(told_to_stop());
    let mut ended = None;
    loop {
        tokio::select! {
            happening = node.next() => match happening {
                Happening::Notice(told) => progress.say(&notice(&told)),
                Happening::Ended(result) => {
                    progress.end();
                    result?;
                }
            },
            _ = second.tick() => progress.show(&live(&watch.borrow())),
            Ok(()) = watch.changed() => {}
            Some(saved) = saving.join_next() => {
                saved.expect("saving does not panic")?;
            }
            () = &mut stop => break,
            why = closed(&mut shown) => {
                if let Some(why) = why {
                    progress.say(&format!("warning: {why}"));
                }
                break;
            }
        }
        let now = watch.borrow().clone();
        let over = now.live.is_some_and(|live| live.ended);
        let since = *ended.get_or_insert_with(Instant::now);
        ended = ended.filter(|_| over);
        // Nobody is cut off because our own playhead is at the end; and
        // nobody who takes nothing keeps us here.
        if over && (now.readers == 0 || since.elapsed() >= READERS_MAX) {
            progress.say("the stream has ended");
            break;
        }
    }
    progress.end();
    let seconds = started.elapsed().as_secs_f64();
    let end = node.leave().await?;
    if let Some(watched) = watched(&end) {
        progress.say(&watched);
    }
    if end.neighbours_ever == 0 && end.tracker_error.is_some() {
        let why = end.tracker_error.clone().unwrap_or_default();
        return Err(NodeError::NoPeers { why });
    }
    Ok(live_summary(&end, seconds))
}

/// Nobody ever came, and no tracker answers.
const fn is_hopeless(status: &Status) -> bool {
    status.neighbours_ever == 0
        && status.traffic.from_web_seed == 0
        && status.tracker_failures >= TRACKER_PATIENCE
}
