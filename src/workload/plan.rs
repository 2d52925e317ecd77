//! The plan: a workload with every default filled in and every random choice fixed by a seed.
//!
//! No later stage consults a default, a flag or the environment: the same plan issues the same
//! operations. The plan is stored inside the result file, so a result can be run again.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::values::Values;

/// A workload, fully resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Short name, `[a-z0-9-]+`; names the result folder.
    pub name: String,
    /// One sentence: why this workload exists.
    pub why: String,
    /// The protocol in which the target is asked.
    #[serde(default = "of_old")]
    pub protocol: String,
    /// Seed of every random choice.
    pub seed: u64,
    /// The shape of a bundled or local ensemble.
    pub target: TargetShape,
    /// What is created before the load starts.
    pub prepare: Prepare,
    /// Who issues, when, for how long.
    pub load: LoadPlan,
    /// The operations with their weights; an operation's index here is its id everywhere else.
    pub ops: Vec<OpPlan>,
    /// Conditions the run must meet.
    pub gates: Gates,
}

/// The protocol of a workload that names none, and of plans from before there was a choice.
pub(super) const DEFAULT_PROTOCOL: &str = "zookeeper";

fn of_old() -> String {
    DEFAULT_PROTOCOL.to_owned()
}

/// The shape of an ensemble that Quorate starts itself; a live one is taken as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetShape {
    /// Servers that vote.
    pub voters: u16,
    /// Servers that only follow the log and serve reads.
    pub observers: u16,
    /// Whether the servers sync their log before they acknowledge (`forceSync`).
    pub fsync: bool,
    /// A server's unit of time.
    pub tick_time_ms: u64,
    /// Ticks in which a server must have joined its leader.
    pub init_limit: u32,
    /// Ticks by which a server may lag behind its leader.
    pub sync_limit: u32,
    /// Heap of a local server that runs on Java, MiB (`-Xmx`).
    pub heap_mib: u32,
}

impl Default for TargetShape {
    /// What a workload file that says nothing about its target means.
    fn default() -> Self {
        Self {
            voters: 3,
            observers: 0,
            fsync: true,
            tick_time_ms: 2_000,
            init_limit: 10,
            sync_limit: 5,
            heap_mib: 512,
        }
    }
}

/// What is created before the load starts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prepare {
    /// Leave behind what was created.
    pub keep: bool,
    /// What the protocol knows of it.
    #[serde(flatten)]
    pub own: Values,
}

/// Who issues, when, for how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadPlan {
    /// Client sessions, each its own connection.
    pub sessions: u32,
    /// Driver threads the sessions are spread over.
    pub threads: u32,
    /// Open or closed loop.
    pub arrival: Arrival,
    /// Load before the measured phase, not measured.
    pub warm_up_ms: u64,
    /// The measured phase.
    pub duration_ms: u64,
    /// How long after the end replies are still awaited.
    pub drain_ms: u64,
    /// How often the measured run is repeated against the same deployment. Each repeat has names and
    /// random choices of its own.
    pub repeats: u32,
    /// Length of a recording interval.
    pub interval_ms: u64,
    /// Session timeout asked of the server.
    pub session_timeout_ms: u64,
    /// An operation without a reply for this long is recorded as timed out at its full age.
    pub operation_timeout_ms: u64,
    /// Which servers the sessions attach to.
    pub attach: Attach,
    /// How a lost session comes back.
    #[serde(default)]
    pub reconnect: Reconnect,
}

/// How operations arrive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "loop", rename_all = "snake_case")]
pub enum Arrival {
    /// Open loop: operations start on an absolute schedule whatever the replies do.
    Open {
        /// Rate over time, all sessions together; the last phase's end rate holds to the end.
        /// Phases cover the measured duration; the warm-up runs at the first phase's start rate.
        phases: Vec<RatePhase>,
        /// At most this many operations in flight per session; beyond it an operation waits, blocked by
        /// the target.
        in_flight_cap: u32,
        /// How operations are spread over time. Results from before there was a choice were even.
        #[serde(default = "Spacing::of_old")]
        spacing: Spacing,
    },
    /// Closed loop: each session keeps this many operations in flight.
    Closed {
        /// Operations in flight per session.
        in_flight: u32,
    },
}

/// How the operations of an open loop are spread over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// Every session is a Poisson process of its own: independent users. Operations come in bursts and
    /// meet each other.
    Poisson,
    /// All sessions together make a comb with equal distances.
    Even,
}

