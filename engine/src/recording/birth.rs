//! What a peer is told at birth, as bytes.

use super::Malformed;
use super::bytes::{Coded, Reader, Writer, coded};
use crate::behaviour::{Accomplice, Behaviour};
use crate::config::{Config, Detail, Limits, WebSeedUse};
use crate::exchange::Exchange;
use crate::geometry::Geometry;
use crate::id::PeerId;
use crate::live::{Expiry, LiveConfig, Numbering, Role, SuperSeeding};
use crate::policy::{
    ChokerConfig, HookInConfig, LatePolicy, PlaybackConfig, Rank, SelectorConfig, StartRule,
};
use crate::rate::Rate;
use crate::seed::Seed;

coded!(struct Config {
    peer_id, listen, geometry, bitrate, selector, choker, seed_choker, playback, limits,
    announce_interval, upload, behaviour, web_seed, exchange, detail, live,
});

coded!(struct Limits {
    dial_below, neighbours_max, addresses_max, requests_max, uploads_queued_max, unstored_max,
    redial_after, quick_pipeline,
});

coded!(enum SelectorConfig {
    0 = RarestFirst,
    1 = InOrder,
    2 = GiveToGet { h, mu, mid_ends_at_mu, ties_first },
    3 = Swarmplayer2010 { h, mu },
    4 = Bitos { p, high },
    5 = Zipf { theta },
    6 = Mixed { buffer, rarest },
    7 = LibtorrentDeadline { window },
    8 = RqbitLookAhead { look_ahead_kib },
    9 = WebtorrentCritical { hotswap },
    10 = LiveRarestFirst { ahead },
    11 = LatestUseful,
});

coded!(enum ChokerConfig {
    0 = TitForTat { slots },
    1 = TitForTatInbound { slots },
    2 = GiveToGet { delta, slots, rank },
    3 = Receipts { delta, slots, rank },
    4 = GiveToGetShipped { slots },
    5 = AlwaysUnchoke,
    6 = SeedFastest { slots },
    7 = SeedRoundRobin { slots },
});

coded!(enum Rank { 0 = OursThenAll, 1 = Ours, 2 = All });
coded!(struct PlaybackConfig { start, late });
coded!(enum StartRule { 0 = GiveToGet { h }, 1 = Prebuffer(media), 2 = SwarmPlayer2008(media) });
coded!(enum LatePolicy { 0 = Stall { resume }, 1 = Skip });
coded!(enum WebSeedUse { 0 = Always, 1 = BufferLow(media), 2 = Prefix(media) });
coded!(enum Detail { 0 = Summary, 1 = Blocks });
coded!(struct Exchange { metadata, pex });
coded!(enum Behaviour {
    0 = Honest,
    1 = Liar,
    2 = Colluder(accomplices),
    3 = Sybil(addresses),
    4 = HaveLiar,
});
coded!(struct Accomplice { peer_id, listen });

coded!(struct LiveConfig { numbering, expiry, hook_in, lag_max, source_at, role });
coded!(enum Numbering { 0 = Absolute { window }, 1 = Ring(pieces) });
coded!(enum Expiry { 0 = Implied, 1 = Announced });
coded!(enum HookInConfig {
    0 = Newest,
    1 = NewestAtHalf,
    2 = FollowSource,
    3 = TargetLag { lag },
});
coded!(enum Role { 0 = Viewer, 1 = Source { first, auxiliary, super_seeding } });
coded!(struct SuperSeeding { k, tau });

impl Coded for Geometry {
    fn put(&self, out: &mut Writer) {
        let kind = u8::from(self.is_endless()) | u8::from(self.is_of_whole_pieces()) << 1;
        kind.put(out);
        self.piece_length().put(out);
        if self.is_endless() {
            self.pieces().put(out);
        } else {
            self.total().put(out);
        }
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let kind = u8::get(from)?;
        let piece_length = u32::get(from)?;
        let geometry = match kind {
            0 | 2 => Self::new(u64::get(from)?, piece_length),
            1 | 3 => Self::live(piece_length, u32::get(from)?),
            _ => return Err(Malformed::Kind("geometry")),
        };
        let whole = |geometry: Self| match kind {
            0 | 1 => Ok(geometry),
            _ => geometry.in_whole_pieces(),
        };
        geometry.and_then(whole).map_err(Malformed::Config)
    }
}

impl Coded for Seed {
    fn put(&self, out: &mut Writer) {
        self.bytes().put(out);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Coded::get(from).map(Self::new)
    }
}

impl Coded for Rate {
    fn put(&self, out: &mut Writer) {
        self.bytes_per_s().put(out);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        u64::get(from).map(Self::from_bytes_per_s)
    }
}

impl Coded for PeerId {
    fn put(&self, out: &mut Writer) {
        self.0.put(out);
    }
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Coded::get(from).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_geometry_keeps_its_request_grid() {
        let film = Geometry::new(1_000_000, 65_536).unwrap();
        let live = Geometry::live(32_768, 100).unwrap();
        for geometry in [film, live] {
            for geometry in [geometry, geometry.in_whole_pieces().unwrap()] {
                let mut out = Writer::default();
                geometry.put(&mut out);
                let read = Geometry::get(&mut Reader::new(&out.bytes));
                assert_eq!(read.unwrap(), geometry);
            }
        }
        assert!(Geometry::get(&mut Reader::new(&[4; 16])).is_err());
    }
}
