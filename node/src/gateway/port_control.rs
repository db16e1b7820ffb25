//! A gateway that speaks PCP (RFC 6887), or NAT-PMP (RFC 6886), through the `crab_nat` crate.

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use crab_nat::{
    GatewayAddress, InternetProtocol, PortMapping, PortMappingOptions, PortMappingType,
    TimeoutConfig, natpmp, pcp,
};

/// How the gateway is asked: after 0.25, 0.5, 1 and 2 s it is not there.
const PATIENCE: TimeoutConfig = TimeoutConfig {
    initial_timeout: Duration::from_millis(250),
    max_retries: 3,
    max_retry_timeout: None,
};

/// What a gateway said to PCP, and what to NAT-PMP.
#[derive(Debug)]
pub(super) struct Refusals {
    pub(super) pcp: String,
    pub(super) natpmp: String,
}

/// Asks for `port`, TCP and then UDP, from our address `source`.
///
/// # Errors
/// If neither is granted, within some 8 s.
pub(super) async fn ask(
    gateway: IpAddr,
    source: IpAddr,
    port: NonZeroU16,
    seconds: u32,
) -> Result<Vec<PortMapping>, Refusals> {
    let request = async |protocol, external| {
        let options = PortMappingOptions {
            external_port: Some(external),
            lifetime_seconds: Some(seconds),
            timeout_config: Some(PATIENCE),
        };
        let at = GatewayAddress::from(gateway);
        let base = pcp::BaseMapRequest::new(at, source, protocol, port);
        let by_pcp = match pcp::port_mapping(base, None, None, options).await {
            Ok(mapping) => return Ok(mapping),
            Err(why) => why.to_string(),
        };
        natpmp::port_mapping(at, protocol, port, options)
            .await
            .map_err(|why| Refusals {
                pcp: by_pcp,
                natpmp: why.to_string(),
            })
    };
    let tcp = request(InternetProtocol::Tcp, port).await?;
    let external = tcp.external_port();
    let mut held = vec![tcp];
    // For uTP; without it, peers connect all the same.
    if let Ok(udp) = request(InternetProtocol::Udp, external).await {
        held.push(udp);
    }
    Ok(held)
}

/// What granted it.
pub(super) fn name(mapping: &PortMapping) -> &'static str {
    match mapping.mapping_type() {
        PortMappingType::NatPmp => "NAT-PMP",
        PortMappingType::Pcp { .. } => "PCP",
    }
}
