//! Small hand-made results, the same on every machine.
//!
//! [`result`]: two operations, six seconds, four servers. After three seconds the leader ends; for
//! one second nothing completes, then another server leads. [`seven`]: seven operations against a
//! fast target. [`outage`]: like the first, but no other server becomes the leader. [`failover`]:
//! three runs with a planned fault.

#![allow(
    dead_code,
    reason = "each test file that includes this module uses a part of it"
)]

use quorate::measure::{
    DiskState, DriverThread, ErrorNames, Event, EventKind, Gap, Layout, Outcome, Recorder,
    Recording, Sample, ServerRun, SessionGap, SessionOutage, SessionReturn, Unsent,
};
use quorate::protocol::zookeeper::{OpKind, OpValues, TreePlan, trim, trim_of};
use quorate::result::{CounterChange, Environment, FsyncLatency, RunResult, Server, Target, Tool};
use quorate::workload::{
    Arrival, Attach, Gates, KeyChoice, LoadPlan, OpPlan, Plan, Prepare, RatePhase, Reconnect,
    SizeChoice, Spacing, TargetShape,
};

/// The error that one operation gets.
const ERROR: &str = "NoNode";
const MS: i64 = 1_000_000;
const SECONDS: i64 = 6;
const DRAIN_MS: i64 = 5_000;
const SESSIONS: i64 = 16;
/// Role and mode of each server when the load starts.
const SERVERS: [(&str, &str); 4] = [
    ("voter", "follower"),
    ("voter", "follower"),
    ("voter", "leader"),
    ("observer", "observer"),
];
/// Index of the server that leads and then ends.
const LEADER: usize = 2;

/// A period in which nothing completes, in milliseconds since the start of the measured phase.
#[derive(Clone, Copy)]
struct Stall {
    from_ms: i64,
    /// Later than the end of the drain if no server becomes the leader.
    to_ms: i64,
}

const STALL: Stall = Stall {
    from_ms: 3_000,
    to_ms: 4_000,
};
const FOR_GOOD: Stall = Stall {
    from_ms: 3_000,
    to_ms: i64::MAX,
};

pub(crate) fn plan() -> Plan {
    Plan {
        protocol: "zookeeper".to_owned(),
        name: "mixed".into(),
        why: "Ten reads to a write: what a configuration store sees.".into(),
        seed: 7,
        target: TargetShape {
            voters: 3,
            observers: 1,
            ..TargetShape::default()
        },
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
            arrival: open(400),
            warm_up_ms: 1_000,
            duration_ms: 6_000,
            drain_ms: 5_000,
            repeats: 1,
            interval_ms: 1_000,
            session_timeout_ms: 10_000,
            operation_timeout_ms: 10_000,
            attach: Attach::Spread,
            reconnect: Reconnect::default(),
            verify: false,
        },
        ops: vec![op(OpKind::Get, 10), op(OpKind::Set, 1)],
        faults: Vec::new(),
        gates: Gates {
            p99_ms: Some(5.0),
            error_ratio: Some(0.01),
            ..Gates::default()
        },
    }
}

fn open(per_s: u32) -> Arrival {
    let per_s = f64::from(per_s);
    Arrival::Open {
        phases: vec![RatePhase {
            duration_ms: 6_000,
            from_per_s: per_s,
            to_per_s: per_s,
        }],
        in_flight_cap: 1_000,
        spacing: Spacing::Even,
    }
}

