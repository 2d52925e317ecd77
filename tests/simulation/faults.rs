//! The faults of a run.

use rand::RngExt as _;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::disk::Kept;

#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Kills a server. Its unfinished work is lost, except for `kept`.
    Crash {
        server: usize,
        kept: Kept,
    },
    /// Kills the current leader.
    CrashLeader {
        kept: Kept,
    },
    /// Cuts the current leader off from all other servers.
    IsolateLeader,
    /// Starts a killed server.
    Restart {
        server: usize,
    },
    /// Cuts the servers with `true` off from those with `false`.
    Partition {
        side: Vec<bool>,
    },
    Heal,
    /// Breaks a server's connection to its leader.
    Break {
        server: usize,
    },
    /// Delays all operations of a server's disk for `ms`.
    SlowDisk {
        server: usize,
        ms: u64,
    },
    /// Stops a server's process for `ms`. Its inputs wait meanwhile.
    Stall {
        server: usize,
        ms: u64,
    },
    StallLeader {
        ms: u64,
    },
    /// Kills an observer, which then starts with an empty disk.
    WipeObserver,
    /// Kills all servers and starts them again. The next leader may have few entries for the others.
    Blackout,
}

/// Probabilities of faults that strike at moments of their own.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Chances {
    /// Only a part of the waiting bytes of a stream arrives.
    pub(crate) split: f64,
    /// The connection breaks behind such a part.
    pub(crate) broken: f64,
    /// The connection breaks somewhere in what synchronises a learner.
    pub(crate) broken_synchronisation: f64,
    /// A learner is killed while it is synchronised.
    pub(crate) killed_synchronisation: f64,
}

impl Chances {
    pub(crate) fn draw(rng: &mut Xoshiro256PlusPlus) -> Self {
        Self {
            split: [0.0, 0.2, 0.5][rng.random_range(0..3)],
            broken: [0.0, 0.0, 0.01, 0.05][rng.random_range(0..4)],
            broken_synchronisation: [0.0, 0.3, 0.8][rng.random_range(0..3)],
            killed_synchronisation: [0.0, 0.1, 0.4][rng.random_range(0..3)],
        }
    }
}

pub(crate) fn kept(rng: &mut Xoshiro256PlusPlus) -> Kept {
    Kept {
        ops: rng.random_range(0..4),
        saves: rng.random_range(0..2),
    }
}

/// Draws the faults of a run. Each comes with the pause that follows it, ms.
pub(crate) fn plan(rng: &mut Xoshiro256PlusPlus, servers: usize) -> Vec<(u64, Fault)> {
    let count = rng.random_range(2..10);
    (0..count)
        .map(|_| {
            let server = rng.random_range(0..servers);
            let fault = match rng.random_range(0..26) {
                0..=2 => Fault::Crash {
                    server,
                    kept: kept(rng),
                },
                3..=5 => Fault::Restart { server },
                6 => Fault::Partition {
                    side: (0..servers).map(|_| rng.random_bool(0.5)).collect(),
                },
                7 => Fault::Heal,
                8..=9 => Fault::Break { server },
                10 => Fault::SlowDisk {
                    server,
                    ms: rng.random_range(10..3000),
                },
                11..=12 => Fault::CrashLeader { kept: kept(rng) },
                13..=14 => Fault::IsolateLeader,
                15..=17 => Fault::Stall {
                    server,
                    ms: rng.random_range(10..4000),
                },
                18..=19 => Fault::StallLeader {
                    ms: rng.random_range(10..4000),
                },
                20..=21 => Fault::WipeObserver,
                _ => Fault::Blackout,
            };
            (rng.random_range(20..1500), fault)
        })
        .collect()
}
