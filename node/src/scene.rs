//! What a page shows besides the status: who the neighbours are, what is here, what a player waits
//! for and why. Looked up only while somebody watches.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use swarmbed_engine::{Cause, Event, NeighbourView, Peer, PieceIndex, PlayState};

use crate::page;

/// Pieces ahead of a reader that are counted.
const AHEAD_MAX: u32 = 10_000;

/// How far start-up has come: each time since the node began, once it was so.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Phases {
    /// A neighbour was connected.
    pub(crate) neighbour: Option<Duration>,
    /// One let us ask.
    pub(crate) unchoked: Option<Duration>,
    /// Bytes of a block came (seen within a quarter of a second).
    pub(crate) bytes: Option<Duration>,
    /// A piece was verified.
    pub(crate) piece: Option<Duration>,
}

/// Where the player that came last reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// The piece it reads, or waits for.
    pub(crate) piece: PieceIndex,
    /// Why it has to wait; `None` if the piece is here.
    pub(crate) cause: Option<Cause>,
    /// Bytes that are here without a gap from its place on.
    pub(crate) ahead: u64,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scene {
    pub(crate) neighbours: Vec<NeighbourView>,
    /// As `page::map` writes it.
    pub(crate) map: String,
    pub(crate) wanted: Option<Wanted>,
    pub(crate) phases: Phases,
}

/// Where the scene is kept, and who looks at it.
#[derive(Debug)]
pub(crate) struct Stage(Mutex<Inside>);

#[derive(Debug)]
struct Inside {
    began: Instant,
    scene: Scene,
    watchers: usize,
    /// Bytes that players are at, by their number; bounded by the connections of the server.
    readers: BTreeMap<u64, u64>,
    next: u64,
}

impl Default for Stage {
    fn default() -> Self {
        Self(Mutex::new(Inside {
            began: Instant::now(),
            scene: Scene::default(),
            watchers: 0,
            readers: BTreeMap::new(),
            next: 0,
        }))
    }
}

impl Stage {
    fn with<T>(&self, change: impl FnOnce(&mut Inside) -> T) -> T {
        change(&mut self.0.lock().expect("nobody panics with it"))
    }

    pub(crate) fn watched(&self, begins: bool) {
        self.with(|inside| {
            inside.watchers = if begins {
                inside.watchers + 1
            } else {
                inside.watchers.saturating_sub(1)
            };
        });
    }

    /// A number for a player that came.
    pub(crate) fn reader(&self) -> u64 {
        self.with(|inside| {
            inside.next += 1;
            inside.next
        })
    }

    pub(crate) fn reads(&self, reader: u64, byte: u64) {
        self.with(|inside| inside.readers.insert(reader, byte));
    }

    pub(crate) fn left(&self, reader: u64) {
        self.with(|inside| inside.readers.remove(&reader));
    }

    pub(crate) fn scene(&self) -> Scene {
        self.with(|inside| inside.scene.clone())
    }

    pub(crate) fn happened(&self, event: &Event) {
        let phase: fn(&mut Phases) -> &mut Option<Duration> = match event {
            Event::Connected { .. } => |phases| &mut phases.neighbour,
            Event::TheyChoke { choked: false, .. } => |phases| &mut phases.unchoked,
            Event::PieceVerified(_) => |phases| &mut phases.piece,
            _ => return,
        };
        self.with(|inside| {
            let since = inside.began.elapsed();
            phase(&mut inside.scene.phases).get_or_insert(since);
            if matches!(event, Event::PieceVerified(_)) {
                // Sooner than it is looked for.
                inside.scene.phases.bytes.get_or_insert(since);
            }
        });
    }

    pub(crate) fn publish(&self, peer: &Peer) {
        self.with(|inside| {
            if peer.traffic().payload_down > 0 {
                let since = inside.began.elapsed();
                inside.scene.phases.bytes.get_or_insert(since);
            }
            if inside.watchers == 0 {
                return;
            }
            let known = |view: &NeighbourView| view.peer_id.is_some();
            inside.scene.neighbours = peer.neighbours().filter(known).collect();
            inside.scene.map = page::map(peer.pieces());
            let last = inside.readers.last_key_value();
            inside.scene.wanted = last
                .map(|(_, at)| wanted(peer, *at))
                .or_else(|| of_a_stream(peer));
        });
    }
}

fn wanted(peer: &Peer, at: u64) -> Wanted {
    let geometry = peer.config().geometry;
    let piece = geometry.piece_at(at);
    let end = (piece.0..geometry.pieces().min(piece.0.saturating_add(AHEAD_MAX)))
        .find(|&next| !peer.has(PieceIndex(next)));
    let end = end.unwrap_or(geometry.pieces().min(piece.0.saturating_add(AHEAD_MAX)));
    let end = (u64::from(end) * u64::from(geometry.piece_length())).min(geometry.total());
    Wanted {
        piece,
        cause: peer.why_missing(piece),
        ahead: end.saturating_sub(at),
    }
}

/// Of a live stream, where playback is.
fn of_a_stream(peer: &Peer) -> Option<Wanted> {
    peer.config().live.as_ref()?;
    let playback = peer.playback()?;
    let piece = peer
        .config()
        .geometry
        .piece_at(playback.position + playback.ahead);
    let waits = matches!(playback.state, PlayState::Buffering | PlayState::Stalled);
    Some(Wanted {
        piece,
        cause: peer.why_missing(piece).filter(|_| waits),
        ahead: playback.ahead,
    })
}
