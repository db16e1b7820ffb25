//! Differences that are understood: how large, and why. A test beside its row pins each; beyond its
//! bounds a line fails, on either side.

/// A difference that is understood.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The row.
    pub row: &'static str,
    /// How the line's text begins.
    pub what: &'static str,
    /// The mean lies at or above this.
    pub low: f64,
    /// And at or below this.
    pub high: f64,
    /// Why.
    pub why: &'static str,
}

/// All of them.
pub const DIFFERENCES: &[Known] = &[
    Known {
        row: "2",
        what: "media that reaches the slowest viewer",
        low: 0.6,
        high: 0.8,
        why: "The theorem's schedule owes nobody a return; tit-for-tat does. Every strong viewer gets \
              nearly all of the media; who gets less is weak, and with a third of the stream's rate \
              to give wins few slots but optimistic ones: where there is least to spare (resource \
              index 1.22) the weakest get half. In the mean over viewers the stream is carried, as \
              the other lines say.",
    },
    Known {
        row: "3",
        what: "time, F/d_min is the limit, the source serves four at once",
        low: 275.0,
        high: 296.0,
        why: "The bound lets the source use all its uplink. With 4 slots it has no more than 4 shares \
              of viewers' downlinks, on which others send too: new pieces enter at 89 kB/s, and 100 \
              are wanted. The time is the same with five times the source's uplink, and close to \
              the bound once it serves all at once.",
    },
    Known {
        row: "6",
        what: "p(n), rarest-first, n = 20",
        low: 0.915,
        high: 0.935,
        why: RAREST,
    },
    Known {
        row: "6",
        what: "p(n), rarest-first, n = 30",
        low: 0.96,
        high: 0.98,
        why: RAREST,
    },
    Known {
        row: "6",
        what: "p(n), in-order (greedy), n = 20",
        low: 0.65,
        high: 0.685,
        why: APART,
    },
    Known {
        row: "6",
        what: "p(n), in-order (greedy), n = 60",
        low: 0.93,
        high: 0.96,
        why: APART,
    },
    Known {
        row: "6",
        what: "p(n), mixed, m = 10, n = 40, M = 10000",
        low: 0.99,
        high: 1.0,
        why: APART,
    },
];

/// Of row 6, rarest first.
const RAREST: &str = "The model takes the newest chunk for the rarest. The shipped selector counts who has it: a \
                      chunk that had a bad start is taken before a newer one that had a good one, and more are \
                      there in time. Peers that take the newest are where the model says.";

/// Of row 6, in order and mixed.
const APART: &str = "The model takes the places of a buffer for independent. Peers that choose by the model's own \
                     order, without our selector, are as far above it.";

/// What is known of a line.
#[must_use]
pub fn difference(row: &str, what: &str) -> Option<&'static Known> {
    DIFFERENCES
        .iter()
        .find(|known| known.row == row && what.starts_with(known.what))
}