impl Spacing {
    /// Every variant.
    pub const ALL: [Self; 2] = [Self::Poisson, Self::Even];

    /// The word for it in workload files.
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

/// How a session that lost its connection comes back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reconnect {
    /// Longest wait before the first attempt, milliseconds.
    pub first_ms: u64,
    /// Longest wait, milliseconds.
    pub max_ms: u64,
    /// By how much each wait is longer than the one before.
    pub growth: f64,
    /// Share of a wait that is random, 0 to 1.
    pub jitter: f64,
}

impl Default for Reconnect {
    /// What a workload file that says nothing means, and what results of schema 1 were made with.
    fn default() -> Self {
        Self {
            first_ms: 25,
            max_ms: 1_000,
            growth: 2.0,
            jitter: 0.5,
        }
    }
}

/// A stretch of time with a constant or linearly changing rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RatePhase {
    /// Length of the phase.
    pub duration_ms: u64,
    /// Operations per second at its start.
    pub from_per_s: f64,
    /// Operations per second at its end; equal for a step.
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
}

/// One line of the operation mix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpPlan {
    /// Name in results; unique; the kind's name unless the file says otherwise.
    pub label: String,
    /// Kind of operation, by the protocol's name for it.
    pub kind: String,
    /// Relative frequency; 0 only for an operation that another one implies.
    pub weight: u32,
    /// Data size, of an operation that carries data.
    pub size: SizeChoice,
    /// Choice among what was prepared.
    pub keys: KeyChoice,
    /// Whether it changes what the target holds. Older results do not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writes: Option<bool>,
    /// What the protocol knows of it.
    #[serde(flatten)]
    pub own: Values,
}

impl Plan {
    /// The seed of run number `run` (from 0): every run makes other random choices, the same on every
    /// target.
    #[must_use]
    pub fn run_seed(&self, run: u32) -> u64 {
        // The increment of SplitMix64: neighbouring runs share no bits to speak of.
        self.seed
            .wrapping_add(u64::from(run).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

impl Attach {
    /// Every variant.
    pub const ALL: [Self; 4] = [Self::Spread, Self::Leader, Self::Followers, Self::Observers];

    /// The word for it in workload files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spread => "spread",
            Self::Leader => "leader",
            Self::Followers => "followers",
            Self::Observers => "observers",
        }
    }
}

/// Kinds that change what the target holds, in results that do not say it.
const WRITES_OF_OLD: [&str; 5] = ["create", "set", "delete", "multi", "session"];

impl OpPlan {
    /// Whether it changes what the target holds.
    #[must_use]
    pub fn is_write(&self) -> bool {
        self.writes
            .unwrap_or_else(|| WRITES_OF_OLD.contains(&self.kind.as_str()))
    }

    /// Whether another operation implies this one, which is then no line of the workload file: labels in
    /// files have no dots.
    #[must_use]
    pub fn is_implicit(&self) -> bool {
        self.label.contains('.')
    }
}

impl SizeChoice {
    /// The largest size it can give.
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
    /// Always this many.
    Fixed(u32),
    /// Uniform between both ends, inclusive.
    Uniform(u32, u32),
    /// One of these, equally likely.
    OneOf(Vec<u32>),
}

/// How a key is chosen among what was prepared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyChoice {
    /// All equally likely.
    Uniform,
    /// Zipf with this exponent; a few keys are hot.
    Zipf(f64),
    /// One after the other, per session.
    Sequential,
    /// Each session has its own slice of the keys and chooses uniformly in it.
    PerSession,
}

/// Conditions that decide the exit status; absent means not asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gates {
    /// Median response time over all operations, at most, milliseconds.
    pub p50_ms: Option<f64>,
    /// 90th percentile. Older results do not have it, nor the next.
    #[serde(default)]
    pub p90_ms: Option<f64>,
    /// 95th percentile.
    #[serde(default)]
    pub p95_ms: Option<f64>,
    /// 99th percentile.
    pub p99_ms: Option<f64>,
    /// 99.9th percentile.
    pub p999_ms: Option<f64>,
    /// Largest response time.
    pub max_ms: Option<f64>,
    /// 99th percentile of how late the generator was. Older results do not have it.
    #[serde(default)]
    pub late_p99_ms: Option<f64>,
    /// (errors + timed out + unknown) / all, at most.
    pub error_ratio: Option<f64>,
    /// Acknowledged operations per second, at least.
    pub throughput_per_s: Option<f64>,
    /// The same for single operations, by label; they have no further ones.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ops: BTreeMap<String, Self>,
}
