//! The table of rows.

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use crate::line::Line;
use crate::plan::Plan;
use crate::{
    buffer, checks, club, distribution, firewall, load, network, progress, rate, universal,
};

/// What a row is played in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// The simulator, with its engines, links and connections.
    Simulator,
    /// A reduced world with the shipped selectors.
    Reduced,
    /// Some lines in one, some in the other; the lines say which.
    Both,
}

impl World {
    /// As the table writes it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Simulator => "in the simulator",
            Self::Reduced => "in a reduced world",
            Self::Both => "in the simulator, and in a reduced world where the line says so",
        }
    }
}

/// A row.
pub struct Row {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is about.
    pub what: &'static str,
    /// Where the closed form is from, and how sure it is.
    pub source: &'static str,
    /// What it is played in.
    pub world: World,
    play: fn(&Plan<'_>) -> Vec<Line>,
}

/// All rows, in the order of the reference (papers.md 5).
pub const ROWS: &[Row] = &[
    Row {
        name: "1",
        what: "streaming rate: never above min(u_s, (u_s + Σu)/n), and reached",
        source: "Kumar, Liu, Ross 2007 (as recalled, checked)",
        world: World::Simulator,
        play: rate::lines,
    },
    Row {
        name: "2",
        what: "universal streaming: its probability, and live streams each side of the critical ratio",
        source: "Kumar, Liu, Ross 2007 (as recalled and derived, checked)",
        world: World::Simulator,
        play: universal::lines,
    },
    Row {
        name: "3",
        what: "distribution time: never below the bound, and reached",
        source: "Kumar, Ross 2006 (read); Mundinger et al. 2008 (as recalled)",
        world: World::Both,
        play: distribution::lines,
    },
    Row {
        name: "4",
        what: "steady state: download time, leechers, seeds; flat in load",
        source: "Qiu, Srikant 2004 (as recalled, checked)",
        world: World::Simulator,
        play: load::lines,
    },
    Row {
        name: "5",
        what: "progress: prefix k/(M-k+1) under rarest first; start-up L(B/R-1) in order",
        source: "Parvez et al. 2008 (as recalled, proved)",
        world: World::Simulator,
        play: progress::lines,
    },
    Row {
        name: "6",
        what: "continuity p(n) of rarest first, greedy, mixed",
        source: "Zhou, Chiu, Lui 2007 (as recalled, checked)",
        world: World::Reduced,
        play: buffer::lines,
    },
    Row {
        name: "7",
        what: "stability: the one club grows iff arrivals exceed the seed's rate, any picker",
        source: "Hajek, Zhu 2010 (read)",
        world: World::Reduced,
        play: club::lines,
    },
    Row {
        name: "8",
        what: "sharing ratios behind firewalls: (1-f)/f and f/(1-f)",
        source: "Mol et al. 2008 (read in words, formula derived)",
        world: World::Simulator,
        play: firewall::lines,
    },
    Row {
        name: "fluid",
        what: "the network model of every other row beside the exact one: download time, stalls",
        source: "sim/src/links, sim/src/fluid (max-min fair: Bertsekas, Gallager 1992)",
        world: World::Simulator,
        play: network::lines,
    },
    Row {
        name: "checks",
        what: "what must hold in every run, in a rough one: bytes conserved, links kept to, nothing unverified played",
        source: "sim/src/check",
        world: World::Simulator,
        play: checks::lines,
    },
];

/// Plays rows, beside each other; lines are in the rows' order.
#[must_use]
pub fn run(rows: &[&Row], plan: &Plan<'_>) -> Vec<Line> {
    let lines: Vec<Vec<Line>> = rows.par_iter().map(|row| (row.play)(plan)).collect();
    lines.into_iter().flatten().collect()
}
