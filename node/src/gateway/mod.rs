//! The peer port, opened on the gateway between us and everybody else: by PCP or NAT-PMP
//! (`port_control.rs`), or, where both are refused, by UPnP (`upnp.rs`).
//!
//! Owns what the gateway granted, from the first request until it is undone.

mod port_control;
#[cfg(test)]
mod tests;
mod upnp;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::num::NonZeroU16;
use std::str::FromStr;
use std::time::Duration;

use crab_nat::PortMapping;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// For how long a mapping is asked for; it is renewed at half of what is granted. One that nobody
/// undid, because we were killed, is gone then.
const LIFETIME: Duration = Duration::from_secs(3600);
/// A renewal that fails is tried again after this long.
const RETRY: Duration = Duration::from_secs(60);
/// How long undoing may hold up the end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Which gateway is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gateway {
    /// That of the default route.
    Default,
    /// This one.
    At(IpAddr),
}

impl FromStr for Gateway {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Default),
            text => text
                .parse()
                .map(Self::At)
                .map_err(|_| "write the gateway's IP address, or auto".into()),
        }
    }
}

impl Gateway {
    fn find(self) -> Result<IpAddr, MappingError> {
        match self {
            Self::At(ip) => Ok(ip),
            Self::Default => std::fs::read_to_string("/proc/net/route")
                .ok()
                .and_then(|table| default_route(&table))
                .map(IpAddr::V4)
                .ok_or(MappingError::NoGateway),
        }
    }
}

/// The gateway of the default route in Linux's table: the third column of the row whose destination and
/// mask are 0, in hexadecimal, in the byte order of the machine.
fn default_route(table: &str) -> Option<Ipv4Addr> {
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let ([_, "00000000", gateway, ..], Some(&"00000000")) = (&*columns, columns.get(7)) else {
            return None;
        };
        let bytes = u32::from_str_radix(gateway, 16).ok()?.to_ne_bytes();
        let ip = Ipv4Addr::from(bytes);
        (!ip.is_unspecified()).then_some(ip)
    })
}

/// Why no port is mapped.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// There is no default route that we can read.
    #[error("the gateway is not known: name it, as --port-mapping=IP")]
    NoGateway,
    /// Any free port cannot be asked for beforehand.
    #[error("no port is named: choose one with --port")]
    NoPort,
    /// The gateway cannot be reached, refuses, or does not answer.
    #[error("the gateway {gateway} grants none: by PCP {pcp}; by NAT-PMP {natpmp}; by UPnP {upnp}")]
    Refused {
        /// Which.
        gateway: IpAddr,
        /// What it said to PCP.
        pcp: String,
        /// What it said to NAT-PMP.
        natpmp: String,
        /// What it said to UPnP.
        upnp: String,
    },
}

/// What a gateway granted; kept up until [`end`](Self::end).
#[derive(Debug)]
pub struct Mapping {
    port: NonZeroU16,
    gateway: IpAddr,
    protocol: &'static str,
    stop: oneshot::Sender<()>,
    keeping: JoinHandle<()>,
}

impl Mapping {
    /// Asks for `port`, TCP and UDP, to be passed on to this machine.
    ///
    /// # Errors
    /// If there is no gateway, or it does not grant it, within some 24 s; one that is silent within
    /// some 8 s.
    pub async fn ask(gateway: Gateway, port: u16) -> Result<Self, MappingError> {
        let port = NonZeroU16::new(port).ok_or(MappingError::NoPort)?;
        let gateway = gateway.find()?;
        let held = Held::ask(gateway, port).await?;
        let (stop, stopped) = oneshot::channel();
        Ok(Self {
            port: held.outside(),
            gateway,
            protocol: held.protocol(),
            stop,
            keeping: tokio::spawn(keep(held, stopped)),
        })
    }

