//! The faults of a run.

use rand::RngExt as _;
use rand_xoshiro::Xoshiro256PlusPlus;

#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Kills a server. Unsynced bytes are lost, except up to `kept` appends.
    Crash { server: usize, kept: usize },
    /// Kills the current leader.
    CrashLeader { kept: usize },
    /// Cuts the current leader off from all other servers.
    IsolateLeader,
    /// Starts a killed server.
    Restart { server: usize },
    /// Cuts the servers with `true` off from those with `false`.
    Partition { side: Vec<bool> },
    /// Ends the partition.
    Heal,
    /// Breaks a server's connection to its leader.
    Break { server: usize },
    /// Delays all operations of a server's disk for `ms`.
    SlowDisk { server: usize, ms: u64 },
}

/// Draws the faults of a run. Each comes with the pause that follows it, ms.
pub(crate) fn plan(rng: &mut Xoshiro256PlusPlus, servers: usize) -> Vec<(u64, Fault)> {
    let count = rng.random_range(2..10);
    (0..count)
        .map(|_| {
            let server = rng.random_range(0..servers);
            let fault = match rng.random_range(0..16) {
                12..=13 => Fault::CrashLeader {
                    kept: rng.random_range(0..4),
                },
                14..=15 => Fault::IsolateLeader,
                0..=3 => Fault::Crash {
                    server,
                    kept: rng.random_range(0..4),
                },
                4..=5 => Fault::Restart { server },
                6..=7 => Fault::Partition {
                    side: (0..servers).map(|_| rng.random_bool(0.5)).collect(),
                },
                8 => Fault::Heal,
                9..=10 => Fault::Break { server },
                _ => Fault::SlowDisk {
                    server,
                    ms: rng.random_range(10..3000),
                },
            };
            (rng.random_range(20..1500), fault)
        })
        .collect()
}
