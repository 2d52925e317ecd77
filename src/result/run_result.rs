//! A result as the program uses it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::path::PathBuf;

use super::gate::GateOutcome;
use super::machine::Environment;
use super::schema::SCHEMA_VERSION;
use super::target::Target;
use super::tool::Tool;
use super::verdict::{Verdict, judge};
use crate::measure::{OpRecord, Recording};
use crate::workload::Plan;

/// All runs of one plan against one target.
#[derive(Clone, Debug, PartialEq)]
pub struct RunResult {
    /// Schema version of the file that the result was read from. Figures of schema 1 have other
    /// meanings; see `docs/RESULTS.md`.
    pub schema: u64,
    pub tool: Tool,
    /// The machine that measured. A local target ran on it too.
    pub environment: Environment,
    pub target: Target,
    pub plan: Plan,
    /// One recording per repeat.
    pub runs: Vec<Recording>,
    /// Whether the generator did its part. If not, the figures do not describe the target.
    pub verdict: Verdict,
    /// What the target did, one sentence each.
    pub findings: Vec<String>,
    /// The limits of the plan and whether they were met.
    pub gates: Vec<GateOutcome>,
    /// What a reader should know before using the figures, one sentence each.
    pub warnings: Vec<String>,
    /// Path of the result file. It is not stored in the file; reading and writing set it.
    pub path: Option<PathBuf>,
}

impl RunResult {
    /// Creates a result and judges it.
    #[must_use]
    pub fn new(
        environment: Environment,
        target: Target,
        plan: Plan,
        mut runs: Vec<Recording>,
    ) -> Self {
        runs.iter_mut().for_each(Recording::find_gaps);
        let judgement = judge(&plan, &runs, &environment, &target);
        Self {
            schema: SCHEMA_VERSION,
            tool: Tool::this_build(),
            environment,
            target,
            plan,
            runs,
            verdict: judgement.verdict,
            findings: judgement.findings,
            gates: judgement.gates,
            warnings: judgement.warnings,
            path: None,
        }
    }

    #[must_use]
    pub fn gates_passed(&self) -> bool {
        self.gates.iter().all(|gate| gate.passed)
    }

    /// Returns all runs merged, per operation of the plan.
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

    /// Returns the acknowledged operations in the measured phases of all runs, per operation of the
    /// plan.
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

    /// Returns the total length of the measured phases of all runs in seconds.
    #[must_use]
    pub fn measured_s(&self) -> f64 {
        self.runs.iter().map(|run| run.measured_s).sum()
    }
}

/// A small deterministic result for tests in this module and in `report`.
#[cfg(test)]
pub(crate) mod example {
    use super::*;
    use crate::measure::{
        DriverThread, ErrorNames, Event, EventKind, Layout, Outcome, Recorder, Sample, ServerRun,
    };
    use crate::result::{FsyncLatency, Server};
    use crate::workload::{
        Arrival, Attach, Gates, KeyChoice, LoadPlan, OpPlan, Prepare, RatePhase, Reconnect,
        SizeChoice, Spacing, TargetShape, Values,
    };

    pub(crate) fn plan() -> Plan {
        Plan {
            protocol: "zookeeper".to_owned(),
            name: "write-latency".into(),
            why: "A lone writer pays one quorum round trip and one fsync.".into(),
            seed: 7,
            target: TargetShape {
                voters: 3,
                ..TargetShape::default()
            },
            prepare: Prepare {
                keep: false,
                own: Values::default()
                    .with("znodes", 1_000_u64)
                    .with("size", SizeChoice::Fixed(100)),
            },
            load: LoadPlan {
                sessions: 15,
                threads: 1,
                arrival: Arrival::Open {
                    phases: vec![RatePhase {
                        duration_ms: 2_000,
                        from_per_s: 1_000.0,
                        to_per_s: 1_000.0,
                    }],
                    in_flight_cap: 1_000,
                    spacing: Spacing::Even,
                },
                warm_up_ms: 1_000,
                duration_ms: 2_000,
                drain_ms: 5_000,
                repeats: 1,
                interval_ms: 1_000,
                session_timeout_ms: 10_000,
                operation_timeout_ms: 10_000,
                attach: Attach::Spread,
                reconnect: Reconnect::default(),
                verify: false,
            },
            ops: vec![OpPlan {
                label: "set".into(),
                kind: "set".into(),
                weight: 1,
                size: SizeChoice::Fixed(100),
                keys: KeyChoice::Uniform,
                writes: None,
                own: Values::default(),
            }],
            faults: Vec::new(),
            gates: Gates::default(),
        }
    }

