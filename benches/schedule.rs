//! The time to compute when an operation is due. The driver does this twice per operation.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use quorate::load::schedule::{Schedule, SessionTimes};
use quorate::workload::{RatePhase, Spacing};
use std::hint::black_box;

fn phase(from_per_s: f64, to_per_s: f64) -> RatePhase {
    RatePhase {
        duration_ms: 10_000,
        from_per_s,
        to_per_s,
    }
}

fn bench_schedule(criterion: &mut Criterion) {
    let steps: Vec<RatePhase> = (1..=10_u32)
        .map(|step| phase(f64::from(step * 1_000), f64::from(step * 1_000)))
        .collect();
    let cases = [
        ("constant", vec![phase(20_000.0, 20_000.0)]),
        ("ramp", vec![phase(0.0, 40_000.0)]),
        ("ten steps", steps),
    ];
    let mut group = criterion.benchmark_group("schedule");
    group.throughput(Throughput::Elements(1));
    for (name, phases) in cases {
        let schedule = Schedule::new(&phases, 5_000, 100_000);
        for spacing in Spacing::ALL {
            let times = || SessionTimes::new(spacing, 3, 16, 7);
            let mut session = times();
            group.bench_function(format!("{name}, {}", spacing.name()), |bencher| {
                bencher.iter(|| {
                    let due = session.next_ns(black_box(&schedule));
                    if due.is_none() {
                        session = times();
                    }
                    due
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, bench_schedule);
criterion_main!(benches);
