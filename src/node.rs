//! `swarmbed node`: the engine on real sockets.

pub(crate) mod args;
mod attend;
mod broadcast;
mod create;
mod open;
mod reach;
mod report;
mod seed;
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
    /// Run a tracker (announce and scrape over HTTP and UDP)
    Tracker(TrackerArgs),
    /// Serve complete content, with a tracker of its own unless told otherwise
    Seed(SeedArgs),
    /// Download, and play while downloading; or watch a live stream
    Play(PlayArgs),
    /// Be the source of a live stream, with a tracker of its own unless told otherwise
    ///
    /// The stream ends for its viewers, who play what is left, when the input ends and at Ctrl-C or
    /// SIGTERM; a second one leaves at once. SIGHUP, as a crash does, leaves it open: viewers wait,
    /// and go on when the source is started again.
    Broadcast(Box<BroadcastArgs>),
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
    /// How long the media plays: seconds, mm:ss or hh:mm:ss [default: what ffprobe says, if it is
    /// installed and no bitrate is given]
    #[arg(long, value_name = "TIME", value_parser = args::time)]
    duration: Option<Duration>,
    /// The media's bitrate, such as "1 Mbit/s", if its duration is not given
    #[arg(long, value_name = "RATE", value_parser = args::rate)]
    bitrate: Option<Rate>,
    /// A picture of it: a JPEG, such as one of 171x96
    #[arg(long, value_name = "FILE")]
    thumb: Option<PathBuf>,
    /// What to say about it
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
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
    /// Ask only trackers named by --tracker, not the torrent's own
    #[arg(long)]
    no_torrent_trackers: bool,
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
    /// Which piece next [default: give-to-get if the torrent has a duration, live-rarest-first if
    /// it is a live stream, else rarest-first]
    #[arg(long, value_name = "NAME", value_parser = args::selector)]
    selector: Option<SelectorConfig>,
    /// Whom to upload to
    #[arg(long, value_name = "NAME", value_parser = args::choker, default_value = "tit-for-tat")]
    choker: ChokerConfig,
    /// Do not exchange addresses of peers with neighbours (BEP 11)
    #[arg(long)]
    no_pex: bool,
    /// Neither answer nor dial over uTP (BEP 29)
    #[arg(long)]
    no_utp: bool,
    /// Look for peers on the local network by multicast (BEP 14), unless the torrent is private
    #[arg(long)]
    lsd: bool,
    /// Look for peers in the distributed hash table (BEP 5), unless the torrent is private
    #[arg(long)]
    dht: bool,
    /// A node to join the table by, instead of the public ones; may be given several times
    #[arg(long = "dht-node", value_name = "HOST:PORT", requires = "dht")]
    dht_nodes: Vec<String>,
    /// Ask the gateway to let others connect to the peer port (PCP, NAT-PMP or UPnP), until
    /// the end: that of the default route, or the one that is named
    #[arg(long, value_name = "IP", num_args = 0..=1, require_equals = true, default_missing_value = "auto")]
    port_mapping: Option<swarmbed_node::Gateway>,
    /// The number by which others reach the peer port, where a gateway gave it another.
    #[arg(skip)]
    public_port: Option<u16>,
    /// Write events here, one JSON object a line
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// Record here what the engine is told and answers, for `swarmbed replay`: hosts have other
    /// addresses in it, and the torrent's name and content are not in it
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Print one JSON object at the end
    #[arg(long)]
    json: bool,
}

/// `node seed`
#[derive(Debug, Args)]
pub(crate) struct SeedArgs {
    /// What to serve: one .torrent or magnet link (in quotes), or several, at one port
    #[arg(required = true)]
    torrents: Vec<PathBuf>,
    /// Where its own tracker listens (there is none if --tracker is given)
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:6969")]
    tracker_listen: std::net::SocketAddr,
    #[command(flatten)]
    common: Common,
}

