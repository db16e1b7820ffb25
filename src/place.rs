//! Where a scenario's results go, and where a scenario's error is: paths and places, for people.

use std::path::{Path, PathBuf};

use miette::{LabeledSpan, MietteDiagnostic, NamedSource, Report};
use swarmbed_sim::scenario::ScenarioError;

/// `results/<scenario>`, by the file's place under `scenarios/`; runs that were changed on the
/// command line go where git does not look.
pub(crate) fn results_of(scenario: &Path, changed: bool) -> PathBuf {
    let stem = scenario.with_extension("");
    let parts: Vec<_> = stem.iter().collect();
    let below = parts.iter().rposition(|part| *part == "scenarios");
    let name: PathBuf = match below {
        Some(at) => parts[at + 1..].iter().collect(),
        None => stem
            .file_name()
            .map_or_else(|| PathBuf::from("scenario"), PathBuf::from),
    };
    let root = if changed {
        Path::new("results/.local")
    } else {
        Path::new("results")
    };
    root.join(name)
}

/// Prints a scenario's error with its line, column and caret.
pub(crate) fn complain(path: &Path, text: &str, error: &ScenarioError) {
    let mut diagnostic = MietteDiagnostic::new(error.message.clone());
    if let Some(help) = &error.help {
        diagnostic = diagnostic.with_help(help.clone());
    }
    if let Some(span) = &error.span {
        diagnostic = diagnostic.with_label(LabeledSpan::new_with_span(
            Some("here".into()),
            span.clone(),
        ));
    }
    let source = match &error.text {
        Some(changed) => {
            NamedSource::new(format!("{}, with --set", path.display()), changed.clone())
        }
        None => NamedSource::new(path.display().to_string(), text.to_owned()),
    };
    eprintln!("{:?}", Report::new(diagnostic).with_source_code(source));
}

/// A folder of this process that is gone when it is dropped.
pub(crate) struct Temporary(pub(crate) PathBuf);

impl Temporary {
    /// For `what`: two of one name are the same folder.
    pub(crate) fn new(what: &str) -> std::io::Result<Self> {
        let name = format!("swarmbed-{what}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What stays behind is in the system's temporary folder.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_have_the_scenario_s_place() {
        let place =
            |path: &str, changed| results_of(Path::new(path), changed).display().to_string();
        assert_eq!(
            place("scenarios/paper/g2g/a.toml", false),
            "results/paper/g2g/a"
        );
        assert_eq!(place("/x/mine.toml", false), "results/mine");
        assert_eq!(
            place("scenarios/quickstart.toml", true),
            "results/.local/quickstart"
        );
    }
}
