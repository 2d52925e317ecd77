//! Runs with planned faults against real servers: their events, the verdict, and the check of acknowledged writes.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use quorate::experiment::{ExperimentError, ProgressEvent, RunContext, capacity, run};
use quorate::measure::{EventKind, Recording};
use quorate::protocol::resolve;
use quorate::result::{RunResult, read_result, write_result};
use quorate::target::TargetSpec;
use quorate::workload::{Plan, Source};

/// A closed loop, which is valid on a busy machine too. Servers notice a lost leader soon.
const LOAD: &str = "name = \"mine\"\n[target]\nvoters = 3\ntick_time = \"100ms\"\n[prepare]\nznodes = 20\n\
    [load]\nsessions = 6\nin_flight = 1\nwarm_up = \"200ms\"\nduration = \"3s\"\nsession_timeout = \"2s\"\n\
    [[op]]\nkind = \"set\"\n[[op]]\nkind = \"multi\"\nbatch = 3\n\
    [[op]]\nkind = \"create\"\nkeep_count = 3\n[[op]]\nkind = \"create\"\nlabel = \"sequential\"\nsequential = true\n\
    [gates]\nlost = 0\n";

fn plan(faults: &str) -> Plan {
    let text = format!("{LOAD}{faults}");
    resolve(&Source::from_text("mine.toml", text), &[], Some(5)).unwrap()
}

/// Runs the plan in a temporary folder. `step` is called with the folder and the text of each step.
fn drive(plan: &Plan, step: &(dyn Fn(&Path, &str) + Sync)) -> RunResult {
    let dir = tempfile::tempdir().unwrap();
    let context = RunContext {
        quorate: Path::new(env!("CARGO_BIN_EXE_quorate")),
        data_dir: Some(dir.path()),
        zookeeper_home: None,
        pin: false,
        calibration: None,
        stop: &AtomicBool::new(false),
        notify: &|event| {
            if let ProgressEvent::Step(text) = event {
                step(dir.path(), text);
            }
        },
    };
    let result = run(plan, &TargetSpec::Bundled, &context, &mut |_| {}).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    result
}

fn quiet(_: &Path, _: &str) {}

/// Describes the faults and the changes of the leader in the order of their times: `kill 1`, `restart 1`, `leader`.
fn told(run: &Recording) -> Vec<String> {
    let events = run.events.iter().filter_map(|event| match &event.kind {
        EventKind::FaultBegan {
            action, servers, ..
        }
        | EventKind::FaultEnded {
            action, servers, ..
        } => Some(format!("{action} {}", servers.len())),
        EventKind::FaultFailed { .. } | EventKind::ServerEnded { .. } => {
            Some(event.kind.to_string())
        }
        EventKind::LeaderChanged { .. } => Some("leader".to_owned()),
        _ => None,
    });
    events.collect()
}

/// Returns when the fault with this action was carried out, in milliseconds of the measured phase.
fn at_ms(run: &Recording, wanted: &str) -> i64 {
    let event = run.events.iter().find(|event| match &event.kind {
        EventKind::FaultBegan { action, .. } | EventKind::FaultEnded { action, .. } => {
            action == wanted
        }
        _ => false,
    });
    event.unwrap().at_ns / 1_000_000
}

fn assert_kept(result: &RunResult) {
    let verified = result.runs[0].verified.as_ref().unwrap();
    assert!(verified.writes > 0, "{verified:?}");
    assert_eq!(
        (verified.lost, verified.unverifiable),
        (0, 0),
        "{verified:?}"
    );
    assert!(result.gates_passed(), "{:?}", result.gates);
    let sentence = "lost acknowledged writes: 0 of ";
    assert!(
        result
            .findings
            .iter()
            .any(|finding| finding.contains(sentence)),
        "{:?}",
        result.findings
    );
}

