//! The time to record one sample, which the driver does for every operation.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use quorate::measure::{Layout, Outcome, Recorder, Recording, Sample};

const LAYOUT: Layout = Layout {
    interval_ns: 1_000_000_000,
    measured_ns: 30_000_000_000,
    drain_ns: 10_000_000_000,
};

/// Returns a recorder in the first interval of the measured phase.
fn recorder() -> Recorder {
    let mut recorder = Recorder::new(4, 3, LAYOUT);
    recorder.take(0);
    recorder
}

fn samples() -> Vec<Sample> {
    // Response times from 100 us to about 30 ms in irregular order.
    let mut state = 7_u64;
    (0..4_096)
        .map(|i| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let spread_ns = i64::try_from((state >> 33) % 30_000_000).unwrap_or(0);
            Sample {
                op: i % 4,
                server: Some(i % 3),
                intended_ns: 1_000,
                ready_ns: Some(1_000),
                sent_ns: Some(1_000 + spread_ns / 100),
                done_ns: 101_000 + spread_ns,
                outcome: Outcome::Ok,
            }
        })
        .collect()
}

fn record(c: &mut Criterion) {
    let samples = samples();
    let mut recorder = recorder();
    let mut group = c.benchmark_group("recorder");
    group.throughput(Throughput::Elements(samples.len() as u64));
    group.bench_function("record", |b| {
        b.iter(|| {
            for sample in &samples {
                recorder.record(black_box(sample));
            }
        });
    });
    group.finish();
}

fn hand_over(c: &mut Criterion) {
    let samples = samples();
    let mut group = c.benchmark_group("recorder");
    let filled = || {
        let mut recorder = recorder();
        samples.iter().for_each(|sample| recorder.record(sample));
        recorder
    };
    group.bench_function("take, 4 operation kinds", |b| {
        b.iter_batched_ref(filled, |recorder| recorder.take(1), BatchSize::LargeInput);
    });
    group.bench_function("merge and pack, 4 operation kinds", |b| {
        let parts = filled().take(1);
        b.iter(|| {
            let mut recording = Recording::default();
            recording.add(parts.intervals[0].clone());
            recording
        });
    });
    group.finish();
}

criterion_group!(benches, record, hand_over);
criterion_main!(benches);
