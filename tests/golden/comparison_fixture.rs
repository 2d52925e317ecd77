//! Hand-made results for comparisons, the same on every machine: rounds of a mixed open loop and of
//! a closed loop of writes.

use quorate::measure::{
    DiskState, DriverThread, Layout, Outcome, Recorder, Recording, Sample, ServerRun,
};
use quorate::protocol::zookeeper::{OpKind, OpValues, TreePlan};
use quorate::result::{Environment, RunResult, Server, Target, Tool};
use quorate::workload::{
    Arrival, Attach, Gates, KeyChoice, LoadPlan, OpPlan, Plan, Prepare, RatePhase, Reconnect,
    SizeChoice, Spacing, TargetShape,
};

const SECONDS: i64 = 4;
/// Operations per second. Every eleventh is a write, so there are enough reads for a p99.9 but too
/// few writes.
const PER_SECOND: i64 = 3_000;
/// Time between the starts of two rounds.
const ROUND_MS: u64 = 90_000;

/// What differs between the sides.
#[derive(Clone, Copy)]
pub(crate) struct Making {
    /// The target as given by the user.
    pub spec: &'static str,
    pub version: &'static str,
    /// Folder of the result.
    pub folder: &'static str,
    /// Number of measured rounds.
    pub rounds: u32,
    /// Response times of reads, in per mille of those of the usual side.
    pub reads: i64,
    /// The same for writes.
    pub writes: i64,
}

/// The usual side.
pub(crate) const BUNDLED: Making = Making {
    spec: "bundled",
    version: "0.1.0",
    folder: "results/compare-mixed/1-bundled",
    rounds: 8,
    reads: 1_000,
    writes: 1_000,
};

/// A side with slower writes and nearly equal reads.
pub(crate) const ZOOKEEPER: Making = Making {
    spec: "zookeeper",
    version: "3.9.5",
    folder: "results/compare-mixed/2-zookeeper",
    rounds: 8,
    reads: 1_010,
    writes: 2_400,
};

/// A result of rounds of the open loop.
pub(crate) fn open(making: Making) -> RunResult {
    result(making, plan(), |_| {})
}

/// A result of rounds of the closed loop that starts `later_ms` later.
pub(crate) fn closed(making: Making, later_ms: u64) -> RunResult {
    let mut plan = plan();
    plan.name = "write-saturation".into();
    plan.ops.remove(0);
    plan.load.arrival = Arrival::Closed { in_flight: 4 };
    result(making, plan, |run| run.started_unix_ms += later_ms)
}

fn result(making: Making, plan: Plan, change: impl Fn(&mut Recording)) -> RunResult {
    let runs = (0..making.rounds).map(|round| {
        let mut run = recording(making, &plan, round);
        change(&mut run);
        run
    });
    let runs = runs.collect();
    let mut result = RunResult::new(environment(), target(making), plan, runs);
    // Fix the version, which would change the golden files.
    result.tool = Tool {
        name: "quorate".into(),
        version: "0.1.0".into(),
        commit: Some("0123456".into()),
    };
    result.path = Some(format!("{}/result.json", making.folder).into());
    result
}

fn plan() -> Plan {
    Plan {
        protocol: "zookeeper".to_owned(),
        name: "mixed".into(),
        why: "Ten reads to a write: what a configuration store sees.".into(),
        seed: 7,
        target: TargetShape::default(),
        prepare: Prepare {
            keep: false,
            own: TreePlan {
                znodes: 1_000,
                size: SizeChoice::Fixed(100),
                per_parent: 1_000,
                chroot: "/quorate".into(),
            }
            .into(),
        },
        load: LoadPlan {
            sessions: 16,
            threads: 1,
            arrival: Arrival::Open {
                phases: vec![RatePhase {
                    duration_ms: 4_000,
                    from_per_s: 3_000.0,
                    to_per_s: 3_000.0,
                }],
                in_flight_cap: 1_000,
                spacing: Spacing::Even,
            },
            warm_up_ms: 1_000,
            duration_ms: 4_000,
            drain_ms: 5_000,
            repeats: 8,
            interval_ms: 1_000,
            session_timeout_ms: 10_000,
            operation_timeout_ms: 10_000,
            attach: Attach::Spread,
            reconnect: Reconnect::default(),
            verify: false,
        },
        ops: vec![op(OpKind::Get, "get", 10), op(OpKind::Set, "set", 1)],
        faults: Vec::new(),
        gates: Gates::default(),
    }
}

fn op(kind: OpKind, label: &str, weight: u32) -> OpPlan {
    OpPlan {
        label: label.into(),
        kind: kind.name().into(),
        weight,
        size: SizeChoice::Fixed(match kind {
            OpKind::Create | OpKind::Set | OpKind::Multi => 100,
            _ => 0,
        }),
        keys: KeyChoice::Uniform,
        writes: None,
        own: OpValues::default().into(),
    }
}

