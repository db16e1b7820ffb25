//! `[network]`: what it means, and whether its model can carry the swarm.

use std::time::Duration;

use super::file::{self, File, ModelName};
use super::resolve::{Result, error, find};
use crate::fluid;
use crate::setup::{NetworkModel, NetworkSetup};

pub(super) fn network(file: &File, text: &str) -> Result<NetworkSetup> {
    let network = &file.network;
    let (low, high) = network.rtt;
    if low.0 > high.0 {
        return error(
            "rtt: the first is above the second",
            "write [\"100 ms\", \"300 ms\"]",
            find(text, "rtt"),
        );
    }
    let hash = network
        .hash_rate
        .map_or(0, |rate| 1_000_000_000_000 / rate.0.bytes_per_s().max(1));
    let model = match network.model {
        None | Some(file::Model::Named(ModelName::Links)) => NetworkModel::Links,
        Some(file::Model::Named(ModelName::Fluid)) => fluid(file, text)?,
        Some(file::Model::Batched(of)) => batched(file, of.fluid.batch.0, text)?,
    };
    Ok(NetworkSetup {
        model,
        rtt: (low.0, high.0),
        tracker_rtt: network.tracker_rtt.0,
        congestion: network.congestion,
        hash_picos_per_byte: u32::try_from(hash).unwrap_or(u32::MAX),
    })
}

/// Whether `fluid` can carry it.
fn fluid(file: &File, text: &str) -> Result<NetworkModel> {
    let classes = file.class.get_ref().iter();
    let counted = classes.filter_map(|class| class.get_ref().count);
    let peers = u64::from(file.swarm.viewers) + counted.map(u64::from).sum::<u64>();
    let span = find(text, "\"fluid\"");
    if peers > fluid::PEERS_MAX as u64 {
        let most = fluid::PEERS_MAX;
        return error(
            format!(
                "{peers} peers are more than the {most} that the network model `fluid` is for: it \
                 solves all rates anew at every block"
            ),
            "write model = \"links\", { fluid = { batch = \"100 ms\" } }, or fewer viewers",
            span,
        );
    }
    if file.web_seed.is_some() {
        return error(
            "the network model `fluid` carries blocks between peers, and no web seed's pieces",
            "write model = \"links\", or leave out [web_seed]",
            span,
        );
    }
    windowless(file, text)?;
    Ok(NetworkModel::Fluid)
}

/// The same, solved in batches.
fn batched(file: &File, length: Duration, text: &str) -> Result<NetworkModel> {
    if !fluid::batch::LENGTHS.contains(&length) {
        return error(
            format!("batches of {length:?}: rates are solved anew every 10 ms to 10 s"),
            "write model = { fluid = { batch = \"100 ms\" } }",
            find(text, "batch"),
        );
    }
    windowless(file, text)?;
    Ok(NetworkModel::FluidInBatches(length))
}

fn windowless(file: &File, text: &str) -> Result<()> {
    if file.network.congestion {
        return Ok(());
    }
    error(
        "the network model `fluid` has no windows, so no `congestion` to be without",
        "leave out `congestion`",
        find(text, "congestion"),
    )
}
