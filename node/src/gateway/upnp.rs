//! A gateway that speaks UPnP (Internet Gateway Device, versions 1 and 2): found by SSDP, told by SOAP,
//! through the `igd-next` crate.
//!
//! Owns the ports it granted. The gateway is not trusted: only one at the address that was to be asked is
//! believed, its documents are read from that address alone, without redirection, up to 1 MiB and 64
//! elements deep, and for none of it is waited for more than [`PATIENCE`].

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use igd_next::{AddPortError, PortMappingProtocol, SearchOptions, search_gateway};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Where gateways listen for who looks for them.
const SSDP: u16 = 1900;
const EVERYBODY: Ipv4Addr = Ipv4Addr::new(239, 255, 255, 250);
/// How long is searched, documents included. An answer to everybody may be 3 s late, by the `MX` of the
/// question.
const SEARCH: Duration = Duration::from_millis(3500);
/// How long the gateway may take to grant, renew or take back.
const PATIENCE: Duration = Duration::from_secs(8);
/// What the gateway's own page shows as the reason.
const NAME: &str = "swarmbed";
const TCP: PortMappingProtocol = PortMappingProtocol::TCP;
const UDP: PortMappingProtocol = PortMappingProtocol::UDP;

/// A gateway that was found.
#[derive(Clone, Debug)]
pub(super) struct Router(Arc<igd_next::Gateway>);

impl Router {
    /// Looks for `gateway`, from our address `source`: asks itself, and everybody, and takes the first
    /// answer that is its own.
    ///
    /// # Errors
    /// In words, within four seconds.
    pub(super) async fn find(gateway: IpAddr, source: IpAddr) -> Result<Self, String> {
        if gateway.is_ipv6() {
            return Err("is spoken over IPv4 alone".into());
        }
        let near = pin!(search(gateway, source, SocketAddr::new(gateway, SSDP)));
        let wide = pin!(search(gateway, source, (EVERYBODY, SSDP).into()));
        tokio::select! {
            Ok(router) = near => Ok(router),
            Ok(router) = wide => Ok(router),
            else => Err("no usable answer".into()),
        }
    }
}

async fn search(gateway: IpAddr, source: IpAddr, at: SocketAddr) -> Result<Router, String> {
    aside(move || {
        let mut options = SearchOptions::default();
        options.bind_addr = (source, 0).into();
        options.broadcast_address = at;
        options.timeout = Some(SEARCH);
        options.allowed_gateway_ips = vec![gateway];
        let found = search_gateway(options).map_err(|why| why.to_string())?;
        if found.addr.ip() == gateway {
            Ok(Router(Arc::new(found)))
        } else {
            Err(format!("{} answers in its place", found.addr.ip()))
        }
    })
    .await
}

/// A port that was granted.
#[derive(Debug)]
pub(super) struct Lease {
    router: Router,
    inside: SocketAddr,
    outside: NonZeroU16,
    protocols: Vec<PortMappingProtocol>,
    /// 0: for ever, from gateways that grant nothing else.
    seconds: u32,
}

impl Lease {
    /// Asks for `inside`'s port, or another if that is somebody else's, TCP and then UDP.
    ///
    /// # Errors
    /// In words, within twice [`PATIENCE`].
    pub(super) async fn ask(
        router: Router,
        inside: SocketAddr,
        seconds: u32,
    ) -> Result<Self, String> {
        let asked = router.clone();
        let (outside, seconds) = aside(move || tcp(&asked.0, inside, seconds)).await?;
        let outside = NonZeroU16::new(outside).ok_or("it grants port 0")?;
        let mut lease = Self {
            router,
            inside,
            outside,
            protocols: vec![TCP],
            seconds,
        };
        // For uTP; without it, peers connect all the same.
        if lease.add(UDP).await.is_ok() {
            lease.protocols.push(UDP);
        }
        Ok(lease)
    }

    /// The number by which others reach us.
    pub(super) const fn outside(&self) -> NonZeroU16 {
        self.outside
    }

    /// Asks for the same once more, which begins its time anew.
    pub(super) async fn renew(&self) -> Result<(), String> {
        for &protocol in &self.protocols {
            self.add(protocol).await?;
        }
        Ok(())
    }

    /// Gives it back, as far as the gateway lets us.
    pub(super) async fn undo(self) {
        for protocol in self.protocols {
            let (router, outside) = (self.router.clone(), self.outside.get());
            let _ = aside(move || {
                let removed = router.0.remove_port(protocol, outside);
                removed.map_err(|why| why.to_string())
            })
            .await;
        }
    }

    async fn add(&self, protocol: PortMappingProtocol) -> Result<(), String> {
        let (router, inside, outside) = (self.router.clone(), self.inside, self.outside.get());
        let seconds = self.seconds;
        aside(move || {
            let added = router.0.add_port(protocol, outside, inside, seconds, NAME);
            added.map_err(|why| why.to_string())
        })
        .await
    }
}

/// The port outside, and for how long.
fn tcp(router: &igd_next::Gateway, inside: SocketAddr, seconds: u32) -> Result<(u16, u32), String> {
    let same = |seconds| router.add_port(TCP, inside.port(), inside, seconds, NAME);
    match same(seconds) {
        Ok(()) => Ok((inside.port(), seconds)),
        Err(AddPortError::OnlyPermanentLeasesSupported) => same(0)
            .map(|()| (inside.port(), 0))
            .map_err(|why| why.to_string()),
        Err(AddPortError::PortInUse) => router
            .add_any_port(TCP, inside, seconds, NAME)
            .map(|outside| (outside, seconds))
            .map_err(|why| why.to_string()),
        Err(why) => Err(why.to_string()),
    }
}

/// Does it on a thread of its own, for the crate waits in it. One that is given up ends by itself, and
/// does not hold up the program's end, as the runtime's own threads would.
async fn aside<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let (tell, told) = oneshot::channel();
    std::thread::Builder::new()
        .name("upnp".into())
        .spawn(move || {
            let _ = tell.send(job());
        })
        .map_err(|why| why.to_string())?;
    match timeout(PATIENCE, told).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err("its answer ended the search".into()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}
