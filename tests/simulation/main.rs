//! Runs the election and broadcast code of the server in a simulator, with simulated disks and
//! connections.
//!
//! The seed determines the size of the ensemble, every delay, every crash (which loses unsynced bytes),
//! every partition, every part of a stream that arrives before the rest, and every process that is stopped
//! for a while. A run applies load and faults, then ends the faults and requires that all
//! servers serve again. `SEED=42 cargo test --test simulation` replays one seed. `SEEDS=1000` sets the
//! number of seeds.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the output names the failing seed"
)]

mod cluster;
mod disk;
mod faults;
mod history;
mod tree;

use cluster::{Cluster, Coverage};

/// Default number of seeds, divided between the two tests below.
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
            && seen.snapshots_taken > 10
            && seen.fuzzy_snapshots_sent > 10
            && seen.stalls > 10
            && seen.broken_streams > 10
            && seen.killed > 10,
        "the seeds no longer reach every path: {seen:?}"
    );
}

#[test]
fn even_seeds_keep_safety_and_liveness() {
    seeds(0, 2);
}

#[test]
fn odd_seeds_keep_safety_and_liveness() {
    seeds(1, 2);
}

/// Checks that the simulator detects faults: with disks that report a sync too early, some seed must lose
/// acknowledged writes.
#[test]
fn a_disk_that_reports_syncs_too_early_is_detected() {
    let caught = (0..200).any(|seed| {
        let mut cluster = Cluster::new(seed);
        cluster.report_syncs_early();
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            cluster.with_faults();
            cluster.heal();
            cluster.settle();
        }))
        .is_err()
    });
    assert!(caught, "no seed of 200 detected the loss of synced bytes");
}

#[test]
fn a_seed_always_produces_the_same_run() {
    let fingerprint = |seed| {
        let mut cluster = Cluster::new(seed);
        cluster.with_faults();
        cluster.heal();
        cluster.settle();
        cluster.fingerprint()
    };
    assert_eq!(fingerprint(7), fingerprint(7));
    assert_ne!(fingerprint(7), fingerprint(8));
}
