//! Comparisons in rounds, on bundled servers and on an ensemble that stays up.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

use quorate::experiment::{ExperimentError, ProgressEvent, RoundReport, RunContext, rounds};
use quorate::protocol::resolve;
use quorate::protocol::zookeeper::AdminClient;
use quorate::result::RunResult;
use quorate::target::{DetachedConfig, DetachedEnsemble, Software, TargetError, TargetSpec};
use quorate::workload::{Plan, Source, TargetShape};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A closed loop: it is valid whatever else the machine does. Its creates stay.
fn plan() -> Plan {
    let text = "name = \"mine\"\n[target]\nvoters = 1\n[prepare]\nznodes = 10\n[load]\nsessions = 2\n\
                in_flight = 1\nwarm_up = \"100ms\"\nduration = \"300ms\"\n[[op]]\nkind = \"create\"\n";
    resolve(&Source::from_text("mine.toml", text), &[], Some(5)).unwrap()
}

fn targets(list: &[&str]) -> Vec<TargetSpec> {
    list.iter().map(|text| text.parse().unwrap()).collect()
}

type Compared = Result<Vec<RunResult>, ExperimentError>;

/// Compares in a folder of its own; the results, and what was told meanwhile.
fn compare(
    targets: &[TargetSpec],
    number: u32,
    stop: &AtomicBool,
    after: &mut dyn FnMut(&RoundReport<'_>) -> ControlFlow<()>,
) -> (Compared, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let told = Mutex::new(Vec::new());
    let results = rounds(
        &plan(),
        targets,
        number,
        &RunContext {
            quorate: Path::new(env!("CARGO_BIN_EXE_quorate")),
            data_dir: Some(dir.path()),
            zookeeper_home: None,
            calibration: None,
            stop,
            notify: &|event| match event {
                ProgressEvent::Step(text) | ProgressEvent::Warning(text) => {
                    told.lock().unwrap().push((*text).to_owned());
                }
                ProgressEvent::Load { .. } => {}
            },
        },
        after,
    );
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    (results, told.into_inner().unwrap())
}

fn go_on(_: &RoundReport<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn every_round_starts_every_target_anew_and_gives_all_the_same_number() {
    let targets = targets(&["bundled", "bundled"]);
    let stop = AtomicBool::new(false);
    let mut turns = Vec::new();
    let (results, told) = compare(&targets, 3, &stop, &mut |report| {
        assert_eq!(report.recording.number, report.round);
        assert_eq!(report.invalid, [] as [String; 0]);
        turns.push((report.round, report.target));
        ControlFlow::Continue(())
    });
    let results = results.unwrap();
    let starts = told.iter().filter(|text| text.starts_with("starting"));
    assert_eq!(starts.count(), 6, "{told:?}");
    turns.sort_unstable();
    assert_eq!(turns, [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]);
    assert_eq!(results.len(), 2);
    for result in &results {
        assert!(result.verdict.is_valid(), "{:?}", result.verdict);
        assert_eq!(result.plan.load.repeats, 3);
        let numbers: Vec<u32> = result.runs.iter().map(|run| run.number).collect();
        assert_eq!(numbers, [0, 1, 2]);
        for run in &result.runs {
            // Every run meets an empty directory of its own.
            assert_eq!(
                run.totals()[0].counts.error_replies(),
                0,
                "{:?}",
                run.totals()[0].counts
            );
            let disk = run.disk.unwrap();
            assert!(disk.baseline_us > 0.0 && disk.before_us > 0.0, "{disk:?}");
            assert!(run.servers[0].cpu_s.is_some());
        }
        // The target is the last deployment; each run knows its own.
        let last = &result.runs[2].servers[0].address;
        assert_eq!(last, &result.target.servers[0].address);
    }
}

#[test]
fn an_interrupt_leaves_the_rounds_that_are_complete() {
    let targets = targets(&["bundled", "bundled"]);
    let stop = AtomicBool::new(false);
    let mut turns = 0;
    let (results, _) = compare(&targets, 3, &stop, &mut |_| {
        turns += 1;
        // In the second round, when one of both has run.
        stop.store(turns == 3, Ordering::Relaxed);
        ControlFlow::Continue(())
    });
    for result in results.unwrap() {
        assert_eq!(result.runs.len(), 1);
        assert_eq!(
            result.verdict.reasons(),
            ["only 1 of 3 rounds: interrupted"]
        );
    }
}

#[test]
fn the_caller_may_end_it_after_any_run() {
    let stop = AtomicBool::new(false);
    let one = targets(&["bundled"]);
    let (results, _) = compare(&one, 2, &stop, &mut |_| ControlFlow::Break(()));
    let results = results.unwrap();
    assert_eq!(results[0].runs.len(), 1);
    assert_eq!(
        results[0].verdict.reasons(),
        ["only 1 of 2 rounds: stopped after a run of bundled"]
    );
    let two = targets(&["bundled", "bundled"]);
    let (results, _) = compare(&two, 2, &stop, &mut |_| ControlFlow::Break(()));
    assert!(
        matches!(results, Err(ExperimentError::Stopped { .. })),
        "no round was complete"
    );
}

#[test]
fn without_a_complete_round_there_is_no_result() {
    let two = targets(&["bundled", "bundled"]);
    let stop = AtomicBool::new(false);
    let (results, _) = compare(&two, 2, &stop, &mut |_| {
        stop.store(true, Ordering::Relaxed);
        ControlFlow::Continue(())
    });
    assert!(
        matches!(results, Err(ExperimentError::Interrupted)),
        "{results:?}"
    );
    let nobody = targets(&["zk://127.0.0.1:1"]);
    let (results, _) = compare(&nobody, 2, &AtomicBool::new(false), &mut go_on);
    assert!(
        matches!(results, Err(ExperimentError::Target(TargetError::Probe(_)))),
        "{results:?}"
    );
}

/// An ensemble that stays up until the test ends.
struct Ensemble {
    detached: DetachedEnsemble,
    _dir: tempfile::TempDir,
}

impl Ensemble {
    fn up() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let dir = tempfile::tempdir().unwrap();
        let shape = TargetShape {
            voters: 1,
            ..TargetShape::default()
        };
        for _ in 0..90 {
            let up = DetachedEnsemble::up(&DetachedConfig {
                software: &Software::Bundled,
                shape: &shape,
                quorate: Path::new(env!("CARGO_BIN_EXE_quorate")),
                dir: &dir.path().join("e"),
                // Others may have the port, or take it after it was looked at.
                base_port: 13_000 + 11 * NEXT.fetch_add(1, Ordering::Relaxed),
                stop: &AtomicBool::new(false),
            });
            if let Ok((detached, _)) = up {
                return Self {
                    detached,
                    _dir: dir,
                };
            }
        }
        panic!("no ensemble came up");
    }

    fn address(&self) -> SocketAddr {
        self.detached.servers()[0].address
    }
}

impl Drop for Ensemble {
    fn drop(&mut self) {
        self.detached.down(false).unwrap();
    }
}

#[test]
fn a_live_target_is_prepared_before_its_turn_and_cleaned_after_it() {
    let ensemble = Ensemble::up();
    let live = format!("zk://{}", ensemble.detached.connect_string());
    let mut client = AdminClient::connect(&[ensemble.address()], PATIENCE).unwrap();
    // The same ensemble twice: neither side meets what the other left.
    let targets = targets(&[&live, &live, "bundled"]);
    let stop = AtomicBool::new(false);
    let (results, _) = compare(&targets, 2, &stop, &mut |_| {
        assert_eq!(client.list("/").unwrap(), ["zookeeper"]);
        ControlFlow::Continue(())
    });
    let results = results.unwrap();
    for (result, is_local) in results.iter().zip([false, false, true]) {
        assert!(result.verdict.is_valid(), "{:?}", result.verdict);
        assert_eq!(result.runs.len(), 2);
        for run in &result.runs {
            assert_eq!(run.totals()[0].counts.error_replies(), 0);
            assert_eq!(run.disk.is_some(), is_local);
            assert_eq!(run.servers[0].cpu_s.is_some(), is_local);
        }
    }
}

#[test]
fn a_target_that_fails_later_leaves_the_rounds_that_are_complete() {
    let ensemble = Ensemble::up();
    let live = format!("zk://{}", ensemble.detached.connect_string());
    let stop = AtomicBool::new(false);
    let (results, _) = compare(&targets(&[&live]), 3, &stop, &mut |_| {
        ensemble.detached.down(true).unwrap();
        ControlFlow::Continue(())
    });
    let results = results.unwrap();
    assert_eq!(results[0].runs.len(), 1);
    let [reason] = results[0].verdict.reasons() else {
        panic!("{:?}", results[0].verdict);
    };
    assert!(
        reason.starts_with("only 1 of 3 rounds: none of the servers"),
        "{reason}"
    );
}
