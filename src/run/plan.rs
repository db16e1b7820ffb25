//! What runs are a function of: scenario, seeds and program. Runs go together only if it is the same.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use swarmbed_analysis::results::hash;
use swarmbed_sim::scenario::Scenario;

/// Format of the files that hold finished runs.
const FORMAT: u32 = 1;

/// Scenario, seeds and program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    format: u32,
    /// The program's version.
    version: String,
    /// Hash of the source code that runs are a function of.
    code: String,
    /// All defaults spelled out.
    pub(crate) scenario: String,
    /// Those of the scenario, or of the command line; not those that are added later.
    pub(crate) seeds: Vec<u64>,
}

impl Plan {
    /// What this program would do.
    pub(crate) fn of(scenario: &Scenario) -> Self {
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").into(),
            code: env!("SWARMBED_CODE").into(),
            scenario: scenario.text.clone(),
            seeds: scenario.seeds.clone(),
        }
    }

    /// Its name: the same for the same plan only.
    pub(crate) fn id(&self) -> String {
        hash(self.text().as_bytes())
    }

    /// As it is written.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain data") + "\n"
    }

    /// Whether this very program would make the same runs.
    pub(crate) fn check_program(&self) -> Result<(), String> {
        let ours = (env!("CARGO_PKG_VERSION"), env!("SWARMBED_CODE"));
        if self.format == FORMAT && (self.version.as_str(), self.code.as_str()) == ours {
            return Ok(());
        }
        Err(format!(
            "another program: version {} of code {} there, version {} of code {} here",
            self.version,
            short(&self.code),
            ours.0,
            short(ours.1)
        ))
    }

    /// Where `there` is another plan than this one; `None` if it is the same.
    pub(crate) fn difference(&self, there: &Self) -> Option<String> {
        if let Err(program) = there.check_program() {
            return Some(program);
        }
        if self.scenario != there.scenario {
            let differs = |(a, b): &(&str, &str)| a != b;
            let mut lines = there.scenario.lines().zip(self.scenario.lines());
            let mut said = "another scenario".to_owned();
            if let Some((there, here)) = lines.find(differs) {
                let _ = write!(said, ": `{}` there, `{}` here", there.trim(), here.trim());
            }
            return Some(said);
        }
        (self.seeds != there.seeds).then(|| {
            let (there, here) = (seeds(&there.seeds), seeds(&self.seeds));
            format!("other seeds: {there} there, {here} here")
        })
    }
}

/// The beginning of a hash, for people.
fn short(hash: &str) -> &str {
    hash.get(..10).unwrap_or(hash)
}

/// Seeds, for people: as a range if they are one.
fn seeds(seeds: &[u64]) -> String {
    let consecutive = seeds
        .windows(2)
        .all(|pair| pair[0].checked_add(1) == Some(pair[1]));
    match seeds {
        [only] => only.to_string(),
        [first, .., last] if consecutive => format!("{first}..={last}"),
        all => {
            let all: Vec<String> = all.iter().map(ToString::to_string).collect();
            all.join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named() {
        let plan = |scenario: &str, seeds: &[u64]| Plan {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").into(),
            code: env!("SWARMBED_CODE").into(),
            scenario: scenario.into(),
            seeds: seeds.into(),
        };
        let here = plan("[swarm]\nviewers = 58\n", &[1, 2, 3]);
        assert_eq!(here.difference(&here.clone()), None);
        let said = |there: &Plan| here.difference(there).unwrap();
        assert_eq!(
            said(&plan("[swarm]\nviewers = 60\n", &[1, 2, 3])),
            "another scenario: `viewers = 60` there, `viewers = 58` here"
        );
        assert_eq!(
            said(&plan(&here.scenario, &[1, 2, 4])),
            "other seeds: 1, 2, 4 there, 1..=3 here"
        );
        let mut older = here.clone();
        older.code = "0123456789abcdef".into();
        assert!(said(&older).starts_with("another program: version"));
        assert!(said(&older).contains("code 0123456789 there"));
        assert_ne!(here.id(), older.id());
    }
}
