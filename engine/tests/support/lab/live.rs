//! A live stream in the lab: who made which piece when, and what a signature says of what came.

use std::collections::BTreeMap;
use std::time::Duration;

use swarmbed_engine::*;

use super::Lab;

/// What the lab knows of a live stream.
#[derive(Default)]
pub(crate) struct Live {
    pub(crate) produced: BTreeMap<PieceIndex, Instant>,
    pub(crate) last: Option<PieceIndex>,
    /// Peers whose blocks are all garbage.
    pub(crate) polluters: Vec<usize>,
    /// Peers that send the piece so far before the one that was asked for.
    pub(crate) replayers: Vec<(usize, u32)>,
    /// Whose bytes each stored block holds.
    pub(super) content: BTreeMap<(usize, PieceIndex, u32), PieceIndex>,
    pub(super) carried: PieceIndex,
    pub(crate) rules: BTreeMap<usize, live::Acceptance>,
    pub(crate) rejections: Vec<(usize, PieceIndex, live::Rejection)>,
}

impl Lab {
    /// A source makes `count` pieces, one every `period`.
    pub(crate) fn broadcast(&mut self, index: usize, first: u32, count: u32, period: Duration) {
        for made in 0..count {
            let piece = PieceIndex(first + made);
            let last = self.live.last == Some(piece);
            self.call(self.now + period * (made + 1), index, move |peer, now| {
                peer.produce(now, piece, last).unwrap();
            });
        }
    }

    pub(super) fn is_live(&self, index: usize) -> bool {
        self.peers[index].as_ref().unwrap().config().live.is_some()
    }

    pub(super) fn judge_live(&mut self, index: usize, piece: PieceIndex) -> Verdict {
        let content: Vec<PieceIndex> = self
            .live
            .content
            .extract_if((index, piece, 0)..=(index, piece, u32::MAX), |_, _| true)
            .map(|(_, content)| content)
            .collect();
        let bad = self.bad.remove(&(index, piece));
        let whole = content.iter().all(|one| *one == content[0]);
        let made_at = self.live.produced.get(&content[0]).copied();
        let trailer = live::Trailer {
            sequence: u64::from(content[0].0),
            source_micros: made_at.unwrap_or_default().as_nanos() / 1000,
            signature_ok: bad.is_none() && whole && made_at.is_some(),
        };
        let config = self.peers[index].as_ref().unwrap().config();
        let fresh = config.live.as_ref().unwrap().acceptance();
        let rules = self.live.rules.entry(index).or_insert(fresh);
        match rules.judge(piece, trailer) {
            Ok(()) => Verdict::GoodLive {
                produced_at: made_at.unwrap(),
                last: self.live.last == Some(piece),
                differing: self.bad_before.remove(&(index, piece)).unwrap_or_default(),
            },
            Err(rejection) => {
                self.live.rejections.push((index, piece, rejection));
                let blocks = u16::try_from(content.len()).unwrap();
                let bad = bad.unwrap_or_else(|| (0..blocks).collect());
                self.bad_before.insert((index, piece), bad);
                Verdict::Bad
            }
        }
    }
}
