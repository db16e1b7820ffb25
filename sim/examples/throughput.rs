//! How many blocks a second of processor time moves: `throughput [peers] [pieces]
//! [threads] [dial-below] [neighbours-max] [chunk]`.
//!
//! Run it under `time` for the processor time; with one thread, wall time is that.

#[path = "../tests/support/mod.rs"]
mod support;

use support::{class, kbyte, millis, secs, setup, sources};
use swarmbed_sim::{Downlink, Draw, Options, Population, World};

#[expect(
    clippy::disallowed_types,
    reason = "this measures the simulator, and moves nothing in it"
)]
type Clock = std::time::Instant;

fn main() {
    let number = |index: usize, default: u64| {
        std::env::args()
            .nth(index)
            .map_or(default, |text| text.parse().expect("a number"))
    };
    let (peers, pieces, threads) = (number(1, 500), number(2, 500), number(3, 1));
    let mut viewers = class("viewer", Population::Share(1.0), kbyte(125));
    viewers.downlink = Downlink::Own(Draw::Fixed(kbyte(500)));
    let viewer_count = u32::try_from(peers).expect("few peers");
    let mut setup = setup(pieces, viewer_count, vec![sources(1, kbyte(500)), viewers]);
    setup.network.rtt = (millis(40), millis(200));
    // Who is full refuses, so the mean is between these two: about 20.
    setup.limits.dial_below = u16::try_from(number(4, 14)).expect("few neighbours");
    setup.limits.neighbours_max = u16::try_from(number(5, 30)).expect("few neighbours");
    setup.overlay_every = Some(secs(30));
    let world = World::new(&setup, |_| ()).expect("a setup that can be played");
    let clock = Clock::now();
    let options = Options {
        threads: usize::try_from(threads).expect("few threads"),
        chunk: std::env::args()
            .nth(6)
            .map(|text| text.parse().expect("a number")),
        ..Options::default()
    };
    let report = world.run(options).expect("nobody aborts");
    let seconds = clock.elapsed().as_secs_f64();
    let (totals, blocks) = (report.totals, report.totals.useful_blocks);
    let edges = report
        .overlay
        .get(1)
        .map_or(0, |overlay| overlay.edges.len());
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let per_second = |count: u64| count as f64 / seconds;
    println!(
        "{peers} peers, {pieces} pieces, {threads} threads: {blocks} blocks in {seconds:.2} s \
         ({:.0} blocks/s, {:.0} calls/s), {} calls, {} messages, {} windows of {:?}, end {}, \
         {} neighbours a peer, trace {:032x}, violations {:?}",
        per_second(blocks),
        per_second(totals.calls),
        totals.calls,
        totals.messages,
        totals.windows,
        totals.window,
        report.end,
        2 * edges as u64 / (peers + 1),
        report.trace,
        report.checks.violations,
    );
}
