//! The working type of a result: what ran, where, against what, and what was measured.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::gate::GateOutcome;
use super::verdict::{Verdict, judge};
use crate::measure::{OpRecord, Recording};
use crate::workload::Plan;

/// One result: every run of one plan against one deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct RunResult {
    /// What measured.
    pub tool: Tool,
    /// The machine that measured (and, for a local target, that was measured).
    pub environment: Environment,
    /// What was measured, as it describes itself.
    pub target: Target,
    /// What was asked, complete.
    pub plan: Plan,
    /// What was measured, one per repeat.
    pub runs: Vec<Recording>,
    /// Whether the figures mean what they say.
    pub verdict: Verdict,
    /// The conditions that the plan set, and whether they were met.
    pub gates: Vec<GateOutcome>,
    /// What a reader should know before believing the figures.
    pub warnings: Vec<String>,
    /// Where the result file lies; not part of it. Set when it is read; the writer sets it itself.
    pub path: Option<PathBuf>,
}

/// What measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// `quorate`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The commit it was built from, where the build knew it.
    pub commit: Option<String>,
}

/// The machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Host name.
    pub hostname: Option<String>,
    /// Model name of the CPU.
    pub cpu_model: Option<String>,
    /// Logical CPUs that this process may use.
    pub cores: Option<u32>,
    /// Kernel name, release and machine.
    pub kernel: Option<String>,
    /// Pretty name of the operating system.
    pub os: Option<String>,
    /// Memory of the machine.
    pub memory_bytes: Option<u64>,
    /// File system of the data directory of a local target: `ext4`.
    pub data_fs_type: Option<String>,
    /// Whether that directory lies in memory, where a sync costs nothing.
    pub on_tmpfs: Option<bool>,
    /// How long a sync takes in that directory.
    pub fsync: Option<FsyncLatency>,
    /// The last calibration of this machine, as `quorate calibrate` wrote it.
    pub calibration: Option<serde_json::Value>,
}

/// Time for writing 1 KiB and syncing it with `fdatasync`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FsyncLatency {
    /// Writes measured.
    pub samples: u32,
    /// Median, microseconds.
    pub p50_us: f64,
    /// 99th percentile, microseconds.
    pub p99_us: f64,
}

/// What was measured, as it describes itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// As asked: `bundled`, `zookeeper`, `zk://h1:2181,h2:2181`.
    pub spec: String,
    /// Version as the servers say it; several ones are joined with a comma.
    pub server_version: Option<String>,
    /// Address of the leader when the load started.
    pub leader: Option<String>,
    /// Directory that a local target keeps its data in.
    pub data_on: Option<String>,
    /// From the start of a local target's first process until its last server served, milliseconds.
    #[serde(default)]
    pub start_ms: Option<f64>,
    /// The members.
    pub servers: Vec<Server>,
}

/// One member of the ensemble.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// `host:port` of its client port.
    pub address: String,
    /// `voter` or `observer`, where known.
    pub role: Option<String>,
    /// Version as it says itself.
    pub version: Option<String>,
    /// `leader`, `follower`, `observer`, `standalone` when the load started.
    pub mode: Option<String>,
    /// Resident memory of a local server before any load, bytes.
    #[serde(default)]
    pub rss_start_bytes: Option<u64>,
    /// Resident memory of a local server after the last run, bytes.
    #[serde(default)]
    pub rss_end_bytes: Option<u64>,
    /// Those of its own counters (`mntr`, without the `zk_`) that changed between the first and the
    /// last run; empty where it offers none.
    #[serde(default)]
    pub counters: BTreeMap<String, CounterChange>,
}

/// A counter of a server, as it says itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CounterChange {
    /// Before the first run.
    pub before: f64,
    /// After the last run.
    pub after: f64,
}

impl Environment {
    /// Operations per second that one driver thread did in the last calibration of this machine,
    /// pipelined and one at a time; `None` if there is no calibration.
    #[must_use]
    pub fn calibrated_rates_per_s(&self) -> Option<[Option<f64>; 2]> {
        let calibration = self.calibration.as_ref()?;
        let rate = |key| calibration.get(key)?.as_f64();
        Some([rate("pipelined_per_s"), rate("single_per_s")])
    }
}

impl Tool {
    /// This build.
    #[must_use]
    pub fn this_build() -> Self {
        Self {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("QUORATE_COMMIT")
                .filter(|commit| !commit.is_empty())
                .map(str::to_owned),
        }
    }
}

impl Target {
    /// Whether Quorate started the servers itself, on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        !self.spec.starts_with("zk://")
    }

    /// Whether all servers are known to share the machine with the driver.
    #[must_use]
    pub fn shares_machine(&self) -> bool {
        let loopback = |address: &str| {
            address.starts_with("127.")
                || address.starts_with("localhost:")
                || address.starts_with("[::1]")
        };
        self.is_local()
            || (!self.servers.is_empty() && self.servers.iter().all(|s| loopback(&s.address)))
    }
}

impl RunResult {
    /// Puts a result together and judges it.
    #[must_use]
    pub fn new(environment: Environment, target: Target, plan: Plan, runs: Vec<Recording>) -> Self {
        let judgement = judge(&plan, &runs, &environment, &target);
        Self {
            tool: Tool::this_build(),
            environment,
            target,
            plan,
            runs,
            verdict: judgement.verdict,
            gates: judgement.gates,
            warnings: judgement.warnings,
            path: None,
        }
    }

