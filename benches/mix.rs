//! The time to choose one operation. A driver thread has about a microsecond per operation, so
//! choosing must take much less.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use quorate::protocol::resolve;
use quorate::protocol::zookeeper::{Mix, OpKind, Operation};
use quorate::workload::{Plan, Source};
use std::hint::black_box;

fn plan(ops: &str) -> Plan {
    let text = format!("name = \"bench\"\n[prepare]\nznodes = 10000\n[load]\nrate = 1\n{ops}");
    match resolve(&Source::from_text("bench", text), &[], None) {
        Ok(plan) => plan,
        Err(error) => panic!("{error}"),
    }
}

fn bench_mix(criterion: &mut Criterion) {
    let cases = [
        ("set, uniform keys", "[[op]]\nkind = \"set\"\n"),
        (
            "get, zipf keys",
            "[[op]]\nkind = \"get\"\nkeys = \"zipf\"\n",
        ),
        (
            "create with keep_count",
            "[[op]]\nkind = \"create\"\nkeep_count = 20\n",
        ),
        (
            "get, set, create and list mixed",
            "[[op]]\nkind = \"get\"\nweight = 10\n[[op]]\nkind = \"set\"\n[[op]]\nkind = \"create\"\nkeep_count = 20\n[[op]]\nkind = \"list\"\n",
        ),
        ("multi of 10 sets", "[[op]]\nkind = \"multi\"\n"),
    ];
    let mut group = criterion.benchmark_group("mix");
    group.throughput(Throughput::Elements(1));
    for (name, ops) in cases {
        let mut mix = Mix::new(&plan(ops), 0, 0);
        let mut operation = Operation::default();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                mix.next(&mut operation);
                if operation.kind == OpKind::Create {
                    mix.created(&operation.path);
                }
                black_box(&operation);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench_mix);
criterion_main!(benches);
