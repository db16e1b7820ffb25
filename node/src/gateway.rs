//! The peer port, opened on the gateway between us and everybody else: by PCP (RFC 6887), or NAT-PMP
//! (RFC 6886), through the `crab_nat` crate.
//!
//! Owns what the gateway granted, from the first request until it is undone. UPnP is not spoken.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::num::NonZeroU16;
use std::str::FromStr;
use std::time::Duration;

use crab_nat::{
    GatewayAddress, InternetProtocol, PortMapping, PortMappingOptions, TimeoutConfig, natpmp, pcp,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// For how long a mapping is asked for; it is renewed at half of what is granted. One that nobody
/// undid, because we were killed, is gone then.
const LIFETIME: Duration = Duration::from_secs(3600);
/// A renewal that fails is tried again after this long.
const RETRY: Duration = Duration::from_secs(60);
/// How the gateway is asked: after 0.25, 0.5, 1 and 2 s it is not there.
const PATIENCE: TimeoutConfig = TimeoutConfig {
    initial_timeout: Duration::from_millis(250),
    max_retries: 3,
    max_retry_timeout: None,
};
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
    #[error("the gateway {gateway} grants none: by PCP {pcp}; by NAT-PMP {natpmp}")]
    Refused {
        /// Which.
        gateway: IpAddr,
        /// What it said to PCP.
        pcp: String,
        /// What it said to NAT-PMP.
        natpmp: String,
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
    /// If there is no gateway, or it does not grant it, within some 8 s.
    pub async fn ask(gateway: Gateway, port: u16) -> Result<Self, MappingError> {
        let port = NonZeroU16::new(port).ok_or(MappingError::NoPort)?;
        let gateway = gateway.find()?;
        let tcp = request(gateway, InternetProtocol::Tcp, port, None).await?;
        let external = tcp.external_port();
        let mut held = vec![tcp];
        // For reports between strangers; peers connect without.
        if let Ok(udp) = request(gateway, InternetProtocol::Udp, port, Some(external)).await {
            held.push(udp);
        }
        let protocol = match held[0].mapping_type() {
            crab_nat::PortMappingType::NatPmp => "NAT-PMP",
            crab_nat::PortMappingType::Pcp { .. } => "PCP",
        };
        let (stop, stopped) = oneshot::channel();
        Ok(Self {
            port: external,
            gateway,
            protocol,
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

async fn request(
    gateway: IpAddr,
    protocol: InternetProtocol,
    port: NonZeroU16,
    external: Option<NonZeroU16>,
) -> Result<PortMapping, MappingError> {
    let seconds = u32::try_from(LIFETIME.as_secs()).expect("an hour");
    let options = PortMappingOptions {
        external_port: external.or(Some(port)),
        lifetime_seconds: Some(seconds),
        timeout_config: Some(PATIENCE),
    };
    let at = GatewayAddress::from(gateway);
    let by_pcp = match source(gateway) {
        Err(why) => why.to_string(),
        Ok(client) => {
            let base = pcp::BaseMapRequest::new(at, client, protocol, port);
            match pcp::port_mapping(base, None, None, options).await {
                Ok(mapping) => return Ok(mapping),
                Err(why) => why.to_string(),
            }
        }
    };
    natpmp::port_mapping(at, protocol, port, options)
        .await
        .map_err(|why| MappingError::Refused {
            gateway,
            pcp: by_pcp,
            natpmp: why.to_string(),
        })
}

/// The address from which we speak to the gateway, which PCP wants to be told.
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
async fn keep(mut held: Vec<PortMapping>, mut stopped: oneshot::Receiver<()>) {
    let mut wait = half(&held);
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            () = sleep(wait) => {}
        }
        let mut failed = false;
        for one in &mut held {
            failed |= one.renew().await.is_err();
        }
        wait = if failed { RETRY } else { half(&held) };
    }
    for one in held {
        let _ = one.try_drop().await;
    }
}

/// Half of the shortest lifetime.
fn half(held: &[PortMapping]) -> Duration {
    let shortest = held.iter().map(PortMapping::lifetime).min().unwrap_or(0);
    Duration::from_secs(u64::from(shortest) / 2).max(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_route_is_read() {
        let row = |destination: &str, gateway: [u8; 4], mask: &str| {
            let gateway = u32::from_ne_bytes(gateway);
            format!("eth0\t{destination}\t{gateway:08X}\t0003\t0\t0\t0\t{mask}\t0\t0\t0\n")
        };
        let head =
            "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n";
        let local = row("0000A8C0", [0, 0, 0, 0], "00FFFFFF");
        let table = format!(
            "{head}{local}{}",
            row("00000000", [192, 168, 0, 1], "00000000")
        );
        assert_eq!(default_route(&table), Some(Ipv4Addr::new(192, 168, 0, 1)));
        assert_eq!(default_route(&format!("{head}{local}")), None);
        assert_eq!(default_route("nothing\nof the\nkind 00000000"), None);
    }
}
