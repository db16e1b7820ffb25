//! The `swarmbed` command line: parsing and printing only.

mod node;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A deterministic testbed for video streaming over BitTorrent swarms
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The engine on real sockets
    #[command(subcommand)]
    Node(node::NodeCommand),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Node(command) => node::run(command),
    }
}
