//! The parts of the simulator that run for every record or block: `cargo bench -p swarmbed-sim`.
//!
//! Ratios between two commits on one machine are what these are for; nothing is asserted of speed.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use swarmbed_sim::hot::{Link, Queue};

const WINDOW: u64 = 50_000_000;

fn queue(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("queue: a window's mail, filed, taken and put in order");
    for records in [1000, 10_000, 100_000] {
        let mut queue = Queue::new(WINDOW, records);
        // An eighth of what is filed comes in each window.
        group.throughput(Throughput::Elements(u64::from(records) / 8));
        group.bench_function(records.to_string(), |bench| {
            bench.iter(|| black_box(queue.turn()));
        });
        assert!(queue.turn() > 0, "the bench moves mail");
    }
    group.finish();
}

fn link(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("link: a block through an uplink and a downlink");
    group.throughput(Throughput::Elements(1));
    for blocks in [1, 4, 40] {
        let mut link = Link::new(100_000, blocks);
        group.bench_function(format!("{blocks} at once"), |bench| {
            bench.iter(|| black_box(link.turn()));
        });
    }
    group.finish();
}

criterion_group!(hot, queue, link);
criterion_main!(hot);
