//! The plan: a workload with every default filled in and every random choice fixed by a seed.
//!
//! No later stage uses a default, a flag or the environment, so the same plan issues the same
//! operations. The result file contains the plan, so a result can be run again.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::network::Network;
use super::values::Values;

/// A workload with every value resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Short name, `[a-z0-9-]+`. It becomes the name of the result folder.
    pub name: String,
    /// One sentence that explains why this workload exists.
    pub why: String,
    /// Name of the protocol.
    #[serde(default = "of_old")]
    pub protocol: String,
    /// Seed of every random choice.
    pub seed: u64,
    /// The shape of a bundled or local ensemble.
    pub target: TargetShape,
    /// Data that is created before the load starts.
    pub prepare: Prepare,
    /// Sessions, arrivals and durations.
    pub load: LoadPlan,
    /// The operations with their weights. The index of an operation identifies it everywhere else.
    pub ops: Vec<OpPlan>,
    /// Planned faults. The index of a fault identifies it everywhere else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// Conditions the run must meet.
    pub gates: Gates,
}

/// The protocol of a workload that names none, and of plans from versions without the key.
pub(super) const DEFAULT_PROTOCOL: &str = "zookeeper";

fn of_old() -> String {
    DEFAULT_PROTOCOL.to_owned()
}

/// The shape of an ensemble that Quorate starts. A live ensemble is used as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetShape {
    /// Servers that vote.
    pub voters: u16,
    /// Servers that follow the log and serve reads without a vote.
    pub observers: u16,
    /// Whether the servers sync their log before they acknowledge (`forceSync`).
    pub fsync: bool,
    /// A server's unit of time.
    pub tick_time_ms: u64,
    /// Ticks within which a server must join its leader.
    pub init_limit: u32,
    /// Ticks by which a server may lag behind its leader.
    pub sync_limit: u32,
    /// Heap of a local server that runs on Java, MiB (`-Xmx`).
    pub heap_mib: u32,
    /// Further options of the Java virtual machine of a local server, separated by blanks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jvm_flags: Option<String>,
    /// Share of one core that each server may use during the load. `None` sets no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<f64>,
    /// The network between the servers. `None` connects them directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
}

impl Default for TargetShape {
    /// The shape for a workload file without `[target]`.
    fn default() -> Self {
        Self {
            voters: 3,
            observers: 0,
            fsync: true,
            tick_time_ms: 2_000,
            init_limit: 10,
            sync_limit: 5,
            heap_mib: 512,
            jvm_flags: None,
            cpu: None,
            network: None,
        }
    }
}

/// Data that is created before the load starts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prepare {
    /// Whether the data stays after the run.
    pub keep: bool,
    /// Values that the protocol defines.
    #[serde(flatten)]
    pub own: Values,
}

/// Sessions, arrivals and durations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadPlan {
    /// Client sessions. Each has its own connection.
    pub sessions: u32,
    /// Driver threads. The sessions are distributed over them.
    pub threads: u32,
    pub arrival: Arrival,
    /// Length of the load before the measured phase.
    pub warm_up_ms: u64,
    /// Length of the measured phase.
    pub duration_ms: u64,
    /// How long replies are awaited after the measured phase.
    pub drain_ms: u64,
    /// How often the measured run is repeated against the same deployment. Each repetition has its
    /// own names and random choices.
    pub repeats: u32,
    /// Length of a recording interval.
    pub interval_ms: u64,
    /// Session timeout that sessions request.
    pub session_timeout_ms: u64,
    /// An operation without a reply for this long is recorded as timed out, with its full age.
    pub operation_timeout_ms: u64,
    /// Which servers the sessions attach to.
    pub attach: Attach,
    /// How a lost session reconnects.
    #[serde(default)]
    pub reconnect: Reconnect,
    /// Whether every acknowledged write is read back after the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verify: bool,
}

/// How operations arrive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "loop", rename_all = "snake_case")]
pub enum Arrival {
    /// Open loop: operations start on an absolute schedule and do not wait for replies.
    Open {
        /// Rate over time for all sessions together. The last phase's end rate holds to the end.
        /// The phases cover the measured duration, and the warm-up runs at the first phase's start
        /// rate.
        phases: Vec<RatePhase>,
        /// Maximum number of operations in flight per session. At the maximum an operation waits,
        /// and the time counts as blocked by the target.
        in_flight_cap: u32,
        /// How operations are distributed over time. In results without this value the spacing is
        /// even.
        #[serde(default = "Spacing::of_old")]
        spacing: Spacing,
    },
    /// Closed loop: each session keeps this many operations in flight.
    Closed {
        /// Operations in flight per session.
        in_flight: u32,
    },
}

/// How the operations of an open loop are distributed over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// Every session is a Poisson process of its own, like independent users. Operations come in
    /// bursts and overlap.
    Poisson,
    /// All sessions together issue operations at equal distances.
    Even,
}

impl Spacing {
    pub const ALL: [Self; 2] = [Self::Poisson, Self::Even];

    /// The word in workload files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Poisson => "poisson",
            Self::Even => "even",
        }
    }

    const fn of_old() -> Self {
        Self::Even
    }
}

/// How a session that lost its connection reconnects.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reconnect {
    /// Upper bound of the first wait, in milliseconds.
    pub first_ms: u64,
    /// Upper bound of every wait, in milliseconds.
    pub max_ms: u64,
    /// Factor by which each wait is longer than the one before.
    pub growth: f64,
    /// Share of a wait that is random, 0 to 1.
    pub jitter: f64,
}

