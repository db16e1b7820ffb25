//! `swarmbed node`: the engine on real sockets.

mod args;
mod create;
mod report;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use swarmbed_engine::Rate;
use swarmbed_engine::policy::{ChokerConfig, SelectorConfig};

/// What `swarmbed node` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum NodeCommand {
    /// Make a .torrent of a file or folder
    Create(CreateArgs),
    /// Run a tracker (HTTP announce and scrape)
    Tracker(TrackerArgs),
    /// Serve complete content, with a tracker of its own unless told otherwise
    Seed(SeedArgs),
    /// Download, and play while downloading
    Play(PlayArgs),
}

/// `node create`
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// File or folder to share
    file: PathBuf,
    /// Announce URL; may be given several times, best first
    #[arg(long = "tracker", value_name = "URL")]
    trackers: Vec<String>,
    /// Web seed (BEP 19); may be given several times
    #[arg(long = "web-seed", value_name = "URL")]
    web_seeds: Vec<String>,
    /// Bytes of a piece, such as "64 KiB" [default: for about a thousand pieces]
    #[arg(long, value_name = "SIZE", value_parser = args::size)]
    piece_length: Option<u32>,
    /// Name in the torrent [default: the file's own]
    #[arg(long)]
    name: Option<String>,
    /// How long the media plays: seconds, mm:ss or hh:mm:ss
    #[arg(long, value_name = "TIME", value_parser = args::time)]
    duration: Option<Duration>,
    /// The media's bitrate, such as "1 Mbit/s", if its duration is not given
    #[arg(long, value_name = "RATE", value_parser = args::rate)]
    bitrate: Option<Rate>,
    /// Peers only from the trackers (BEP 27)
    #[arg(long)]
    private: bool,
    /// Where to write [default: NAME.torrent, here]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Overwrite
    #[arg(long)]
    force: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// `node tracker`
#[derive(Debug, Args)]
pub(crate) struct TrackerArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:6969")]
    listen: std::net::SocketAddr,
    /// Print one JSON object at the end
    #[arg(long)]
    json: bool,
}

/// What seeding and playing have in common.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Address of the peer port
    #[arg(long, value_name = "IP", default_value = "0.0.0.0")]
    listen: std::net::IpAddr,
    /// Number of the peer port; 0 for any free one
    #[arg(long, default_value_t = 6881)]
    port: u16,
    /// A peer to connect to; may be given several times
    #[arg(long = "peer", value_name = "HOST:PORT")]
    peers: Vec<String>,
    /// A tracker, besides the torrent's own; may be given several times
    #[arg(long = "tracker", value_name = "URL")]
    trackers: Vec<String>,
    /// Folder of the content
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Upload limit, such as "500 kbit/s"; 0 uploads nothing
    #[arg(long, value_name = "RATE", value_parser = args::rate)]
    up: Option<Rate>,
    /// Download limit, such as "2 Mbit/s"
    #[arg(long, value_name = "RATE", value_parser = args::rate)]
    down: Option<Rate>,
    /// Which piece next [default: give-to-get if the torrent has a duration, else rarest-first]
    #[arg(long, value_name = "NAME", value_parser = args::selector)]
    selector: Option<SelectorConfig>,
    /// Whom to upload to
    #[arg(long, value_name = "NAME", value_parser = args::choker, default_value = "tit-for-tat")]
    choker: ChokerConfig,
    /// Write events here, one JSON object a line
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// Print one JSON object at the end
    #[arg(long)]
    json: bool,
}

/// `node seed`
#[derive(Debug, Args)]
pub(crate) struct SeedArgs {
    /// What to serve
    torrent: PathBuf,
    /// Where its own tracker listens (there is none if --tracker is given)
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:6969")]
    tracker_listen: std::net::SocketAddr,
    #[command(flatten)]
    common: Common,
}

/// `node play`
#[derive(Debug, Args)]
pub(crate) struct PlayArgs {
    /// What to play
    torrent: PathBuf,
    /// Where to save a torrent of one file [default: below --dir, under its own name]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Do not stay to share it (but finish serving players)
    #[arg(long)]
    exit_when_complete: bool,
    /// Serve the media over HTTP while it comes, such as 127.0.0.1:8080
    #[arg(long, value_name = "ADDR")]
    http: Option<std::net::SocketAddr>,
    #[command(flatten)]
    common: Common,
}

/// Runs it: 0 done, 1 failed, 2 bad input.
pub(crate) fn run(command: NodeCommand) -> ExitCode {
    let json = match &command {
        NodeCommand::Create(args) => args.json,
        NodeCommand::Tracker(args) => args.json,
        NodeCommand::Seed(args) => args.common.json,
        NodeCommand::Play(args) => args.common.json,
    };
    let outcome = match command {
        NodeCommand::Create(args) => create::run(&args),
        NodeCommand::Tracker(args) => serve::runtime().block_on(serve::tracker(&args)),
        NodeCommand::Seed(args) => serve::runtime().block_on(serve::seed(&args)),
        NodeCommand::Play(args) => serve::runtime().block_on(serve::play(&args)),
    };
    report::end(outcome, json)
}