fn recording(making: Making, plan: &Plan, round: u32) -> Recording {
    let candidate = u64::from(making.spec != BUNDLED.spec);
    let mut recording = Recording {
        number: round,
        // The side that goes first changes from round to round.
        started_unix_ms: 1_764_000_000_000
            + u64::from(round) * ROUND_MS
            + (u64::from(round) + candidate) % 2 * (ROUND_MS / 2),
        interval_ms: 1_000,
        measured_s: 4.0,
        driver: vec![DriverThread {
            busy: 0.12,
            waiting: Some(0.001),
            ..DriverThread::default()
        }],
        stolen: Some(0.0),
        disk: Some(DiskState {
            baseline_us: 310.0,
            before_us: 320.0,
            waited_s: 0.5,
            settled: true,
        }),
        servers: (1..=3).map(server_run).collect(),
        ..Recording::default()
    };
    record(&mut recording, making, plan, round);
    recording
}

fn server_run(number: u16) -> ServerRun {
    ServerRun {
        address: format!("127.0.0.1:{}", 2_180 + number),
        mode: Some(if number == 3 { "leader" } else { "follower" }.into()),
        ..ServerRun::default()
    }
}

fn record(recording: &mut Recording, making: Making, plan: &Plan, round: u32) {
    let layout = Layout {
        interval_ns: 1_000_000_000,
        measured_ns: SECONDS * 1_000_000_000,
        drain_ns: 5_000_000_000,
    };
    let mut recorder = Recorder::new(plan.ops.len(), 3, layout);
    let mut samples: Vec<Sample> = (0..SECONDS * PER_SECOND)
        .filter_map(|i| sample(i, making, plan, round))
        .collect();
    samples.sort_by_key(|sample| sample.done_ns);
    let mut interval = 0;
    for sample in &samples {
        let current = sample.done_ns / 1_000_000_000;
        if current != interval {
            interval = current;
            let parts = recorder.take(current).intervals;
            parts.into_iter().for_each(|part| recording.add(part));
        }
        recorder.record(sample);
    }
    let parts = recorder.take(interval + 1).intervals;
    parts.into_iter().for_each(|part| recording.add(part));
    recording.add_whole(&recorder.finish());
}

/// Response times around 0.4 ms (reads) and 1.3 ms (writes) with a tail. Rounds differ by a few per
/// cent, equally for both sides, and each run has its own noise. In a closed loop, longer response
/// times mean fewer operations.
fn sample(i: i64, making: Making, plan: &Plan, round: u32) -> Option<Sample> {
    let is_write = i % 11 == 10;
    let only_writes = plan.ops.len() == 1;
    let side = if making.spec == BUNDLED.spec { 1 } else { 2 };
    let round = i64::from(round);
    let mixed = (i * 7_919 + round * 104_729 + side * 15_485_863).rem_euclid(1_000);
    let of_round = 1_000 + (round * 37).rem_euclid(60);
    let of_run = 1_000 + (round * 2_311 * side + 5 * side).rem_euclid(13);
    let (base_us, level) = if is_write || only_writes {
        (1_100, making.writes)
    } else {
        (350, making.reads)
    };
    let tail_us = 20_000 / (1_001 - mixed);
    let response_us =
        (base_us + mixed / 4 + tail_us) * level / 1_000 * of_round / 1_000 * of_run / 1_000;
    if only_writes && i * (response_us - tail_us) / 1_350 > SECONDS * PER_SECOND {
        return None;
    }
    let intended_ns = i * 1_000_000_000 / PER_SECOND;
    Some(Sample {
        op: usize::from(is_write && !only_writes),
        server: usize::try_from(i % 3).ok(),
        intended_ns,
        ready_ns: Some(intended_ns),
        sent_ns: Some(intended_ns + 4_000),
        done_ns: intended_ns + response_us * 1_000,
        outcome: Outcome::Ok,
    })
}

fn target(making: Making) -> Target {
    let server = |number: u16| Server {
        address: format!("127.0.0.1:{}", 2_180 + number),
        role: Some("voter".into()),
        version: Some(making.version.into()),
        ..Server::default()
    };
    Target {
        spec: making.spec.into(),
        server_version: Some(making.version.into()),
        leader: Some("127.0.0.1:2183".into()),
        servers: (1..=3).map(server).collect(),
        ..Target::default()
    }
}

fn environment() -> Environment {
    Environment {
        hostname: Some("bench".into()),
        cpu_model: Some("Example CPU @ 2.00GHz".into()),
        cores: Some(4),
        ..Environment::default()
    }
}