impl Default for Reconnect {
    /// The values of a workload file without `load.reconnect`, and of all results of schema 1.
    fn default() -> Self {
        Self {
            first_ms: 25,
            max_ms: 1_000,
            growth: 2.0,
            jitter: 0.5,
        }
    }
}

/// A period with a constant or linearly changing rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RatePhase {
    pub duration_ms: u64,
    /// Operations per second at its start.
    pub from_per_s: f64,
    /// Operations per second at its end, equal to the start in a step.
    pub to_per_s: f64,
}

/// Which servers sessions attach to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attach {
    /// Round robin over all servers.
    Spread,
    /// The leader only.
    Leader,
    /// Round robin over the followers.
    Followers,
    /// Round robin over the observers.
    Observers,
    /// Round robin over the leader and the followers.
    Voters,
}

/// One line of the operation mix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpPlan {
    /// Unique name in results. It is the kind's name unless the file sets another.
    pub label: String,
    /// Name of the kind in the protocol.
    pub kind: String,
    /// Relative frequency. It is 0 only for an operation that another one implies.
    pub weight: u32,
    /// Data size, if the operation carries data.
    pub size: SizeChoice,
    /// Choice of keys among the prepared data.
    pub keys: KeyChoice,
    /// Whether the operation changes data on the target. Older results do not contain it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writes: Option<bool>,
    /// Values that the protocol defines.
    #[serde(flatten)]
    pub own: Values,
}

impl Plan {
    /// Returns the seed of run number `run` (from 0). Random choices differ between runs and are
    /// the same on every target.
    #[must_use]
    pub fn run_seed(&self, run: u32) -> u64 {
        // The increment of SplitMix64, so that the seeds of neighbouring runs have few bits in
        // common.
        self.seed
            .wrapping_add(u64::from(run).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

impl Attach {
    pub const ALL: [Self; 5] = [
        Self::Spread,
        Self::Leader,
        Self::Followers,
        Self::Observers,
        Self::Voters,
    ];

    /// The word in workload files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spread => "spread",
            Self::Leader => "leader",
            Self::Followers => "followers",
            Self::Observers => "observers",
            Self::Voters => "voters",
        }
    }

    /// Returns the number of servers of an ensemble that sessions attach to.
    #[must_use]
    pub const fn servers(self, shape: &TargetShape) -> u16 {
        match self {
            Self::Spread => shape.voters + shape.observers,
            Self::Leader => 1,
            // A single server is neither leader nor follower.
            Self::Followers => shape.voters.saturating_sub(1),
            Self::Observers => shape.observers,
            Self::Voters => shape.voters,
        }
    }
}

/// Kinds that change data on the target, for results that do not contain the flag.
const WRITES_OF_OLD: [&str; 5] = ["create", "set", "delete", "multi", "session"];

impl OpPlan {
    /// Whether the operation changes data on the target.
    #[must_use]
    pub fn is_write(&self) -> bool {
        self.writes
            .unwrap_or_else(|| WRITES_OF_OLD.contains(&self.kind.as_str()))
    }

    /// Whether another operation implies this one. It has no table in the workload file then, and a
    /// dot in its label.
    #[must_use]
    pub fn is_implicit(&self) -> bool {
        self.label.contains('.')
    }
}

impl SizeChoice {
    /// Returns the largest size of the choice.
    #[must_use]
    pub fn max_bytes(&self) -> u32 {
        match self {
            Self::Fixed(size) | Self::Uniform(_, size) => *size,
            Self::OneOf(sizes) => sizes.iter().copied().max().unwrap_or(0),
        }
    }
}

/// Data sizes in bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SizeChoice {
    /// Always the same size.
    Fixed(u32),
    /// Uniform between both ends, inclusive.
    Uniform(u32, u32),
    /// One of these sizes, with equal probability.
    OneOf(Vec<u32>),
}

/// How a key is chosen among the prepared data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyChoice {
    /// All keys with equal probability.
    Uniform,
    /// Zipf distribution with this exponent, in which a few keys are frequent.
    Zipf(f64),
    /// In order, per session.
    Sequential,
    /// Each session has its own range of keys and chooses uniformly in it.
    PerSession,
}

/// Conditions that decide the exit status. A missing condition is not checked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gates {
    /// Maximum of the median response time over all operations, in milliseconds.
    pub p50_ms: Option<f64>,
    /// Maximum of the 90th percentile. Older results do not contain this condition or the next.
    #[serde(default)]
    pub p90_ms: Option<f64>,
    /// Maximum of the 95th percentile.
    #[serde(default)]
    pub p95_ms: Option<f64>,
    /// Maximum of the 99th percentile.
    pub p99_ms: Option<f64>,
    /// Maximum of the 99.9th percentile.
    pub p999_ms: Option<f64>,
    /// Maximum of the largest response time.
    pub max_ms: Option<f64>,
    /// Maximum of the 99th percentile of how late the generator was. Older results do not contain
    /// it.
    #[serde(default)]
    pub late_p99_ms: Option<f64>,
    /// Maximum of (errors + timed out + unknown) / all.
    pub error_ratio: Option<f64>,
    /// Minimum of the acknowledged operations per second.
    pub throughput_per_s: Option<f64>,
    /// Maximum of the acknowledged writes that were lost. It applies to all operations together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
    /// The same conditions for single operations, by label. Only one level is allowed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ops: BTreeMap<String, Self>,
}
