//! How long each piece was judged in a recording, and how: another policy's pieces are judged so.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use swarmbed_engine::recording::Recording;
use swarmbed_engine::{Call, Input, Instant, Output, PieceIndex, Verdict};

use crate::again::Fault;

/// A piece was judged.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    /// After which call the driver was asked to.
    pub(crate) asked_at: u64,
    pub(crate) took: Duration,
    pub(crate) verdict: Verdict,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Verdicts {
    of: BTreeMap<PieceIndex, VecDeque<Judged>>,
    usual: Duration,
    /// When live pieces were made, as far as is known.
    made: BTreeMap<PieceIndex, Instant>,
}

impl Verdicts {
    pub(crate) fn of(recording: &Recording) -> Result<Self, Fault> {
        let mut asked: BTreeMap<PieceIndex, (u64, Instant)> = BTreeMap::new();
        let mut of: BTreeMap<PieceIndex, VecDeque<Judged>> = BTreeMap::new();
        let (mut took, mut made) = (Vec::new(), BTreeMap::new());
        for (call, step) in (0..).zip(recording.steps()) {
            let step = step.map_err(|source| Fault::Malformed { call, source })?;
            if let Some(Call::Input(Input::Verified { piece, verdict })) = step.call
                && let Some((asked_at, since)) = asked.remove(&piece)
            {
                if let Verdict::GoodLive { produced_at, .. } = &verdict {
                    made.insert(piece, *produced_at);
                }
                let judged = Judged {
                    asked_at,
                    took: step.now.since(since),
                    verdict,
                };
                took.push(judged.took);
                of.entry(piece).or_default().push_back(judged);
            }
            for output in step.outputs {
                if let Output::Verify(piece) = output {
                    asked.insert(piece, (call, step.now));
                }
            }
        }
        took.sort_unstable();
        let usual = took.get(took.len() / 2).copied().unwrap_or_default();
        Ok(Self { of, usual, made })
    }

    /// Judged after the same call in the recording: its next verdict on the piece will do.
    pub(crate) fn is_shared(&self, piece: PieceIndex, call: u64) -> bool {
        let next = self.of.get(&piece).and_then(VecDeque::front);
        next.is_some_and(|judged| judged.asked_at == call)
    }

    /// The recording's next verdict on the piece is given.
    pub(crate) fn given(&mut self, piece: PieceIndex) {
        self.of.get_mut(&piece).and_then(VecDeque::pop_front);
    }

    /// How a piece is judged that the recording's peer had at another time: it is good, for whose
    /// blocks would have been bad is not known.
    pub(crate) fn else_for(&mut self, piece: PieceIndex, now: Instant) -> (Duration, Verdict) {
        let all = self.of.remove(&piece).unwrap_or_default();
        let took = all.back().map_or(self.usual, |last| last.took);
        let last = all
            .iter()
            .any(|one| matches!(one.verdict, Verdict::GoodLive { last: true, .. }));
        let verdict = if self.made.is_empty() {
            Verdict::Good
        } else {
            // Made when the nearest before it was, as far as is known.
            let before = self.made.range(..=piece).next_back();
            let near = before.or_else(|| self.made.range(piece..).next());
            Verdict::GoodLive {
                produced_at: near.map_or(now, |(_, at)| *at),
                last,
                differing: Vec::new(),
            }
        };
        (took, verdict)
    }
}
