//! A small experiment that looks as if it was measured, the same on every machine.
//!
//! Five cases on two targets with 3, 5 and 7 voters, in six rounds: `paced` is an open loop of writes, `flood` a closed
//! loop of reads and writes, `search` a search for the highest rate; in `kill` and `pause` the leader fails. Larger ensembles are slower, the second target is
//! slower than the first one, and every round has its own luck, which all cells of the round share. One run failed and one
//! is invalid.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::too_many_lines,
    reason = "made-up figures, each far below the limits of its type"
)]
#![allow(
    dead_code,
    reason = "each test file that includes this module uses a part of it"
)]

use std::collections::BTreeMap;
use std::path::Path;

use quorate::measure::{DriverThread, Layout, Outcome, Recorder, Recording, Sample, ServerRun};
use quorate::protocol::zookeeper::{OpKind, OpValues};
use quorate::report::ExperimentReport;
use quorate::result::{
    Capacity, CapacityStep, Condition, ExperimentIndex, ExperimentSource, Held, IndexCell,
    IndexRun, RunResult, RunState, Tool, search_file, write_experiment, write_result, write_search,
};
use quorate::workload::{
    Arrival, Axis, FigureKind, FigurePlan, KeyChoice, OpPlan, Plan, SearchPlan, SizeChoice,
};

use crate::fixture;

const MS: i64 = 1_000_000;
const MEASURED_MS: i64 = 2_000;
const ROUNDS: u32 = 6;
const CASES: [&str; 5] = ["paced", "flood", "search", "kill", "pause"];
const VOTERS: [u16; 3] = [3, 5, 7];
const TARGETS: [&str; 2] = ["bundled", "zookeeper"];

/// Draws numbers from a seed (splitmix64).
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number of 0..1.
    pub(crate) fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number around 1.
    fn around_one(&mut self, spread: f64) -> f64 {
        1.0 + spread * (self.share() + self.share() + self.share() - 1.5)
    }
}

/// The index of the experiment.
pub(crate) fn index() -> ExperimentIndex {
    let axes = vec![
        Axis {
            key: "case".to_owned(),
            values: CASES.map(str::to_owned).into(),
        },
        Axis {
            key: "target.voters".to_owned(),
            values: VOTERS.map(|voters| voters.to_string()).into(),
        },
    ];
    let figures = vec![
        figure(FigureKind::Response, "target.voters", None, "paced"),
        figure(FigureKind::Throughput, "target.voters", None, "flood"),
        figure(
            FigureKind::Curve,
            FigurePlan::OFFERED,
            Some("target.voters"),
            "search",
        ),
        FigurePlan {
            only: BTreeMap::new(),
            ..figure(FigureKind::Failover, "target.voters", Some("case"), "")
        },
    ];
    let mut index = ExperimentIndex {
        schema: "quorate-experiment".to_owned(),
        schema_version: 1,
        tool: tool(),
        name: "ensemble-size".to_owned(),
        why: "What 3, 5 and 7 voters cost.".to_owned(),
        file: ExperimentSource {
            name: "ensemble-size.toml".to_owned(),
            text: "name = \"ensemble-size\"\n".to_owned(),
        },
        overrides: Vec::new(),
        seed: 7,
        axes,
        targets: TARGETS.map(str::to_owned).into(),
        rounds: ROUNDS,
        figures,
        data_dir: None,
        pin: false,
        cells: Vec::new(),
        runs: Vec::new(),
        ended_early: None,
    };
    for case in CASES {
        for voters in VOTERS {
            index.cells.push(IndexCell {
                id: format!("{case}-voters-{voters}"),
                values: vec![case.to_owned(), voters.to_string()],
                search: (case == "search").then(SearchPlan::default),
            });
        }
    }
    for round in 0..ROUNDS {
        for cell in 0..index.cells.len() {
            for target in 0..index.targets.len() {
                index.runs.push(IndexRun {
                    cell: index.cells[cell].id.clone(),
                    target,
                    round,
                    state: if fails(cell, target, round) {
                        RunState::Failed {
                            why: "server 4 did not come back within 30 s".to_owned(),
                        }
                    } else {
                        RunState::Done
                    },
                });
            }
        }
    }
    index
}

fn tool() -> Tool {
    Tool {
        name: "quorate".into(),
        version: "0.1.0".into(),
        commit: Some("0123456".into()),
    }
}

fn figure(kind: FigureKind, x: &str, series: Option<&str>, case: &str) -> FigurePlan {
    FigurePlan {
        kind,
        x: x.to_owned(),
        series: series.map(str::to_owned),
        only: [("case".to_owned(), case.to_owned())].into(),
        title: None,
    }
}

/// The only run that failed: `flood` with 5 voters on the second target, in the third round.
fn fails(cell: usize, target: usize, round: u32) -> bool {
    (cell, target, round) == (4, 1, 2)
}