#[test]
fn a_killed_leader_is_replaced_and_restarted_and_no_acknowledged_write_is_lost() {
    let faults = "[[fault]]\nat = \"1s\"\nkind = \"kill\"\nvictim = \"leader\"\nfor = \"1s\"\n";
    let result = drive(&plan(faults), &quiet);
    assert!(result.verdict.is_valid(), "{:?}", result.verdict);
    let run = &result.runs[0];
    assert_eq!(told(run), ["kill 1", "leader", "restart 1"]);
    assert!(at_ms(run, "kill") >= 1_000);
    assert!(at_ms(run, "restart") >= 2_000);
    assert_kept(&result);
    for server in &run.servers {
        assert!(server.cpu_s.is_some(), "{server:?}");
        assert!(server.disk_written_bytes.is_some(), "{server:?}");
    }
    let restarted: Vec<bool> = run.servers.iter().map(|one| one.syncs.is_none()).collect();
    assert_eq!(
        restarted.iter().filter(|is| **is).count(),
        1,
        "{restarted:?}"
    );
}

#[test]
fn a_paused_leader_is_replaced_and_a_restart_undoes_a_kill_without_length() {
    let faults = "[[fault]]\nat = \"500ms\"\nkind = \"kill\"\nvictim = \"follower\"\n\
        [[fault]]\nat = \"700ms\"\nkind = \"restart\"\nvictim = \"follower\"\n\
        [[fault]]\nat = \"2s\"\nkind = \"pause\"\nvictim = \"leader\"\nfor = \"3s\"\n";
    let mut plan = plan(faults);
    plan.load.duration_ms = 5_500;
    let result = drive(&plan, &quiet);
    assert!(result.verdict.is_valid(), "{:?}", result.verdict);
    assert_eq!(
        told(&result.runs[0]),
        ["kill 1", "restart 1", "pause 1", "leader", "resume 1"]
    );
    assert_kept(&result);
}

#[test]
fn a_lost_quorum_does_not_prolong_the_run_and_is_told_in_words() {
    let faults = "[[fault]]\nat = \"1s\"\nkind = \"kill\"\nvictim = \"all\"\n";
    let mut plan = plan(faults);
    plan.load.repeats = 2;
    plan.load.drain_ms = 1_000;
    let result = drive(&plan, &quiet);
    assert_eq!(result.runs.len(), 2, "{:?}", result.verdict);
    for run in &result.runs {
        let told = told(run);
        assert_eq!(told.first().map(String::as_str), Some("kill 3"), "{told:?}");
        // The servers start again after the run: the next one needs them.
        assert!(told.iter().any(|event| event == "restart 3"), "{told:?}");
        assert!(at_ms(run, "restart") >= 3_000);
    }
    let silent = result
        .findings
        .iter()
        .filter(|finding| finding.contains("nobody could write from +1."));
    assert_eq!(silent.count(), 2, "{:?}", result.findings);
    assert_kept(&result);
}

/// The leader hears nothing from the other servers, and its clients still reach it.
#[test]
fn a_cut_leader_is_replaced_and_no_acknowledged_write_is_lost() {
    let faults = "[[fault]]\nat = \"500ms\"\nkind = \"cut\"\nvictim = \"leader\"\nbetween = \"servers\"\nfor = \"1500ms\"\n\
        [[fault]]\nat = \"2500ms\"\nkind = \"slow\"\nvictim = \"all\"\nbetween = \"clients\"\ndelay = \"20ms\"\nfor = \"300ms\"\n";
    let result = drive(&plan(faults), &quiet);
    assert!(result.verdict.is_valid(), "{:?}", result.verdict);
    let run = &result.runs[0];
    assert_eq!(told(run), ["cut 1", "leader", "heal 1", "slow 3", "heal 3"]);
    assert!(at_ms(run, "cut") >= 500);
    assert_kept(&result);
}