    /// Creates a recorder for the example's plan.
    pub(crate) fn recorder() -> Recorder {
        Recorder::new(
            1,
            3,
            Layout {
                interval_ns: 1_000_000_000,
                measured_ns: 2_000_000_000,
                drain_ns: 5_000_000_000,
            },
        )
        .with_writes([true])
    }

    /// An operation intended `index` milliseconds into the run at server `index % 3` and sent 10 µs
    /// later.
    pub(crate) fn sample(index: i64, response_ns: i64, outcome: Outcome) -> Sample {
        let intended_ns = index * 1_000_000;
        Sample {
            op: 0,
            server: usize::try_from(index % 3).ok(),
            intended_ns,
            ready_ns: Some(intended_ns),
            sent_ns: Some(intended_ns + 10_000),
            done_ns: intended_ns + response_ns,
            outcome,
        }
    }

    /// Records `samples` as one worker does, in the order in which they were done.
    pub(crate) fn record(recording: &mut Recording, samples: &[Sample]) {
        let mut recorder = recorder();
        recorder.error("ConnectionLoss");
        let mut interval = -1;
        for sample in samples {
            let current = sample.done_ns.div_euclid(1_000_000_000);
            if current != interval {
                interval = current;
                for part in recorder.take(current).intervals {
                    recording.add(part);
                }
            }
            recorder.record(sample);
        }
        for part in recorder.take(interval + 1).intervals {
            recording.add(part);
        }
        recording.add_whole(&recorder.finish());
        recording.timeline.trim();
    }

    /// Two seconds at 1,000 operations/s. Response times are `1 ms + i µs`; each operation is 10 µs
    /// late.
    pub(crate) fn recording() -> Recording {
        let mut recording = Recording {
            started_unix_ms: 1_764_000_000_000,
            interval_ms: 1_000,
            measured_s: 2.0,
            driver: vec![DriverThread {
                busy: 0.12,
                waiting: Some(0.001),
                nice: 0,
            }],
            stolen: Some(0.0),
            servers: ["follower", "follower", "leader"]
                .into_iter()
                .zip(1..)
                .map(|(mode, number)| ServerRun {
                    address: format!("127.0.0.1:218{number}"),
                    mode: Some(mode.to_owned()),
                    cpu_s: Some(0.1),
                    disk_written_bytes: Some(1 << 20),
                    ..ServerRun::default()
                })
                .collect(),
            ..Recording::default()
        };
        let samples: Vec<Sample> = (0..2_000)
            .map(|i| {
                // Let the last operation finish within the measured phase.
                let response_ns = if i == 1_999 {
                    900_000
                } else {
                    1_000_000 + i % 1_000 * 1_000
                };
                sample(
                    i,
                    response_ns.min(2_000_000_000 - i * 1_000_000 - 1),
                    Outcome::Ok,
                )
            })
            .collect();
        let mut by_done = samples;
        by_done.sort_by_key(|sample| sample.done_ns);
        record(&mut recording, &by_done);
        recording
    }

    /// Like [`recording`], but two operations were not acknowledged because a connection broke.
    pub(crate) fn bumpy_recording() -> Recording {
        let mut recording = recording();
        let lost = [
            Outcome::Unknown,
            Outcome::Error(ErrorNames::default().intern("ConnectionLoss")),
        ];
        let samples = lost.map(|outcome| sample(1_200, 40_000_000, outcome));
        record(&mut recording, &samples);
        recording.reconnects = 1;
        recording.note(Event {
            at_ns: 1_200_000_000,
            kind: EventKind::SessionLost {
                session: 3,
                server: "127.0.0.1:2181".into(),
                cause: "connection reset".into(),
                in_flight: 2,
            },
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
            proxied: None,
            servers: (1..=3)
                .map(|i| Server {
                    address: format!("127.0.0.1:218{i}"),
                    role: Some("voter".into()),
                    version: Some("0.1.0".into()),
                    mode: Some(if i == 3 { "leader" } else { "follower" }.into()),
                    ..Server::default()
                })
                .collect(),
            ..Target::default()
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

    /// The environment with the given resolution.
    pub(crate) fn calibrated(response_p50_us: f64, response_p99_us: f64) -> Environment {
        Environment {
            calibration: Some(serde_json::json!({"resolution": {
                "response_p50_us": response_p50_us, "response_p99_us": response_p99_us,
            }})),
            ..environment()
        }
    }

    pub(crate) fn result() -> RunResult {
        RunResult::new(environment(), target(), plan(), vec![recording()])
    }
}