/// `node play`
#[derive(Debug, Args)]
pub(crate) struct PlayArgs {
    /// What to play: a .torrent, a .tstream, or a magnet link (in quotes)
    torrent: PathBuf,
    /// Where to save a torrent of one file [default: below --dir, under its own name]; a live
    /// stream is written there as it comes, and nowhere if this is not given
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Do not stay to share it (but finish serving players)
    #[arg(long)]
    exit_when_complete: bool,
    /// Serve the media over HTTP while it comes, such as 127.0.0.1:8080
    #[arg(long, value_name = "ADDR")]
    http: Option<std::net::SocketAddr>,
    /// Show it with this program, mpv or vlc, and end when that does; mpv tells where it is
    #[arg(long, value_name = "NAME")]
    player: Option<swarmbed_node::Screen>,
    #[command(flatten)]
    common: Common,
}

/// `node broadcast`
#[derive(Debug, Args)]
pub(crate) struct BroadcastArgs {
    /// Name of the stream, and of its files: NAME.tstream (for viewers), NAME.key (secret),
    /// NAME.window (the last pieces), NAME.restart (the number of the next)
    #[arg(long)]
    name: String,
    /// What to broadcast: - (standard input), a file, pipe:COMMAND, or an http:// URL
    #[arg(long, default_value = "-")]
    source: swarmbed_node::live::Input,
    /// Folder of the stream's files [default: --dir]
    #[arg(long, value_name = "DIR")]
    destdir: Option<PathBuf>,
    /// The media's bitrate, such as "1 Mbit/s": files are read at this pace [default: as before,
    /// 512 kbit/s of a new stream]
    #[arg(long, value_name = "RATE", value_parser = args::rate)]
    bitrate: Option<Rate>,
    /// Bytes of a piece, such as "64 KiB" [default: as before, half a second of a new stream]
    #[arg(long, value_name = "SIZE", value_parser = args::size)]
    piece_length: Option<u32>,
    /// Keep so much of the stream, half of it behind the playhead [default: as before, 15:00 of a
    /// new stream]
    #[arg(long, value_name = "TIME", value_parser = args::time, conflicts_with = "duration")]
    window: Option<Duration>,
    /// Number pieces in a ring of this length, as SwarmPlayer did, instead of absolutely; an eighth
    /// of it is kept behind the playhead
    #[arg(long, value_name = "TIME", value_parser = args::time)]
    duration: Option<Duration>,
    /// A JPEG that shows what it is
    #[arg(long, value_name = "FILE")]
    thumb: Option<PathBuf>,
    /// Begin a file again at its end
    #[arg(long = "loop")]
    loops: bool,
    /// A helper that is always unchoked (port 0: any port); may be given several times
    #[arg(long, value_name = "IP:PORT")]
    auxiliary: Vec<std::net::SocketAddr>,
    /// Where its own tracker listens (there is none if --tracker is given)
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:6969")]
    tracker_listen: std::net::SocketAddr,
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
        NodeCommand::Broadcast(args) => args.common.json,
    };
    let outcome = match command {
        NodeCommand::Create(args) => create::run(&args),
        NodeCommand::Tracker(args) => serve::runtime().block_on(serve::tracker(&args)),
        NodeCommand::Seed(mut args) => serve::runtime().block_on(async {
            let mapping = reach::map_port(&mut args.common).await;
            reach::unmap(mapping, seed::run(&args).await).await
        }),
        NodeCommand::Play(mut args) => serve::runtime().block_on(async {
            let mapping = reach::map_port(&mut args.common).await;
            reach::unmap(mapping, serve::play(&args).await).await
        }),
        NodeCommand::Broadcast(mut args) => {
            let runtime = serve::runtime();
            let outcome = runtime.block_on(async {
                let mapping = reach::map_port(&mut args.common).await;
                reach::unmap(mapping, broadcast::run(&args).await).await
            });
            // Standard input may be waited for still, and nobody can stop that.
            runtime.shutdown_background();
            outcome
        }
    };
    report::end(outcome, json)
}