/// The report of the experiment. Everything of the second target takes `percent` per cent of its usual time.
pub(crate) fn report(percent: u32) -> ExperimentReport {
    let index = index();
    let mut report = ExperimentReport::new(index.clone());
    for cell in 0..index.cells.len() {
        for target in 0..index.targets.len() {
            if index.cells[cell].values[0] == "search" {
                for round in 0..ROUNDS {
                    report.add_search(cell, target, round, search(&index, cell, target, round));
                }
            } else {
                report.add_result(cell, target, &result(&index, cell, target, percent));
            }
        }
    }
    report
}

/// Writes the folder of the experiment as `quorate run` does, without its report.
pub(crate) fn write(dir: &Path, percent: u32) {
    let index = index();
    for cell in 0..index.cells.len() {
        for target in 0..index.targets.len() {
            let own = dir.join(index.dir_of(&index.cells[cell].id, target));
            if index.cells[cell].values[0] == "search" {
                for round in 0..ROUNDS {
                    let found = search(&index, cell, target, round);
                    write_search(&own.join(search_file(round)), &found)
                        .expect("the search can be written");
                }
            } else {
                write_result(&own, &result(&index, cell, target, percent))
                    .expect("the result can be written");
            }
        }
    }
    write_experiment(dir, &index).expect("the index can be written");
}

/// How much slower an ensemble is than one of three voters of the first target.
fn slowness(index: &ExperimentIndex, cell: usize, target: usize) -> f64 {
    let of_size = match index.cells[cell].values[1].as_str() {
        "3" => 1.0,
        "5" => 1.18,
        _ => 1.31,
    };
    of_size * if target == 0 { 1.0 } else { 3.4 }
}

/// The luck of a round, which all cells share, and that of a run.
fn luck(cell: usize, target: usize, round: u32) -> f64 {
    let own = cell as u64 * 31 + target as u64 * 7;
    let of_round = Draws::new(1_000 + u64::from(round)).around_one(0.15);
    of_round * Draws::new(own * 1_000 + u64::from(round)).around_one(0.02)
}

fn result(index: &ExperimentIndex, cell: usize, target: usize, percent: u32) -> RunResult {
    let case = index.cells[cell].values[0].as_str();
    if ["kill", "pause"].contains(&case) {
        return faulty(index, cell, target);
    }
    let plan = plan(index, cell);
    let share = if target == 0 {
        1.0
    } else {
        f64::from(percent) / 100.0
    };
    let slow = slowness(index, cell, target) * share;
    let runs = (0..ROUNDS)
        .filter(|round| !fails(cell, target, *round))
        .map(|round| {
            let mut run = recording(&plan, slow * luck(cell, target, round), cell, round);
            // The order of the runs within a round does not matter here.
            let place = (cell * 2 + target) as u64 + 30 * u64::from(round);
            run.started_unix_ms = 1_764_000_000_000 + 10_000 * place;
            if (cell, target, round) == (0, 0, 4) {
                run.driver[0].waiting = Some(0.4);
            }
            run
        })
        .collect();
    let mut of_target = fixture::result().target;
    of_target.spec = index.targets[target].clone();
    of_target.servers.truncate(3);
    let environment = fixture::result().environment;
    let mut result = RunResult::new(environment, of_target, plan, runs);
    result.tool = tool();
    result
}

/// Every run has an outage: a paused leader is missed later than a killed one.
fn faulty(index: &ExperimentIndex, cell: usize, target: usize) -> RunResult {
    let case = index.cells[cell].values[0].as_str();
    let usual_ms = if case == "kill" { 210.0 } else { 620.0 };
    let outages_ms: Vec<i64> = (0..ROUNDS)
        .map(|round| (usual_ms * slowness(index, cell, 0) * luck(cell, target, round)) as i64)
        .collect();
    let mut plan = fixture::plan();
    plan.name = index.name.clone();
    plan.why = index.why.clone();
    plan.target.voters = index.cells[cell].values[1].parse().expect("a number");
    plan.gates = quorate::workload::Gates::default();
    let mut runs = fixture::faulty_runs(&mut plan, case, &outages_ms);
    for (round, run) in (0_u64..).zip(&mut runs) {
        let place = (cell * 2 + target) as u64 + 30 * round;
        run.started_unix_ms = 1_764_000_000_000 + 10_000 * place;
    }
    let mut of_target = fixture::result().target;
    of_target.spec = index.targets[target].clone();
    let environment = fixture::result().environment;
    let mut result = RunResult::new(environment, of_target, plan, runs);
    result.tool = tool();
    result
}