#[test]
fn a_fault_without_a_victim_is_an_event_and_the_run_goes_on() {
    let faults = "[[fault]]\nat = \"100ms\"\nkind = \"pause\"\nvictim = \"followers 2\"\n\
        [[fault]]\nat = \"700ms\"\nkind = \"kill\"\nvictim = \"follower\"\n";
    let result = drive(&plan(faults), &quiet);
    assert!(result.verdict.is_valid(), "{:?}", result.verdict);
    let told = told(&result.runs[0]);
    assert!(
        told.iter()
            .any(|event| event.starts_with("fault 2: kill failed: 0 of 1 servers")),
        "{told:?}"
    );
    assert_kept(&result);
}

/// Fills the second half of every transaction log below `dir` with zeros, as if it had never been written.
fn forget_half(dir: &Path) {
    let mut logs: Vec<PathBuf> = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.starts_with("log.") {
                logs.push(path);
            }
        }
    }
    assert_eq!(logs.len(), 3, "{logs:?}");
    for log in logs {
        let bytes = fs::read(&log).unwrap();
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
        let half = used / 2;
        let file = fs::OpenOptions::new().write(true).open(&log).unwrap();
        let zeros = vec![0; used + 1 - half];
        file.write_all_at(&zeros, u64::try_from(half).unwrap())
            .unwrap();
    }
}

/// The logs of all servers lose their second half while the servers are down. No correct ensemble does this, so it
/// shows that the check finds losses.
#[test]
fn lost_acknowledged_writes_are_found() {
    let faults = "[[fault]]\nat = \"2s\"\nkind = \"kill\"\nvictim = \"all\"\nfor = \"100ms\"\n";
    // So few writes that a server has one log, and that its second half does not contain the preparation.
    let text = format!("{}{faults}", LOAD.replace("in_flight = 1", "rate = 300"));
    let plan = resolve(&Source::from_text("mine.toml", text), &[], Some(5)).unwrap();
    let result = drive(&plan, &|dir, step| {
        if step.starts_with("fault 1: killed") {
            forget_half(dir);
        }
    });
    let verified = result.runs[0].verified.as_ref().unwrap();
    assert!(verified.lost > 0, "{verified:?}");
    assert!(!verified.examples.is_empty());
    assert!(!result.gates_passed(), "{:?}", result.gates);
    let folder = tempfile::tempdir().unwrap();
    write_result(folder.path(), &result).unwrap();
    let again = read_result(folder.path()).unwrap();
    assert_eq!(again.runs[0].verified, result.runs[0].verified);
    assert_eq!(again.plan.faults, plan.faults);
}

#[test]
fn faults_of_a_live_target_and_of_a_search_are_refused_before_anything_starts() {
    let faults = "[[fault]]\nat = \"1s\"\nkind = \"kill\"\nvictim = \"leader\"\n";
    let plan = plan(faults);
    let steps = Mutex::new(Vec::new());
    let context = RunContext {
        quorate: Path::new("/nowhere"),
        data_dir: None,
        zookeeper_home: None,
        pin: false,
        calibration: None,
        stop: &AtomicBool::new(false),
        notify: &|event| steps.lock().unwrap().push(format!("{event:?}")),
    };
    let live: TargetSpec = "zk://127.0.0.1:1".parse().unwrap();
    let error = run(&plan, &live, &context, &mut |_| {}).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("zk://127.0.0.1:1 were not started by quorate"),
        "{text}"
    );
    let limits = quorate::experiment::SearchLimits {
        first_per_s: 100.0,
        lowest_per_s: 10.0,
        highest_per_s: 1_000.0,
        precision: 0.1,
        runs_max: 5,
    };
    let searched: Result<_, ExperimentError> = capacity(
        &plan,
        &TargetSpec::Bundled,
        limits,
        &context,
        &mut |_, _| {},
        &mut |_| Ok(None),
    );
    let text = searched.unwrap_err().to_string();
    assert!(
        text.contains("a search for the capacity has none"),
        "{text}"
    );
    assert_eq!(steps.into_inner().unwrap(), [] as [String; 0]);
}
