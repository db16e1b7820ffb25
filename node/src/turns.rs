//! Neighbours that hold an upload slot and ask for nothing.
//!
//! Owns how long each has done so; must not know who is unchoked next. A neighbour says that it is
//! interested, is unchoked, and then keeps still, by malice or because it forgot: with as many such as
//! there are slots nobody else would be served until a choker's own turns are over. So while others
//! wait, it is treated as one that does not read, and is given another try after a rest.

use std::collections::BTreeMap;
use std::time::Duration;

use swarmbed_engine::{ConnId, Input, Instant, Peer};

/// A slot is kept for one that asks for nothing so long; as long as for one that does not read.
const IDLE_MAX: Duration = Duration::from_secs(4);
/// Then it has to wait this long for another try.
const REST: Duration = Duration::from_secs(60);

/// What is known of a neighbour here.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// It has a slot, and was last served then.
    Holds(Instant),
    /// It had its try.
    Rests(Instant),
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    turns: BTreeMap<ConnId, Turn>,
}

/// What is looked at of a neighbour.
#[derive(Clone, Copy, Debug)]
struct Holder {
    conn: ConnId,
    choked: bool,
    interested: bool,
    /// Blocks that it asked for and that are not sent.
    owed: u16,
}

impl Turns {
    /// A block was sent.
    pub(crate) fn served(&mut self, conn: ConnId, now: Instant) {
        if let Some(Turn::Holds(since)) = self.turns.get_mut(&conn) {
            *since = now;
        }
    }

    /// What the peer should be told.
    pub(crate) fn look(&mut self, now: Instant, peer: &Peer) -> Vec<Input> {
        let holders: Vec<Holder> = peer
            .neighbours()
            .map(|one| Holder {
                conn: one.conn,
                choked: one.we_choke,
                interested: one.they_interested,
                owed: one.owed,
            })
            .collect();
        self.judge(now, &holders)
    }

    fn judge(&mut self, now: Instant, holders: &[Holder]) -> Vec<Input> {
        let before = std::mem::take(&mut self.turns);
        let mut inputs = Vec::new();
        let rests = |conn| matches!(before.get(&conn), Some(Turn::Rests(_)));
        let awaited = holders
            .iter()
            .any(|one| one.choked && one.interested && !rests(one.conn));
        for one in holders {
            let conn = one.conn;
            let turn = match before.get(&conn) {
                Some(Turn::Rests(until)) if now < *until => Some(Turn::Rests(*until)),
                Some(Turn::Rests(_)) => {
                    // No credit, but with it whoever did not read counts again.
                    inputs.push(Input::Credit { conn, blocks: 0 });
                    None
                }
                _ if one.choked || !one.interested => None,
                Some(Turn::Holds(since)) if one.owed == 0 => {
                    if awaited && now.since(*since) >= IDLE_MAX {
                        inputs.push(Input::Unread { conn });
                        Some(Turn::Rests(now + REST))
                    } else {
                        Some(Turn::Holds(*since))
                    }
                }
                _ => Some(Turn::Holds(now)),
            };
            self.turns.extend(turn.map(|turn| (conn, turn)));
        }
        inputs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn holder(number: u32, choked: bool, owed: u16) -> Holder {
        Holder {
            conn: ConnId::new(number, 0),
            choked,
            interested: true,
            owed,
        }
    }

    fn told(turns: &mut Turns, second: u64, holders: &[Holder]) -> Vec<Input> {
        turns.judge(Instant::from_secs(second), holders)
    }

    #[test]
    fn who_asks_for_nothing_makes_room_and_is_tried_again() {
        let (mute, asks, waits) = (holder(0, false, 0), holder(1, false, 3), holder(2, true, 0));
        let mut turns = Turns::default();
        for second in 0..4 {
            assert_eq!(told(&mut turns, second, &[mute, asks, waits]), []);
        }
        let conn = ConnId::new(0, 0);
        assert_eq!(
            told(&mut turns, 4, &[mute, asks, waits]),
            [Input::Unread { conn }]
        );
        let choked = holder(0, true, 0);
        assert_eq!(told(&mut turns, 63, &[choked, asks, waits]), []);
        assert_eq!(
            told(&mut turns, 64, &[choked, asks, waits]),
            [Input::Credit { conn, blocks: 0 }]
        );
    }

    #[test]
    fn a_slot_that_nobody_waits_for_is_kept() {
        let mute = holder(0, false, 0);
        let mut turns = Turns::default();
        for second in 0..100 {
            assert_eq!(told(&mut turns, second, &[mute]), []);
        }
        // Whoever comes then finds it at once.
        let waits = holder(1, true, 0);
        assert_eq!(told(&mut turns, 100, &[mute, waits]).len(), 1);
        // Nobody waits who only rests.
        let other = holder(1, false, 0);
        for second in 101..110 {
            let mute = holder(0, true, 0);
            assert_eq!(told(&mut turns, second, &[mute, other]), []);
        }
    }

    #[test]
    fn who_was_served_meanwhile_holds_its_slot() {
        let (mut turns, quick, waits) = (Turns::default(), holder(0, false, 0), holder(1, true, 0));
        for second in 0..30 {
            assert_eq!(told(&mut turns, second, &[quick, waits]), []);
            turns.served(ConnId::new(0, 0), Instant::from_secs(second));
        }
    }
}