    /// The number by which others reach us.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port.get()
    }

    /// Undoes it, within two seconds.
    pub async fn end(self) {
        let _ = self.stop.send(());
        let _ = timeout(FAREWELL, self.keeping).await;
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            port,
            gateway,
            protocol,
            ..
        } = self;
        write!(
            f,
            "port {port} of the gateway {gateway} leads here ({protocol})"
        )
    }
}

/// A port that is open.
enum Held {
    /// For TCP, and perhaps for UDP; never empty.
    PortControl(Vec<PortMapping>),
    Upnp(upnp::Lease),
}

impl Held {
    async fn ask(gateway: IpAddr, port: NonZeroU16) -> Result<Self, MappingError> {
        let seconds = u32::try_from(LIFETIME.as_secs()).expect("an hour");
        let refused = |pcp: &str, natpmp: &str, upnp: &str| MappingError::Refused {
            gateway,
            pcp: pcp.into(),
            natpmp: natpmp.into(),
            upnp: upnp.into(),
        };
        let source = source(gateway).map_err(|why| {
            let why = why.to_string();
            refused(&why, &why, &why)
        })?;
        // It is looked for meanwhile, so that a gateway silent to all three costs the longest of the
        // waits and not their sum.
        let search = tokio::spawn(upnp::Router::find(gateway, source));
        let refusals = match port_control::ask(gateway, source, port, seconds).await {
            Ok(held) => return Ok(Self::PortControl(held)),
            Err(refusals) => refusals,
        };
        let found = search.await.unwrap_or_else(|why| Err(why.to_string()));
        let lease = match found {
            Ok(router) => {
                upnp::Lease::ask(router, SocketAddr::new(source, port.get()), seconds).await
            }
            Err(why) => Err(why),
        };
        lease
            .map(Self::Upnp)
            .map_err(|why| refused(&refusals.pcp, &refusals.natpmp, &why))
    }

    fn outside(&self) -> NonZeroU16 {
        match self {
            Self::PortControl(held) => held[0].external_port(),
            Self::Upnp(lease) => lease.outside(),
        }
    }

    fn protocol(&self) -> &'static str {
        match self {
            Self::PortControl(held) => port_control::name(&held[0]),
            Self::Upnp(_) => "UPnP",
        }
    }

    /// Half of the shortest lifetime.
    fn half(&self) -> Duration {
        let whole = match self {
            Self::PortControl(held) => {
                let shortest = held.iter().map(PortMapping::lifetime).min().unwrap_or(0);
                Duration::from_secs(u64::from(shortest))
            }
            Self::Upnp(_) => LIFETIME,
        };
        (whole / 2).max(Duration::from_secs(1))
    }

    /// Whether all of it was.
    async fn renew(&mut self) -> bool {
        match self {
            Self::PortControl(held) => {
                let mut all = true;
                for one in held {
                    all &= one.renew().await.is_ok();
                }
                all
            }
            Self::Upnp(lease) => lease.renew().await.is_ok(),
        }
    }

    async fn undo(self) {
        match self {
            Self::PortControl(held) => {
                for one in held {
                    let _ = one.try_drop().await;
                }
            }
            Self::Upnp(lease) => lease.undo().await,
        }
    }
}

/// The address from which we speak to the gateway, which it wants to be told.
fn source(gateway: IpAddr) -> std::io::Result<IpAddr> {
    let any: SocketAddr = match gateway {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    // Sends nothing.
    socket.connect((gateway, 5351))?;
    Ok(socket.local_addr()?.ip())
}

/// Renews what is held until it is stopped; then gives it back.
async fn keep(mut held: Held, mut stopped: oneshot::Receiver<()>) {
    let mut wait = held.half();
    loop {
        let renewed = async {
            sleep(wait).await;
            held.renew().await
        };
        // A gateway that is slow to renew does not hold up the end.
        let renewed = tokio::select! {
            _ = &mut stopped => break,
            renewed = renewed => renewed,
        };
        wait = if renewed { held.half() } else { RETRY };
    }
    held.undo().await;
}
