//! Tests comparisons in rounds, with bundled servers and with a live ensemble.

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

/// Timeout for requests. It is longer than any request takes on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Returns a plan with a closed loop, which is valid on a busy machine too. Its operations create znodes that stay
/// until the clean-up.
fn plan() -> Plan {
    let text = "name = \"mine\"\n[target]\nvoters = 1\n[prepare]\nznodes = 10\n[load]\nsessions = 2\n\
                in_flight = 1\nwarm_up = \"100ms\"\nduration = \"300ms\"\n[[op]]\nkind = \"create\"\n";
    resolve(&Source::from_text("mine.toml", text), &[], Some(5)).unwrap()
}

fn targets(list: &[&str]) -> Vec<TargetSpec> {
    list.iter().map(|text| text.parse().unwrap()).collect()
}

type Compared = Result<Vec<RunResult>, ExperimentError>;

/// Compares targets in a temporary folder. Returns the results, and the texts of all steps and warnings.
fn compare(
    targets: &[TargetSpec],
    number: u32,
    stop: &AtomicBool,
    after: &mut dyn FnMut(&RoundReport<'_>) -> ControlFlow<()>,
) -> (Compared, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let texts = Mutex::new(Vec::new());
    let results = rounds(
        &plan(),
        targets,
        number,
        &RunContext {
            quorate: Path::new(env!("CARGO_BIN_EXE_quorate")),
            data_dir: Some(dir.path()),
            zookeeper_home: None,
            pin: false,
            calibration: None,
            stop,
            notify: &|event| match event {
                ProgressEvent::Step(text) | ProgressEvent::Warning(text) => {
                    texts.lock().unwrap().push((*text).to_owned());
                }
                ProgressEvent::Overall(_) | ProgressEvent::Load { .. } => {}
            },
        },
        after,
    );
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    (results, texts.into_inner().unwrap())
}

fn proceed(_: &RoundReport<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn every_round_restarts_every_target_and_has_one_number_for_all() {
    let targets = targets(&["bundled", "bundled"]);
    let stop = AtomicBool::new(false);
    let mut turns = Vec::new();
    let (results, texts) = compare(&targets, 3, &stop, &mut |report| {
        assert_eq!(report.recording.number, report.round);
        assert_eq!(report.invalid, [] as [String; 0]);
        turns.push((report.round, report.target));
        ControlFlow::Continue(())
    });
    let results = results.unwrap();
    let starts = texts.iter().filter(|text| text.starts_with("starting"));
    assert_eq!(starts.count(), 6, "{texts:?}");
    turns.sort_unstable();
    assert_eq!(turns, [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]);
    assert_eq!(results.len(), 2);
    for result in &results {
        assert!(result.verdict.is_valid(), "{:?}", result.verdict);
        assert_eq!(result.plan.load.repeats, 3);
        let numbers: Vec<u32> = result.runs.iter().map(|run| run.number).collect();
        assert_eq!(numbers, [0, 1, 2]);
        for run in &result.runs {
            // Every run creates its znodes below an empty parent, so no znode exists already.
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
        // The target of the result is the last deployment. Each run has the addresses of its own deployment.
        let last = &result.runs[2].servers[0].address;
        assert_eq!(last, &result.target.servers[0].address);
    }
}

#[test]
fn an_interrupt_keeps_the_complete_rounds() {
    let targets = targets(&["bundled", "bundled"]);
    let stop = AtomicBool::new(false);
    let mut turns = 0;
    let (results, _) = compare(&targets, 3, &stop, &mut |_| {
        turns += 1;
        // The third turn is the first of the second round.
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
fn the_caller_can_end_the_comparison_after_any_run() {
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
fn a_comparison_without_a_complete_round_is_an_error() {
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
    let unreachable = targets(&["zk://127.0.0.1:1"]);
    let (results, _) = compare(&unreachable, 2, &AtomicBool::new(false), &mut proceed);
    assert!(
        matches!(results, Err(ExperimentError::Target(TargetError::Probe(_)))),
        "{results:?}"
    );
}

/// A detached ensemble. It ends with the test.
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
                // Another process may take the port after it was checked. Then the next ports are tried.
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
        panic!("no ensemble could be started");
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
fn a_live_target_is_prepared_before_each_run_and_cleaned_up_after_it() {
    let ensemble = Ensemble::up();
    let live = format!("zk://{}", ensemble.detached.connect_string());
    let mut client = AdminClient::connect(&[ensemble.address()], TIMEOUT).unwrap();
    // Two targets are the same ensemble. Neither may find data that the other left behind.
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
fn a_target_that_fails_in_a_later_round_keeps_the_complete_rounds() {
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
