//! Which viewers of a run are followed piece by piece, and which of those the report shows.

use std::cmp::Reverse;

use swarmbed_analysis::ledger::Ledger;
use swarmbed_analysis::metric::Content;
use swarmbed_analysis::record::PeerRecord;
use swarmbed_analysis::report;
use swarmbed_analysis::story::Story;
use swarmbed_engine::{Event, Instant};
use swarmbed_sim::{Behaviour, Observer, PeerOutcome, Population, Setup};

/// Most viewers that are followed in a run: each block of theirs is told of, which takes time.
const VIEWERS_MAX: u32 = 1000;
/// Most pieces that are, over all of them: some tens of megabytes.
const PIECES_MAX: u64 = 600_000;

/// Enters events into a ledger, and the viewer's story if it is followed. Whether it is, is asked at each
/// event, so that comes first in memory.
#[repr(C)]
pub(super) struct Scribe {
    story: Option<Box<Story>>,
    pub(super) ledger: Ledger,
}

impl Scribe {
    pub(super) fn new(follow: bool) -> Self {
        Self {
            ledger: Ledger::default(),
            story: follow.then(Box::default),
        }
    }
}

impl Observer for Scribe {
    fn event(&mut self, now: Instant, event: &Event) {
        self.ledger.enter(now, event);
        if let Some(story) = &mut self.story {
            story.enter(now, event);
        }
    }
}

/// The numbers of the viewers to follow: all, or every second, third… if there are too many.
pub(super) fn followed(setup: &Setup) -> Vec<u32> {
    if setup.bitrate.is_none() {
        return Vec::new();
    }
    (0..peers(setup)).step_by(one_in(setup)).collect()
}

/// Of so many viewers, one is followed.
pub(super) fn one_in(setup: &Setup) -> usize {
    let pieces = setup
        .live
        .as_ref()
        .map_or(setup.geometry.pieces(), |live| live.pieces);
    let peers = peers(setup);
    let all = u64::from(peers) * u64::from(pieces);
    let step = all
        .div_ceil(PIECES_MAX)
        .max(u64::from(peers.div_ceil(VIEWERS_MAX)));
    usize::try_from(step).unwrap_or(usize::MAX).max(1)
}

fn peers(setup: &Setup) -> u32 {
    let counted = setup
        .classes
        .iter()
        .filter_map(|class| match class.population {
            Population::Count(count) if class.behaviour != Behaviour::Idle => Some(count),
            _ => None,
        });
    counted.sum::<u32>() + setup.viewers
}

/// What the report shows of a run: the `worst` viewers that were followed, and one in the middle.
pub(super) fn chosen(
    peers: &[PeerRecord],
    outcomes: &[PeerOutcome<Scribe>],
    content: Content,
    worst: usize,
    middle: bool,
) -> Vec<serde_json::Value> {
    let mut ranked: Vec<usize> = (0..peers.len())
        .filter(|&place| peers[place].counts() && outcomes[place].observer.story.is_some())
        .filter(|&place| peers[place].ledger.requested_at.is_some())
        .collect();
    ranked.sort_by_key(|&place| {
        let ledger = &peers[place].ledger;
        let bad = (
            ledger.stalled_millis(),
            ledger.skipped,
            ledger.late,
            ledger.startup,
        );
        (Reverse(bad), place)
    });
    let show = |place: usize| {
        let mut story = outcomes[place].observer.story.as_deref().cloned()?;
        if let Some(at) = peers[place].left_at {
            story.close(at);
        }
        Some(report::viewer(&peers[place], &story, content))
    };
    let mut shown: Vec<serde_json::Value> = ranked
        .iter()
        .take(worst)
        .filter_map(|&place| show(place))
        .collect();
    if middle
        && ranked.len() > 2 * worst
        && let Some(mut typical) = show(ranked[ranked.len() / 2])
    {
        typical["typical"] = true.into();
        shown.push(typical);
    }
    shown
}
