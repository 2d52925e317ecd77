//! Which faults a seed asks for.

use rand::RngExt as _;
use rand_xoshiro::Xoshiro256PlusPlus;

/// One fault, at a random time, against random servers.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The process dies; unsynced bytes are lost, as many appends as given survive.
    Crash { server: usize, kept: usize },
    /// The same for the current leader.
    CrashLeader { kept: usize },
    /// Whoever leads can no longer talk to anybody else.
    IsolateLeader,
    /// A dead process starts again.
    Restart { server: usize },
    /// Servers on different sides of the cut can no longer talk.
    Partition { side: Vec<bool> },
    /// The network is whole again.
    Heal,
    /// One quorum connection breaks.
    Break { server: usize },
    /// A server's disk stops for a while, ms.
    SlowDisk { server: usize, ms: u64 },
}

/// The faults of a run, with pauses between them.
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