fn op(kind: OpKind, weight: u32) -> OpPlan {
    OpPlan {
        label: kind.name().into(),
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

pub(crate) fn result() -> RunResult {
    finished(plan(), vec![recording()])
}

/// One second of silence after the leader ended, one error, and all events of the outage.
pub(crate) fn recording() -> Recording {
    let mut recording = record(&plan(), 0, 100, Some(STALL));
    events(&mut recording, STALL);
    recording
}

/// The leader ends, and there is no leader until the end of the drain.
pub(crate) fn outage() -> RunResult {
    let mut recording = record(&plan(), 0, 100, Some(FOR_GOOD));
    events(&mut recording, FOR_GOOD);
    finished(plan(), vec![recording])
}

/// Seven operations, one of them implied by another, against a target whose times are below the
/// resolution.
pub(crate) fn seven() -> RunResult {
    let mut create = op(OpKind::Create, 5);
    create.own.set("keep_count", 10_u64);
    let trim = trim(&create).expect("the create has a limit");
    let mut plan = plan();
    plan.name = "many-operations".into();
    plan.why = "Everything that a client does, most of it reads.".into();
    plan.load.arrival = open(3_000);
    plan.gates = Gates {
        p99_ms: Some(5.0),
        throughput_per_s: Some(2_900.0),
        ..Gates::default()
    };
    plan.ops = vec![
        op(OpKind::Set, 8),
        op(OpKind::Get, 60),
        op(OpKind::Exists, 15),
        op(OpKind::List, 8),
        create,
        op(OpKind::Sync, 4),
        trim,
    ];
    let recording = record(&plan, 0, 100, None);
    finished(plan, vec![recording])
}

/// Three runs in which the leader is killed and started again. Each has an outage of its own length.
pub(crate) fn failover() -> RunResult {
    let mut plan = plan();
    plan.name = "failover".into();
    plan.why = "The leader is killed: for how long can nobody write?".into();
    let runs = faulty_runs(&mut plan, "kill", &[214, 190, 260]);
    finished(plan, runs)
}

/// Runs of `plan` in which a fault of the leader causes an outage, one for each length.
pub(crate) fn faulty_runs(plan: &mut Plan, action: &str, outages_ms: &[i64]) -> Vec<Recording> {
    plan.load.repeats = u32::try_from(outages_ms.len()).unwrap_or(1);
    let runs = (0_u32..).zip(outages_ms).map(|(run, outage_ms)| {
        let stall = Stall {
            from_ms: STALL.from_ms,
            to_ms: STALL.from_ms + outage_ms,
        };
        let mut recording = record(plan, i64::from(run), 100, Some(stall));
        recording.number = run;
        fault_events(&mut recording, action, stall);
        recording
    });
    runs.collect()
}

/// The fault of the leader begins at the start of the stall and ends two seconds later.
fn fault_events(recording: &mut Recording, action: &str, stall: Stall) {
    let at = |ms: i64| (stall.from_ms + ms) * MS;
    let address = |server: usize| format!("127.0.0.1:{}", 2_181 + server);
    let servers = vec![address(LEADER)];
    for (ms, kind) in [
        (
            0,
            EventKind::FaultBegan {
                fault: 0,
                action: action.into(),
                servers: servers.clone(),
                took_ns: 90_000,
            },
        ),
        (
            150,
            EventKind::LeaderChanged {
                from: Some(address(LEADER)),
                to: Some(address(LEADER - 1)),
            },
        ),
        (
            2_000,
            EventKind::FaultEnded {
                fault: 0,
                action: if action == "kill" {
                    "restart"
                } else {
                    "resume"
                }
                .into(),
                servers,
                took_ns: 3_100_000,
            },
        ),
    ] {
        recording.note(Event {
            at_ns: at(ms),
            kind,
        });
    }
    recording.reconnects = 12;
    for session in 0..12_u32 {
        let lost_ns = at(1) + i64::from(session) * 100_000;
        let back = SessionReturn {
            at_ns: lost_ns + (12 + 5 * i64::from(session)) * MS,
            server: session % 2,
            resumed: session != 11,
        };
        recording.interruptions.add_outage(SessionOutage {
            session,
            server: session % 4,
            lost_ns,
            back: (session != 10).then_some(back),
        });
        recording.interruptions.session_gaps.push(SessionGap {
            session,
            gap: Gap {
                from_ns: at(-30 - i64::from(session)),
                to_ns: Some((stall.to_ms + 2 * i64::from(session)) * MS),
            },
        });
    }
}

/// `runs` runs without an outage. Response times are `percent` per cent of the fixture's.
pub(crate) fn repeated(runs: u32, percent: i64) -> RunResult {
    let mut plan = plan();
    plan.load.repeats = runs;
    let recordings = (0..runs)
        .map(|run| {
            let mut recording = record(&plan, i64::from(run), percent, None);
            recording.number = run;
            recording
        })
        .collect();
    finished(plan, recordings)
}

fn finished(plan: Plan, runs: Vec<Recording>) -> RunResult {
    let mut result = RunResult::new(environment(), target(), plan, runs);
    // Fix the version, which would change the golden files.
    result.tool = Tool {
        name: "quorate".into(),
        version: "0.1.0".into(),
        commit: Some("0123456".into()),
    };
    result
}

/// Records the operations of `plan`. `salt` varies them slightly.
fn record(plan: &Plan, salt: i64, percent: i64, stall: Option<Stall>) -> Recording {
    let mut recording = Recording {
        started_unix_ms: 1_764_000_000_000,
        interval_ms: 1_000,
        measured_s: 6.0,
        driver: vec![DriverThread {
            busy: 0.12,
            waiting: Some(0.004),
            nice: -20,
        }],
        stolen: Some(0.03),
        disk: Some(DiskState {
            baseline_us: 310.0,
            before_us: 340.0,
            waited_s: 1.5,
            settled: true,
        }),
        servers: (0..)
            .zip(SERVERS)
            .map(|(index, (_, mode))| server_run(index, mode))
            .collect(),
        ..Recording::default()
    };
    let mut samples = samples(plan, salt, percent, stall);
    samples.sort_by_key(|sample| sample.done_ns);
    let mut recorder = Recorder::new(
        plan.ops.len(),
        SERVERS.len(),
        Layout {
            interval_ns: 1_000 * MS,
            measured_ns: SECONDS * 1_000 * MS,
            drain_ns: DRAIN_MS * MS,
        },
    )
    .with_writes(plan.ops.iter().map(OpPlan::is_write));
    recorder.error(ERROR);
    let mut interval = -1;
    for sample in &samples {
        let now = sample.done_ns.div_euclid(1_000 * MS);
        // A worker hands over at the start of each interval, even if it did nothing in the last
        // one.
        while interval < now {
            interval += 1;
            for part in recorder.take(interval).intervals {
                recording.add(part);
            }
        }
        recorder.record(sample);
    }
    for part in recorder.take(interval + 1).intervals {
        recording.add(part);
    }
    // Parts handed over in the drain lie after the measured phase.
    recording.intervals.truncate(6);
    recording.add_whole(&recorder.finish());
    recording.timeline.trim();
    recording
}

fn server_run(index: u16, mode: &str) -> ServerRun {
    ServerRun {
        address: format!("127.0.0.1:{}", 2_181 + index),
        mode: Some(mode.to_owned()),
        cpu_s: Some(0.21 + f64::from(index) / 100.0),
        disk_written_bytes: Some(98_304 + 4_096 * u64::from(index)),
        // The observer of this target does not count its syncs.
        syncs: (mode != "observer").then_some(212),
        ops: Vec::new(),
        throttled: None,
    }
}

fn samples(plan: &Plan, salt: i64, percent: i64, stall: Option<Stall>) -> Vec<Sample> {
    let Arrival::Open { phases, .. } = &plan.load.arrival else {
        return Vec::new();
    };
    let distance_ns = if phases[0].from_per_s > 1_000.0 {
        333_333
    } else {
        2_500_000
    };
    let count = SECONDS * 1_000 * MS / distance_ns;
    let mut waiting = 0;
    (0..count)
        .map(|i| {
            let mixed = (i * 7_919 + salt * 1_299_709).rem_euclid(1_000);
            let op = chosen(plan, i);
            let intended_ns = i * distance_ns;
            let session = i % SESSIONS;
            let server = usize::try_from(session).unwrap_or(0) % SERVERS.len();
            let service_ns = service_us(OpKind::of(&plan.ops[op]), mixed) * percent / 100 * 1_000;
            let mut sample = Sample {
                op,
                server: Some(server),
                intended_ns,
                ready_ns: Some(intended_ns),
                sent_ns: Some(intended_ns + 2_000 + mixed * 5),
                done_ns: intended_ns + 2_000 + mixed * 5 + service_ns,
                outcome: Outcome::Ok,
            };
            if stall.is_none() {
                return sample;
            }
            if i == 1_199 {
                // This operation was in flight when the leader ended.
                sample.done_ns += 5 * MS;
            }
            if i == 1_621 {
                sample.outcome = Outcome::Error(ErrorNames::default().intern(ERROR));
            }
            if let Some(stall) = stall {
                meet(&mut sample, stall, &mut waiting);
            }
            sample
        })
        .collect()
}

/// Changes an operation that meets a stall. Waiting operations are sent one after the other when
/// the stall ends, at another server if theirs has ended.
fn meet(sample: &mut Sample, stall: Stall, waiting: &mut i64) {
    let (from_ns, to_ns) = (stall.from_ms * MS, stall.to_ms.saturating_mul(MS));
    let service_ns = sample.done_ns - sample.sent_ns.unwrap_or(sample.done_ns);
    if sample.intended_ns >= from_ns && sample.server == Some(LEADER) {
        sample.server = Some(LEADER - 1);
    }
    if sample.intended_ns < from_ns && sample.done_ns >= from_ns {
        sample.outcome = Outcome::Unknown;
        sample.done_ns = from_ns + MS;
    } else if (from_ns..to_ns).contains(&sample.intended_ns) {
        if stall.to_ms > SECONDS * 1_000 + DRAIN_MS {
            sample.ready_ns = None;
            sample.sent_ns = None;
            sample.outcome = Outcome::NotSent(Unsent::NoConnection);
            sample.done_ns = (SECONDS * 1_000 + DRAIN_MS) * MS;
            return;
        }
        *waiting += 1;
        let ready_ns = to_ns + *waiting * MS / 4;
        sample.ready_ns = Some(ready_ns);
        sample.sent_ns = Some(ready_ns + 15_000);
        sample.done_ns = ready_ns + 15_000 + service_ns;
    }
}

/// Returns the operation number `i` by weight. Every other create is replaced by its implied
/// delete.
fn chosen(plan: &Plan, i: i64) -> usize {
    let weights: i64 = plan.ops.iter().map(|op| i64::from(op.weight)).sum();
    // A large odd factor spreads the operations.
    let mut at = (i * 7_907).rem_euclid(weights);
    for (index, op) in plan.ops.iter().enumerate() {
        at -= i64::from(op.weight);
        if at < 0 {
            let trim = trim_of(plan, index).filter(|_| i % 2 == 0);
            return trim.unwrap_or(index);
        }
    }
    0
}

/// Returns a service time spread around the median of its kind, with a tail. The reads of `seven`
/// are fast.
fn service_us(kind: OpKind, mixed: i64) -> i64 {
    let tail = if mixed > 990 { (mixed - 990) * 900 } else { 0 };
    match kind {
        OpKind::Set => 1_100 + mixed / 3 + tail,
        OpKind::Create | OpKind::Delete => 1_300 + mixed / 2 + tail,
        OpKind::Multi | OpKind::Session => 2_000 + mixed + tail,
        OpKind::Get => 340 + mixed / 3 + tail,
        OpKind::List => 480 + mixed / 2 + tail / 2,
        OpKind::Sync => 700 + mixed / 2,
        OpKind::Exists => 12 + mixed / 50 + tail / 90,
    }
}

fn events(recording: &mut Recording, stall: Stall) {
    let at = |ms: i64| stall.from_ms * MS + ms * MS;
    let address = |server: usize| format!("127.0.0.1:{}", 2_181 + server);
    recording.note(Event {
        at_ns: at(1),
        kind: EventKind::ServerEnded {
            server: address(LEADER),
            how: "signal 9".into(),
        },
    });
    for session in 0..16_u32 {
        let server = session as usize % SERVERS.len();
        recording.note(Event {
            at_ns: at(2) + i64::from(session) * 100_000,
            kind: EventKind::SessionLost {
                session,
                server: address(server),
                cause: "closed by the server".into(),
                in_flight: u64::from(session == 15),
            },
        });
    }
    recording.note(Event {
        at_ns: at(40),
        kind: EventKind::LeaderChanged {
            from: Some(address(LEADER)),
            to: None,
        },
    });
    if stall.to_ms == i64::MAX {
        recording.in_flight_at_end = 0;
        return;
    }
    recording.reconnects = 16;
    recording.note(Event {
        at_ns: at(960),
        kind: EventKind::LeaderChanged {
            from: None,
            to: Some(address(LEADER - 1)),
        },
    });
    for session in 0..16_u32 {
        let back = [0, 1, 3][session as usize % 3];
        recording.note(Event {
            at_ns: at(985) + i64::from(session) * 200_000,
            kind: EventKind::SessionBack {
                session,
                server: address(back),
                after_ns: 983_000_000 + u64::from(session) * 100_000,
                resumed: true,
            },
        });
    }
}

fn target() -> Target {
    let server = |index: usize, (role, mode): (&str, &str)| Server {
        address: format!("127.0.0.1:{}", 2_181 + index),
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
        cores: Vec::new(),
    };
    Target {
        spec: "bundled".into(),
        server_version: Some("0.1.0".into()),
        leader: Some("127.0.0.1:2183".into()),
        data_on: None,
        start_ms: Some(412.0),
        proxied: None,
        servers: (0..)
            .zip(SERVERS)
            .map(|(index, kind)| server(index, kind))
            .collect(),
        ..Target::default()
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
        calibration: Some(serde_json::json!({
            "pipelined_per_s": 412_000.0,
            "single_per_s": 61_000.0,
            "resolution": {"response_p50_us": 34.2, "response_p99_us": 90.4},
        })),
    }
}
