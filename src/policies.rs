//! `swarmbed policies`: every policy, from the engine's own tables.

use std::process::ExitCode;

use swarmbed_engine::policy::{
    ChokerConfig, HookInConfig, PlaybackConfig, PolicyInfo, SelectorConfig,
};

/// List every policy with its source
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// A seam: its key in scenarios, the question it answers, its policies, and what one takes.
type Seam = (
    &'static str,
    &'static str,
    &'static [PolicyInfo],
    fn(&str) -> Option<&'static str>,
);

/// All seams.
const SEAMS: [Seam; 5] = [
    (
        "selector",
        "which piece next",
        SelectorConfig::TABLE,
        |name| SelectorConfig::from_name(name).map(|policy| policy.parameters()),
    ),
    (
        "choker",
        "whom to upload to (also seed_choker)",
        ChokerConfig::TABLE,
        |name| ChokerConfig::from_name(name).map(|policy| policy.parameters()),
    ),
    (
        "hook_in",
        "where viewers of a channel begin",
        HookInConfig::TABLE,
        |name| HookInConfig::from_name(name).map(|policy| policy.parameters()),
    ),
    (
        "start",
        "when the picture starts (in [playback])",
        PlaybackConfig::STARTS,
        |_| None,
    ),
    (
        "late",
        "what happens to a piece that is late (in [playback])",
        PlaybackConfig::LATES,
        |_| None,
    ),
];

/// Prints the tables.
pub(crate) fn print(args: &Args) -> ExitCode {
    if args.json {
        let list = |(_, _, table, takes): &Seam| -> Vec<_> {
            let row = |info: &PolicyInfo| {
                serde_json::json!({
                    "name": info.name,
                    "source": info.source,
                    "summary": info.summary,
                    "parameters": takes(info.name),
                })
            };
            table.iter().map(row).collect()
        };
        let all: serde_json::Map<String, serde_json::Value> = SEAMS
            .iter()
            .map(|seam| (seam.0.to_owned(), list(seam).into()))
            .collect();
        say!("{}", serde_json::Value::from(all));
        return ExitCode::SUCCESS;
    }
    for (number, (seam, question, table, takes)) in SEAMS.iter().enumerate() {
        say!("{}{seam}: {question}", if number > 0 { "\n" } else { "" });
        for info in *table {
            say!("  {:<24} {}", info.name, info.summary);
            say!("  {:<24} from: {}", "", info.source);
            if let Some(names) = takes(info.name).filter(|names| *names != "none") {
                say!("  {:<24} takes: {names}", "");
            }
        }
    }
    ExitCode::SUCCESS
}
