//! Election and broadcast under a seeded simulator: the very code that ships, on simulated disks
//! and connections.
//!
//! One seed decides the ensemble's size, every delay, every crash (which loses unsynced bytes) and
//! every partition. First faults and load, then the faults end and the ensemble must come to
//! serve. `SEED=42 cargo test --test simulation` replays one seed; `SEEDS=1000` runs more.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a failing seed must be named"
)]

mod cluster;
mod disk;
mod faults;
mod history;

use cluster::{Cluster, Coverage};

/// Seeds in a plain test run, shared out over the test functions below.
const SEEDS: u64 = 300;

fn run(seed: u64) -> Coverage {
    let mut cluster = Cluster::new(seed);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        cluster.with_faults();
        cluster.heal();
        cluster.settle();
    }));
    if let Err(panic) = outcome {
        eprintln!("{}", cluster.tail());
        eprintln!("replay with: SEED={seed} cargo test --test simulation");
        std::panic::resume_unwind(panic);
    }
    cluster.coverage()
}

fn seeds(part: u64, parts: u64) {
    let number = |name: &str| -> Option<u64> {
        let text = std::env::var(name).ok()?;
        Some(
            text.parse()
                .unwrap_or_else(|_| panic!("{name}={text} is not a number")),
        )
    };
    if let Some(seed) = number("SEED") {
        if part == 0 {
            run(seed);
        }
        return;
    }
    let count = number("SEEDS").unwrap_or(SEEDS);
    let mut seen = Coverage::default();
    for seed in (0..count).filter(|seed| seed % parts == part) {
        seen.add(run(seed));
    }
    println!("{count} seeds, part {part} of {parts}: {seen:?}");
    assert!(
        seen.acknowledged > 1000
            && seen.diffs > 10
            && seen.truncations > 3
            && seen.snapshots_sent > 10
            && seen.snapshots_taken > 10,
        "the seeds no longer reach every path: {seen:?}"
    );
}

#[test]
fn safety_and_liveness_even_seeds() {
    seeds(0, 2);
}

#[test]
fn safety_and_liveness_odd_seeds() {
    seeds(1, 2);
}

/// The simulator must be able to see trouble: a disk that lies about its sync loses acknowledged
/// writes in some seed.
#[test]
fn a_disk_that_lies_is_found_out() {
    let caught = (0..200).any(|seed| {
        let mut cluster = Cluster::new(seed);
        cluster.make_disks_lie();
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            cluster.with_faults();
            cluster.heal();
            cluster.settle();
        }))
        .is_err()
    });
    assert!(caught, "losing synced bytes went unnoticed in 200 seeds");
}

/// The same seed takes the same course.
#[test]
fn a_seed_repeats_bit_for_bit() {
    let course = |seed| {
        let mut cluster = Cluster::new(seed);
        cluster.with_faults();
        cluster.heal();
        cluster.settle();
        cluster.fingerprint()
    };
    assert_eq!(course(7), course(7));
    assert_ne!(course(7), course(8));
}
