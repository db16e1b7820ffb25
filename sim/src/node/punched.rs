//! Where a node's datagrams went lately: through a firewall, only these may answer.
//!
//! Each is looked for among all, so their numbers stand side by side.

/// How long a firewall lets answers in.
const LET_IN: u64 = 30_000_000_000;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Punched {
    peers: Vec<u32>,
    /// When the last one went to each, and how far it is.
    facts: Vec<(u64, u64)>,
}

impl Punched {
    fn place(&self, peer: u32) -> Option<usize> {
        self.peers.iter().position(|&other| other == peer)
    }

    /// Whether one went there lately.
    pub(super) fn lets_in(&self, now: u64, peer: u32) -> bool {
        let place = self.place(peer);
        place.is_some_and(|place| self.facts[place].0 + LET_IN >= now)
    }

    /// One goes there; how far that is, if it is known.
    pub(super) fn again(&mut self, now: u64, peer: u32) -> Option<u64> {
        let place = self.place(peer)?;
        let (at, latency) = &mut self.facts[place];
        *at = now;
        Some(*latency)
    }

    /// One goes to a peer of whom nothing is known. Who has been sent none lately is forgotten.
    pub(super) fn note(&mut self, now: u64, peer: u32, latency: u64) {
        let late = |fact: &(u64, u64)| fact.0 + LET_IN >= now;
        let mut facts = self.facts.iter();
        self.peers.retain(|_| facts.next().is_some_and(late));
        self.facts.retain(late);
        self.peers.push(peer);
        self.facts.push((now, latency));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    #[test]
    fn it_lets_in_for_half_a_minute_and_forgets() {
        let mut punched = Punched::default();
        assert_eq!(punched.again(0, 7), None);
        punched.note(0, 7, 70);
        punched.note(10 * S, 8, 80);
        assert_eq!(punched.again(20 * S, 7), Some(70));
        assert!(punched.lets_in(50 * S, 7) && !punched.lets_in(50 * S + 1, 7));
        assert!(!punched.lets_in(20 * S, 9));
        // 8 was sent one 31 s ago.
        punched.note(41 * S, 9, 90);
        assert_eq!(punched.again(41 * S, 8), None);
        assert_eq!(
            [7, 9].map(|peer| punched.again(41 * S, peer)),
            [Some(70), Some(90)]
        );
    }
}