    /// Whether the run is valid and every gate was passed: what the exit status tells.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.verdict.is_valid() && self.gates.iter().all(|gate| gate.passed)
    }

    /// Per operation of the plan: all runs merged.
    #[must_use]
    pub fn totals(&self) -> Vec<OpRecord> {
        let mut totals: Vec<OpRecord> = self.plan.ops.iter().map(|_| OpRecord::default()).collect();
        for run in &self.runs {
            for (total, record) in totals.iter_mut().zip(run.totals()) {
                total.merge(&record);
            }
        }
        totals
    }

    /// Per operation of the plan: acknowledged in the measured phases of all runs.
    #[must_use]
    pub fn acknowledged_per_op(&self) -> Vec<u64> {
        let mut counts = vec![0; self.plan.ops.len()];
        for run in &self.runs {
            for (count, of_run) in counts.iter_mut().zip(run.acknowledged_per_op()) {
                *count += of_run;
            }
        }
        counts
    }

    /// Length of the measured phases of all runs together, seconds.
    #[must_use]
    pub fn measured_s(&self) -> f64 {
        self.runs.iter().map(|run| run.measured_s).sum()
    }
}

/// A small deterministic result for tests of this and of the modules above.
#[cfg(test)]
pub(crate) mod example {
    use super::*;
    use crate::measure::{Event, Outcome, Recorder, Sample};
    use crate::workload::{
        Arrival, Attach, Gates, KeyChoice, LoadPlan, OpKind, OpPlan, Prepare, RatePhase,
        SizeChoice, TargetShape,
    };

    pub(crate) fn plan() -> Plan {
        Plan {
            name: "write-latency".into(),
            why: "A lone writer pays one quorum round trip and one fsync.".into(),
            seed: 7,
            target: TargetShape {
                voters: 3,
                ..TargetShape::default()
            },
            prepare: Prepare {
                znodes: 1_000,
                size: SizeChoice::Fixed(100),
                per_parent: 1_000,
                chroot: "/quorate".into(),
                keep: false,
            },
            load: LoadPlan {
                sessions: 16,
                threads: 1,
                arrival: Arrival::Open {
                    phases: vec![RatePhase {
                        duration_ms: 2_000,
                        from_per_s: 1_000.0,
                        to_per_s: 1_000.0,
                    }],
                    in_flight_cap: 1_000,
                },
                warm_up_ms: 1_000,
                duration_ms: 2_000,
                drain_ms: 5_000,
                repeats: 1,
                interval_ms: 1_000,
                session_timeout_ms: 10_000,
                operation_timeout_ms: 10_000,
                attach: Attach::Spread,
            },
            ops: vec![OpPlan {
                label: "set".into(),
                kind: OpKind::Set,
                weight: 1,
                size: SizeChoice::Fixed(100),
                keys: KeyChoice::Uniform,
                ephemeral: false,
                sequential: false,
                keep_count: None,
                batch: 1,
            }],
            gates: Gates::default(),
        }
    }

    /// Two seconds at 1,000/s; response `1 ms + i us`, send delay 10 us.
    pub(crate) fn recording() -> Recording {
        let mut recording = Recording {
            started_unix_ms: 1_764_000_000_000,
            interval_ms: 1_000,
            measured_s: 2.0,
            driver_cpu: vec![0.12],
            stolen: Some(0.0),
            ..Recording::default()
        };
        for index in 0..2 {
            let mut recorder = Recorder::new(1);
            for i in 0..1_000 {
                recorder.record(&Sample {
                    op: 0,
                    intended_ns: 0,
                    sent_ns: Some(10_000),
                    done_ns: 1_000_000 + i * 1_000,
                    outcome: Outcome::Ok,
                });
            }
            recording.add(recorder.take(index));
        }
        recording
    }

    /// As [`recording`], and two operations got no acknowledgement when a connection broke.
    pub(crate) fn bumpy_recording() -> Recording {
        let mut recording = recording();
        let mut recorder = Recorder::new(1);
        for outcome in [Outcome::Unknown, Outcome::Error(-4)] {
            recorder.record(&Sample {
                op: 0,
                intended_ns: 0,
                sent_ns: Some(10_000),
                done_ns: 40_000_000,
                outcome,
            });
        }
        recording.add(recorder.take(1));
        recording.reconnects = 1;
        recording.note(Event {
            at_ms: 1_200,
            text: "session 3 lost 127.0.0.1:2181 (connection reset)".into(),
        });
        recording
    }

    pub(crate) fn target() -> Target {
        Target {
            spec: "bundled".into(),
            server_version: Some("0.1.0".into()),
            leader: Some("127.0.0.1:2183".into()),
            data_on: None,
            start_ms: None,
            servers: (1..=3)
                .map(|i| Server {
                    address: format!("127.0.0.1:218{i}"),
                    role: Some("voter".into()),
                    version: Some("0.1.0".into()),
                    mode: Some(if i == 3 { "leader" } else { "follower" }.into()),
                    ..Server::default()
                })
                .collect(),
        }
    }

    pub(crate) fn environment() -> Environment {
        Environment {
            hostname: Some("bench".into()),
            cpu_model: Some("Example CPU".into()),
            cores: Some(8),
            kernel: Some("Linux 6.1.0 x86_64".into()),
            os: Some("Debian GNU/Linux 12".into()),
            memory_bytes: Some(16 << 30),
            data_fs_type: Some("ext4".into()),
            on_tmpfs: Some(false),
            fsync: Some(FsyncLatency {
                samples: 200,
                p50_us: 310.0,
                p99_us: 820.0,
            }),
            calibration: None,
        }
    }

    pub(crate) fn result() -> RunResult {
        RunResult::new(environment(), target(), plan(), vec![recording()])
    }
}
