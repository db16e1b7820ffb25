//! The ways on which a neighbour is reached: TCP, or uTP (BEP 29). To whoever reads and writes they are one.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use librqbit_utp::{UtpStream, UtpStreamReadHalf, UtpStreamWriteHalf};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// Bytes in the kernel that are not sent yet, at most on a slow line (Linux, `TCP_NOTSENT_LOWAT`):
/// with this a block that is still with us can be taken back by a choke or a cancel.
const NOT_SENT: u32 = 32 * 1024;
/// However fast the line is.
const NOT_SENT_MAX: u32 = 512 * 1024;

/// A connection.
pub(crate) enum Stream {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over UDP.
    Utp(UtpStream),
}

/// Its end that is read.
pub(super) enum Reading {
    Tcp(OwnedReadHalf),
    Utp(UtpStreamReadHalf),
}

/// Its end that is written.
pub(super) enum Writing {
    Tcp(OwnedWriteHalf),
    Utp(UtpStreamWriteHalf),
}

impl Stream {
    /// Both ends, set up for blocks and small messages.
    pub(super) fn split(self) -> (Reading, Writing) {
        match self {
            Self::Tcp(stream) => {
                // It only helps; a system that refuses works all the same.
                let _ = stream.set_nodelay(true);
                let (read, write) = stream.into_split();
                let write = Writing::Tcp(write);
                write.let_wait(NOT_SENT);
                (Reading::Tcp(read), write)
            }
            Self::Utp(stream) => {
                let (read, write) = stream.split();
                (Reading::Utp(read), Writing::Utp(write))
            }
        }
    }
}

impl Writing {
    /// So many bytes may wait below us, within bounds.
    pub(super) fn let_wait(&self, bytes: u32) {
        #[cfg(target_os = "linux")]
        if let Self::Tcp(stream) = self {
            let bytes = bytes.clamp(NOT_SENT, NOT_SENT_MAX);
            let _ = socket2::SockRef::from(stream.as_ref()).set_tcp_notsent_lowat(bytes);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = bytes;
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp(_) => "Tcp",
            Self::Utp(_) => "Utp",
        })
    }
}

/// One way or the other.
macro_rules! either {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Self::Tcp(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            Self::Utp(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
        }
    };
}

macro_rules! reads {
    ($($name:ty),*) => {$(
        impl AsyncRead for $name {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                either!(self, stream => stream.poll_read(cx, buffer))
            }
        }
    )*};
}

macro_rules! writes {
    ($($name:ty),*) => {$(
        impl AsyncWrite for $name {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                either!(self, stream => stream.poll_write(cx, bytes))
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                either!(self, stream => stream.poll_flush(cx))
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                either!(self, stream => stream.poll_shutdown(cx))
            }
        }
    )*};
}

reads!(Stream, Reading);
writes!(Stream, Writing);
