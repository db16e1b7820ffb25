//! `swarmbed node broadcast`

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use swarmbed_engine::Rate;
use swarmbed_node::live::{Broadcaster, Feed, Stream, Wishes};
use swarmbed_node::{Happening, Node, NodeError, TrackerServer, hex};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::BroadcastArgs;
use super::attend::told_to_stop;
use super::reach::options;
use super::report::{Progress, live_summary, notice, on_air};
use super::serve::here;

/// After its end a stream is served until its viewers have left, but no longer than this.
const LINGER_MAX: Duration = Duration::from_secs(60);
/// Time to connect, for those who are about to.
const LINGER_MIN: Duration = Duration::from_secs(3);
/// The measured bitrate is compared with the promised one after this long.
const MEASURE: Duration = Duration::from_secs(20);

pub(super) async fn run(args: &BroadcastArgs) -> Result<Value, NodeError> {
    let common = &args.common;
    let wishes = Wishes {
        name: args.name.clone(),
        folder: args.destdir.clone().unwrap_or_else(|| common.dir.clone()),
        bitrate: args.bitrate,
        piece_length: args.piece_length,
        window: args.window,
        ring: args.duration,
        thumbnail: args.thumb.clone(),
    };
    let stream = tokio::task::spawn_blocking(move || Stream::open(&wishes)).await;
    let stream = Arc::new(stream.expect("opening does not panic")?);
    let feed = Feed {
        input: args.source.clone(),
        loops: args.loops,
    };
    let broadcaster = Broadcaster::open(Arc::clone(&stream), &feed).await?;
    let mut options = options(common, &stream.torrent.metainfo).await?;
    options.torrent_trackers = false;
    let mut progress = Progress::new();
    let mut own_tracker = JoinSet::new();
    let mut announce = common.trackers.clone();
    if announce.is_empty() {
        let only = Some(vec![stream.torrent.info_hash]);
        let server = TrackerServer::bind(args.tracker_listen, "--tracker-listen", only).await?;
        options.trackers = vec![format!("http://{}/announce", here(server.addr()))];
        announce = vec![format!("http://{}/announce", outside(server.addr()))];
        progress.say(&format!("tracker at {}", announce[0]));
        own_tracker.spawn(server.run());
    }
    let node = Node::broadcast(&stream, &args.auxiliary, &options).await?;
    // Who has the file can join: so it is written when everything stands.
    stream.publish(&announce)?;
    progress.say(&format!(
        "{}: for viewers; info-hash {}",
        stream.path.display(),
        hex(&stream.torrent.info_hash)
    ));
    progress.say(&format!("peer port {}", node.addr()));
    if stream.first.0 > 0 {
        progress.say(&format!("goes on with piece {}", stream.first.0));
    }
    attend(node, progress, &stream, broadcaster).await
}

/// Until the stream is to be left open, for a restart.
async fn told_to_leave_it_open() {
    let mut hangup = signal(SignalKind::hangup()).expect("signals can be heard");
    hangup.recv().await;
}

/// Shows how it stands until the input has ended, or somebody said stop, and the viewers have left.
async fn attend(
    mut node: Node,
    mut progress: Progress,
    stream: &Stream,
    broadcaster: Broadcaster,
) -> Result<Value, NodeError> {
    let started = Instant::now();
    let mut watch = node.status();
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut feeding = JoinSet::new();
    let (read, end) = (broadcaster.bytes(), broadcaster.stop());
    feeding.spawn(broadcaster.run(node.producer()));
    let mut over: Option<Instant> = None;
    let mut measured = false;
    let mut stop = std::pin::pin!(told_to_stop());
    let mut hangup = std::pin::pin!(told_to_leave_it_open());
    let mut told = false;
    let outcome = loop {
        tokio::select! {
            happening = node.next() => match happening {
                Happening::Notice(told) => progress.say(&notice(&told)),
                Happening::Ended(result) => break result,
            },
            _ = second.tick() => {
                let now = watch.borrow_and_update().clone();
                let seconds = started.elapsed().as_secs();
                let next = stream.first.0 + now.live.unwrap_or_default().produced;
                let pace = read.get().checked_div(seconds).unwrap_or(0);
                if over.is_none() {
                    progress.show(&on_air(&now, next, pace, seconds));
                }
                if !measured && over.is_none() && started.elapsed() >= MEASURE {
                    measured = true;
                    if let Some(warning) = mismatch(stream.bitrate(), pace) {
                        progress.say(&warning);
                    }
                }
                let waited = over.map(|since| since.elapsed());
                let alone = now.neighbours == 0;
                if waited.is_some_and(|so| so >= LINGER_MAX || so >= LINGER_MIN && alone) {
                    break Ok(());
                }
            }
            Some(fed) = feeding.join_next() => match fed.expect("feeding does not panic") {
                Ok(bytes) => {
                    let what = if told { "the stream ends here, as told," } else { "the input has ended" };
                    progress.say(&format!("{what} after {bytes} bytes; waiting for viewers"));
                    over = Some(Instant::now());
                }
                Err(error) => break Err(error),
            },
            () = &mut stop => {
                // Told again, or with nothing more to end: at once.
                if told || over.is_some() {
                    break Ok(());
                }
                told = true;
                end.stop();
                stop.set(told_to_stop());
            }
            () = &mut hangup => break Ok(()),
        }
    };
    progress.end();
    drop(feeding);
    let seconds = started.elapsed().as_secs_f64();
    let left = node.leave().await;
    outcome?;
    let mut summary = live_summary(&left?, seconds);
    summary["ended"] = json!(over.is_some());
    summary["tstream"] = json!(stream.path.display().to_string());
    summary["info_hash"] = json!(hex(&stream.torrent.info_hash));
    Ok(summary)
}

/// Viewers buffer by the promised bitrate.
fn mismatch(promised: Rate, measured: u64) -> Option<String> {
    let promised = promised.bytes_per_s();
    let far = measured > promised + promised / 5 || measured < promised - promised / 5;
    far.then(|| {
        format!(
            "warning: the input comes at {} kbit/s, but the stream says {} kbit/s: viewers buffer by \
             what it says; give --bitrate \"{} kbit/s\"",
            measured / 125,
            promised / 125,
            measured / 125
        )
    })
}

/// Where our own tracker is reached from other machines: if it listens everywhere, at the address
/// that we would use to reach them.
fn outside(addr: SocketAddr) -> SocketAddr {
    if !addr.ip().is_unspecified() {
        return addr;
    }
    let route = || -> std::io::Result<IpAddr> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        // Nothing is sent: this only asks which way it would go (192.0.2.0/24 is for documents).
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        Ok(socket.local_addr()?.ip())
    };
    SocketAddr::new(route().unwrap_or(here(addr).ip()), addr.port())
}