fn plan(index: &ExperimentIndex, cell: usize) -> Plan {
    let mut plan = fixture::plan();
    let op = |kind: OpKind, weight: u32| OpPlan {
        label: kind.name().into(),
        kind: kind.name().into(),
        weight,
        size: SizeChoice::Fixed(100),
        keys: KeyChoice::Uniform,
        writes: None,
        own: OpValues::default().into(),
    };
    plan.name = index.name.clone();
    plan.why = index.why.clone();
    plan.target.voters = index.cells[cell].values[1].parse().expect("a number");
    plan.target.observers = 0;
    plan.gates = quorate::workload::Gates::default();
    plan.load.duration_ms = MEASURED_MS as u64;
    if index.cells[cell].values[0] == "flood" {
        plan.load.arrival = Arrival::Closed { in_flight: 8 };
        plan.ops = vec![op(OpKind::Get, 9), op(OpKind::Set, 1)];
    } else {
        if let Arrival::Open { phases, .. } = &mut plan.load.arrival {
            phases[0].from_per_s = 5_050.0;
            phases[0].to_per_s = 5_050.0;
            phases[0].duration_ms = MEASURED_MS as u64;
        }
        plan.ops = vec![op(OpKind::Set, 1)];
    }
    plan
}

fn recording(plan: &Plan, slow: f64, cell: usize, round: u32) -> Recording {
    let closed = matches!(plan.load.arrival, Arrival::Closed { .. });
    // A closed loop does as much as the speed allows.
    let count = if closed {
        (3_000.0 / slow).round() as i64
    } else {
        10_100
    };
    let mut draws = Draws::new(cell as u64 * 97 + u64::from(round));
    let mut samples: Vec<Sample> = (0..count)
        .map(|i| {
            let op = usize::from(plan.ops.len() > 1 && i % 10 == 9);
            let writes = plan.ops[op].is_write();
            let base_us = if writes { 900.0 } else { 300.0 };
            // A tail: one in a hundred takes several times as long.
            let tail = if draws.share() > 0.99 {
                1.0 + 6.0 * draws.share()
            } else {
                1.0
            };
            let us = base_us * slow * draws.around_one(0.3) * tail;
            let intended_ns = i * MEASURED_MS * MS / count;
            let done_ns = (intended_ns + (us * 1_000.0) as i64).min(MEASURED_MS * MS - 1);
            Sample {
                op,
                server: Some((i % 3) as usize),
                intended_ns,
                ready_ns: Some(intended_ns),
                sent_ns: Some(intended_ns + 2_000),
                done_ns: done_ns.max(intended_ns + 3_000),
                outcome: Outcome::Ok,
            }
        })
        .collect();
    samples.sort_by_key(|sample| sample.done_ns);
    let mut recording = Recording {
        number: round,
        interval_ms: 1_000,
        measured_s: MEASURED_MS as f64 / 1_000.0,
        driver: vec![DriverThread {
            busy: 0.2,
            waiting: Some(0.004),
            nice: -20,
        }],
        servers: (1..=3)
            .map(|number| ServerRun {
                address: format!("127.0.0.1:{}", 2_180 + number),
                mode: Some(if number == 3 { "leader" } else { "follower" }.to_owned()),
                cpu_s: Some(0.2 * slow),
                ..ServerRun::default()
            })
            .collect(),
        ..Recording::default()
    };
    let mut recorder = Recorder::new(
        plan.ops.len(),
        3,
        Layout {
            interval_ns: 1_000 * MS,
            measured_ns: MEASURED_MS * MS,
            drain_ns: 1_000 * MS,
        },
    );
    let mut interval = 0;
    for sample in &samples {
        let now = sample.done_ns.div_euclid(1_000 * MS);
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
    recording.add_whole(&recorder.finish());
    recording.timeline.trim();
    recording
}

fn search(index: &ExperimentIndex, cell: usize, target: usize, round: u32) -> Capacity {
    let limit = 30_000.0 / slowness(index, cell, target) * (2.0 - luck(cell, target, round));
    let mut capacity = Capacity::new(&index.name, &index.targets[target], 0.1);
    capacity.tool_version = "0.1.0".to_owned();
    capacity.conditions.push(Condition {
        name: "p99_ms".to_owned(),
        limit: 20.0,
    });
    for rate_per_s in [1_000.0, 2_000.0, 4_000.0, 8_000.0, 16_000.0, 32_000.0] {
        let used = rate_per_s / limit;
        let held = used < 1.0;
        let p50_us = 700.0 / (1.0 - used.min(0.97));
        capacity.steps.push(CapacityStep {
            rate_per_s,
            held: if held { Held::Yes } else { Held::No },
            why: Vec::new(),
            achieved_per_s: Some(rate_per_s.min(limit)),
            p50_us: Some(p50_us),
            p90_us: Some(1.8 * p50_us),
            p99_us: Some(4.0 * p50_us),
            p999_us: Some(7.0 * p50_us),
            result: None,
        });
        if !held {
            capacity.failed_per_s = Some(rate_per_s);
            break;
        }
        capacity.answer_per_s = Some(rate_per_s);
    }
    // The last step of a real search lies within its precision of the limit.
    capacity.answer_per_s = capacity
        .answer_per_s
        .map(|_| (0.97 * limit / 100.0).round() * 100.0);
    capacity
}
