//! W1, W2 and W3 on the matcher alone, from interned records.
//!
//! The streams are those of the published generator (splitmix64 from state 1, four draws an event), so the counts are
//! known exactly; a wrong count ends the bench.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a bench"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ensue_matcher::Limits;
use ensue_rule::Contiguity;

#[path = "support/workloads.rs"]
mod support;

use support::streams::{kleene, uniform};
use support::{abc, feed, matched, one_match, programs, trend, w2, w3};

const EVENTS: usize = 1_000_000;

fn workloads(c: &mut Criterion) {
    let mut group = c.benchmark_group("streams");
    group.throughput(Throughput::Elements(EVENTS as u64)).sample_size(10);
    let records = uniform(1000, EVENTS);
    for (name, arrow, count) in [("w1", Contiguity::Relaxed, 26_338), ("w1any", Contiguity::Any, 49_997)] {
        let set = programs([abc(arrow)], Limits::default());
        assert_eq!(feed(&set, &records, 1000, matched), count, "{name}");
        group.bench_function(name, |b| b.iter(|| feed(&set, black_box(&records), 1000, matched)));
    }
    for (k, count, ends) in
        [(5, 975_060, 15_537), (10, 44_917_047, 16_618), (15, 2_305_733_212, 16_878), (25, 3_029_586_120_039, 17_073)]
    {
        let records = kleene(k, EVENTS);
        let (trends, graph) = (programs([w2(true)], one_match()), programs([w2(false)], one_match()));
        assert_eq!(feed(&trends, &records, 1, trend), count, "w2 trends k = {k}");
        assert_eq!(feed(&graph, &records, 1, matched), ends, "w2 graph k = {k}");
        group
            .bench_with_input(BenchmarkId::new("w2_trends", k), &records, |b, r| b.iter(|| feed(&trends, r, 1, trend)));
        group
            .bench_with_input(BenchmarkId::new("w2_graph", k), &records, |b, r| b.iter(|| feed(&graph, r, 1, matched)));
    }
    for (rules, count) in [(1, 44), (100, 6_091), (1000, 62_942)] {
        let set = programs((0..rules).map(w3), Limits::default());
        assert_eq!(feed(&set, &records, 1, matched), count, "w3 {rules} rules");
        group.bench_with_input(BenchmarkId::new("w3", rules), &set, |b, set| {
            b.iter(|| feed(set, black_box(&records), 1, matched));
        });
    }
    group.finish();
}

criterion_group!(benches, workloads);
criterion_main!(benches);
