//! What can go wrong with a node. Each error says where; [`NodeError::remedy`] says what to do.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use swarmbed_engine::wire::metainfo::MetainfoError;
use swarmbed_engine::{CallError, ConfigError, Rate};
use thiserror::Error;

/// What can go wrong.
#[derive(Debug, Error)]
pub enum NodeError {
    /// A file given to us cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No space where the file is.
    #[error("{}: the disk is full", path.display())]
    DiskFull {
        /// Which.
        path: PathBuf,
        /// Bytes that all of it takes; 0 if that is not known.
        needed: u64,
    },
    /// A `.torrent` that is none.
    #[error("{}: {source}", path.display())]
    Torrent {
        /// Which.
        path: PathBuf,
        /// Why.
        source: MetainfoError,
    },
    /// A magnet link that is none.
    #[error("the magnet link {why}")]
    Magnet {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The user stopped before any peer had sent the torrent of a magnet link.
    #[error("no peer has sent the torrent of the magnet link yet")]
    NotFound,
    /// A live stream's key that is none, or not kept as a secret.
    #[error("{}: {why}", path.display())]
    Key {
        /// Its file.
        path: PathBuf,
        /// Why.
        why: &'static str,
    },
    /// A stream without its key.
    #[error("{}: is there, but its key {} is not", path.display(), key.display())]
    KeyLost {
        /// The `.tstream`.
        path: PathBuf,
        /// Where the key was looked for.
        key: PathBuf,
    },
    /// A stream of this name is there, and is not the one that is wished for.
    #[error("{}: {what}", path.display())]
    OtherStream {
        /// The `.tstream`.
        path: PathBuf,
        /// What is not as wished.
        what: &'static str,
    },
    /// A restart file that holds no number.
    #[error("{}: holds no piece number", path.display())]
    Restart {
        /// Which.
        path: PathBuf,
    },
    /// What is to be broadcast cannot be read.
    #[error("{input}: {why}")]
    Input {
        /// As the user wrote it, or in words.
        input: String,
        /// Why.
        why: String,
    },
    /// An option's value that makes no sense.
    #[error("{option}: {why}")]
    Wish {
        /// The option.
        option: &'static str,
        /// What is wrong with it, and what would be right.
        why: String,
    },
    /// The numbers of a live stream's pieces are used up.
    #[error("no more pieces: {0}")]
    Numbers(CallError),
    /// A live stream where a movie was expected, or the other way round.
    #[error("{}: {why}", path.display())]
    Kind {
        /// The torrent.
        path: PathBuf,
        /// What it is.
        why: &'static str,
        /// What to do with such.
        remedy: &'static str,
    },
    /// Content that no torrent can be made of.
    #[error("{}: {why}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// We would overwrite it.
    #[error("{}: exists already", path.display())]
    Exists {
        /// Which.
        path: PathBuf,
    },
    /// A seed that lacks pieces.
    #[error("{}: {have} of {pieces} pieces are there and right", path.display())]
    Incomplete {
        /// Where the content should be.
        path: PathBuf,
        /// Right pieces.
        have: u32,
        /// All pieces.
        pieces: u32,
    },
    /// Another program listens there.
    #[error("{what} {addr}: the port is taken by another program")]
    PortTaken {
        /// `"peer port"` and so on.
        what: &'static str,
        /// Where.
        addr: SocketAddr,
        /// The option that moves it.
        option: &'static str,
    },
    /// Listening failed otherwise.
    #[error("{what} {addr}: cannot listen: {source}")]
    Listen {
        /// `"peer port"` and so on.
        what: &'static str,
        /// Where.
        addr: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The player program cannot be started.
    #[error("cannot start {name}: {source}")]
    Player {
        /// Which.
        name: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// A tracker's address that we cannot use.
    #[error("tracker {url}: {why}")]
    TrackerUrl {
        /// Which.
        url: String,
        /// Why.
        why: &'static str,
    },
    /// No tracker answered, and there is nobody else to ask.
    #[error("no peers: {why}")]
    NoPeers {
        /// What each tracker said.
        why: String,
    },
    /// A download that was to be completed was told to stop.
    #[error("stopped with {have} of {pieces} pieces")]
    Stopped {
        /// Right pieces.
        have: u32,
        /// All pieces.
        pieces: u32,
    },
    /// The engine refused its configuration.
    #[error("this torrent cannot be run: {0}")]
    Config(#[from] ConfigError),
    /// A bound on rates.
    #[error("a limit of {} bytes/s moves nothing", .0.bytes_per_s())]
    Limit(Rate),
}

impl NodeError {
    /// From a failed write: a full disk is told apart.
    #[must_use]
    pub fn write(path: impl Into<PathBuf>, source: io::Error, needed: u64) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { path, needed }
            }
            _ => Self::Write { path, source },
        }
    }

    /// From a failed `bind`: an occupied port is told apart.
    #[must_use]
    pub fn listen(
        what: &'static str,
        addr: SocketAddr,
        option: &'static str,
        source: io::Error,
    ) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::PortTaken { what, addr, option },
            _ => Self::Listen { what, addr, source },
        }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Read { .. } => "check the path and its permissions".into(),
            Self::Write { .. } => "check that the folder exists and may be written to".into(),
            Self::DiskFull { needed: 0, .. } => {
                "free some space there, or choose another place".into()
            }
            Self::DiskFull { needed, .. } => format!(
                "{needed} bytes are needed in all: free some space there, or choose another place \
                 (of a download with --dir or --output; what is there already is kept)"
            ),
            Self::Torrent { .. } => {
                "give a .torrent file, such as `swarmbed node create FILE` makes".into()
            }
            Self::Magnet { .. } => {
                "give a link such as \"magnet:?xt=urn:btih:…&tr=http://…\" in quotes".into()
            }
            Self::NotFound => {
                "wait longer, name more trackers with --tracker, or peers with --peer HOST:PORT".into()
            }
            Self::Key { .. } => {
                "give the key that `swarmbed node broadcast` made, readable by its owner only \
                 (chmod 600), or move it away together with the .tstream for a new stream"
                    .into()
            }
            Self::KeyLost { .. } => {
                "put the key back, or move the .tstream away: then a new stream begins, and viewers \
                 need its new .tstream"
                    .into()
            }
            Self::OtherStream { .. } => {
                "leave the option out to go on with that stream, or give the new one another --name"
                    .into()
            }
            Self::Restart { .. } => {
                "write the number of the next piece into it, or remove it: then the window tells"
                    .into()
            }
            Self::Input { .. } => {
                "check --source: - for standard input (from a pipe), a file, pipe:COMMAND, or http://…"
                    .into()
            }
            Self::Wish { .. } => "leave the option out, or give it another value".into(),
            Self::Numbers(_) => "begin a new stream, with another --name".into(),
            Self::Kind { remedy, .. } => (*remedy).into(),
            Self::Content { .. } => "give a file, or a folder of files, with content".into(),
            Self::Exists { .. } => "choose another name with --out, or overwrite with --force".into(),
            Self::Incomplete { path, .. } => format!(
                "give the folder that holds the complete content with --dir (looked at {}), or \
                 download the rest with `swarmbed node play`",
                path.display()
            ),
            Self::PortTaken { option, .. } => {
                format!("stop that program, or choose another port with {option} (0: any free one)")
            }
            Self::Listen { .. } => "check that this machine has that address".into(),
            Self::Player { .. } => {
                "install it, or open the address with another player: it is printed with --http".into()
            }
            Self::TrackerUrl { .. } => "give an http:// or udp:// announce URL with --tracker".into(),
            Self::NoPeers { .. } => {
                "check that the tracker runs and can be reached, or name peers with --peer HOST:PORT"
                    .into()
            }
            Self::Stopped { .. } => "run it again: what is there is kept".into(),
            Self::Config(_) => "make the torrent anew with other piece lengths".into(),
            Self::Limit(_) => "leave the option out for no limit".into(),
        }
    }

    /// Whether what we were given is at fault, rather than the world (exit code 2 rather than 1).
    #[must_use]
    pub const fn is_bad_input(&self) -> bool {
        matches!(
            self,
            Self::Read { .. }
                | Self::Torrent { .. }
                | Self::Content { .. }
                | Self::Magnet { .. }
                | Self::Key { .. }
                | Self::KeyLost { .. }
                | Self::OtherStream { .. }
                | Self::Restart { .. }
                | Self::Kind { .. }
                | Self::Wish { .. }
                | Self::Exists { .. }
                | Self::Incomplete { .. }
                | Self::TrackerUrl { .. }
                | Self::Player { .. }
                | Self::Config(_)
                | Self::Limit(_)
        )
    }
}
