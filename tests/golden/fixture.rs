//! A small result made by hand, the same on every machine: two operations, six seconds, one stall
//! with a lost connection in the fourth.

use quorate::measure::{Event, Outcome, Recorder, Recording, Sample};
use quorate::result::{CounterChange, Environment, FsyncLatency, RunResult, Server, Target, Tool};
use quorate::workload::{
    Arrival, Attach, Gates, KeyChoice, LoadPlan, OpKind, OpPlan, Plan, Prepare, RatePhase,
    SizeChoice, TargetShape,
};

const SECONDS: u32 = 6;
const PER_SECOND: i64 = 400;
/// The second in which everything stalls.
const STALL: u32 = 3;

/// The plan of the fixture.
pub(crate) fn plan() -> Plan {
    Plan {
        name: "mixed".into(),
        why: "Ten reads to a write: what a configuration store sees.".into(),
        seed: 7,
        target: TargetShape {
            voters: 3,
            observers: 1,
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
                    duration_ms: 6_000,
                    from_per_s: 400.0,
                    to_per_s: 400.0,
                }],
                in_flight_cap: 1_000,
            },
            warm_up_ms: 1_000,
            duration_ms: 6_000,
            drain_ms: 5_000,
            repeats: 1,
            interval_ms: 1_000,
            session_timeout_ms: 10_000,
            operation_timeout_ms: 10_000,
            attach: Attach::Spread,
        },
        ops: vec![op(OpKind::Get, "get", 10), op(OpKind::Set, "set", 1)],
        gates: Gates {
            p99_ms: Some(5.0),
            error_ratio: Some(0.01),
            ..Gates::default()
        },
    }
}

fn op(kind: OpKind, label: &str, weight: u32) -> OpPlan {
    OpPlan {
        label: label.into(),
        kind,
        weight,
        size: SizeChoice::Fixed(100),
        keys: KeyChoice::Uniform,
        ephemeral: false,
        sequential: false,
        keep_count: None,
        batch: 1,
    }
}

/// The result of the fixture.
pub(crate) fn result() -> RunResult {
    let mut result = RunResult::new(environment(), target(), plan(), vec![recording(0)]);
    // The version of this very build is none of the fixture's business.
    result.tool = Tool {
        name: "quorate".into(),
        version: "0.1.0".into(),
        commit: Some("0123456".into()),
    };
    result
}

/// `runs` runs whose response times are `percent` per cent of the fixture's.
#[allow(
    dead_code,
    reason = "one of the two test files that share this compares nothing"
)]
pub(crate) fn repeated(runs: u32, percent: i64) -> RunResult {
    let mut result = result();
    result.plan.load.repeats = runs;
    result.runs = (0..runs)
        .map(|run| scaled(i64::from(run), percent))
        .collect();
    result
}

/// The recording; `salt` varies it a little.
pub(crate) fn recording(salt: i64) -> Recording {
    scaled(salt, 100)
}

fn scaled(salt: i64, percent: i64) -> Recording {
    let mut recording = Recording {
        started_unix_ms: 1_764_000_000_000,
        interval_ms: 1_000,
        measured_s: f64::from(SECONDS),
        driver_cpu: vec![0.12],
        stolen: Some(0.03),
        reconnects: 1,
        ..Recording::default()
    };
    for second in 0..SECONDS {
        let mut recorder = Recorder::new(2);
        for i in 0..PER_SECOND {
            recorder.record(&sample(second, i, salt, percent));
        }
        recording.add(recorder.take(second));
    }
    recording.note(Event {
        at_ms: 3_120,
        text: "session 3 lost 127.0.0.1:2182 (connection reset), 1 operation unknown".into(),
    });
    recording.note(Event {
        at_ms: 3_412,
        text: "session 3 re-established at 127.0.0.1:2183".into(),
    });
    recording
}

/// Response times spread around 0.4 ms (reads) and 1.3 ms (writes) with a tail; the stall adds up
/// to 40 ms in its second.
fn sample(second: u32, i: i64, salt: i64, percent: i64) -> Sample {
    let mixed = (i * 7_919 + i64::from(second) * 104_729 + salt * 1_299_709).rem_euclid(1_000);
    let is_set = i % 11 == 10;
    let base_us = if is_set { 1_100 } else { 350 };
    let tail_us = 20_000 / (1_001 - mixed);
    let stall_us = if second == STALL && i < 40 {
        (40 - i) * 1_000
    } else {
        0
    };
    let service_us = (base_us + mixed / 4 + tail_us + stall_us) * percent / 100;
    let outcome = match (second, i) {
        (STALL, 10) => Outcome::Unknown,
        (4, 21) => Outcome::Error(-101),
        _ => Outcome::Ok,
    };
    let intended_ns = i64::from(second) * 1_000_000_000 + i * 2_500_000;
    let sent_ns = intended_ns + 4_000 + mixed * 10;
    Sample {
        op: usize::from(is_set),
        intended_ns,
        sent_ns: Some(sent_ns),
        done_ns: sent_ns + service_us * 1_000,
        outcome,
    }
}

fn target() -> Target {
    let server = |port: u16, role: &str, mode: &str| Server {
        address: format!("127.0.0.1:{port}"),
        role: Some(role.into()),
        version: Some("0.1.0".into()),
        mode: Some(mode.into()),
        rss_start_bytes: Some(9 << 20),
        rss_end_bytes: Some(14 << 20),
        counters: [(
            "packets_received".to_owned(),
            CounterChange {
                before: 4.0,
                after: 60_012.0,
            },
        )]
        .into(),
    };
    Target {
        spec: "bundled".into(),
        server_version: Some("0.1.0".into()),
        leader: Some("127.0.0.1:2183".into()),
        data_on: None,
        start_ms: Some(412.0),
        servers: vec![
            server(2_181, "voter", "follower"),
            server(2_182, "voter", "follower"),
            server(2_183, "voter", "leader"),
            server(2_184, "observer", "observer"),
        ],
    }
}

fn environment() -> Environment {
    Environment {
        hostname: Some("bench".into()),
        cpu_model: Some("Example CPU @ 2.00GHz".into()),
        cores: Some(4),
        kernel: Some("Linux 6.1.0 x86_64".into()),
        os: Some("Debian GNU/Linux 12 (bookworm)".into()),
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
