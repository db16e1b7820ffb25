//! Where mail is put until the window is over: one box per chunk of receivers. And what one node has only while it
//! speaks, so that all have it in turn.

use std::collections::VecDeque;

use swarmbed_engine::{Input, Outputs, Peer};

use crate::calendar::Calendar;
use crate::mail::{Mail, TRACKER};

/// What one chunk (or the tracker) sent in this window.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// By chunk of the receiver; the tracker's is the last.
    pub(crate) boxes: Vec<Vec<Mail>>,
    /// Which of them hold something.
    pub(crate) used: Vec<usize>,
    /// Peers of a chunk, as a power of two.
    shift: u32,
    /// The chunk that sends, and its own mail: what its peers send each other needs no box.
    pub(crate) home: Option<(usize, Calendar)>,
    /// The earliest arrival of what was put here; `u64::MAX`: nothing.
    pub(crate) earliest: u64,
    /// Viewers whom nobody needs to wait for any longer.
    pub(crate) released: u32,
    /// Lent to one engine at a time, for what it wants done.
    queue: Outputs,
    /// It is lent.
    lent: bool,
    /// Inputs to be given to the engine that speaks before anything else happens.
    pub(crate) pending: VecDeque<Input>,
    /// When which peer was called last, and how often at that time.
    pub(crate) instant: ((u64, u32), u32),
    pub(crate) work: Work,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Work {
    pub(crate) messages: u64,
    pub(crate) calls: u64,
    /// Blocks of 16 KiB stored that were not corrupt, and their bytes.
    pub(crate) useful_blocks: u64,
    pub(crate) useful_bytes: u64,
}

impl Outbox {
    /// For so many chunks of `1 << shift` peers.
    pub(crate) fn new(chunks: usize, shift: u32) -> Self {
        Self {
            boxes: (0..=chunks).map(|_| Vec::new()).collect(),
            used: Vec::new(),
            shift,
            home: None,
            earliest: u64::MAX,
            released: 0,
            queue: Outputs::default(),
            lent: false,
            pending: VecDeque::new(),
            instant: ((0, TRACKER), 0),
            work: Work::default(),
        }
    }

    /// Lends the queue for an engine's outputs, unless another has it.
    #[inline]
    pub(crate) fn lend(&mut self, engine: &mut Peer) {
        if !self.lent {
            self.lent = engine.lend_queue(&mut self.queue);
        }
    }

    /// Takes it back from an engine that was drained.
    #[inline]
    pub(crate) fn take_back(&mut self, engine: &mut Peer) {
        if self.lent {
            self.lent = !engine.give_back_queue(&mut self.queue);
        }
    }

    /// Who has it is no more: another takes its place.
    pub(crate) const fn give_up(&mut self) {
        self.lent = false;
    }

    /// Sends.
    #[inline(always)]
    pub(crate) fn post(&mut self, mail: Mail) {
        match &mut self.home {
            Some((home, calendar)) if *home == (mail.to >> self.shift) as usize => {
                calendar.file(mail);
            }
            _ => self.post_away(mail),
        }
    }

    fn post_away(&mut self, mail: Mail) {
        let index = if mail.to == TRACKER {
            self.boxes.len() - 1
        } else {
            (mail.to >> self.shift) as usize
        };
        self.earliest = self.earliest.min(mail.at);
        if self.boxes[index].is_empty() {
            self.used.push(index);
        }
        self.boxes[index].push(mail);
    }

    /// Takes out all that is there.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Mail> + '_ {
        let boxes = &mut self.boxes;
        let used = self.used.drain(..);
        used.flat_map(move |index| std::mem::take(&mut boxes[index]))
    }
}
