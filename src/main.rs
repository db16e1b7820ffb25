//! The `swarmbed` command line: parsing and printing only.

#![forbid(unsafe_code)]

#[macro_use]
mod out;

mod bench;
mod node;
mod pages;
mod place;
mod policies;
mod replay;
mod reproduce;
mod run;
mod schema;
mod sweep;
mod table;
mod validate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A deterministic testbed for video streaming over BitTorrent
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:
  swarmbed run scenarios/quickstart.toml
  swarmbed run scenarios/quickstart.toml --seeds 1..=2 --set network.congestion=false
  swarmbed sweep plan scenarios/quickstart.toml --shards 8 --out /shared/quick
  swarmbed reproduce give-to-get --check
  swarmbed validate --quick
  swarmbed bench --quick
  swarmbed policies
  swarmbed node create film.mp4 --tracker http://127.0.0.1:6969/announce
  swarmbed node play film.mp4.torrent --output film.mp4 --record film.rec
  swarmbed replay film.rec --selector in-order"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenario files: tables, CSV, figures
    Run(run::Args),
    /// Split a scenario's runs into shards, run them anywhere, merge them
    #[command(subcommand)]
    Sweep(sweep::SweepCommand),
    /// Rebuild the figures of papers, and compare them with what is committed
    Reproduce(reproduce::Args),
    /// Compare the simulator with closed forms of the papers
    Validate(validate::Args),
    /// Measure how fast this is, and how much memory it takes
    Bench(bench::Args),
    /// Play a recorded session again
    Replay(replay::Args),
    /// List every policy with its source
    Policies(policies::Args),
    /// Print the JSON Schema of scenario files
    Schema,
    /// The engine on real sockets
    #[command(subcommand)]
    Node(Box<node::NodeCommand>),
}

impl Command {
    /// It simulates swarms, or has others do so.
    const fn simulates(&self) -> bool {
        match self {
            Self::Run(_)
            | Self::Sweep(_)
            | Self::Reproduce(_)
            | Self::Validate(_)
            | Self::Bench(_) => true,
            Self::Replay(_) | Self::Policies(_) | Self::Schema | Self::Node(_) => false,
        }
    }
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    if command.simulates() {
        pages::begin_with_huge_pages();
    }
    match command {
        Command::Run(args) => run::run(&args),
        Command::Sweep(command) => sweep::run(&command),
        Command::Reproduce(args) => reproduce::run(&args),
        Command::Validate(args) => validate::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Policies(args) => policies::print(&args),
        Command::Schema => schema::print(),
        Command::Node(command) => node::run(*command),
    }
}
