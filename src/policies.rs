//! `swarmbed policies`: every policy, from the engine's own tables.

use std::process::ExitCode;

use swarmbed_engine::policy::{ChokerConfig, HookInConfig, PolicyInfo, SelectorConfig};

/// List every policy with its source
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Prints the tables.
pub(crate) fn print(args: &Args) -> ExitCode {
    let tables = [
        ("selector", "which piece next", SelectorConfig::TABLE),
        (
            "choker",
            "whom to upload to (also seed_choker)",
            ChokerConfig::TABLE,
        ),
        (
            "hook_in",
            "where viewers of a channel begin",
            HookInConfig::TABLE,
        ),
    ];
    if args.json {
        let list = |table: &[PolicyInfo]| -> Vec<_> {
            let row = |info: &PolicyInfo| serde_json::json!({ "name": info.name, "source": info.source, "summary": info.summary });
            table.iter().map(row).collect()
        };
        let all: serde_json::Map<String, serde_json::Value> = tables
            .iter()
            .map(|(seam, _, table)| ((*seam).to_owned(), list(table).into()))
            .collect();
        println!("{}", serde_json::Value::from(all));
        return ExitCode::SUCCESS;
    }
    for (seam, question, table) in tables {
        println!("{seam}: {question}");
        for info in table {
            println!("  {:<24} {}", info.name, info.summary);
            println!("  {:<24} from: {}", "", info.source);
        }
        println!();
    }
    println!(
        "playback: start = \"give-to-get\" or {{ prebuffer = \"10 s\" }}; late = \"stall\" or \"skip\""
    );
    ExitCode::SUCCESS
}
