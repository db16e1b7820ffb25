//! Blocks on their way to the disk: written one after the other by one thread, which ends when there are none.
//!
//! A thread for each block would be woken for each, which costs more than to write it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use swarmbed_engine::Block;

#[derive(Debug, Default)]
struct Waiting {
    blocks: VecDeque<(Block, Vec<u8>)>,
    /// Somebody writes, and will look again.
    writing: bool,
}

/// What waits; as much as the neighbours were asked for, at most.
#[derive(Debug, Default)]
pub(super) struct Writes(Arc<Mutex<Waiting>>);

/// To be run by somebody who may wait.
#[must_use]
pub(super) struct Job(Arc<Mutex<Waiting>>);

impl Writes {
    /// A block more; a job, if nobody writes.
    pub(super) fn add(&self, block: Block, data: Vec<u8>) -> Option<Job> {
        let mut waiting = self.0.lock().expect("nobody panics with it");
        waiting.blocks.push_back((block, data));
        let idle = !std::mem::replace(&mut waiting.writing, true);
        idle.then(|| Job(Arc::clone(&self.0)))
    }
}

impl Job {
    /// Writes until nothing waits, or `write` says that nobody cares.
    pub(super) fn run(self, mut write: impl FnMut(Block, &[u8]) -> bool) {
        while let Some((block, data)) = self.next() {
            if !write(block, &data) {
                return;
            }
        }
    }

    fn next(&self) -> Option<(Block, Vec<u8>)> {
        let mut waiting = self.0.lock().expect("nobody panics with it");
        let next = waiting.blocks.pop_front();
        waiting.writing = next.is_some();
        next
    }
}

#[cfg(test)]
mod tests {
    use swarmbed_engine::PieceIndex;

    use super::*;

    #[test]
    fn one_writes_in_order_and_ends_when_nothing_waits() {
        let block = |begin| Block {
            piece: PieceIndex(0),
            begin,
            length: 1,
        };
        let writes = Writes::default();
        let job = writes.add(block(0), vec![0]).unwrap();
        assert!(writes.add(block(1), vec![1]).is_none());
        let mut written = Vec::new();
        job.run(|block, data| {
            written.push((block.begin, data.to_vec()));
            // One that comes meanwhile is written, too.
            if block.begin == 1 {
                let late = Block { begin: 2, ..block };
                assert!(writes.add(late, vec![2]).is_none());
            }
            true
        });
        assert_eq!(written, [(0, vec![0]), (1, vec![1]), (2, vec![2])]);
        assert!(writes.add(block(3), vec![3]).is_some());
    }
}
